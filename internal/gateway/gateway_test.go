// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"k8s.io/utils/clock"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/healing/healingtest"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/test/steady"
)

// loop is a Loop that a test scripts: body does what it likes between the first and the last event.
type loop struct {
	body func(ctx context.Context, query string, emit func(chat.Event)) (chat.Status, string)
	runs atomic.Int32
}

func (l *loop) Run(ctx context.Context, query chat.Query, emit func(chat.Event)) *chat.Outcome {
	l.runs.Add(1)
	emit(chat.ProcessingStart{Query: query.Text})
	status, text := l.body(ctx, query.Text, emit)
	result := chat.Message{Role: "assistant", Model: "rules", Content: []chat.Block{{Type: "text", Text: text}}}
	emit(chat.ProcessingComplete{ID: query.ID, Status: status, Result: result})
	return &chat.Outcome{Status: status, Result: result, Healing: []healing.Result{{Success: true, FixApplied: "Scaled"}}}
}

func echo(_ context.Context, query string, _ func(chat.Event)) (chat.Status, string) {
	return chat.StatusCompleted, query
}

// untilTheEnd waits for the task to be ended from outside.
func untilTheEnd(ctx context.Context, _ string, _ func(chat.Event)) (chat.Status, string) {
	<-ctx.Done()
	return chat.StatusFailed, context.Cause(ctx).Error()
}

func options(t *testing.T, l *loop) gateway.Options {
	return gateway.Options{
		Loop: l, Heals: healingtest.New().Healer(), Ready: func() bool { return true }, Registry: prometheus.NewRegistry(), Clock: clock.RealClock{}, Log: testr.New(t),
		ShutdownGrace: 5 * time.Second,
	}
}

// serve runs a gateway until stop is called; stop returns what Serve returned.
func serve(t *testing.T, o gateway.Options) (url string, stop func() error) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- gateway.New(o).Serve(ctx, listener) }()
	var result error
	stopped := false
	stop = func() error {
		cancel()
		if !stopped {
			result, stopped = <-served, true
		}
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return "http://" + listener.Addr().String(), stop
}

// reply is what came back. Its body is closed with the test.
type reply struct {
	status int
	header http.Header
	body   io.ReadCloser
}

func post(t *testing.T, url, contentType, body string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/tasks", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return reply{response.StatusCode, response.Header, response.Body}
}

func ask(t *testing.T, url, query string, streaming bool) reply {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"query": query, "streaming": streaming, "conversation_id": "ignored"})
	return post(t, url, "application/json; charset=utf-8", string(body))
}

func read(t *testing.T, body io.Reader) string {
	t.Helper()
	raw, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestBadRequestsAreToldWhatIsExpected(t *testing.T) {
	l := &loop{body: echo}
	url, _ := serve(t, options(t, l))
	const kind = "application/json"
	for name, tc := range map[string]struct {
		contentType, body string
		status            int
		want              string
	}{
		"malformed":             {kind, `{"query": "list`, 400, `the JSON is broken at byte 15`},
		"empty body":            {kind, ``, 400, `the body must be a JSON object such as {\"query\": \"list sandfly hosts\"`},
		"no object":             {kind, `["list hosts"]`, 400, `the body must be a JSON object`},
		"two objects":           {kind, `{"query":"a"}{"query":"b"}`, 400, `the JSON is broken`},
		"query of another type": {kind, `{"query": 5}`, 400, `\"query\" must be a string, not a number`},
		"no query":              {kind, `{"streaming": true}`, 400, `\"query\" is empty`},
		"blank query":           {kind, `{"query": " \n\t"}`, 400, `\"query\" is empty`},
		"long query":            {kind, `{"query": "` + strings.Repeat("é", 4001) + `"}`, 400, `has 4001 characters, and at most 4000 are read`},
		"10 MB query":           {kind, `{"query": "` + strings.Repeat("a", 10<<20) + `"}`, 413, `the body is larger than 65536 bytes`},
		"a form":                {"application/x-www-form-urlencoded", `{"query": "a"}`, 415, `set the header Content-Type: application/json`},
		"no content type":       {"", `{"query": "a"}`, 415, `set the header Content-Type: application/json`},
	} {
		t.Run(name, func(t *testing.T) {
			response := post(t, url, tc.contentType, tc.body)
			got := read(t, response.body)
			if response.status != tc.status || !strings.Contains(got, `{"error":"`) || !strings.Contains(got, tc.want) {
				t.Errorf("got %d %s\nwant %d %s", response.status, got, tc.status, tc.want)
			}
		})
	}
	if runs := l.runs.Load(); runs != 0 {
		t.Errorf("%d of them reached the loop", runs)
	}
}

// A body of unknown length is cut off as well.
func TestABodyWithoutALengthIsBounded(t *testing.T) {
	url, _ := serve(t, options(t, &loop{body: echo}))
	body := io.MultiReader(strings.NewReader(`{"query":"`), strings.NewReader(strings.Repeat("a", 1<<20)))
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/api/tasks", body)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(response.Status)
	}
}

func TestOtherMethodsAndPaths(t *testing.T) {
	url, _ := serve(t, options(t, &loop{body: echo}))
	for request, want := range map[string]string{
		"GET /api/tasks":    "405 POST",
		"DELETE /api/tasks": "405 POST",
		"POST /healthz":     "405 GET, HEAD",
		"GET /":             "200 ",
		"GET /api":          "404 ",
		"GET /healthz":      "200 ",
		"GET /readyz":       "200 ",
		"GET /metrics":      "200 ",
	} {
		method, path, _ := strings.Cut(request, " ")
		r, _ := http.NewRequestWithContext(t.Context(), method, url+path, nil)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := fmt.Sprintf("%d %s", response.StatusCode, response.Header.Get("Allow")); got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
}

func TestReadinessFollowsTheCaches(t *testing.T) {
	o := options(t, &loop{body: echo})
	var synced atomic.Bool
	o.Ready = synced.Load
	server := gateway.New(o)
	probe := func() int {
		recorder := httptest.NewRecorder()
		server.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		return recorder.Code
	}
	if before := probe(); before != http.StatusServiceUnavailable {
		t.Error("ready before the caches are synced")
	}
	synced.Store(true)
	if after := probe(); after != http.StatusOK {
		t.Error("not ready")
	}
}

func TestOneAnswerWithoutStreaming(t *testing.T) {
	url, _ := serve(t, options(t, &loop{body: echo}))
	const query = "list hosts; rm -rf / && $(reboot) `halt` \" ' \\ </script> \u2028"
	response := ask(t, url, query, false)
	var got struct {
		ID, Status string
		Result     chat.Message
		Healing    []map[string]any
	}
	if err := json.NewDecoder(response.body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if response.status != 200 || !strings.HasPrefix(got.ID, "task-") || got.Status != "completed" || got.Result.Content[0].Text != query {
		t.Errorf("%d %+v", response.status, got)
	}
	want := []map[string]any{{"success": true, "diagnosis": "", "fix_applied": "Scaled", "timestamp": "", "recommendation": ""}}
	if diff := cmp.Diff(want, got.Healing); diff != "" {
		t.Error(diff)
	}
}

func TestAFailedTaskIsAWholeAnswer(t *testing.T) {
	failing := func(context.Context, string, func(chat.Event)) (chat.Status, string) {
		return chat.StatusFailed, "diagnosis"
	}
	url, _ := serve(t, options(t, &loop{body: failing}))
	response := ask(t, url, "list hosts", false)
	if got := read(t, response.body); response.status != 200 || !strings.Contains(got, `"status":"failed"`) || !strings.Contains(got, "diagnosis") {
		t.Errorf("%d %s", response.status, got)
	}
}

func TestAStream(t *testing.T) {
	progress := func(_ context.Context, _ string, emit func(chat.Event)) (chat.Status, string) {
		emit(chat.HealingProgress{Service: "sandfly", Message: "line one\nline two\r\n\nid: 99"})
		return chat.StatusCompleted, "done"
	}
	url, _ := serve(t, options(t, &loop{body: progress}))
	response := ask(t, url, "list hosts", true)
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"} {
		if got := response.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	got := read(t, response.body)
	want := `retry: 1000

id: 1
data: {"type":"processing_start","query":"list hosts"}

id: 2
data: {"type":"healing_progress","service":"sandfly","message":"line one\nline two\r\n\nid: 99"}

id: 3
data: {"type":"processing_complete",`
	if !strings.HasPrefix(got, want) || strings.Contains(got, "event:") || strings.Count(got, "\n\n") != 4 {
		t.Errorf("got:\n%s", got)
	}
}

func TestASilentStreamHasHeartbeats(t *testing.T) {
	o := options(t, &loop{body: untilTheEnd})
	fake := testclock.NewFakeClock(time.Now())
	o.Clock = fake
	url, _ := serve(t, o)
	lines := bufio.NewScanner(ask(t, url, "list hosts", true).body)
	for range 5 {
		lines.Scan() // how soon to connect again, and the first event
	}
	for range 3 {
		mcptest.Eventually(t, "the ticker", fake.HasWaiters)
		fake.Step(gateway.DefaultHeartbeat)
		if lines.Scan(); lines.Text() != ": heartbeat" {
			t.Fatalf("got %q", lines.Text())
		}
		lines.Scan()
	}
}

func TestShutdownLetsStreamsFinish(t *testing.T) {
	before := goleak.IgnoreCurrent()
	release := make(chan struct{})
	finishing := func(context.Context, string, func(chat.Event)) (chat.Status, string) {
		<-release
		return chat.StatusCompleted, "finished"
	}
	o := options(t, &loop{body: finishing})
	o.ShutdownGrace = time.Minute
	url, stop := serve(t, o)
	response := ask(t, url, "list hosts", true)
	lines := bufio.NewReader(response.body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	refused := func() bool {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	}
	mcptest.Eventually(t, "the gateway to refuse connections", refused)
	close(release)
	if rest := read(t, lines); !strings.Contains(rest, `"status":"completed"`) || !strings.Contains(rest, "finished") {
		t.Errorf("got %s", rest)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := steady.Left(before); err != nil {
		t.Error(err)
	}
}

func TestShutdownEndsStreamsThatDoNotFinish(t *testing.T) {
	o := options(t, &loop{body: untilTheEnd})
	o.ShutdownGrace = 100 * time.Millisecond
	url, stop := serve(t, o)
	streams := make([]*bufio.Reader, 20)
	for i := range streams {
		streams[i] = bufio.NewReader(ask(t, url, "list hosts", true).body)
		if _, err := streams[i].ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, stream := range streams {
		rest := read(t, stream)
		if strings.Count(rest, "processing_complete") != 1 || !strings.Contains(rest, `"status":"failed"`) || !strings.Contains(rest, "the gateway is shutting down") {
			t.Errorf("got %s", rest)
		}
	}
}

// A reader that does not read must not hold its task, nor anybody else.
// A task that does not end although it should keeps no stream open, and the gateway ends without it.
func TestShutdownCutsStreamsOfTasksThatDoNotEnd(t *testing.T) {
	release := make(chan struct{})
	o := options(t, &loop{body: func(context.Context, string, func(chat.Event)) (chat.Status, string) {
		<-release
		return chat.StatusFailed, ""
	}})
	defer close(release)
	o.ShutdownGrace, o.Heartbeat = time.Millisecond, time.Hour
	url, stop := serve(t, o)
	body := ask(t, url, "list hosts", true).body
	if err := stop(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(body); err == nil {
		t.Errorf("the stream ended as if it were whole: %s", rest)
	}
}

func TestAReaderThatDoesNotReadIsDropped(t *testing.T) {
	ended := make(chan error, 1)
	flooding := func(ctx context.Context, query string, emit func(chat.Event)) (chat.Status, string) {
		if query != "flood" {
			return chat.StatusCompleted, query
		}
		for ctx.Err() == nil {
			emit(chat.HealingProgress{Service: "sandfly", Message: strings.Repeat("a", 1<<20)})
		}
		ended <- context.Cause(ctx)
		return chat.StatusFailed, ""
	}
	o := options(t, &loop{body: flooding})
	o.WriteTimeout = 2 * time.Second
	o.Tasks.Grace = time.Millisecond
	url, _ := serve(t, o)
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	body := `{"query":"flood","streaming":true}`
	if _, err := fmt.Fprintf(connection, "POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	if other := read(t, ask(t, url, "quick", false).body); !strings.Contains(other, "quick") {
		t.Error(other)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the task was not ended")
		}
	case <-time.After(time.Minute):
		t.Fatal("the stream was not dropped")
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	explodes := func(context.Context, string, func(chat.Event)) (chat.Status, string) { panic("boom") }
	o := options(t, &loop{body: explodes})
	o.Panics = panics.New(o.Registry, o.Log)
	url, _ := serve(t, o)
	answered := ask(t, url, "list hosts", false)
	if got := read(t, answered.body); answered.status != 200 || !strings.Contains(got, `"status":"failed"`) || !strings.Contains(got, "an internal error ended the task") {
		t.Errorf("%d %s", answered.status, got)
	}
	response, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); !strings.Contains(string(body), `cortex_gateway_panics_total{where="query"} 1`) {
		t.Error("it is not counted")
	}
}
