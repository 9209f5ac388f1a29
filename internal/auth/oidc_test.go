// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/internal/auth"
)

// issuer is an OpenID Connect issuer with one key.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
	// down, and keyless: it answers nothing, or nothing about its keys.
	down, keyless atomic.Bool
	// fetched counts how often it was asked for its keys.
	fetched atomic.Int32
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	i.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case i.down.Load(), i.keyless.Load() && r.URL.Path == "/keys":
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/keys":
			i.fetched.Add(1)
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}})
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	return signedAs(t, "1", algorithm, key, claims)
}

func signedAs(t *testing.T, id string, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(claims)
	object, err := signer.Sign(raw)
	if err != nil {
		t.Fatal(err)
	}
	token, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (i *issuer) options(now *testclock.FakeClock) auth.IssuerOptions {
	return auth.IssuerOptions{
		URL: i.URL, Audience: "cortex", UsernameClaim: "sub", UsernamePrefix: "idp:", GroupsClaim: "groups", GroupsPrefix: "idp:",
		Client: i.Client(), Clock: now,
	}
}

// claims are good ones, with some changed. A nil takes one away.
func (i *issuer) claims(now time.Time, changed map[string]any) map[string]any {
	claims := map[string]any{"iss": i.URL, "aud": "cortex", "sub": "anna", "exp": now.Add(time.Hour).Unix(), "groups": []string{"sre"}}
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

func TestTokensOfAnIssuer(t *testing.T) {
	i, now := newIssuer(t), testclock.NewFakeClock(time.Now())
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		claims map[string]any
		change func(*auth.IssuerOptions)
		token  string
		user   string
		groups string
	}{
		"a good one":                  {user: "idp:anna", groups: "idp:sre system:authenticated"},
		"one group":                   {claims: map[string]any{"groups": "sre"}, user: "idp:anna", groups: "idp:sre system:authenticated"},
		"no groups":                   {claims: map[string]any{"groups": nil}, user: "idp:anna", groups: "system:authenticated"},
		"several audiences":           {claims: map[string]any{"aud": []string{"other", "cortex"}}, user: "idp:anna", groups: "idp:sre system:authenticated"},
		"another audience":            {claims: map[string]any{"aud": "other"}},
		"another issuer":              {claims: map[string]any{"iss": "https://evil.example"}},
		"expired":                     {claims: map[string]any{"exp": now.Now().Add(-time.Second).Unix()}},
		"not valid yet":               {claims: map[string]any{"nbf": now.Now().Add(time.Hour).Unix()}},
		"no name":                     {claims: map[string]any{"sub": nil}},
		"a name that is no text":      {claims: map[string]any{"sub": 7}},
		"another's key":               {token: signed(t, jose.RS256, other, i.claims(now.Now(), nil))},
		"a secret for a key":          {token: signed(t, jose.HS256, []byte(strings.Repeat("k", 32)), i.claims(now.Now(), nil))},
		"unsigned":                    {token: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0."},
		"no token at all":             {token: "anna"},
		"a name of Kubernetes":        {claims: map[string]any{"sub": "system:admin"}, change: func(o *auth.IssuerOptions) { o.UsernamePrefix = "" }},
		"a group of Kubernetes":       {claims: map[string]any{"groups": []string{"system:masters", "sre"}}, change: func(o *auth.IssuerOptions) { o.GroupsPrefix = "" }, user: "idp:anna", groups: "sre system:authenticated"},
		"a prefix makes one":          {claims: map[string]any{"groups": []string{"masters"}}, change: func(o *auth.IssuerOptions) { o.GroupsPrefix = "system:" }, user: "idp:anna", groups: "system:authenticated"},
		"an email":                    {claims: map[string]any{"email": "a@b.c", "email_verified": true}, change: email, user: "a@b.c", groups: "idp:sre system:authenticated"},
		"an email nobody has checked": {claims: map[string]any{"email": "a@b.c", "email_verified": false}, change: email},
	} {
		t.Run(name, func(t *testing.T) {
			o := i.options(now)
			if tc.change != nil {
				tc.change(&o)
			}
			if tc.token == "" {
				tc.token = signed(t, jose.RS256, i.key, i.claims(now.Now(), tc.claims))
			}
			user, err := auth.NewIssuer(o).Authenticate(t.Context(), tc.token)
			if (err == nil) != (tc.user != "") || user.Name != tc.user || strings.Join(user.Groups, " ") != tc.groups {
				t.Errorf("%q %v, %v", user.Name, user.Groups, err)
			}
		})
	}
}

func email(o *auth.IssuerOptions) { o.UsernameClaim, o.UsernamePrefix = "email", "" }

// TestMadeUpKeys: tokens with key ids that nobody knows do not make the gateway ask the issuer each time, and a key that is new is
// known in time.
func TestMadeUpKeys(t *testing.T) {
	i, now := newIssuer(t), testclock.NewFakeClock(time.Now())
	a := auth.NewIssuer(i.options(now))
	for n := range 100 {
		token := signedAs(t, fmt.Sprint("made up ", n), jose.RS256, i.key, i.claims(now.Now(), nil))
		if _, err := a.Authenticate(t.Context(), token); err == nil || !strings.Contains(err.Error(), "not valid") {
			t.Fatal(err)
		}
	}
	if n := i.fetched.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	// The library tells those who wait before it takes note that the fetch is over: who comes in between is told the old answer too.
	for limit := time.Now().Add(time.Minute); i.fetched.Load() == 1 && time.Now().Before(limit); {
		now.Step(11 * time.Second)
		if _, err := a.Authenticate(t.Context(), signedAs(t, "new", jose.RS256, i.key, i.claims(now.Now(), nil))); err == nil {
			t.Error("a key that nobody knows is taken")
		}
	}
	if n := i.fetched.Load(); n != 2 {
		t.Errorf("fetched %d times", n)
	}
	if user, err := a.Authenticate(t.Context(), signed(t, jose.RS256, i.key, i.claims(now.Now(), nil))); err != nil || user.Name != "idp:anna" {
		t.Error(user.Name, err)
	}
}

// TestWhereTokensAreFrom: a client without one is told (RFC 9728).
func TestWhereTokensAreFrom(t *testing.T) {
	i, now := newIssuer(t), testclock.NewFakeClock(time.Now())
	gate := auth.NewGate(auth.Options{Authenticator: auth.NewIssuer(i.options(now)), Clock: now})
	guarded := gate.Guard(http.NotFoundHandler())
	for path, at := range map[string]string{"/mcp": "/mcp", "/mcp/sandfly": "/mcp/sandfly", "/api/tasks": "", "/mcpx": ""} {
		request := httptest.NewRequest(http.MethodPost, "http://cortex.example"+path, nil)
		request.Header.Set("X-Forwarded-Proto", "https")
		answer := httptest.NewRecorder()
		guarded.ServeHTTP(answer, request)
		want := `Bearer realm="cortex", resource_metadata="https://cortex.example/.well-known/oauth-protected-resource` + at + `"`
		if got := answer.Header().Get("WWW-Authenticate"); answer.Code != http.StatusUnauthorized || got != want {
			t.Errorf("%s: %d %s", path, answer.Code, got)
		}
		answer = httptest.NewRecorder()
		gate.Resource().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://cortex.example"+auth.ResourcePath+at, nil))
		var told struct {
			Resource string   `json:"resource"`
			Servers  []string `json:"authorization_servers"`
		}
		if json.Unmarshal(answer.Body.Bytes(), &told) != nil || told.Resource != "http://cortex.example"+at || !slices.Equal(told.Servers, []string{i.URL}) {
			t.Errorf("%s: %s", path, answer.Body)
		}
	}
	if auth.Open().Resource() != nil {
		t.Error("a gateway that asks nobody sends clients to an issuer")
	}
}

// TestAnIssuerThatIsAway: a gateway starts without it, says so, and lets nobody through until it is back. What was verified is
// believed no longer than the token is good.
func TestAnIssuerThatIsAway(t *testing.T) {
	i, now := newIssuer(t), testclock.NewFakeClock(time.Now())
	i.down.Store(true)
	a := auth.NewIssuer(i.options(now))
	token := signed(t, jose.RS256, i.key, i.claims(now.Now(), map[string]any{"exp": now.Now().Add(30 * time.Second).Unix()}))
	expect := func(name, told string) {
		t.Helper()
		user, err := a.Authenticate(t.Context(), token)
		if user.Name != name || (err == nil) != (told == "") || err != nil && !strings.Contains(err.Error(), told) {
			t.Errorf("%q, %v; want %q, %q", user.Name, err, name, told)
		}
	}
	expect("", "does not answer")
	i.down.Store(false)
	i.keyless.Store(true)
	expect("", "the keys of "+i.URL+" cannot be read")
	i.keyless.Store(false)
	expect("idp:anna", "")
	i.down.Store(true)
	expect("idp:anna", "")
	now.Step(31 * time.Second)
	expect("", "the token is not valid")
	if !slices.Contains(strings.Fields(a.How()), "cortex") {
		t.Error(a.How())
	}
}
