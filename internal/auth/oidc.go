// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"k8s.io/utils/clock"
)

// reserved begins the names that Kubernetes keeps for itself. No issuer may give one: whoever is in system:masters may do all.
const reserved = "system:"

// IssuerOptions say which tokens of an OpenID Connect issuer are taken, and who they make a caller. The names of a user and of
// their groups are made as kube-apiserver makes them of its own --oidc flags, so that the same RBAC holds.
type IssuerOptions struct {
	// URL of the issuer.
	URL string
	// Audience that a token must be for: the client ID.
	Audience string
	// UsernameClaim and GroupsClaim name the claims. Groups may be left out.
	UsernameClaim, GroupsClaim string
	// UsernamePrefix and GroupsPrefix go before the names.
	UsernamePrefix, GroupsPrefix string
	// Client reaches the issuer.
	Client *http.Client
	Clock  clock.Clock
}

// Issuer takes the tokens of an OpenID Connect issuer.
type Issuer struct {
	IssuerOptions
	known *memory[[sha256.Size]byte, User]

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
}

// NewIssuer makes an Authenticator. The issuer is not asked before the first token comes: a gateway starts without it.
func NewIssuer(o IssuerOptions) *Issuer {
	return &Issuer{IssuerOptions: o, known: newMemory[[sha256.Size]byte, User](o.Clock)}
}

// How says how to get a token.
func (i *Issuer) How() string {
	return fmt.Sprintf("send the header Authorization: Bearer TOKEN, with an ID token of %s for the client %s", i.URL, i.Audience)
}

// Authenticate verifies a token once a minute.
func (i *Issuer) Authenticate(ctx context.Context, token string) (User, error) {
	return whose(ctx, i.known, token, func(ctx context.Context) (answer[User], error) {
		verifier, err := i.discovered(ctx)
		if err != nil {
			return answer[User]{}, err
		}
		verified, err := verifier.Verify(ctx, token)
		switch {
		case err != nil && keyless(err):
			return answer[User]{}, fmt.Errorf("the keys of %s cannot be read", i.URL)
		case err != nil:
			return answer[User]{}, nil
		}
		user, err := i.userOf(verified)
		return answer[User]{value: user, yes: err == nil, until: verified.Expiry}, nil
	})
}

// discovered asks the issuer once where its keys are, and again as long as it does not answer.
func (i *Issuer) discovered(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	ctx = oidc.ClientContext(ctx, briefly(i.Client, i.Clock))
	provider, err := oidc.NewProvider(ctx, i.URL)
	if err != nil {
		return nil, fmt.Errorf("the issuer %s does not answer: %w", i.URL, err)
	}
	i.verifier = provider.VerifierContext(ctx, &oidc.Config{ClientID: i.Audience, Now: i.Clock.Now})
	return i.verifier, nil
}

// keyless tells a token whose key could not be had from one whose signature is wrong. The library has no type for it.
func keyless(err error) bool { return strings.Contains(err.Error(), "fetching keys") }

func (i *Issuer) userOf(token *oidc.IDToken) (User, error) {
	var claims map[string]json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return User{}, err
	}
	var name string
	if err := json.Unmarshal(claims[i.UsernameClaim], &name); err != nil || name == "" {
		return User{}, errInvalid
	}
	// An address that nobody has verified may be somebody else's.
	if verified, told := claims["email_verified"]; i.UsernameClaim == "email" && told && string(verified) != "true" {
		return User{}, errInvalid
	}
	user := User{Name: i.UsernamePrefix + name}
	if strings.HasPrefix(user.Name, reserved) {
		return User{}, errInvalid
	}
	for _, group := range groupsIn(claims[i.GroupsClaim]) {
		if group = i.GroupsPrefix + group; !strings.HasPrefix(group, reserved) {
			user.Groups = append(user.Groups, group)
		}
	}
	// Kubernetes adds this one to everybody whom it knows.
	user.Groups = append(user.Groups, "system:authenticated")
	return identified(user), nil
}

// groupsIn reads a claim that is a list of names or one name.
func groupsIn(claim json.RawMessage) []string {
	var many []string
	if json.Unmarshal(claim, &many) == nil {
		return many
	}
	var one string
	if json.Unmarshal(claim, &one) == nil && one != "" {
		return []string{one}
	}
	return nil
}
