// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/test/steady"
)

// counted reports whether one panic was counted, in one place.
func counted(t *testing.T, metrics *prometheus.Registry, where string) bool {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	counts := map[string]float64{}
	for _, metric := range families[0].GetMetric() {
		counts[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue()
	}
	return families[0].GetName() == "cortex_gateway_panics_total" && counts[where] == 1 && len(counts) == 6
}

type bomb struct{}

// MarshalJSON panics.
func (bomb) MarshalJSON() ([]byte, error) { panic("boom: s3cr3t") }

func TestAPanicIsKeptToWhereItHappens(t *testing.T) {
	var logged atomic.Pointer[string]
	log := funcr.New(func(_, line string) { logged.Store(&line) }, funcr.Options{})
	for where, blow := range map[string]func(t *testing.T, r *mcp.Registry, backend *mcptest.Backend){
		panics.ToolCall: func(t *testing.T, r *mcp.Registry, _ *mcptest.Backend) {
			server := r.Servers()[0]
			_, err := server.Call(t.Context(), mcp.Tool{Name: "list_hosts"}, map[string]any{"x": bomb{}})
			if got, _ := class(t, err); got != v1alpha1.ErrorInternal || !errors.Is(err, panics.Err) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%s: %v", got, err)
			}
		},
		panics.Watch: func(_ *testing.T, r *mcp.Registry, _ *mcptest.Backend) {
			r.OnAdd((*corev1.Service)(nil), false)
		},
		panics.Background: func(_ *testing.T, r *mcp.Registry, backend *mcptest.Backend) {
			backend.Down()
			r.Servers()[0].Reset()
			r.Servers()[0].Relist() // tells the log, which panics
		},
	} {
		t.Run(where, func(t *testing.T) {
			metrics := prometheus.NewRegistry()
			backend := mcptest.Start(t, "sandfly-mcp-server")
			r := mcp.NewRegistry(mcp.Options{Panics: panics.New(metrics, log), Log: logr.New(explosive{})})
			t.Cleanup(r.Close)
			r.OnAdd(backend.Service(), true)
			named(t, r.Servers()[0], "list_hosts")
			logged.Store(nil)
			blow(t, r, backend)
			// It is counted before it is told.
			mcptest.Eventually(t, "the panic to be counted and told", func() bool { return counted(t, metrics, where) && logged.Load() != nil })
			if line := *logged.Load(); !strings.Contains(line, "boom") && !strings.Contains(line, "nil pointer") || !strings.Contains(line, "goroutine ") {
				t.Errorf("the log does not tell: %s", line)
			}
			backend.Up()
			if _, err := r.Servers()[0].Call(t.Context(), mcp.Tool{Name: "list_hosts"}, nil); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	t.Run("a slice", func(t *testing.T) {
		metrics := prometheus.NewRegistry()
		r := mcp.NewRegistry(mcp.Options{Panics: panics.New(metrics, log), Log: logr.Discard()})
		t.Cleanup(r.Close)
		r.Slices().OnAdd((*discoveryv1.EndpointSlice)(nil), false)
		if !counted(t, metrics, panics.Watch) {
			t.Error("it is not counted")
		}
	})
}

// explosive is a log that panics.
type explosive struct{}

func (explosive) Init(logr.RuntimeInfo)            {}
func (explosive) Enabled(int) bool                 { return true }
func (explosive) Info(int, string, ...any)         { panic("boom") }
func (explosive) Error(error, string, ...any)      { panic("boom") }
func (e explosive) WithValues(...any) logr.LogSink { return e }
func (e explosive) WithName(string) logr.LogSink   { return e }

// TestACallThatMustNotRunTwiceIsSentOnce counts what reaches the server of a call that it takes and does not answer well.
func TestACallThatMustNotRunTwiceIsSentOnce(t *testing.T) {
	for name, bad := range map[string]mcptest.Fault{
		"lost": mcptest.LoseAnswer(), "503": mcptest.Status(http.StatusServiceUnavailable), "500": mcptest.Status(http.StatusInternalServerError),
		"429": mcptest.Status(http.StatusTooManyRequests), "hung": mcptest.Hang("tools/call"), "no MCP": mcptest.Status(http.StatusNoContent),
		"cut": func(w http.ResponseWriter, _ *http.Request, _ string, _ http.HandlerFunc) bool {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte("id: 1\ndata:\n\n"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			backend := mcptest.Start(t, "sandfly-mcp-server")
			server := registry(t, mcp.Options{}, backend.Service()).Servers()[0]
			tool := named(t, server, "start_scan")
			var sent, resumed atomic.Int32
			ctx, late := steady.Overdue(t.Context())
			backend.Break(func(w http.ResponseWriter, r *http.Request, body string, serve http.HandlerFunc) bool {
				if r.Method == http.MethodGet {
					resumed.Add(1)
				}
				if !strings.Contains(body, `"method":"tools/call"`) {
					return false
				}
				sent.Add(1)
				if name == "hung" {
					late()
				}
				return bad(w, r, body, serve)
			})
			if _, err := server.Call(ctx, tool, map[string]any{"host": "web-1"}); err == nil || sent.Load() != 1 || resumed.Load() != 0 {
				t.Errorf("sent %d times, resumed %d times: %v", sent.Load(), resumed.Load(), err)
			}
		})
	}
}
