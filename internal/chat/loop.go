// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/recovery"
)

// maxTurns bounds how often a planner is asked about one query.
const maxTurns = 8

// Options of a Loop.
type Options struct {
	Planner Planner
	// Servers lists the MCP servers that there are now, and that the one who asks may use (auth.FromContext).
	Servers func(context.Context) ([]*mcp.Server, error)
	// Recoverer makes the calls outlive a failure of their server.
	Recoverer *recovery.Recoverer
	Metrics   *Metrics
	Clock     clock.Clock
	Log       logr.Logger
}

// Loop answers queries. It is safe for concurrent use.
type Loop struct{ Options }

// NewLoop makes a Loop.
func NewLoop(o Options) *Loop { return &Loop{Options: o} }

// Query is a question.
type Query struct {
	// ID of the task that the question became.
	ID, Text string
	// RequestedBy names who asks. It is recorded on the HealingRequests, at most 253 characters.
	RequestedBy string
}

// Outcome is how a query ended.
type Outcome struct {
	Status Status
	Result Message
	// Healing has a result for every heal that the query waited for.
	Healing []healing.Result
}

// Run answers one query. It calls emit for every event, one at a time; the last one, whatever happens, is a
// ProcessingComplete, and there is no other. emit must not block longer than it likes the query to wait.
func (l *Loop) Run(ctx context.Context, query Query, emit func(Event)) Outcome {
	r := &run{Loop: l, query: query, emit: emit, log: l.Log.WithValues("task", query.ID), failed: map[types.NamespacedName]error{}}
	r.tell(ProcessingStart{Query: query.Text})
	answer, err := r.guarded(ctx)
	if err != nil {
		r.log.Info("a query failed", "reason", foreign.Line(err.Error(), 1024))
		answer = Answer{Status: StatusFailed, Texts: []string{shown(err.Error())}}
	}
	outcome := Outcome{Status: answer.Status, Result: message(query.ID, l.Planner.Model(), answer.Texts), Healing: r.heals}
	r.tell(ProcessingComplete{ID: query.ID, Status: outcome.Status, Result: outcome.Result})
	return outcome
}

// run is the state of one query.
type run struct {
	*Loop
	query Query
	emit  func(Event)
	log   logr.Logger

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

// guarded turns a panic into an error, so that one bad query ends itself and nothing else.
func (r *run) guarded(ctx context.Context) (answer Answer, err error) {
	defer r.recovered(&err)
	return r.answer(ctx)
}

// recovered must be deferred.
func (r *run) recovered(err *error) {
	if value := recover(); value != nil {
		r.log.Error(fmt.Errorf("panic: %v", value), "a query panicked", "stack", string(debug.Stack()))
		*err = fmt.Errorf("an internal error ended the task; the gateway's log has the details under task %s", r.query.ID)
	}
}

func (r *run) answer(ctx context.Context) (Answer, error) {
	conversation := Conversation{Query: r.query.Text}
	for range maxTurns {
		if ctx.Err() != nil {
			return Answer{}, context.Cause(ctx)
		}
		servers, err := r.view(ctx)
		if err != nil {
			return Answer{}, err
		}
		conversation.Servers = servers
		turn, err := r.Planner.Next(ctx, conversation)
		switch {
		case err != nil:
			return Answer{}, fmt.Errorf("planning: %w", err)
		case turn.Answer != nil:
			return *turn.Answer, nil
		case len(turn.List) > 0:
			r.listAll(ctx, turn.List)
		default:
			conversation.Results = append(conversation.Results, r.callAll(ctx, turn.Calls)...)
		}
	}
	return Answer{}, fmt.Errorf("the question was not answered within %d turns", maxTurns)
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
			err = r.outliving(ctx, server, mcp.Hints{ReadOnly: true}, func(ctx context.Context) error { return server.List(ctx) })
		}
		return err
	}, func(i int, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failed[keys[i]] = err
	})
}

// callAll makes calls side by side.
func (r *run) callAll(ctx context.Context, calls []Call) []Result {
	results := make([]Result, len(calls))
	r.sideBySide(len(calls), func(i int) error {
		results[i].Call = calls[i]
		server, err := r.find(ctx, calls[i].Server)
		if err != nil {
			return err
		}
		return r.outliving(ctx, server, calls[i].Tool.Hints, func(ctx context.Context) error {
			started := r.Clock.Now()
			output, err := server.Call(ctx, calls[i].Tool, calls[i].Arguments)
			results[i].Output = output
			r.Metrics.called(calls[i].Server.Name, err, r.Clock.Since(started))
			return err
		})
	}, func(i int, err error) { results[i].Err = err })
	return results
}

// outliving makes a call that outlives a failure of its server.
func (r *run) outliving(ctx context.Context, server *mcp.Server, hints mcp.Hints, call func(context.Context) error) error {
	return r.Recoverer.Do(logr.NewContext(ctx, r.log), recovery.Call{Server: server, Hints: hints, RequestedBy: r.query.RequestedBy, Make: call}, r)
}

// sideBySide does n things at once and waits for all. done is told the error of each that failed.
func (r *run) sideBySide(n int, do func(i int) error, failed func(i int, err error)) {
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
