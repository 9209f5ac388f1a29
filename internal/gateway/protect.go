// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"net"
	"net/http"
	"time"

	"github.com/ry-ops/cortex/internal/auth"
)

// openRoutes are the patterns that need no caller: what probes and scrapers read, where callers get their tokens, and the page, which
// holds nothing. Whatever else is registered is guarded, so that a route that is forgotten here is closed.
var openRoutes = map[string]bool{
	"/healthz": true, "/readyz": true, "/metrics": true, "/": true, auth.ResourcePath: true, auth.ResourcePath + "/{path...}": true,
}

// policy of the page: what it loads is the gateway's own, and nothing in it is inline. Whatever foreign text gets into it is
// text. An answer that is no page has no use for any of it, and the header does it no harm.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// protect puts what stands before the routes around them: a bound on how slowly a body may come, headers for browsers, and the
// refusal of what another site makes a browser send; and last, the guard.
func (s *Server) protect(mux *http.ServeMux) http.Handler {
	guarded := http.Handler(mux)
	if s.Guard != nil {
		guarded = s.Guard(s.calling(mux))
	}
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		s.boundBody(w, r)
		if s.LocalOnly && !localHost(r.Host) {
			refuse(w, http.StatusForbidden, "this gateway is reached as localhost only: another name may be a page's that made your browser come here (DNS rebinding)")
			return
		}
		_, pattern := mux.Handler(r)
		exchangeOf(r.Context()).to(pattern)
		if openRoutes[pattern] {
			// Whoever asks and does not read must not keep a scraper's place. A stream bounds each of its writes itself.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout))
			mux.ServeHTTP(w, r)
			return
		}
		if err := sameOrigin(origins, r); err != nil {
			refuse(w, http.StatusForbidden, "a page of another site may not use the gateway: open it under the gateway's own address")
			return
		}
		// Answers are for the one who asked: no cache may keep them.
		header.Set("Cache-Control", "no-store")
		guarded.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what a browser says comes from another site, whatever the method: the MCP specification asks for that on
// every request (Streamable HTTP, "Security Warning"), and net/http does it for those that change something.
func sameOrigin(origins *http.CrossOriginProtection, r *http.Request) error {
	as := *r
	as.Method = http.MethodPost
	return origins.Check(&as)
}

// localHost reports whether a Host header names this machine.
func localHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return auth.Loopback(host)
}

// boundBody gives a body BodyTimeout to come. Also one that nobody reads: net/http reads on after an answer, to keep the
// connection, and would wait for ever. Once the body is there, net/http lifts the deadline (connReader.startBackgroundRead), so
// the stream that answers it may be long.
func (s *Server) boundBody(w http.ResponseWriter, r *http.Request) {
	if r.Body != nil && r.Body != http.NoBody {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.BodyTimeout))
	}
}
