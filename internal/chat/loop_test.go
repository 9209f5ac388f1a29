// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/recovery"
)

const sandfly = "sandfly-mcp-server"

// step is how one heal goes.
type step func(context.Context, healing.Failure) (healing.Outcome, error)

// healer is a Healer that a test scripts: one function a heal, in order; the last one is used for all that follow.
type healer struct {
	mu       sync.Mutex
	script   []step
	failures []healing.Failure
}

func (h *healer) Heal(ctx context.Context, failure healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
	h.mu.Lock()
	step := h.script[0]
	if len(h.script) > 1 {
		h.script = h.script[1:]
	}
	h.failures = append(h.failures, failure)
	h.mu.Unlock()
	progress(v1alpha1.ProgressEntry{Message: "Checking pod status: 0 pods"})
	progress(v1alpha1.ProgressEntry{Phase: v1alpha1.PhaseRemediating, Message: "Scaling to 1"})
	return step(ctx, failure)
}

func fixed(do func()) step {
	return func(context.Context, healing.Failure) (healing.Outcome, error) {
		do()
		return healing.Outcome{Request: sandfly + "-1", Result: healing.Result{Success: true, FixApplied: "Scaled Deployment sandfly-mcp-server from 0 to 1"}}, nil
	}
}

// asked is what came of a query.
type asked struct {
	// events are those that the spec names; extras are the others.
	events  []string
	extras  []string
	outcome *chat.Outcome
	healer  *healer
}

type setup struct {
	backends []*mcptest.Backend
	script   []step
	planner  chat.Planner
	options  mcp.Options
	unlisted bool
	// usable are the servers that the one who asks may use. Nil means all.
	usable func([]*mcp.Server) ([]*mcp.Server, error)
	damage func()
	// clock of the recoverer. Nil means the real one.
	clock clock.Clock
}

func (s setup) ask(ctx context.Context, t *testing.T, query string) asked {
	t.Helper()
	loop, h := s.loop(t)
	return ask(ctx, t, loop, h, query)
}

// loop makes a Loop in front of the backends, and then does the damage.
func (s setup) loop(t *testing.T) (*chat.Loop, *healer) {
	t.Helper()
	s.options.Log = testr.New(t)
	registry := mcp.NewRegistry(s.options)
	t.Cleanup(registry.Close)
	for _, backend := range s.backends {
		registry.OnAdd(backend.Service(), true)
	}
	for _, server := range registry.Servers() {
		if !s.unlisted {
			mcptest.Eventually(t, "tools", func() bool { _, listed := server.Tools(); return listed })
		}
	}
	if s.damage != nil {
		s.damage()
	}
	if s.planner == nil {
		s.planner = chat.NewRules()
	}
	if s.usable == nil {
		s.usable = func(all []*mcp.Server) ([]*mcp.Server, error) { return all, nil }
	}
	h := &healer{script: s.script}
	if s.clock == nil {
		s.clock = clock.RealClock{}
	}
	recoverer := recovery.New(recovery.Options{
		Healer: h, Metrics: recovery.NewMetrics(prometheus.NewRegistry()), Clock: s.clock, Log: testr.New(t),
	})
	t.Cleanup(recoverer.Close) // before the registry, whose servers it asks whether they are back
	loop := chat.NewLoop(chat.Options{
		Planner: s.planner, Servers: func(context.Context) ([]*mcp.Server, error) { return s.usable(registry.Servers()) }, Recoverer: recoverer,
		Metrics: chat.NewMetrics(prometheus.NewRegistry()), Clock: clock.RealClock{}, Log: testr.New(t),
	})
	return loop, h
}

func ask(ctx context.Context, t *testing.T, loop *chat.Loop, h *healer, query string) asked {
	t.Helper()
	var events, extras []string
	outcome := loop.Run(ctx, chat.Query{ID: "task-1", Text: query, RequestedBy: "test"}, func(event chat.Event) {
		raw, err := json.Marshal(event)
		if err != nil {
			t.Error(err)
		}
		switch event.(type) {
		case chat.ConversationKnown, chat.ToolStart, chat.ToolResult, chat.TextDelta:
			extras = append(extras, string(raw))
		default:
			events = append(events, string(raw))
		}
	})
	return asked{events, extras, outcome, h}
}

func (a asked) text() string {
	var texts []string
	for _, block := range a.outcome.Result.Content {
		texts = append(texts, block.Text)
	}
	return strings.Join(texts, " | ")
}

// types are the types of the events, and with it the check that there is one last event and it is the last.
func (a asked) types(t *testing.T) []string {
	t.Helper()
	var types []string
	for i, raw := range a.events {
		var event struct{ Type, Status string }
		if err := json.Unmarshal([]byte(raw), &event); err != nil {
			t.Fatal(err)
		}
		if last := i == len(a.events)-1; (event.Type == "processing_complete") != last {
			t.Errorf("event %d of %d is %s", i+1, len(a.events), raw)
		}
		types = append(types, strings.TrimPrefix(strings.TrimPrefix(event.Type, "processing_"), "healing_"))
	}
	return types
}

func (a asked) expect(t *testing.T, status chat.Status, text string, types ...string) {
	t.Helper()
	// How many steps a heal tells depends on what the connection was doing when the server went.
	if diff := cmp.Diff(slices.Compact(types), slices.Compact(a.types(t))); diff != "" {
		t.Errorf("events: %s", diff)
	}
	if a.outcome.Status != status || !strings.Contains(a.text(), text) {
		t.Errorf("got %s: %s\nwant %s: %s", a.outcome.Status, a.text(), status, text)
	}
}

func TestAHealthyCallIsJustAnswered(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}}.ask(t.Context(), t, "list sandfly hosts")
	got.expect(t, chat.StatusCompleted, `2 hosts | {"hosts":["web-1","db-1"]}`, "start", "complete")
}

// The main job: the server is down, is healed, and the question is answered.
func TestAServerThatIsDownIsHealedAndThenAnswers(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{fixed(backend.Up)}}.
		ask(t.Context(), t, "list sandfly hosts")
	got.expect(t, chat.StatusCompleted, `2 hosts | {"hosts":["web-1","db-1"]}`, "start", "start", "progress", "progress", "progress", "complete", "complete")
	want := []string{
		`{"type":"processing_start","query":"list sandfly hosts"}`,
		`{"type":"healing_start","service":"sandfly-mcp-server","issue":"connect ECONNREFUSED"}`,
		`{"type":"healing_progress","service":"sandfly-mcp-server","message":"Investigating issue with sandfly-mcp-server..."}`,
		`{"type":"healing_progress","service":"sandfly-mcp-server","message":"Checking pod status: 0 pods"}`,
		`{"type":"healing_progress","service":"sandfly-mcp-server","message":"Scaling to 1"}`,
		`{"type":"healing_progress","service":"sandfly-mcp-server","message":"Calling list_hosts again: the call did not reach the server"}`,
		`{"type":"healing_complete","service":"sandfly-mcp-server","success":true,"message":"Scaled Deployment sandfly-mcp-server from 0 to 1"}`,
	}
	told := slices.DeleteFunc(slices.Clone(got.events[:len(got.events)-1]), func(event string) bool { return strings.Contains(event, "on another session") })
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	failure := got.healer.failures[0]
	if failure.Error.Class != v1alpha1.ErrorConnectionRefused || failure.Error.Tool != "list_hosts" || failure.Error.Endpoint == "" ||
		failure.RequestedBy != "test" || failure.Service.Name != sandfly || time.Since(failure.CallStarted) > time.Minute {
		t.Errorf("recorded %+v", failure)
	}
	if !slices.Contains(failure.Tools, "list_hosts") || !slices.Contains(failure.Tools, "start_scan") {
		t.Errorf("the tools that it had are not recorded: %q", failure.Tools)
	}
	if runs := backend.Calls("list_hosts"); runs != 1 || len(got.outcome.Healing) != 1 || !got.outcome.Healing[0].Success {
		t.Errorf("ran %d times; heals: %+v", runs, got.outcome.Healing)
	}
}

// A call that waits for the heal of another one was never made, and is named all the same when it is.
func TestACallThatWaitsIsNamed(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	var loop *chat.Loop
	var h *healer
	second := make(chan asked, 1)
	loop, h = setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{fixed(func() {
		investigating, events := make(chan struct{}), []string(nil)
		begun := sync.OnceFunc(func() { close(investigating) })
		go func() {
			defer begun()
			loop.Run(t.Context(), chat.Query{ID: "task-2", Text: "start a scan host=web-1"}, func(event chat.Event) {
				raw, _ := json.Marshal(event)
				if events = append(events, string(raw)); strings.Contains(string(raw), "Investigating") {
					begun()
				}
			})
			second <- asked{events: events}
		}()
		<-investigating
		backend.Up()
	})}}.loop(t)
	ask(t.Context(), t, loop, h, "list sandfly hosts").expect(t, chat.StatusCompleted, "2 hosts", "start", "start", "progress", "complete", "complete")
	if told := strings.Join((<-second).events, "\n"); !strings.Contains(told, "Calling start_scan again: the call did not reach the server") || backend.Calls("start_scan") != 1 || len(h.failures) != 1 {
		t.Errorf("ran %d times, %d heals: %s", backend.Calls("start_scan"), len(h.failures), told)
	}
}

// The operator has seen the server answer, but this node still refuses for a moment.
func TestARefusalRightAfterAHealIsTriedAgain(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	now := testclock.NewFakeClock(time.Now())
	loop, h := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{fixed(func() {})}, clock: now}.loop(t)
	answered := make(chan asked, 1)
	go func() { answered <- ask(t.Context(), t, loop, h, "start a scan host=web-1") }()
	// Two wait for the clock then: the ramp, and the call.
	mcptest.Eventually(t, "a call that is refused after the heal", func() bool { return now.Waiters() > 1 })
	backend.Up()
	var got asked
	mcptest.Eventually(t, "an answer", func() bool {
		now.Step(10 * time.Millisecond)
		select {
		case got = <-answered:
			return true
		default:
			return false
		}
	})
	got.expect(t, chat.StatusCompleted, "scan of web-1 started", "start", "start", "progress", "progress", "progress", "complete", "complete")
	if runs := backend.Calls("start_scan"); runs != 1 || len(got.healer.failures) != 1 {
		t.Errorf("ran %d times, %d heals", runs, len(got.healer.failures))
	}
}

func TestAHealThatDoesNotHelpIsNotRepeated(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{fixed(func() {})}}.
		ask(t.Context(), t, "list hosts")
	got.expect(t, chat.StatusFailed, "sandfly-mcp-server was healed, and the call still fails (connect ECONNREFUSED)",
		"start", "start", "progress", "progress", "progress", "complete", "complete")
}

func TestAFailedHealEndsWithWhatToDo(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	failed := func(context.Context, healing.Failure) (healing.Outcome, error) {
		return healing.Outcome{SuggestedCommand: "kubectl set image …", Result: healing.Result{Diagnosis: "ImagePullBackOff detected", Recommendation: "Check image name/tags and registry access"}}, nil
	}
	got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{failed}}.
		ask(t.Context(), t, "list hosts")
	got.expect(t, chat.StatusFailed, "Diagnosis: ImagePullBackOff detected\n\nRecommendation: Check image name/tags and registry access\n\nSuggested command: kubectl set image …",
		"start", "start", "progress", "progress", "progress", "failed", "complete")
	if want := `{"type":"healing_failed","service":"sandfly-mcp-server","message":"Unable to fix automatically: ImagePullBackOff detected","recommendation":"Check image name/tags and registry access"}`; got.events[len(got.events)-2] != want {
		t.Errorf("got  %s\nwant %s", got.events[len(got.events)-2], want)
	}
}

func TestAHealThatCannotBeFollowed(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	lost := func(context.Context, healing.Failure) (healing.Outcome, error) {
		return healing.Outcome{}, &healing.Error{Message: "the Cortex operator has not taken up the request sandfly-mcp-server-1 within 10s", Recommendation: "Check that the operator runs"}
	}
	got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{lost}}.
		ask(t.Context(), t, "list hosts")
	got.expect(t, chat.StatusFailed, "has not taken up the request", "start", "start", "progress", "progress", "progress", "failed", "complete")
	if len(got.outcome.Healing) != 1 || got.outcome.Healing[0].Success || got.outcome.Healing[0].Timestamp == "" {
		t.Errorf("heals: %+v", got.outcome.Healing)
	}
}

// The operator has no way to the server: what comes of the call decides, and it is told as it is.
func TestAFixThatTheOperatorCannotSee(t *testing.T) {
	for name, tc := range map[string]struct {
		helps  bool
		query  string
		status chat.Status
		answer string
		last   string
	}{
		"helped":     {true, "list sandfly hosts", chat.StatusCompleted, "2 hosts", "complete"},
		"not helped": {false, "list sandfly hosts", chat.StatusFailed, "was not healed", "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			backend := mcptest.Start(t, sandfly)
			blind := func(context.Context, healing.Failure) (healing.Outcome, error) {
				if tc.helps {
					backend.Up()
				}
				return healing.Outcome{Unverified: true, Result: healing.Result{FixApplied: "Restarted deployment sandfly-mcp-server", Diagnosis: "a NetworkPolicy closes the way"}}, nil
			}
			got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{blind}}.ask(t.Context(), t, tc.query)
			got.expect(t, tc.status, tc.answer, "start", "start", "progress", "progress", "progress", "progress", tc.last, "complete")
		})
	}
}

func TestAToolsOwnErrorIsTheAnswer(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}}.ask(t.Context(), t, "start a scan host=unknown")
	got.expect(t, chat.StatusCompleted, "no such host: unknown", "start", "complete")
}

func TestACallThatMayHaveRunIsHealedAndNotRepeated(t *testing.T) {
	for query, runs := range map[string]int{"start a scan host=web-1": 1, "set label": 1} {
		backend := mcptest.Start(t, sandfly)
		got := setup{backends: []*mcptest.Backend{backend}, damage: func() { backend.Break(mcptest.LoseAnswer()) },
			script: []step{fixed(func() {})}}.ask(t.Context(), t, query)
		if query == "set label" {
			// "set" is a noun as well, so this is no order, and nothing at all may run.
			got.expect(t, chat.StatusCompleted, "No tool matches", "start", "complete")
			continue
		}
		got.expect(t, chat.StatusFailed, "sandfly-mcp-server works again, but start_scan was not called a second time: the call may have run",
			"start", "start", "progress", "progress", "progress", "complete", "complete")
		if got := backend.Calls("start_scan"); got != runs {
			t.Errorf("ran %d times", got)
		}
	}
}

func TestAHungServerIsHealed(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}, damage: func() { backend.Break(mcptest.Hang("")) }, options: mcp.Options{CallTimeout: 5 * time.Second},
		script: []step{fixed(func() { backend.Break(nil) })}}.ask(t.Context(), t, "list hosts")
	got.expect(t, chat.StatusCompleted, "2 hosts", "start", "start", "progress", "progress", "progress", "complete", "complete")
	if !strings.Contains(got.events[1], `"issue":"no answer in time"`) {
		t.Error(got.events[1])
	}
}

func TestAnUnavailableServerIsHealed(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	got := setup{backends: []*mcptest.Backend{backend}, damage: func() { backend.Break(mcptest.Status(http.StatusServiceUnavailable)) },
		script: []step{fixed(func() { backend.Break(nil) })}}.ask(t.Context(), t, "list hosts")
	got.expect(t, chat.StatusCompleted, "2 hosts", "start", "start", "progress", "progress", "progress", "complete", "complete")
	if !strings.Contains(got.events[1], `"issue":"HTTP 503 Service Unavailable"`) {
		t.Error(got.events[1])
	}
}

// The server was down when the gateway started, so its tools are not known.
func TestAServerThatWasNeverSeenIsHealedToLearnItsTools(t *testing.T) {
	for _, query := range []string{"list sandfly hosts", "which hosts are watched?"} {
		backend := mcptest.Stopped(t, sandfly)
		got := setup{backends: []*mcptest.Backend{backend}, unlisted: true, script: []step{fixed(backend.Up)}}.
			ask(t.Context(), t, query)
		got.expect(t, chat.StatusCompleted, "2 hosts", "start", "start", "progress", "progress", "progress", "complete", "complete")
		if tools := got.healer.failures[0].Tools; len(tools) != 0 {
			t.Errorf("%q are expected, which nobody knows of", tools)
		}
	}
}

func TestAServerThatWasNeverSeenAndCannotBeHealed(t *testing.T) {
	backend := mcptest.Stopped(t, sandfly)
	failed := func(context.Context, healing.Failure) (healing.Outcome, error) {
		return healing.Outcome{Result: healing.Result{Diagnosis: "no image"}}, nil
	}
	got := setup{backends: []*mcptest.Backend{backend}, unlisted: true, script: []step{failed}}.ask(t.Context(), t, "list hosts")
	got.expect(t, chat.StatusFailed, "Diagnosis: no image", "start", "start", "progress", "progress", "progress", "failed", "complete")
}

// The failure predates a fix that is already there: nothing is started, the call is made again; if it fails anew, then
// a heal is due.
func TestAHealThatHadEndedBefore(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	already := func(context.Context, healing.Failure) (healing.Outcome, error) {
		return healing.Outcome{AlreadyHealed: true, Request: sandfly + "-1", Result: healing.Result{Success: true, Timestamp: "2026-11-23T10:30:00Z"}}, nil
	}
	got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{already, fixed(backend.Up)}}.
		ask(t.Context(), t, "list hosts")
	got.expect(t, chat.StatusCompleted, "2 hosts", "start", "start", "progress", "progress", "progress", "complete", "start", "progress", "progress", "progress", "complete", "complete")
	if first, second := got.healer.failures[0], got.healer.failures[1]; !second.CallStarted.After(first.CallStarted) {
		t.Error("the second failure is that of the second call")
	}
}

func TestTheEndOfAQueryIsTold(t *testing.T) {
	backend := mcptest.Start(t, sandfly)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := func(ctx context.Context, _ healing.Failure) (healing.Outcome, error) {
		cancel(errors.New("the gateway is shutting down"))
		<-ctx.Done()
		return healing.Outcome{}, context.Cause(ctx)
	}
	got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{ended}}.ask(ctx, t, "list hosts")
	got.expect(t, chat.StatusFailed, "the gateway is shutting down", "start", "start", "progress", "progress", "progress", "complete")
}

type panicking struct{ *chat.Rules }

func (p panicking) Plan([]chat.Exchange, func(chat.Event)) chat.Plan { return p }

func (panicking) Next(context.Context, chat.Conversation) (chat.Turn, error) { panic("boom") }

func TestAPanicEndsItsQueryAndNothingElse(t *testing.T) {
	t.Run("in the planner", func(t *testing.T) {
		got := setup{planner: panicking{chat.NewRules()}}.ask(t.Context(), t, "list hosts")
		got.expect(t, chat.StatusFailed, "an internal error ended the task", "start", "complete")
	})
	t.Run("beside other calls", func(t *testing.T) {
		backend := mcptest.Start(t, sandfly)
		panics := func(context.Context, healing.Failure) (healing.Outcome, error) { panic("boom") }
		got := setup{backends: []*mcptest.Backend{backend}, damage: backend.Down, script: []step{panics}}.ask(t.Context(), t, "list hosts")
		got.expect(t, chat.StatusFailed, "an internal error of the gateway", "start", "start", "progress", "failed", "complete")
	})
}

func TestServersAreHealedSideBySide(t *testing.T) {
	one, two := mcptest.Start(t, "one"), mcptest.Start(t, "two")
	var both sync.WaitGroup
	both.Add(2)
	heal := func(_ context.Context, failure healing.Failure) (healing.Outcome, error) {
		both.Done()
		both.Wait() // each heal ends only when the other has begun
		if failure.Service.Name == "one" {
			one.Up()
		} else {
			two.Up()
		}
		return healing.Outcome{Request: "r", Result: healing.Result{Success: true}}, nil
	}
	got := setup{backends: []*mcptest.Backend{one, two}, damage: func() { one.Down(); two.Down() }, script: []step{heal}}.ask(t.Context(), t, "list hosts")
	if got.outcome.Status != chat.StatusCompleted || !strings.Contains(got.text(), "list_hosts on one:") || !strings.Contains(got.text(), "list_hosts on two:") {
		t.Errorf("%s: %s", got.outcome.Status, got.text())
	}
	got.types(t)
}

// TestOnlyUsableServersAreSeen: what the one who asks may not use is not even named, and where nobody can tell, nothing is called.
func TestOnlyUsableServersAreSeen(t *testing.T) {
	mine, other := mcptest.Start(t, "proxmox-mcp-server"), mcptest.Start(t, "sandfly-mcp-server")
	both := []*mcptest.Backend{mine, other}
	for name, tc := range map[string]struct {
		usable func([]*mcp.Server) ([]*mcp.Server, error)
		told   string
		calls  int
	}{
		"some":    {func(all []*mcp.Server) ([]*mcp.Server, error) { return all[:1], nil }, "2 hosts", 1},
		"unknown": {func([]*mcp.Server) ([]*mcp.Server, error) { return nil, errors.New("nobody can tell") }, "nobody can tell", 0},
	} {
		t.Run(name, func(t *testing.T) {
			before := mine.Calls("list_hosts")
			got := setup{backends: both, usable: tc.usable}.ask(t.Context(), t, "list sandfly hosts")
			if !strings.Contains(got.text(), tc.told) || strings.Contains(got.text(), "sandfly") || mine.Calls("list_hosts") != before+tc.calls || other.Calls("list_hosts") != 0 {
				t.Errorf("%s; %d and %d calls", got.text(), mine.Calls("list_hosts")-before, other.Calls("list_hosts"))
			}
		})
	}
}
