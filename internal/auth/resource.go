// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"net/http"
	"strings"
)

// ResourcePath is where the metadata of a protected resource are (RFC 9728, 3.1); the path of the resource follows it.
const ResourcePath = "/.well-known/oauth-protected-resource"

// server is an Authenticator whose tokens come from an authorization server that clients can find by its metadata.
type server interface{ AuthorizationServer() string }

// AuthorizationServer names who gives the tokens.
func (i *Issuer) AuthorizationServer() string { return i.URL }

// Resource tells an MCP client where it gets a token for the gateway (RFC 9728, as MCP's "Authorization" asks for). It is nil if that is
// not from an authorization server. It holds nothing that is secret, and is there for those who have no token yet.
func (g *Gate) Resource() http.Handler {
	issuer, ok := g.Authenticator.(server)
	if !ok {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")   // the name of the gateway in it is the one that it was asked by
		_ = json.NewEncoder(w).Encode(map[string]any{ // the client may be gone
			"resource":                 origin(r) + strings.TrimPrefix(r.URL.EscapedPath(), ResourcePath),
			"resource_name":            "Cortex",
			"authorization_servers":    []string{issuer.AuthorizationServer()},
			"bearer_methods_supported": []string{"header"},
		})
	})
}

// pointed adds to a challenge where the metadata are (RFC 9728, 5.1). A path that a header could not hold as it is is left out.
func (g *Gate) pointed(r *http.Request, challenge string) string {
	if _, ok := g.Authenticator.(server); !ok || challenge == "" {
		return challenge
	}
	at := origin(r) + ResourcePath
	if path := r.URL.EscapedPath(); path == "/mcp" || strings.HasPrefix(path, "/mcp/") {
		at += path
	}
	if strings.ContainsAny(at, "\"\\ ") {
		return challenge
	}
	return challenge + `, resource_metadata="` + at + `"`
}

// origin is the gateway's as the client knows it. Who would lie about it misleads nobody but themselves: the answer goes to them alone.
func origin(r *http.Request) string {
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
