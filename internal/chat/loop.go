// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"fmt"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/recovery"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// maxTurns bounds how often a planner is asked about one query, should it not end by itself.
const maxTurns = 64

// stopRefusal is the stop reason of an answer that a model has declined to give.
const stopRefusal = "refusal"

// Options of a Loop.
type Options struct {
	Planner Planner
	// Conversations remembers what was said; nil makes a new memory.
	Conversations *Conversations
	// Servers lists the MCP servers that there are now, and that the one who asks may use (auth.FromContext).
	Servers func(context.Context) ([]*mcp.Server, error)
	// Recoverer makes the calls outlive a failure of their server.
	Recoverer *recovery.Recoverer
	Metrics   *Metrics
	// Panics are caught in the planner and in calls. Nil counts none.
	Panics *panics.Catcher
	// Tracer of queries and their calls. Nil makes no spans.
	Tracer *telemetry.Tracer
	Clock  clock.Clock
	Log    logr.Logger
}

// Loop answers queries. It is safe for concurrent use.
type Loop struct{ Options }

// NewLoop makes a Loop.
func NewLoop(o Options) *Loop {
	if o.Conversations == nil {
		o.Conversations = NewConversations(o.Clock)
	}
	return &Loop{Options: o}
}

// Query is a question.
type Query struct {
	// ID of the task that the question became.
	ID, Text string
	// RequestedBy names who asks. It is recorded on the HealingRequests, at most 253 characters.
	RequestedBy string
	// Conversation that the question goes on with; empty begins a new one.
	Conversation string
}

// Outcome is how a query ended.
type Outcome struct {
	Status Status
	Result Message
	// Healing has a result for every heal that the query waited for.
	Healing []healing.Result
	// Conversation to go on with; empty if there is none.
	Conversation string
}

// Knows tells why a conversation cannot be gone on with by its owner; nil if it can.
func (l *Loop) Knows(conversation, owner string) error {
	_, err := l.Conversations.past(conversation, owner)
	return err
}

// Run answers one query. It calls emit for every event, one at a time; the last one, whatever happens, is a
// ProcessingComplete, and there is no other. emit must not block longer than it likes the query to wait.
//
// Thousands of queries may wait for one heal, each with all that is called below on its stack. So what is large is kept apart and
// passed by pointer, and TestAWaitingQueryNeedsLittleStack measures it.
func (l *Loop) Run(ctx context.Context, query Query, emit func(Event)) *Outcome {
	r := &run{Loop: l, query: query, emit: emit, failed: map[types.NamespacedName]error{}}
	ctx = r.begin(ctx)
	defer r.span.End()
	answer, err := r.guarded(ctx)
	return r.end(answer, err)
}

func (r *run) begin(ctx context.Context) context.Context {
	ctx, r.span = r.Tracer.Start(ctx, telemetry.Internal, telemetry.OperationInvoke, "cortex")
	r.span.String(telemetry.Operation, telemetry.OperationInvoke)
	r.span.String(telemetry.AgentName, "cortex")
	r.span.String(telemetry.Task, r.query.ID)
	r.tell(ProcessingStart{Query: r.query.Text})
	return ctx
}

// end tells the last event.
func (r *run) end(answer *Answer, err error) *Outcome {
	if err != nil {
		r.Log.Info("a query failed", "task", r.query.ID, "reason", foreign.Line(err.Error(), 1024))
		answer = &Answer{Status: StatusFailed, Texts: []string{shown(err.Error())}}
	}
	r.span.String(telemetry.ConversationID, r.query.Conversation)
	r.span.String(telemetry.Result, string(answer.Status))
	if answer.Status == StatusFailed {
		r.span.Fail(string(StatusFailed))
	}
	outcome := &Outcome{Status: answer.Status, Result: message(r.query.ID, r.model(), answer), Healing: r.heals}
	if r.plan != nil {
		outcome.Conversation = r.query.Conversation
		// What a model has declined to answer, it would decline again with every question that follows.
		if answer.StopReason != stopRefusal {
			r.Conversations.add(r.query.Conversation, remembered(r.query.Text, r.results, answer))
		}
	}
	r.tell(ProcessingComplete{ID: r.query.ID, Status: outcome.Status, Result: outcome.Result})
	return outcome
}

// run is the state of one query.
type run struct {
	*Loop
	query Query
	emit  func(Event)
	span  telemetry.Span
	plan  Plan
	// results of the calls so far.
	results []Result

	// mu makes events of calls that run side by side come one at a time, and guards what follows.
	mu     sync.Mutex
	heals  []healing.Result
	failed map[types.NamespacedName]error
}

func (r *run) tell(event Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emit(event)
}

// past is what was said before. It gives a new conversation its id.
func (r *run) past() ([]Exchange, error) {
	if r.query.Conversation == "" {
		r.query.Conversation = r.Conversations.begin(r.query.RequestedBy)
		return nil, nil
	}
	return r.Conversations.past(r.query.Conversation, r.query.RequestedBy)
}

func (r *run) model() string {
	if r.plan == nil {
		return "none"
	}
	return r.plan.Model()
}

// guarded turns a panic into an error, so that one bad query ends itself and nothing else.
func (r *run) guarded(ctx context.Context) (answer *Answer, err error) {
	defer r.recovered(&err)
	return r.answer(ctx)
}

// recovered must be deferred.
func (r *run) recovered(err *error) {
	if value := recover(); value != nil {
		r.Panics.Caught(panics.Query, value, "task", r.query.ID)
		*err = fmt.Errorf("an internal error ended the task; the gateway's log has the details under task %s", r.query.ID)
	}
}

func (r *run) answer(ctx context.Context) (*Answer, error) {
	past, err := r.past()
	if err != nil {
		return nil, err
	}
	r.plan = r.Planner.Plan(past, r.tell)
	r.tell(ConversationKnown{ConversationID: r.query.Conversation})
	for range maxTurns {
		turn, err := r.next(ctx)
		switch {
		case err != nil:
			return nil, err
		case turn.Answer != nil:
			return turn.Answer, nil
		case len(turn.List) > 0:
			r.listAll(ctx, turn.List)
		default:
			r.callAll(ctx, turn.Calls)
		}
	}
	return nil, fmt.Errorf("the question was not answered within %d turns", maxTurns)
}

// next asks the planner.
func (r *run) next(ctx context.Context) (Turn, error) {
	if ctx.Err() != nil {
		return Turn{}, context.Cause(ctx)
	}
	servers, err := r.view(ctx)
	if err != nil {
		return Turn{}, err
	}
	return r.plan.Next(ctx, Conversation{Query: r.query.Text, Servers: servers, Results: r.results})
}

// view shows the servers to the planner.
func (r *run) view(ctx context.Context) ([]Server, error) {
	known, err := r.Servers(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var servers []Server
	for _, server := range known {
		tools, listed := server.Tools()
		servers = append(servers, Server{Key: server.Key(), Tools: tools, Listed: listed, Failed: r.failed[server.Key()]})
	}
	return servers, nil
}

func (r *run) find(ctx context.Context, key types.NamespacedName) (*mcp.Server, error) {
	servers, err := r.Servers(ctx)
	if err != nil {
		return nil, err
	}
	for _, server := range servers {
		if server.Key() == key {
			return server, nil
		}
	}
	return nil, fmt.Errorf("there is no MCP server %s any more", key)
}

// listAll lists the tools of servers side by side: one that has to be healed first does not delay the others.
func (r *run) listAll(ctx context.Context, keys []types.NamespacedName) {
	r.sideBySide(len(keys), func(i int) (err error) {
		server, err := r.find(ctx, keys[i])
		if err == nil {
			err = r.outliving(ctx, server, &mcp.Tool{Hints: mcp.Hints{ReadOnly: true}}, func(ctx context.Context) error { return server.List(ctx) })
		}
		return err
	}, func(i int, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failed[keys[i]] = err
	})
}

// outliving makes a call that outlives a failure of its server. A listing is one of no tool.
func (r *run) outliving(ctx context.Context, server *mcp.Server, tool *mcp.Tool, call func(context.Context) error) error {
	return r.Recoverer.Do(ctx, recovery.Call{
		Server: server, Tool: tool.Name, Hints: tool.Hints, RequestedBy: r.query.RequestedBy, Task: r.query.ID, Pushed: true, Make: call,
	}, r)
}

// sideBySide does n things at once and waits for all. done is told the error of each that failed. One alone needs no goroutine of
// its own, which waits for as long as a heal takes.
func (r *run) sideBySide(n int, do func(i int) error, failed func(i int, err error)) {
	if n == 1 {
		if err := r.guard(func() error { return do(0) }); err != nil {
			failed(0, err)
		}
		return
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := r.guard(func() error { return do(i) }); err != nil {
				failed(i, err)
			}
		})
	}
	all.Wait()
}

func (r *run) guard(do func() error) (err error) {
	defer r.recovered(&err)
	return do()
}
