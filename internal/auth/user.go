// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package auth tells who calls the gateway, and which MCP servers they may use. Who they are is the word of the API server
// (TokenReview) or of an OpenID Connect issuer; what they may do is the cluster's RBAC alone (SubjectAccessReview).
package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/ry-ops/cortex/internal/foreign"
)

// User is who calls.
type User struct {
	// Name as the cluster's RBAC knows it.
	Name   string
	UID    string
	Groups []string
	Extra  map[string][]string

	// id is all of the above in short, so that what is known of a user can be found again.
	id [sha256.Size]byte
}

// identified is a User with its id.
func identified(u User) User {
	raw, _ := json.Marshal(u) // strings alone: it cannot fail
	u.id = sha256.Sum256(raw)
	return u
}

// Caller names who makes a request, as it may be recorded: clean, at most maxName characters, and two callers never alike. It is empty if
// nobody was asked.
func Caller(r *http.Request) string { return Recorded(r.Context()) }

// Recorded is Caller of a context.
func Recorded(ctx context.Context) string {
	user, known := FromContext(ctx)
	if !known {
		return ""
	}
	if clean := foreign.Line(user.Name, maxName); clean == user.Name {
		return clean
	}
	sum := sha256.Sum256([]byte(user.Name))
	mark := "#" + hex.EncodeToString(sum[:8])
	return foreign.Line(user.Name, maxName-len(mark)) + mark
}

type userKey struct{}

// NewContext gives a context a user.
func NewContext(ctx context.Context, user User) context.Context {
	return withIdentified(ctx, identified(user))
}

func withIdentified(ctx context.Context, user User) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// FromContext is the user of a context. A context that outlives its request (context.WithoutCancel) keeps it. The second result is
// false if nobody was asked who they are.
func FromContext(ctx context.Context) (User, bool) {
	user, ok := ctx.Value(userKey{}).(User)
	return user, ok
}
