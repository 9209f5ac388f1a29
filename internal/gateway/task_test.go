// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/healing/healingtest"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/task"
	"github.com/ry-ops/cortex/test/steady"
)

// event is one event as a client reads it.
type event struct {
	id     int
	fields map[string]any
}

func (e event) kind() string { return fmt.Sprint(e.fields["type"]) }

// scan reads events, until n have come or the stream ends.
func scan(t *testing.T, body io.Reader, n int) []event {
	t.Helper()
	var events []event
	lines, id := bufio.NewScanner(body), 0
	lines.Buffer(nil, 4<<20)
	for len(events) != n && lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			id, _ = strconv.Atoi(text)
		}
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			e := event{id: id}
			if err := json.Unmarshal([]byte(text), &e.fields); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			events = append(events, e)
		}
	}
	return events
}

func kinds(events []event) (all []string) {
	for _, e := range events {
		all = append(all, e.kind())
	}
	return all
}

// get asks for a path; headers come in pairs.
func get(t *testing.T, url, path string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return reply{response.StatusCode, response.Header, response.Body}
}

// telling tells n steps and ends.
func telling(n int) *loop {
	return &loop{body: func(_ context.Context, _ string, emit func(chat.Event)) (chat.Status, string) {
		for i := range n {
			emit(chat.HealingProgress{Service: "sandfly", Message: fmt.Sprintf("step %d", i)})
		}
		return chat.StatusCompleted, "done"
	}}
}

func TestATaskIsReadAgainFromEveryID(t *testing.T) {
	const n = 10
	url, _ := serve(t, options(t, telling(n)))
	first := ask(t, url, "list hosts", true)
	location := first.header.Get("Location")
	all := scan(t, first.body, -1)
	if len(all) != n+2 || !strings.HasPrefix(location, "/api/tasks/task-") {
		t.Fatalf("%d events at %q", len(all), location)
	}
	for after := range n + 2 {
		for name, again := range map[string]reply{
			"header":       get(t, url, location+"/events", "Last-Event-ID", strconv.Itoa(after)),
			"address":      get(t, url, fmt.Sprintf("%s/events?last_event_id=%d", location, after)),
			"header first": get(t, url, location+"/events?last_event_id=1", "Last-Event-ID", strconv.Itoa(after)),
		} {
			got := scan(t, again.body, -1)
			if again.status != 200 || len(got) != n+2-after || got[0].id != after+1 || got[len(got)-1].id != n+2 {
				t.Errorf("after %d by %s: %d, %v", after, name, again.status, got)
			}
		}
	}
	for query, want := range map[string]int{"12": 204, "13": 400, "-1": 400, "x": 400, "99999999999999999999": 400} {
		if got := get(t, url, location+"/events?last_event_id="+query); got.status != want {
			t.Errorf("%s: %d, want %d", query, got.status, want)
		}
	}
}

// The connection breaks in the middle; the task does not.
func TestATaskOutlivesItsConnection(t *testing.T) {
	next := make(chan string)
	slow := func(ctx context.Context, _ string, emit func(chat.Event)) (chat.Status, string) {
		for text := range next {
			emit(chat.HealingProgress{Service: "sandfly", Message: text})
		}
		return chat.StatusCompleted, fmt.Sprint("cancelled: ", ctx.Err())
	}
	url, _ := serve(t, options(t, &loop{body: slow}))
	first := ask(t, url, "list hosts", true)
	next <- "one"
	seen := scan(t, first.body, 2)
	_ = first.body.Close()
	next <- "two"

	location := first.header.Get("Location")
	var state struct {
		ID, Status, Started, Ended string
		Events                     struct {
			First, Last int
			Latest      map[string]any
		}
		Result  *chat.Message
		Healing []map[string]any
	}
	look := func() bool {
		state.Events.Latest = nil
		return json.NewDecoder(get(t, url, location).body).Decode(&state) == nil
	}
	mcptest.Eventually(t, "the third event", func() bool { return look() && state.Events.Last == 3 })
	if state.Status != "running" || state.Events.First != 1 || state.Events.Latest["message"] != "two" || state.Result != nil || state.Ended != "" {
		t.Errorf("%+v", state)
	}

	again := get(t, url, location+"/events", "Last-Event-ID", strconv.Itoa(seen[1].id))
	next <- "three"
	close(next)
	rest := scan(t, again.body, -1)
	if len(rest) != 3 || rest[0].fields["message"] != "two" || rest[1].fields["message"] != "three" || rest[2].kind() != "processing_complete" {
		t.Errorf("got %v", rest)
	}
	if !look() || state.Status != "completed" || state.Result.Content[0].Text != "cancelled: <nil>" || state.Ended == "" || len(state.Healing) != 1 || state.Healing[0]["fix_applied"] != "Scaled" {
		t.Errorf("%+v", state)
	}
}

func TestWithoutAStreamATaskEndsWithItsConnection(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	waiting := func(ctx context.Context, _ string, _ func(chat.Event)) (chat.Status, string) {
		close(began)
		<-ctx.Done()
		close(ended)
		return chat.StatusFailed, ""
	}
	url, _ := serve(t, options(t, &loop{body: waiting}))
	ctx, leave := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/tasks", strings.NewReader(`{"query":"a"}`))
	request.Header.Set("Content-Type", "application/json")
	gone := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		gone <- err
	}()
	<-began
	leave()
	t.Log("ended:", <-gone)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("the task goes on, and nobody knows its id")
	}
}

func TestEventsThatAreNotKeptAreToldAsLost(t *testing.T) {
	o := options(t, telling(100))
	o.Tasks.PerTask = 1500
	url, _ := serve(t, o)
	first := ask(t, url, "list hosts", true)
	_ = read(t, first.body)
	got := scan(t, get(t, url, first.header.Get("Location")+"/events", "Last-Event-ID", "5").body, -1)
	if got[0].kind() != "events_lost" || got[0].fields["from"] != 6.0 || int(got[0].fields["to"].(float64)) != got[0].id {
		t.Fatalf("got %v", got[0])
	}
	for i, e := range got[1:] {
		if e.id != got[i].id+1 {
			t.Errorf("%d after %d", e.id, got[i].id)
		}
	}
	if last := got[len(got)-1]; last.id != 102 || last.kind() != "processing_complete" {
		t.Error(last)
	}
}

func TestATaskIsItsCallersAlone(t *testing.T) {
	o := options(t, telling(1))
	o.Caller = func(r *http.Request) string { return r.Header.Get("Test-Caller") }
	url, _ := serve(t, o)
	location := ask(t, url, "list hosts", true).header.Get("Location")
	if got := get(t, url, location); got.status != 200 {
		t.Error(got.status)
	}
	if got := get(t, url, location, "Test-Caller", "mallory"); got.status != 404 || strings.Contains(read(t, got.body), "step") {
		t.Error(got.status)
	}
	got := get(t, url, location+"/events", "Test-Caller", "mallory")
	if text := read(t, got.body); strings.Contains(text, "step 0") || !strings.Contains(text, "task_lost") {
		t.Error(text)
	}
}

func heal(name string) (types.NamespacedName, *v1alpha1.HealingRequest) {
	return types.NamespacedName{Namespace: "cortex-system", Name: name}, &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: name},
		Spec: v1alpha1.HealingRequestSpec{
			TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly"}, Trigger: v1alpha1.TriggerMCPFailure,
			Error: &v1alpha1.ObservedError{Message: "connection\x1b[31m refused"},
		},
	}
}

const healPath = "/api/heals/cortex-system/sandfly-001/events"

func create(t *testing.T, world *healingtest.World, request *v1alpha1.HealingRequest) {
	t.Helper()
	if err := world.Create(t.Context(), request); err != nil {
		t.Fatal(err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	world := healingtest.New()
	_, request := heal("sandfly-001")
	create(t, world, request)
	o := options(t, telling(1))
	o.Heals = world.Healer()
	o.Caller = func(r *http.Request) string { return r.Header.Get("Test-Caller") }
	o.Streams, o.StreamsEach = 4, 2
	o.ShutdownGrace = time.Millisecond
	url, _ := serve(t, o)
	follow := func(caller string) reply { return get(t, url, healPath, "Test-Caller", caller) }
	var open []reply
	for i, tc := range []struct {
		caller string
		status int
		told   string
	}{{"alice", 200, ""}, {"alice", 200, ""}, {"alice", 429, "close some"}, {"bob", 200, ""}, {"bob", 200, ""}, {"carol", 503, "try again in a moment"}} {
		got := follow(tc.caller)
		if got.status != tc.status {
			t.Fatalf("%d: %d, want %d", i, got.status, tc.status)
		}
		if open = append(open, got); got.status == 200 {
			continue
		}
		if text := read(t, got.body); got.header.Get("Retry-After") == "" || !strings.Contains(text, tc.told) {
			t.Errorf("%d: %s", i, text)
		}
	}
	_ = open[0].body.Close()
	mcptest.Eventually(t, "a free place", func() bool { return follow("carol").status == 200 })
}

// All the places of a heal: its start, each step, its end.
func TestAHealIsFollowedFromEveryID(t *testing.T) {
	world := healingtest.New()
	key, request := heal("sandfly-001")
	create(t, world, request)
	o := options(t, telling(1))
	o.Heals = world.Healer()
	url, _ := serve(t, o)
	live := get(t, url, healPath)
	lines := bufio.NewReader(live.body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	world.Say(key, "one")
	world.Say(key, "two", "three")
	world.Finish(key, v1alpha1.ReasonHealed)
	want := []string{"healing_start", "healing_progress", "healing_progress", "healing_progress", "healing_complete"}
	all := scan(t, lines, -1)
	if !slices.Equal(kinds(all), want) || all[0].fields["issue"] != "connection refused" || all[4].fields["message"] != "Scaled Deployment from 0 to 1" {
		t.Errorf("got %v", all)
	}
	// Another gateway, which has never seen it.
	o = options(t, telling(1))
	o.Heals = world.Healer()
	url, _ = serve(t, o)
	for after := range 5 {
		got := scan(t, get(t, url, healPath, "Last-Event-ID", strconv.Itoa(after)).body, -1)
		if !slices.Equal(kinds(got), want[after:]) || got[0].id != after+1 {
			t.Errorf("after %d: %v", after, got)
		}
	}
	if got := get(t, url, healPath, "Last-Event-ID", "5"); got.status != 204 {
		t.Error(got.status)
	}
	if got := get(t, url, "/api/heals/cortex-system/no/events"); got.status != 404 {
		t.Error(got.status)
	}
}

func TestAHealThatIsDeletedEndsItsStream(t *testing.T) {
	world := healingtest.New()
	key, request := heal("sandfly-001")
	create(t, world, request)
	o := options(t, telling(1))
	o.Heals = world.Healer()
	url, _ := serve(t, o)
	live := get(t, url, healPath)
	world.Say(key, "one")
	world.Remove(key)
	got := scan(t, live.body, -1)
	if last := got[len(got)-1]; last.kind() != "healing_failed" || !strings.Contains(fmt.Sprint(last.fields["message"]), "was deleted") {
		t.Errorf("got %v", got)
	}
}

func TestTheEndOfTheGatewayEndsEveryStream(t *testing.T) {
	world := healingtest.New()
	_, request := heal("sandfly-001")
	create(t, world, request)
	o := options(t, &loop{body: untilTheEnd})
	o.Heals = world.Healer()
	o.ShutdownGrace = 50 * time.Millisecond
	url, stop := serve(t, o)
	first := ask(t, url, "list hosts", true)
	again := get(t, url, first.header.Get("Location")+"/events")
	followed := get(t, url, healPath)
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, r := range []reply{first, again} {
		got := scan(t, r.body, -1)
		if !slices.Equal(kinds(got), []string{"processing_start", "processing_complete"}) || got[1].fields["status"] != "failed" {
			t.Errorf("got %v", got)
		}
	}
	if got := scan(t, followed.body, -1); !slices.Equal(kinds(got), []string{"healing_start", "stream_end"}) {
		t.Errorf("got %v", got)
	}
}

// A task that nobody reads any more is ended before the gateway is.
func TestTheGatewayOutlivesItsTasks(t *testing.T) {
	stopped, late := make(chan struct{}), make(chan bool, 1)
	o := options(t, &loop{body: func(ctx context.Context, _ string, _ func(chat.Event)) (chat.Status, string) {
		<-ctx.Done()
		select {
		case <-stopped:
			late <- true
		case <-time.After(200 * time.Millisecond):
			late <- false
		}
		return chat.StatusFailed, ""
	}})
	url, stop := serve(t, o)
	response := ask(t, url, "list hosts", true)
	_ = scan(t, response.body, 1)
	_ = response.body.Close()
	if err := stop(); err != nil {
		t.Error(err)
	}
	close(stopped)
	if <-late {
		t.Error("the gateway ended before its task")
	}
}

// A stream of a heal is given the grace as well.
func TestTheGraceIsForHealsToo(t *testing.T) {
	world := healingtest.New()
	key, request := heal("sandfly-001")
	create(t, world, request)
	o := options(t, telling(1))
	o.Heals = world.Healer()
	o.ShutdownGrace = time.Minute
	url, stop := serve(t, o)
	followed := get(t, url, healPath)
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	mcptest.Eventually(t, "the gateway to refuse connections", func() bool {
		connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	world.Finish(key, v1alpha1.ReasonHealed)
	if got := scan(t, followed.body, -1); !slices.Equal(kinds(got), []string{"healing_start", "healing_complete"}) {
		t.Errorf("got %v", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// The gateway was restarted while a heal ran: whoever comes back is told what became of it, and the stream ends as it should.
func TestAfterARestartATaskIsToldTruthfully(t *testing.T) {
	world := healingtest.New()
	id := task.NewID(time.Now().Add(-time.Minute))
	key, request := heal("sandfly-001")
	request.Annotations = map[string]string{v1alpha1.AnnotationTask: id}
	create(t, world, request)
	world.Say(key, "one")
	o := options(t, telling(1))
	o.Heals = world.Healer()
	url, _ := serve(t, o)

	var state struct {
		Error, ID, Began string
		Healing          []map[string]any
	}
	found := get(t, url, "/api/tasks/"+id)
	if err := json.NewDecoder(found.body).Decode(&state); err != nil || found.status != 404 || state.ID != id || len(state.Healing) != 1 || state.Healing[0]["phase"] != "Diagnosing" || state.Healing[0]["request"] != "sandfly-001" {
		t.Errorf("%d %+v: %v", found.status, state, err)
	}
	for _, want := range []string{"It was restarted meanwhile, or another replica has the task.", "The heal cortex-system/sandfly-001 that it began is Diagnosing.", "check first whether it was made"} {
		if !strings.Contains(state.Error, want) {
			t.Errorf("%q is not in %q", want, state.Error)
		}
	}

	back := get(t, url, "/api/tasks/"+id+"/events", "Last-Event-ID", "4")
	seen := scan(t, back.body, 3)
	world.Say(key, "two")
	world.Finish(key, v1alpha1.ReasonHealed)
	all := append(seen, scan(t, back.body, -1)...)
	if want := []string{"task_lost", "healing_start", "healing_progress", "healing_progress", "healing_complete", "processing_complete"}; !slices.Equal(kinds(all), want) || all[0].id != 5 || all[5].id != 10 {
		t.Fatalf("got %v", all)
	}
	if end := fmt.Sprint(all[5].fields); !strings.Contains(end, "sandfly-001 that it began is Succeeded") || !strings.Contains(end, "status:failed") {
		t.Error(end)
	}
}

// Of those who joined a heal there is no record: they are told what it may have been.
func TestATaskWithoutARecordIsToldOfTheHealsSince(t *testing.T) {
	world := healingtest.New()
	o := options(t, telling(1))
	o.Heals = world.Healer()
	url, _ := serve(t, o)
	before, _ := heal("sandfly-001")
	_, request := heal("sandfly-001")
	create(t, world, request)
	world.Write(before, func(status *v1alpha1.HealingRequestStatus) {
		past := metav1.NewMicroTime(time.Now().Add(-time.Hour))
		status.CompletedAt = &past
		status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonHealed}}
	})
	_, request = heal("sandfly-002")
	create(t, world, request)

	text := read(t, get(t, url, "/api/tasks/"+task.NewID(time.Now().Add(-time.Minute))).body)
	if !strings.Contains(text, "those since then: cortex-system/sandfly-002 (Pending).") || strings.Contains(text, "sandfly-001") || !strings.Contains(text, `"healing":[]`) {
		t.Error(text)
	}
	got := scan(t, get(t, url, "/api/tasks/"+task.NewID(time.Now())+"/events").body, -1)
	if !slices.Equal(kinds(got), []string{"task_lost", "processing_complete"}) || !strings.Contains(fmt.Sprint(got[0].fields), "it ended and is not kept any more") {
		t.Errorf("got %v", got)
	}
	for _, id := range []string{"task-1", "x", task.NewID(time.Now().Add(time.Hour))} {
		for _, path := range []string{"", "/events"} {
			if r := get(t, url, "/api/tasks/"+id+path); r.status != 404 || !strings.Contains(read(t, r.body), "no task has ever had this id") {
				t.Errorf("%s%s: %d", id, path, r.status)
			}
		}
	}
}

// One reader does not read, and its write may take as long as it likes: that the others come to the end is the proof that nobody
// waits for it. That it is dropped is another test's.
func TestASlowReaderDelaysNobody(t *testing.T) {
	const n = 40
	next := make(chan struct{})
	long := strings.Repeat("x", 200<<10)
	telling := func(ctx context.Context, _ string, emit func(chat.Event)) (chat.Status, string) {
		for range n {
			<-next
			emit(chat.HealingProgress{Service: "sandfly", Message: long})
		}
		return chat.StatusCompleted, fmt.Sprint(ctx.Err())
	}
	o := options(t, &loop{body: telling})
	o.WriteTimeout = time.Hour
	url, _ := serve(t, o)
	first := ask(t, url, "list hosts", true)
	location := first.header.Get("Location")

	slow, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := fmt.Fprintf(slow, "GET %s/events HTTP/1.1\r\nHost: x\r\n\r\n", location); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	heard := make([]int, 8)
	for i := range heard {
		body := get(t, url, location+"/events").body
		readers.Go(func() { heard[i] = strings.Count(read(t, body), "\ndata: ") })
	}
	go func() { _, _ = io.Copy(io.Discard, first.body) }()
	for range n {
		next <- struct{}{}
	}
	readers.Wait()
	for i, count := range heard {
		if count != n+2 {
			t.Errorf("reader %d heard %d", i, count)
		}
	}
	// Once it reads, it gets what it was too slow for, whole and in order.
	response, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	events := scan(t, response.Body, -1)
	if len(events) != n+2 {
		t.Errorf("got %d events", len(events))
	}
	for i, e := range events {
		if e.id != i+1 || i > 0 && i <= n && e.fields["message"] != long || i == n+1 && e.kind() != "processing_complete" {
			t.Errorf("event %d is %d, a %s", i+1, e.id, e.kind())
		}
	}
}

// The deadline is of each write: a stream may be silent for longer.
func TestAStreamIsSilentForLongerThanAWriteMayTake(t *testing.T) {
	o := options(t, &loop{})
	o.WriteTimeout = time.Second
	o.Loop.(*loop).body = func(_ context.Context, _ string, emit func(chat.Event)) (chat.Status, string) {
		for range 2 {
			<-time.After(3 * o.WriteTimeout / 2)
			emit(chat.HealingProgress{Service: "sandfly", Message: "step"})
		}
		return chat.StatusCompleted, ""
	}
	url, _ := serve(t, o)
	if got := scan(t, ask(t, url, "list hosts", true).body, -1); len(got) != 4 {
		t.Errorf("got %d events", len(got))
	}
}

// That a reader left is seen without anything being written, and what it said before is left unread.
func TestAReaderThatLeavesIsMissed(t *testing.T) {
	for name, leave := range map[string]func(*net.TCPConn) error{
		"closes":             (*net.TCPConn).Close,
		"closes for writing": (*net.TCPConn).CloseWrite,
		"is cut off":         func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
		"says something, closes": func(c *net.TCPConn) error {
			_, err := io.WriteString(c, "and now?")
			return errors.Join(err, c.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			o := options(t, &loop{body: func(ctx context.Context, _ string, _ func(chat.Event)) (chat.Status, string) {
				<-ctx.Done()
				close(ended)
				return chat.StatusFailed, ""
			}})
			o.Heartbeat, o.Tasks.Grace = time.Hour, time.Nanosecond
			url, _ := serve(t, o)
			conn := dial(t, url).(*net.TCPConn)
			body := `{"query": "list hosts", "streaming": true}`
			if _, err := fmt.Fprintf(conn, "POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
				t.Fatal(err)
			}
			response := answerOn(t, conn)
			defer func() { _ = response.Body.Close() }()
			if err := leave(conn); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Fatal("the task goes on for nobody")
			}
		})
	}
}

// A hundred readers, who come at any time, over real connections.
func TestAHundredReadersHearAll(t *testing.T) {
	const n = 50
	next := make(chan struct{})
	telling := func(_ context.Context, _ string, emit func(chat.Event)) (chat.Status, string) {
		for i := range n {
			<-next
			emit(chat.HealingProgress{Service: "sandfly", Message: fmt.Sprintf("step %d", i)})
		}
		return chat.StatusCompleted, ""
	}
	url, _ := serve(t, options(t, &loop{body: telling}))
	location := ask(t, url, "list hosts", true).header.Get("Location")
	var readers sync.WaitGroup
	join := func(i int) {
		body := get(t, url, location+"/events", "Last-Event-ID", strconv.Itoa(i%3)).body
		readers.Go(func() {
			got := scan(t, body, -1)
			for j, e := range got {
				if e.id != i%3+j+1 {
					t.Errorf("reader %d: event %d is %d", i, j, e.id)
				}
			}
			if len(got) != n+2-i%3 || got[len(got)-1].kind() != "processing_complete" {
				t.Errorf("reader %d heard %d", i, len(got))
			}
		})
	}
	next <- struct{}{}
	mcptest.Eventually(t, "the first step", func() bool {
		r := get(t, url, location)
		return strings.Contains(read(t, r.body), `"last":2`)
	})
	for i := range 100 {
		join(i)
		if i%2 == 0 && i/2 < n-1 {
			next <- struct{}{}
		}
	}
	readers.Wait()
}

// HTTP/1.0 knows no chunks: the connection's end is the stream's.
func TestAReaderOfHTTP10(t *testing.T) {
	url, _ := serve(t, options(t, telling(3)))
	location := ask(t, url, "list hosts", true).header.Get("Location")
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := fmt.Fprintf(connection, "GET %s/events HTTP/1.0\r\nHost: x\r\n\r\n", location); err != nil {
		t.Fatal(err)
	}
	text := read(t, connection)
	if got := scan(t, strings.NewReader(text), -1); len(got) != 5 || strings.Contains(text, "chunked") || !strings.HasPrefix(text, "HTTP/1.0 200 OK\r\n") {
		t.Error(text)
	}
}

// What a handler before has set is part of the answer, and what a reader says meanwhile is not heard.
func TestTheHeadOfAStream(t *testing.T) {
	next := make(chan struct{})
	waiting := func(context.Context, string, func(chat.Event)) (chat.Status, string) {
		<-next
		return chat.StatusCompleted, strings.Repeat("é", 100_000)
	}
	url, _ := serve(t, options(t, &loop{body: waiting}))
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	const body = `{"query":"a","streaming":true}`
	request := fmt.Sprintf("POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%sGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", len(body), body)
	if _, err := io.WriteString(connection, request); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(connection)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := scan(t, response.Body, 1)
	close(next)
	rest, err := io.ReadAll(response.Body)
	if err != nil || len(first) != 1 || !strings.Contains(string(rest), strings.Repeat("é", 100_000)) || !response.Close || response.Header.Get("Date") == "" {
		t.Errorf("%v %d bytes %v: %v", first, len(rest), response.Header, err)
	}
	if left, err := io.ReadAll(in); len(left) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("after the end: %q %v", left, err)
	}
}

func TestAHealThatFailedSaysWhatToDo(t *testing.T) {
	world := healingtest.New()
	key, request := heal("sandfly-001")
	request.Spec.Error, request.Spec.Trigger, request.Spec.RequestedBy = nil, v1alpha1.TriggerManual, "ann"
	create(t, world, request)
	world.Finish(key, v1alpha1.ReasonManualFixNeeded)
	world.Write(key, func(status *v1alpha1.HealingRequestStatus) { status.Recommendation = "Check the image" })
	o := options(t, telling(1))
	o.Heals = world.Healer()
	url, _ := serve(t, o)
	got := scan(t, get(t, url, healPath).body, -1)
	if len(got) != 2 || got[0].fields["issue"] != "Manual, asked for by ann" || got[1].kind() != "healing_failed" ||
		got[1].fields["message"] != "Unable to fix automatically: scaled to zero" || got[1].fields["recommendation"] != "Check the image" {
		t.Errorf("got %v", got)
	}
}

func TestMain(m *testing.M) { steady.Main(m) }
