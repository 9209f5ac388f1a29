// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/claude"
	"github.com/ry-ops/cortex/internal/claude/claudetest"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/recovery"
)

const sandfly = "sandfly-mcp-server"

type healer func() (healing.Outcome, error)

// Heal implements recovery.Healer.
func (h healer) Heal(context.Context, healing.Failure, func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
	return h()
}

// world is a gateway's loop with Claude as the planner, a model that is scripted, and MCP servers.
type world struct {
	t        *testing.T
	loop     *chat.Loop
	model    *claudetest.Server
	registry *mcp.Registry
}

type setup struct {
	backends []*mcptest.Backend
	heal     healer
	options  claude.Options
	unlisted bool
}

func (s setup) start(t *testing.T, script ...claudetest.Reply) *world {
	t.Helper()
	w := &world{t: t, model: claudetest.Start(t, script...)}
	if s.options.BaseURL == "" {
		s.options.BaseURL = w.model.URL
	}
	if s.options.Key == nil {
		s.options.Key = claude.NewKey("", claudetest.Key, testr.New(t))
	}
	s.options.Otherwise, s.options.Log = chat.NewRules(), testr.New(t)
	if s.options.Clock == nil {
		s.options.Clock = stepping(t)
	}
	w.registry = mcp.NewRegistry(mcp.Options{Log: testr.New(t)})
	t.Cleanup(w.registry.Close)
	for _, backend := range s.backends {
		w.registry.OnAdd(backend.Service(), true)
	}
	for _, server := range w.registry.Servers() {
		if !s.unlisted {
			mcptest.Eventually(t, "tools", func() bool { _, listed := server.Tools(); return listed })
		}
	}
	recoverer := recovery.New(recovery.Options{
		Healer: s.heal, Metrics: recovery.NewMetrics(prometheus.NewRegistry()), Clock: clock.RealClock{}, Log: testr.New(t),
	})
	t.Cleanup(recoverer.Close) // before the registry, whose servers it asks whether they are back
	w.loop = chat.NewLoop(chat.Options{
		Planner: claude.New(s.options), Servers: func(context.Context) ([]*mcp.Server, error) { return w.registry.Servers(), nil },
		Recoverer: recoverer,
		Metrics:   chat.NewMetrics(prometheus.NewRegistry()), Clock: clock.RealClock{}, Log: testr.New(t),
	})
	return w
}

// stepping is a clock that lets no one wait: it goes on by a second as soon as somebody does.
func stepping(t *testing.T) clock.Clock {
	fake := clocktesting.NewFakeClock(time.Now())
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			<-ticker.C
			if fake.HasWaiters() {
				fake.Step(time.Second)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return fake
}

// told is what came of a question.
type told struct {
	*chat.Outcome
	events []string
}

func (w *world) ask(query, conversation string) told {
	w.t.Helper()
	var events []string
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Minute)
	defer cancel()
	outcome := w.loop.Run(ctx, chat.Query{ID: "task-1", Text: query, RequestedBy: "test", Conversation: conversation}, func(event chat.Event) {
		raw, err := json.Marshal(event)
		if err != nil {
			w.t.Error(err)
		}
		events = append(events, string(raw))
	})
	if last := events[len(events)-1]; !strings.HasPrefix(last, `{"type":"processing_complete"`) {
		w.t.Errorf("the last event is %s", last)
	}
	return told{outcome, events}
}

func (o told) text() string {
	var texts []string
	for _, block := range o.Result.Content {
		texts = append(texts, block.Text)
	}
	return strings.Join(texts, " | ")
}

func (o told) expect(t *testing.T, status chat.Status, text string) {
	t.Helper()
	if o.Status != status || !strings.Contains(o.text(), text) {
		t.Errorf("got %s: %s\nwant %s: %s", o.Status, o.text(), status, text)
	}
}

// of are the events of a type.
func (o told) of(kind string) []string {
	var events []string
	for _, event := range o.events {
		if strings.HasPrefix(event, `{"type":"`+kind+`"`) {
			events = append(events, event)
		}
	}
	return events
}

// streamed is the text as a client puts it together that knows of reset.
func (o told) streamed() string {
	var text string
	for _, raw := range o.of("text_delta") {
		var delta struct {
			Text  string
			Reset bool
		}
		_ = json.Unmarshal([]byte(raw), &delta)
		if delta.Reset {
			text = ""
		}
		text += delta.Text
	}
	return text
}
