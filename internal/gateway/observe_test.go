// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/test/steady"
)

// talk is a Loop whose answers wait for a word.
type talk struct{ word chan struct{} }

func (l talk) Run(ctx context.Context, query chat.Query, emit func(chat.Event)) *chat.Outcome {
	emit(chat.ProcessingStart{Query: query.Text})
	select {
	case <-l.word:
	case <-ctx.Done():
	}
	result := chat.Message{Role: "assistant", Model: "rules", Content: []chat.Block{{Type: "text", Text: "done"}}}
	emit(chat.ProcessingComplete{ID: query.ID, Status: chat.StatusCompleted, Result: result})
	return &chat.Outcome{Status: chat.StatusCompleted, Result: result}
}

// lines is an access log that a test reads.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) log() *logr.Logger {
	return new(funcr.NewJSON(func(line string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = append(l.all, line)
	}, funcr.Options{}))
}

func (l *lines) read() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.all...)
}

// await waits for a number of lines.
func (l *lines) await(t *testing.T, n int) []string {
	t.Helper()
	mcptest.Eventually(t, "the lines are there", func() bool { return len(l.read()) >= n })
	all := l.read()
	if len(all) != n {
		t.Fatalf("%d lines, want %d: %s", len(all), n, all)
	}
	return all
}

func observedServer(t *testing.T, loop Loop, log *logr.Logger) *httptest.Server {
	t.Helper()
	s := New(Options{Loop: loop, AccessLog: log, Ready: func() bool { return true }, Registry: prometheus.NewRegistry(), Clock: clock.RealClock{}, Log: logr.Discard(),
		Caller: func(*http.Request) string { return "jane" }, Guard: func(next http.Handler) http.Handler { return next }})
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(s.cut)
	return server
}

func do(t *testing.T, method, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// TestAccessLog: a line for each request, with its route and nothing that a caller wrote; none for probes.
func TestAccessLog(t *testing.T) {
	var log lines
	server := observedServer(t, talk{}, log.log())
	do(t, http.MethodGet, server.URL+"/healthz", "")
	do(t, http.MethodGet, server.URL+"/metrics", "")
	do(t, "EVIL", server.URL+"/api/tasks/s3cret%0Ainjected?token=s3cret", "")
	do(t, http.MethodPost, server.URL+"/api/tasks", "no json s3cret")
	do(t, http.MethodGet, server.URL+"/s3cret", "")
	all := log.await(t, 3)
	for i, want := range []string{
		`"method":"_OTHER","route":"/api/tasks/{id}","status":405,`,
		`"method":"POST","route":"/api/tasks","status":400,`,
		`"method":"GET","route":"/","status":404,`,
	} {
		if !strings.Contains(all[i], want) || strings.Contains(all[i], "s3cret") || strings.Contains(all[i], "\n") {
			t.Errorf("%s\nwant %s", all[i], want)
		}
	}
	if !strings.Contains(all[1], `"caller":"jane"`) || !strings.Contains(all[1], `"ended":"complete"`) || strings.Contains(all[1], `"bytes":0`) {
		t.Error(all[1])
	}
}

// TestAccessLogOfStreams: the line comes at the end of the stream, long after its handler has returned, and says how that was.
func TestAccessLogOfStreams(t *testing.T) {
	for name, test := range map[string]struct {
		leave bool
		want  string
	}{
		"read to its end":    {false, `"ended":"complete"`},
		"left in the middle": {true, `"ended":"dropped"`},
	} {
		t.Run(name, func(t *testing.T) {
			var log lines
			l := talk{make(chan struct{})}
			server := observedServer(t, l, log.log())
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			body := `{"query":"x","streaming":true}`
			_, _ = fmt.Fprintf(conn, "POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			in := bufio.NewReader(conn)
			for line := ""; !strings.Contains(line, "processing_start"); {
				if line, err = in.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if all := log.read(); len(all) > 0 {
				t.Fatalf("the stream is open, and there is a line: %s", all)
			}
			if test.leave {
				_ = conn.Close()
			} else {
				close(l.word)
			}
			line := log.await(t, 1)[0]
			if !strings.Contains(line, test.want) || !strings.Contains(line, `"route":"/api/tasks","status":200`) || strings.Contains(line, `"bytes":0,`) {
				t.Errorf("%s\nwant %s", line, test.want)
			}
		})
	}
}

// TestAccessLogOfWhatBreaks: an answer that was cut is told as that, and one that was never begun has no status.
func TestAccessLogOfWhatBreaks(t *testing.T) {
	part := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
	}
	for name, test := range map[string]struct {
		handler func(*Server, http.ResponseWriter, *http.Request)
		want    string
	}{
		"given up":               {func(*Server, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, `"status":0,"bytes":0,"ended":"aborted"`},
		"given up in the middle": {func(_ *Server, w http.ResponseWriter, _ *http.Request) { part(w); panic(http.ErrAbortHandler) }, `"status":200,"bytes":4,"ended":"aborted"`},
		"a panic":                {func(*Server, http.ResponseWriter, *http.Request) { panic("boom") }, `"status":500,"ended":"complete"`},
		"a panic in the middle":  {func(_ *Server, w http.ResponseWriter, _ *http.Request) { part(w); panic("boom") }, `"status":200,"bytes":4,"ended":"aborted"`},
		"nothing said":           {func(*Server, http.ResponseWriter, *http.Request) {}, `"status":200,"bytes":0,"ended":"complete"`},
		"a panic of a stream": {func(s *Server, w http.ResponseWriter, r *http.Request) {
			s.stream(w, r, 0, func() {}, func(context.Context, *stream) { panic("boom") })
		}, `"status":200,"bytes":0,"ended":"aborted"`},
		"a panic of a whole stream": {func(s *Server, w http.ResponseWriter, r *http.Request) {
			s.stream(struct{ http.ResponseWriter }{w}, r, 0, func() {}, func(_ context.Context, o *stream) { o.flush(); panic("boom") })
		}, `"status":200,"ended":"aborted"`},
	} {
		t.Run(name, func(t *testing.T) {
			var log lines
			s := New(Options{AccessLog: log.log(), Registry: prometheus.NewRegistry(), Clock: clock.RealClock{}, Log: logr.Discard()})
			server := httptest.NewServer(s.observed(s.recovering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { test.handler(s, w, r) }))))
			defer server.Close()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				_, cut := io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if (cut != nil) != strings.Contains(test.want, "aborted") {
					t.Errorf("the caller reads: %v", cut)
				}
			}
			line := log.await(t, 1)[0]
			for _, want := range strings.Split(test.want, ",") {
				if !strings.Contains(line, want) {
					t.Errorf("%s\nwant %s", line, want)
				}
			}
			families, err := s.Registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, family := range families {
				if family.GetName() == "cortex_gateway_streams_dropped_total" && family.GetMetric()[0].GetCounter().GetValue() != 0 {
					t.Error("a reader is said to have left")
				}
			}
		})
	}
}

// TestUnobserved: without an access log and a tracer, a handler gets what net/http made, and nothing is added to a request.
func TestUnobserved(t *testing.T) {
	s := New(Options{Ready: func() bool { return true }, Registry: prometheus.NewRegistry(), Clock: clock.RealClock{}, Log: logr.Discard()})
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	var got http.ResponseWriter
	var request *http.Request
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got, request = w, r })
	handler := s.observed(s.calling(next))
	handler.ServeHTTP(w, r)
	if got != http.ResponseWriter(w) || request != r {
		t.Error("a request is wrapped")
	}
	if n := steady.Allocs(func() {
		handler.ServeHTTP(w, r)
		seen := exchangeOf(r.Context())
		seen.to("/mcp")
		seen.taken()
		seen.streamed(1, nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
