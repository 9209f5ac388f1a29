// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// Anonymous is who calls where nobody is asked. The names are Kubernetes' own.
var Anonymous = User{Name: "system:anonymous", Groups: []string{"system:unauthenticated"}}

// Open is a Gate for a gateway that only its own machine can reach: it takes everybody for Anonymous, who may use everything.
func Open() *Gate {
	return &Gate{Options: Options{Authenticator: everybody{}, Authorizer: everything{}}, refusals: newRefusals(), open: true}
}

type everybody struct{}

func (everybody) Authenticate(context.Context, string) (User, error) {
	return identified(Anonymous), nil
}
func (everybody) How() string { return "none is needed" }

type everything struct{}

func (everything) May(context.Context, User, Right) (bool, error) { return true, nil }

// letIn passes a request on as Anonymous's. A token that came with it goes no further either.
func letIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(NewContext(r.Context(), Anonymous))
		r.Header.Del("Authorization")
		next.ServeHTTP(w, r)
	})
}

// Loopback reports whether a host, a name or an address without a port, is this machine's own and reached by nobody else.
func Loopback(host string) bool {
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && address.Unmap().IsLoopback()
}
