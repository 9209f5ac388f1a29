// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/internal/auth"
)

const (
	alices = "alices-token"
	bobs   = "bobs-token"
)

var (
	sandfly = types.NamespacedName{Namespace: "cortex-system", Name: "sandfly-mcp-server"}
	proxmox = types.NamespacedName{Namespace: "cortex-system", Name: "proxmox-mcp-server"}
)

// api is an API server that knows alice, who may use the sandfly server, and bob, who may use nothing.
type api struct {
	mu sync.Mutex
	// down is what it answers with while it is not there.
	down  error
	asked map[string]int
	// slow holds answers back until it is closed.
	slow chan struct{}
	// unaware of audiences, as a webhook may be.
	unaware bool
	grants  map[string]bool
}

func newAPI() *api {
	return &api{asked: map[string]int{}, grants: map[string]bool{"alice/" + sandfly.String(): true}}
}

func (a *api) reviewToken(_ context.Context, review *authenticationv1.TokenReview) error {
	if err := a.answer("token"); err != nil {
		return err
	}
	name := map[string]string{alices: "alice", bobs: "bob"}[review.Spec.Token]
	review.Status = authenticationv1.TokenReviewStatus{
		Authenticated: name != "", Audiences: review.Spec.Audiences,
		User: authenticationv1.UserInfo{Username: name, Groups: []string{"system:authenticated"}, Extra: map[string]authenticationv1.ExtraValue{"x": {"1"}}},
	}
	if a.unaware {
		review.Status.Audiences = nil
	}
	return nil
}

func (a *api) reviewAccess(_ context.Context, review *authorizationv1.SubjectAccessReview) error {
	if err := a.answer("access"); err != nil {
		return err
	}
	at := review.Spec.ResourceAttributes
	if at.Resource == "healingrequests" && at.Verb == "patch" {
		review.Status.Allowed = review.Spec.User == "alice" && at.Namespace == "cortex-system" && at.Name == "heal-1"
		return nil
	}
	if at.Group != "healing.cortex.dev" || at.Resource != "mcpservers" || at.Verb != "use" || review.Spec.Extra["x"][0] != "1" || review.Spec.Groups[0] != "system:authenticated" {
		return fmt.Errorf("asked for the wrong right: %+v", review.Spec)
	}
	review.Status.Allowed = a.grants[review.Spec.User+"/"+at.Namespace+"/"+at.Name]
	// Of a binding to a role that is gone, say.
	review.Status.EvaluationError = "clusterrole not found"
	return nil
}

// answer counts a question, and answers it if the API server is not there.
func (a *api) answer(what string) error {
	if a.slow != nil {
		<-a.slow
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[what]++
	return a.down
}

func (a *api) is(down error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
}

func (a *api) count(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked[what]
}

func gate(a *api, now *testclock.FakeClock, log logr.Logger) *auth.Gate {
	return auth.NewGate(auth.Options{
		Authenticator: auth.NewTokens(a.reviewToken, []string{"cortex"}, now), Authorizer: auth.NewAccess(a.reviewAccess, now), Clock: now, Log: log,
		Servers: func() []types.NamespacedName { return []types.NamespacedName{proxmox, sandfly} },
	})
}

// call passes a request through a gate. A handler behind it says who it thinks calls.
func call(t *testing.T, g *auth.Gate, target string, authorization ...string) (*httptest.ResponseRecorder, string) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, nil)
	for _, value := range authorization {
		request.Header.Add("Authorization", value)
	}
	answered := httptest.NewRecorder()
	g.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		user, _ := auth.FromContext(context.WithoutCancel(r.Context()))
		answered.Header().Set("X-User", user.Name)
		if r.Header.Get("Authorization") != "" {
			t.Error("the token went further")
		}
	})).ServeHTTP(answered, request)
	var told struct{ Error string }
	_ = json.Unmarshal(answered.Body.Bytes(), &told)
	return answered, told.Error
}

func TestWhoIsLetThrough(t *testing.T) {
	for name, tc := range map[string]struct {
		target        string
		authorization []string
		status        int
		told          string
	}{
		"alice":                {authorization: []string{"Bearer " + alices}, status: 200},
		"a scheme in capitals": {authorization: []string{"BEARER " + alices}, status: 200},
		"nobody":               {status: 401, told: "kubectl create token SERVICEACCOUNT -n NAMESPACE --audience=cortex"},
		"a token of nobody":    {authorization: []string{"Bearer made-up"}, status: 401, told: "has expired, or is for another audience"},
		"bob":                  {authorization: []string{"Bearer " + bobs}, status: 403, told: `bob may not use any MCP server: that needs the verb "use" on mcpservers.healing.cortex.dev. Who administers the namespace grants it with: kubectl create rolebinding NAME -n NAMESPACE --clusterrole=cortex-mcp-user --user=bob`},
		"another scheme":       {authorization: []string{"Basic " + alices}, status: 401, told: "not of the form Bearer TOKEN"},
		"no scheme":            {authorization: []string{alices}, status: 401, told: "not of the form Bearer TOKEN"},
		"no token":             {authorization: []string{"Bearer "}, status: 401, told: "not of the form Bearer TOKEN"},
		"two headers":          {authorization: []string{"Bearer " + bobs, "Bearer " + alices}, status: 400, told: "more than one Authorization header"},
		"two tokens":           {authorization: []string{"Bearer " + alices + ", Bearer " + alices}, status: 401, told: "this is no token"},
		"a huge token":         {authorization: []string{"Bearer " + strings.Repeat("a", 20<<10)}, status: 401, told: "this is no token"},
		"in the address":       {target: "/api/tasks?access_token=" + alices, status: 400, told: "is not secret any more"},
		"in both":              {target: "/api/tasks?token=x", authorization: []string{"Bearer " + alices}, status: 400, told: "is not secret any more"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.target == "" {
				tc.target = "/api/tasks"
			}
			answered, told := call(t, gate(newAPI(), testclock.NewFakeClock(time.Now()), logr.Discard()), tc.target, tc.authorization...)
			if answered.Code != tc.status || !strings.Contains(told, tc.told) {
				t.Errorf("%d %s", answered.Code, told)
			}
			user, challenge := answered.Header().Get("X-User"), answered.Header().Get("WWW-Authenticate")
			if (user == "alice") != (tc.status == 200) {
				t.Errorf("the handler saw %q", user)
			}
			if tc.status == 401 && !strings.HasPrefix(challenge, `Bearer realm="cortex"`) {
				t.Errorf("WWW-Authenticate: %q", challenge)
			}
		})
	}
}

func TestTheAPIServerMustSayForWhomATokenIs(t *testing.T) {
	a := newAPI()
	a.unaware = true
	if answered, told := call(t, gate(a, testclock.NewFakeClock(time.Now()), logr.Discard()), "/mcp", "Bearer "+alices); answered.Code != 401 {
		t.Errorf("%d %s", answered.Code, told)
	}
}

// TestAnswersAreBelievedForAMinute: the API server is asked once, may be away for that long, and then nobody gets through.
func TestAnswersAreBelievedForAMinute(t *testing.T) {
	a, now := newAPI(), testclock.NewFakeClock(time.Now())
	g := gate(a, now, logr.Discard())
	expect := func(status int, text string) {
		t.Helper()
		answered, told := call(t, g, "/mcp", "Bearer "+alices)
		if answered.Code != status || !strings.Contains(told, text) {
			t.Errorf("%d %s, want %d", answered.Code, told, status)
		}
		if after := answered.Header().Get("Retry-After"); (after != "") != (status == 503) {
			t.Errorf("Retry-After: %q", after)
		}
	}
	expect(200, "")
	expect(200, "")
	if a.count("token") != 1 || a.count("access") != 2 {
		t.Errorf("asked %v", a.asked)
	}
	a.is(errors.New("connection refused"))
	now.Step(59 * time.Second)
	expect(200, "")
	now.Step(2 * time.Second)
	expect(503, "who you are could not be found out, so nothing was done; try again: the API server does not answer: connection refused")
	a.is(apierrors.NewForbidden(schema.GroupResource{Resource: "tokenreviews"}, "", errors.New("no")))
	expect(503, "the gateway lacks a right of config/rbac/gateway")
	a.is(nil)
	expect(200, "")
}

// TestATokenThatIsNoGoodSoonIs: a right that was just granted is there within seconds.
func TestANoIsForgottenSoon(t *testing.T) {
	a, now := newAPI(), testclock.NewFakeClock(time.Now())
	g := gate(a, now, logr.Discard())
	for _, want := range []int{403, 403} {
		if answered, told := call(t, g, "/mcp", "Bearer "+bobs); answered.Code != want {
			t.Errorf("%d %s", answered.Code, told)
		}
	}
	if a.count("access") != 2 {
		t.Errorf("asked %v", a.asked)
	}
	a.mu.Lock()
	a.grants["bob/"+proxmox.String()] = true
	a.mu.Unlock()
	now.Step(11 * time.Second)
	if answered, told := call(t, g, "/mcp", "Bearer "+bobs); answered.Code != 200 {
		t.Errorf("%d %s", answered.Code, told)
	}
}

// TestOneQuestionForAll: a thousand calls that come at once are one question each of the API server.
func TestOneQuestionForAll(t *testing.T) {
	a := newAPI()
	a.slow = make(chan struct{})
	g := gate(a, testclock.NewFakeClock(time.Now()), logr.Discard())
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if answered, told := call(t, g, "/mcp", "Bearer "+alices); answered.Code != 200 {
				t.Errorf("%d %s", answered.Code, told)
			}
		})
	}
	close(a.slow)
	all.Wait()
	if a.count("token") != 1 || a.count("access") != 2 { // one about each server
		t.Errorf("asked %v", a.asked)
	}
}

// TestWhoLeavesTakesNobodyAlong: the question that the first caller put is everybody's.
func TestWhoLeavesTakesNobodyAlong(t *testing.T) {
	a := newAPI()
	a.slow = make(chan struct{})
	tokens := auth.NewTokens(a.reviewToken, []string{"cortex"}, testclock.NewFakeClock(time.Now()))
	gone, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := tokens.Authenticate(gone, alices)
		first <- err
	}()
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(a.slow)
	if user, err := tokens.Authenticate(t.Context(), alices); err != nil || user.Name != "alice" {
		t.Errorf("%+v, %v", user, err)
	}
}

type server types.NamespacedName

func (s server) Key() types.NamespacedName { return types.NamespacedName(s) }

func TestUsableServersOnly(t *testing.T) {
	a, now := newAPI(), testclock.NewFakeClock(time.Now())
	g := gate(a, now, logr.Discard())
	all := []server{server(sandfly), server(proxmox)}
	alice := auth.NewContext(t.Context(), auth.User{Name: "alice", Groups: []string{"system:authenticated"}, Extra: map[string][]string{"x": {"1"}}})
	if usable, err := auth.Usable(alice, g, all); err != nil || len(usable) != 1 || usable[0] != server(sandfly) {
		t.Errorf("%v, %v", usable, err)
	}
	if err := g.MayUse(alice, sandfly); err != nil {
		t.Error(err)
	}
	refused := func(err error, status int) {
		t.Helper()
		var refusal *auth.Refusal
		if !errors.As(err, &refusal) || refusal.Status != status {
			t.Errorf("%v, want %d", err, status)
		}
	}
	refused(g.MayUse(alice, proxmox), 403)
	if err := g.MayUse(alice, proxmox); !strings.Contains(err.Error(), `"proxmox-mcp-server" in namespace cortex-system`) {
		t.Error(err)
	}
	refused(g.MayUse(t.Context(), sandfly), 401)
	_, err := auth.Usable(t.Context(), g, all)
	refused(err, 401)
	a.is(errors.New("away"))
	now.Step(time.Hour)
	refused(g.MayUse(alice, sandfly), 503)
	_, err = auth.Usable(alice, g, all)
	refused(err, 503)
}

// TestRefusalsAreCounted: by their reason, those of the gate itself and those of a server.
func TestRefusalsAreCounted(t *testing.T) {
	a, now, metrics := newAPI(), testclock.NewFakeClock(time.Now()), prometheus.NewRegistry()
	g := auth.NewGate(auth.Options{
		Authenticator: auth.NewTokens(a.reviewToken, []string{"cortex"}, now), Authorizer: auth.NewAccess(a.reviewAccess, now), Clock: now, Log: logr.Discard(), Registry: metrics,
		Servers: func() []types.NamespacedName { return []types.NamespacedName{proxmox, sandfly} },
	})
	for range 2 {
		call(t, g, "/mcp")
	}
	for _, authorization := range []string{"Bearer made-up", "Bearer " + bobs, "Bearer " + alices} {
		call(t, g, "/mcp", authorization)
	}
	call(t, g, "/mcp", "Bearer "+alices, "Bearer "+alices)
	alice := auth.NewContext(t.Context(), auth.User{Name: "alice", Groups: []string{"system:authenticated"}, Extra: map[string][]string{"x": {"1"}}})
	g.Refused(g.MayUse(alice, proxmox))
	g.Refused(nil)
	a.is(errors.New("away"))
	now.Step(time.Hour)
	g.Refused(g.MayUse(alice, sandfly))
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, metric := range families[0].GetMetric() {
		got[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue()
	}
	if want := map[string]float64{"no token": 2, "invalid token": 1, "malformed": 1, "forbidden": 2, "unsure": 1}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestWhoMayAnswer: whoever may patch the request, and the right to a server is no such right.
func TestWhoMayAnswer(t *testing.T) {
	g := gate(newAPI(), testclock.NewFakeClock(time.Now()), logr.Discard())
	heal := func(name string) types.NamespacedName {
		return types.NamespacedName{Namespace: "cortex-system", Name: name}
	}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	if who, may, err := g.MayAnswer(request, heal("heal-1")); who != "" || may || err != nil {
		t.Errorf("nobody: %q, %t, %v", who, may, err)
	}
	for _, tc := range []struct {
		user, heal string
		may        bool
	}{{"alice", "heal-1", true}, {"alice", "heal-2", false}, {"bob", "heal-1", false}} {
		r := request.WithContext(auth.NewContext(t.Context(), auth.User{Name: tc.user, Groups: []string{"system:authenticated"}, Extra: map[string][]string{"x": {"1"}}}))
		if who, may, err := g.MayAnswer(r, heal(tc.heal)); who != tc.user || may != tc.may || err != nil {
			t.Errorf("%+v: %q, %t, %v", tc, who, may, err)
		}
	}
}

// TestCallersAreToldApart: a name that is cut or cleaned for the record is not somebody else's, whose tasks it would open.
func TestCallersAreToldApart(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"alice", "alice\x1b[2J", "alice\x00", strings.Repeat("a", 300), strings.Repeat("a", 301), "alice "} {
		caller := auth.Recorded(auth.NewContext(t.Context(), auth.User{Name: name}))
		if other, again := seen[caller]; again || len(caller) > 253 || strings.ContainsAny(caller, "\x1b\x00") {
			t.Errorf("%q and %q are both %q", name, other, caller)
		}
		seen[caller] = name
	}
	if auth.Recorded(t.Context()) != "" {
		t.Error("nobody has a name")
	}
}

// TestCommandsHoldNothingForeign: a name that an issuer gives is pasted into a shell by whoever administers.
func TestCommandsHoldNothingForeign(t *testing.T) {
	g := gate(newAPI(), testclock.NewFakeClock(time.Now()), logr.Discard())
	for name, want := range map[string]string{
		"system:serviceaccount:team-a:agent": "--serviceaccount=team-a:agent",
		"anna@example.com":                   "--user=anna@example.com",
		"https://idp.example#anna":           "--user=USER",
		"$(reboot)":                          "--user=USER",
		"a\x1b[2Jb; rm -rf /":                "--user=USER",
	} {
		user := auth.User{Name: name, Groups: []string{"system:authenticated"}, Extra: map[string][]string{"x": {"1"}}}
		err := g.MayUse(auth.NewContext(t.Context(), user), proxmox)
		if err == nil || !strings.HasSuffix(err.Error(), "--clusterrole=cortex-mcp-user "+want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNoTokenIsLogged(t *testing.T) {
	var lines strings.Builder
	log := funcr.New(func(_, args string) { lines.WriteString(args + "\n") }, funcr.Options{Verbosity: 10})
	a := newAPI()
	g := gate(a, testclock.NewFakeClock(time.Now()), log)
	call(t, g, "/mcp", "Bearer "+bobs)
	call(t, g, "/mcp?access_token="+bobs)
	a.is(errors.New("cannot take " + alices))
	_, told := call(t, g, "/mcp", "Bearer "+alices)
	if strings.Contains(lines.String()+told, bobs) || strings.Contains(lines.String()+told, alices) || !strings.Contains(lines.String(), `"status"=403`) {
		t.Error(lines.String(), told)
	}
}

func TestOpenLetsEverybodyIn(t *testing.T) {
	g := auth.Open()
	answered, _ := call(t, g, "/api/tasks", "Bearer whatever")
	if user := answered.Header().Get("X-User"); user != auth.Anonymous.Name {
		t.Error(user)
	}
	if err := g.MayUse(auth.NewContext(t.Context(), auth.Anonymous), sandfly); err != nil {
		t.Error(err)
	}
}

// BenchmarkGuard is what a call pays whose answers are remembered.
func BenchmarkGuard(b *testing.B) {
	g := gate(newAPI(), testclock.NewFakeClock(time.Now()), logr.Discard())
	guarded := g.Guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := g.MayUse(r.Context(), sandfly); err != nil {
			b.Error(err)
		}
	}))
	request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/mcp/sandfly-mcp-server", nil)
	b.ReportAllocs()
	for b.Loop() {
		request.Header.Set("Authorization", "Bearer "+alices)
		guarded.ServeHTTP(httptest.NewRecorder(), request)
	}
}
