// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// What the gateway may ask the API server about those who call it.

// Who holds a token that was sent to the gateway.
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create

// Whether they may use an MCP server.
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Ask puts a question to the API server: an object that is created, and comes back with its answer.
type Ask[Question any] func(ctx context.Context, question Question) error

// tries of one question. Behind a load balancer the second one reaches another API server.
var tries = wait.Backoff{Steps: 3, Duration: 100 * time.Millisecond, Factor: 3, Jitter: 0.2}

// again asks until there is an answer, with a fresh object each time: a try that was cut off may have left half an answer in its own.
func (ask Ask[Question]) again(ctx context.Context, question func() Question) (Question, error) {
	var asked Question
	var failed error
	err := wait.ExponentialBackoffWithContext(ctx, tries, func(ctx context.Context) (bool, error) {
		asked = question()
		failed = ask(ctx, asked)
		if apierrors.IsForbidden(failed) || apierrors.IsInvalid(failed) || apierrors.IsUnauthorized(failed) {
			return false, failed
		}
		return failed == nil, nil
	})
	switch {
	case err == nil:
		return asked, nil
	case apierrors.IsForbidden(failed):
		return asked, fmt.Errorf("the gateway lacks a right of config/rbac/gateway, apply it: %w", failed)
	case failed != nil:
		return asked, fmt.Errorf("the API server does not answer: %w", failed)
	default:
		return asked, err
	}
}

// Tokens asks the API server who holds a token.
type Tokens struct {
	ask       Ask[*authenticationv1.TokenReview]
	audiences []string
	known     *memory[[sha256.Size]byte, User]
}

// NewTokens makes an Authenticator that takes tokens for one of the audiences.
func NewTokens(ask Ask[*authenticationv1.TokenReview], audiences []string, now clock.Clock) *Tokens {
	return &Tokens{ask: ask, audiences: audiences, known: newMemory[[sha256.Size]byte, User](now)}
}

// How says how to get a token.
func (t *Tokens) How() string {
	return fmt.Sprintf("send the header Authorization: Bearer TOKEN, where TOKEN is what this prints: kubectl create token SERVICEACCOUNT -n NAMESPACE --audience=%s", t.audiences[0])
}

// Authenticate asks once a minute. Tokens are remembered by their hash.
func (t *Tokens) Authenticate(ctx context.Context, token string) (User, error) {
	return whose(ctx, t.known, token, func(ctx context.Context) (answer[User], error) {
		review, err := t.ask.again(ctx, func() *authenticationv1.TokenReview {
			return &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: t.audiences}}
		})
		if err != nil {
			return answer[User]{}, withoutToken(err, token)
		}
		return t.read(review.Status), nil
	})
}

// read takes a token for good only if the API server says for which of our audiences it is: one that does not know audiences
// leaves the field empty, and would take every token of the cluster.
func (t *Tokens) read(status authenticationv1.TokenReviewStatus) answer[User] {
	ours := slices.ContainsFunc(status.Audiences, func(audience string) bool { return slices.Contains(t.audiences, audience) })
	if !status.Authenticated || !ours || status.User.Username == "" {
		return answer[User]{}
	}
	user := User{Name: status.User.Username, UID: status.User.UID, Groups: status.User.Groups, Extra: map[string][]string{}}
	for key, values := range status.User.Extra {
		user.Extra[key] = values
	}
	return answer[User]{value: identified(user), yes: true}
}

// withoutToken makes sure that no token gets into a log by way of an error.
func withoutToken(err error, token string) error {
	if strings.Contains(err.Error(), token) {
		return errors.New("the API server's error repeats the token, and is not shown")
	}
	return err
}

// Access asks the API server what a user may do.
type Access struct {
	ask   Ask[*authorizationv1.SubjectAccessReview]
	known *memory[question, bool]
}

// question is what is asked of whom.
type question struct {
	user  [sha256.Size]byte
	right Right
}

// NewAccess makes an Authorizer.
func NewAccess(ask Ask[*authorizationv1.SubjectAccessReview], now clock.Clock) *Access {
	return &Access{ask: ask, known: newMemory[question, bool](now)}
}

// May asks once a minute.
func (a *Access) May(ctx context.Context, user User, right Right) (bool, error) {
	if user.id == (User{}).id {
		user = identified(user)
	}
	may, err := a.known.get(ctx, question{user.id, right}, func(ctx context.Context) (answer[bool], error) {
		review, err := a.ask.again(ctx, func() *authorizationv1.SubjectAccessReview {
			return &authorizationv1.SubjectAccessReview{Spec: specOf(user, right)}
		})
		if err != nil {
			return answer[bool]{}, err
		}
		// An EvaluationError is no error: a binding to a role that is gone is one, and all else was evaluated.
		allowed := review.Status.Allowed && !review.Status.Denied
		return answer[bool]{value: allowed, yes: allowed}, nil
	})
	return may.value, err
}

func specOf(user User, right Right) authorizationv1.SubjectAccessReviewSpec {
	spec := authorizationv1.SubjectAccessReviewSpec{
		User: user.Name, UID: user.UID, Groups: user.Groups, Extra: map[string]authorizationv1.ExtraValue{},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: right.Resource,
			Verb: right.Verb, Namespace: right.Namespace, Name: right.Name,
		},
	}
	for key, values := range user.Extra {
		spec.Extra[key] = values
	}
	return spec
}
