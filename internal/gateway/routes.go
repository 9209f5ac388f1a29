// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/gateway/ui"
	"github.com/ry-ops/cortex/internal/panics"
)

// Handler serves all routes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/tasks", s.allow(s.tasks, http.MethodPost))
	mux.Handle("/api/tasks/{id}", s.allow(s.taskState, http.MethodGet))
	mux.Handle("/api/tasks/{id}/events", s.allow(s.taskEvents, http.MethodGet))
	mux.Handle("/api/heals/{namespace}/{name}/events", s.allow(s.healEvents, http.MethodGet))
	mux.Handle("/api/heals", s.allow(s.heals, http.MethodGet))
	mux.Handle("/api/heals/{namespace}/{name}/approval", s.allow(s.approval, http.MethodPost))
	mux.Handle("/api/services", s.allow(s.services, http.MethodGet))
	mux.Handle("/healthz", s.allow(s.healthz, http.MethodGet, http.MethodHead))
	mux.Handle("/readyz", s.allow(s.readyz, http.MethodGet, http.MethodHead))
	mux.Handle("/metrics", promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	if s.MCP != nil {
		mux.HandleFunc("/mcp", s.mcp)
		mux.HandleFunc("/mcp/{server}", s.mcp)
	}
	if s.Resource != nil {
		mux.Handle(auth.ResourcePath, s.Resource)
		mux.Handle(auth.ResourcePath+"/{path...}", s.Resource)
	}
	mux.Handle("/", ui.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing here: the page is at /, and queries are POSTed to /api/tasks")
	})))
	return s.observed(s.recovering(s.protect(mux)))
}

// allow refuses all methods but some, and says which.
func (s *Server) allow(handler http.HandlerFunc, methods ...string) http.Handler {
	allowed := strings.Join(methods, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, method := range methods {
			if r.Method == method {
				handler(w, r)
				return
			}
		}
		w.Header().Set("Allow", allowed)
		refuse(w, http.StatusMethodNotAllowed, "use "+allowed)
	})
}

// recovering ends a request that panics with an answer, and leaves the others alone. An answer that had begun is cut off: with an
// error after its half it would look whole.
func (s *Server) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		answer := &begun{ResponseWriter: w}
		defer func() {
			switch {
			case err == nil:
			case answer.yes:
				panic(http.ErrAbortHandler)
			default:
				refuse(w, http.StatusInternalServerError, err.Error())
			}
		}()
		defer s.Panics.Catch(panics.Handler, &err, "path", r.URL.Path)
		next.ServeHTTP(answer, r)
	})
}

// begun is a response of which is known whether any of it was written.
type begun struct {
	http.ResponseWriter
	yes bool
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (b *begun) WriteHeader(status int) {
	b.yes = b.yes || status >= http.StatusOK // what comes before is not the answer
	b.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

// readyz says no before the caches are synced, and again once the gateway is shutting down.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.draining.Load():
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
	case !s.Ready():
		http.Error(w, "waiting for the caches of Services and HealingRequests", http.StatusServiceUnavailable)
	default:
		_, _ = w.Write([]byte("ok\n"))
	}
}

// refuse counts a refusal and answers with it.
func (s *Server) refuse(w http.ResponseWriter, status int, message string) {
	s.metrics.refused(status)
	refuse(w, status, message)
}

// refuse answers with an error as JSON: {"error": "…"}.
func refuse(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]string{"error": message})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
