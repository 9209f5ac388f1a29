// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package recovery makes calls that outlive a failure of their server: a call that fails by fault of the infrastructure waits until
// the server was healed, and is made again where the replay rule allows. Whoever makes the call, a chat or an MCP client, is told
// each step.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/telemetry"
)

const (
	// settleTime is how long a call is tried again after a heal while it provably does not reach the server: the
	// operator has seen the server answer, but this node's kube-proxy may hear of the new endpoints a moment later.
	settleTime = 3 * time.Second
	// settleFirst and settleMost bound the pause between those tries.
	settleFirst = 25 * time.Millisecond
	settleMost  = 400 * time.Millisecond
	// maxHeals bounds the heals that one call waits for. The second one is for a call that was told of a heal that had
	// ended before, and then failed anew.
	maxHeals = 2
)

// Healer has a failed service healed, or follows the heal that is under way.
type Healer interface {
	Heal(ctx context.Context, failure healing.Failure, progress func(v1alpha1.ProgressEntry)) (healing.Outcome, error)
}

// Listener is told the steps of the heals that one caller waits for. Its methods may be called from several goroutines if the caller
// makes several calls.
type Listener interface {
	// HealingStarted: a service was seen to fail, and a heal begins. issue names the failure in few words.
	HealingStarted(service, issue string)
	// HealingProgress is called for every step.
	HealingProgress(service, message string)
	// HealingSucceeded: the service answers again.
	HealingSucceeded(service, message string)
	// HealingFailed: a person has to see to it.
	HealingFailed(service, message, recommendation string)
	// HealingEnded is called with the result of every heal, after which one of the two above may still follow.
	HealingEnded(result healing.Result)
}

// Options of a Recoverer.
type Options struct {
	Healer  Healer
	Metrics *Metrics
	Clock   clock.Clock
	// Panics are caught in calls and in what follows heals. Nil counts none.
	Panics *panics.Catcher
	// Tracer of heals that are waited for, and of replays. Nil makes no spans.
	Tracer *telemetry.Tracer
	Log    logr.Logger
}

// Recoverer makes calls that outlive a failure of their server. It is safe for concurrent use. Close it when there are no calls
// any more.
type Recoverer struct {
	Options
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	// wards by the types.NamespacedName of servers that have failed: those of labelled Services, so they are few.
	wards sync.Map
}

// New makes a Recoverer.
func New(o Options) *Recoverer {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Recoverer{Options: o, ctx: ctx, cancel: cancel}
	o.Metrics.watch(r)
	return r
}

// Close stops following heals, which go on by themselves, and waits for what runs in the background.
func (r *Recoverer) Close() {
	r.cancel()
	r.work.Wait()
}

// Call is one call to a server.
type Call struct {
	Server *mcp.Server
	// Tool that is called, as people are told; it may be empty.
	Tool string
	// Hints of the tool: whether the call may be made twice.
	Hints mcp.Hints
	// RequestedBy is recorded on the HealingRequest, at most 253 characters. Empty means that nobody was asked who they are, and is
	// recorded as what Kubernetes calls them.
	RequestedBy string
	// Task is the id of the task that makes the call, for the record; empty if there is none.
	Task string
	// AtOnce: a call that may have run and must not run twice is answered at once, while its server is healed. Otherwise its
	// caller is shown the heal, and told at the end.
	AtOnce bool
	// Pushed: the listener takes a step without waiting for anything, so that it is told by whoever has the step: of the thousands who
	// may wait for one heal, none has to wake. Other listeners are told on the goroutine of the call.
	Pushed bool
	// Make makes the call. It is called again after a heal. An error that a heal may cure is a *mcp.CallError.
	Make func(context.Context) error
}

// Unhealed is the error of a call whose server was not healed. Its text tells people what is wrong and what to do.
type Unhealed struct {
	// Outcome of the heal.
	Outcome healing.Outcome
	// RetryAfter is when it is worth to ask again.
	RetryAfter time.Duration
	// AtOnce: the call was not made, since this was known before.
	AtOnce bool
	text   string
}

// Error implements error.
func (e *Unhealed) Error() string { return e.text }

// call is a Call under way.
type call struct {
	*Recoverer
	Call
	listener Listener
	// joined is the heal that the call waits for without having been made.
	joined *flight
	// replays are the calls that were made again before the heal began: they are told with it.
	replays []string
	// span is of the heal that the call waits for.
	span telemetry.Span
}

// Do makes a call. If it fails by fault of the infrastructure, it has the server healed and makes the call again where the replay
// rule allows. An error is one that people can read; one that comes of a server that was not healed is an *Unhealed.
//
// All callers of one server share its heal. While it is under way and nobody can reach the server, a call waits for its end
// without being made; after one that failed or waits for a person, it is answered at once with what is known, but for one call
// at a time that is let through to see.
func (r *Recoverer) Do(ctx context.Context, c Call, listener Listener) (err error) {
	defer r.Panics.Catch(panics.ToolCall, &err, "service", c.Server.Key())
	return (&call{Recoverer: r, Call: c, listener: listener}).do(ctx)
}

// do goes in steps of its own, so that little is on the stack of a call that waits for a heal.
func (c *call) do(ctx context.Context) error {
	started := c.Clock.Now()
	err := c.first(ctx)
	defer func() { c.span.End() }()
	for range maxHeals {
		failure := curable(ctx, err)
		if failure == nil {
			break
		}
		flight, told := c.takeOff(ctx, failure, started)
		if flight == nil {
			return told
		}
		outcome, back, unhealed := c.heal(ctx, flight, failure)
		verdict, told := c.landed(ctx, failure, outcome, back, unhealed)
		if verdict == nil {
			return told
		}
		started = c.Clock.Now()
		if err = c.again(ctx, outcome, back, *verdict); !outcome.AlreadyHealed && !back {
			break
		}
	}
	return c.explained(ctx, err)
}

// takeOff gives the heal that the call waits for; nil if it waits for none, with what its caller is told.
func (c *call) takeOff(ctx context.Context, failure *mcp.CallError, started time.Time) (*flight, error) {
	ward, flight := c.ward(), c.joined
	healing := c.begun(ctx, failure)
	if c.joined = nil; flight == nil {
		if known, spent := ward.spent(c.Server, failure, c.Clock.Now()); known != nil {
			c.span.String(telemetry.Outcome, "known")
			return nil, c.mayHaveRun(c.answer(known), failure)
		} else if spent {
			return nil, c.explained(ctx, failure)
		}
		flight = ward.join(c, failure, started, telemetry.Traceparent(healing))
	}
	if !c.AtOnce {
		return flight, nil
	}
	verdict := mcp.Replay(failure.Class, failure.Sent, c.Hints)
	if verdict.Replay {
		return flight, nil
	}
	c.decide(failure, verdict)
	if failure.Answered {
		return nil, own(failure)
	}
	return nil, c.mayHaveRun(fmt.Errorf("%s failed (%s) and is being healed. The call is not made a second time: %s", c.service(), issueOf(failure), verdict.Reason), failure)
}

// landed decides, at the end of a heal, whether the call is made again. If there is no verdict it is not, and its caller is told.
func (c *call) landed(ctx context.Context, failure *mcp.CallError, outcome *healing.Outcome, back bool, unhealed error) (*mcp.Verdict, error) {
	c.told(outcome, back, unhealed) //nolint:contextcheck // a link is to another trace
	verdict := mcp.Replay(failure.Class, failure.Sent, c.Hints)
	switch {
	case outcome.Unverified && unhealed != nil:
		return nil, c.decided(ctx, failure, outcome, unhealed)
	case failure.Class == v1alpha1.ErrorDependencyDown && ctx.Err() == nil && (unhealed != nil || outcome.FixApplied == ""):
		return nil, own(failure)
	case unhealed != nil:
		return nil, c.mayHaveRun(unhealed, failure)
	case verdict.Replay:
		return &verdict, nil
	case failure.Class == v1alpha1.ErrorDependencyDown:
		return nil, own(failure)
	}
	return nil, fmt.Errorf("%s works again, but %s was not called a second time: %s. Check whether it ran before you ask again",
		c.service(), failure.Tool, verdict.Reason)
}

// again makes the call after a heal.
func (c *call) again(ctx context.Context, outcome *healing.Outcome, back bool, verdict mcp.Verdict) error {
	first := !back && c.Server.Renew(outcome.UID)
	err := c.replay(ctx, verdict)
	if first || back {
		c.Server.Relist()
	}
	return err
}

// first makes the call, unless it is known that there is nobody to take it.
func (c *call) first(ctx context.Context) error {
	value, failed := c.wards.Load(c.Server.Key())
	if !failed {
		return c.make(ctx)
	}
	switch gate, flight, known := value.(*ward).enter(c.Server, c.Clock.Now()); gate {
	case wait:
		// The call is not made, so it has not run, whatever it is.
		c.joined = flight
		unmade := *flight.failure
		unmade.Sent, unmade.Answered, unmade.Tool = false, false, c.Tool
		return &unmade
	case tell:
		return c.answer(known)
	default:
		return c.make(ctx)
	}
}

// ward of the server, which is made at its first failure.
func (c *call) ward() *ward {
	value, ok := c.wards.Load(c.Server.Key())
	if !ok {
		value, _ = c.wards.LoadOrStore(c.Server.Key(), &ward{server: c.Server, changes: c.Server.Changes()})
	}
	return value.(*ward)
}

// curable gives the failure that a heal may cure; nil if there is none, or nobody waits any more.
func curable(ctx context.Context, err error) *mcp.CallError {
	var failure *mcp.CallError
	if !errors.As(err, &failure) || !failure.Heals() || ctx.Err() != nil {
		return nil
	}
	return failure
}

func (c *call) service() string { return c.Server.Key().Name }

// log is made where it is written to: a logger with values of its own takes 1.4 KiB, and thousands of calls may wait for a heal.
func (c *call) log() logr.Logger {
	if c.Task == "" {
		return c.Log
	}
	return c.Log.WithValues("task", c.Task)
}

// decide tells what the replay rule says of a call.
func (c *call) decide(failure *mcp.CallError, verdict mcp.Verdict) {
	c.Metrics.replayed(c.service(), verdict.Replay)
	c.span.String(telemetry.Replay, decided(verdict))
	c.span.String(telemetry.ReplayReason, verdict.Reason)
	c.log().Info("[HEAL] replay decided", "service", c.Server.Key(), "tool", failure.Tool, "replay", verdict.Replay, "reason", verdict.Reason)
	c.listener.HealingProgress(c.service(), decision(failure, verdict))
}

// answer tells what is known of a server that was not healed.
func (c *call) answer(k *known) error {
	unhealed := c.unhealed(issueOf(k.failure), &k.outcome)
	unhealed.AtOnce = true
	if left := k.probeAt.Sub(c.Clock.Now()); left > 0 {
		unhealed.RetryAfter = left
	}
	unhealed.text += fmt.Sprintf("\n\nThis is known since %s, and the call was not made. The server is looked at again in %s",
		k.outcome.Timestamp, unhealed.RetryAfter.Round(100*time.Millisecond))
	c.Metrics.answeredAtOnce(c.service())
	c.log().V(1).Info("[HEAL] answered with what is known", "service", c.Server.Key(), "request", k.outcome.Request)
	c.listener.HealingEnded(k.outcome.Result)
	c.listener.HealingFailed(c.service(), unfixed(&k.outcome, k.err), k.outcome.Recommendation)
	return unhealed
}

// own is what comes of a call whose tool said no: that is the answer. Where it came as a result, there is no error.
func own(failure *mcp.CallError) error {
	if failure.Answered {
		return nil
	}
	return failure
}

// decided makes the call again after a fix of which the operator could not see whether it helped: what comes of the call decides.
// Where the call must not run twice nobody knows, and that is told.
func (c *call) decided(ctx context.Context, failure *mcp.CallError, outcome *healing.Outcome, unhealed error) error {
	if mcp.Replay(failure.Class, failure.Sent, c.Hints).Replay {
		c.listener.HealingProgress(c.service(), "The operator cannot see whether the fix helped. Calling again to find out...")
		c.Server.Renew(outcome.UID)
		err := c.replay(ctx, mcp.Replay(failure.Class, failure.Sent, c.Hints))
		if curable(context.WithoutCancel(ctx), err) == nil {
			c.listener.HealingSucceeded(c.service(), restored(outcome))
			return err
		}
	}
	c.listener.HealingFailed(c.service(), unfixed(outcome, nil), outcome.Recommendation)
	return c.mayHaveRun(unhealed, failure)
}

// mayHaveRun adds a warning to what people read, where a call that must not run twice may have run.
func (c *call) mayHaveRun(told error, failure *mcp.CallError) error {
	if mcp.Replay(failure.Class, failure.Sent, c.Hints).Replay {
		return told
	}
	return fmt.Errorf("%w\n\nThe call of %s may have run: check that before you ask again", told, failure.Tool)
}

// heal tells the whole story of one heal. The error says what a person should know and do.
func (c *call) heal(ctx context.Context, flight *flight, failure *mcp.CallError) (outcome *healing.Outcome, back bool, unhealed error) {
	c.healing(failure)
	c.Metrics.awaited.Inc()
	defer c.Metrics.awaited.Dec()
	outcome, back, err := flight.follow(ctx, c)
	if outcome == nil {
		return &healing.Outcome{}, false, context.Cause(ctx)
	}
	return outcome, back, c.healed(failure, outcome, err)
}

// healing tells that a heal begins.
func (c *call) healing(failure *mcp.CallError) {
	service, issue := c.service(), issueOf(failure)
	c.log().Info("[HEAL] a call failed", "service", c.Server.Key(), "tool", failure.Tool, "class", failure.Class, "reason", failure.Reason,
		"issue", issue, "error", failure.Observed().Message)
	c.listener.HealingStarted(service, issue)
	c.listener.HealingProgress(service, "Investigating issue with "+service+"...")
	for _, replay := range c.replays {
		c.listener.HealingProgress(service, replay)
	}
	c.replays = nil
}

// healed tells how a heal ended. One of which the operator cannot see whether it helped is told later.
func (c *call) healed(failure *mcp.CallError, outcome *healing.Outcome, err error) error {
	service := c.service()
	c.Metrics.healed(service, outcome.Success, err)
	c.log().Info("[HEAL] result", "service", service, "request", outcome.Request, "success", outcome.Success,
		"fix", outcome.FixApplied, "diagnosis", outcome.Diagnosis)
	c.listener.HealingEnded(outcome.Result)
	switch {
	case outcome.Unverified:
		return c.unhealed(issueOf(failure), outcome)
	case !outcome.Success:
		c.listener.HealingFailed(service, unfixed(outcome, err), outcome.Recommendation)
		return c.unhealed(issueOf(failure), outcome)
	}
	if failure.Class != v1alpha1.ErrorDependencyDown || outcome.FixApplied != "" {
		c.decide(failure, mcp.Replay(failure.Class, failure.Sent, c.Hints))
	}
	c.listener.HealingSucceeded(service, restored(outcome))
	return nil
}

func (c *call) unhealed(issue string, outcome *healing.Outcome) *Unhealed {
	return &Unhealed{Outcome: *outcome, RetryAfter: probeFirst, text: manual(c.service(), issue, outcome)}
}

// unfollowed is the outcome of a heal of which no outcome is known.
func (c *call) unfollowed(err error) healing.Outcome {
	outcome := healing.Outcome{Result: healing.Result{Diagnosis: err.Error(), Timestamp: healing.Timestamp(c.Clock.Now())}}
	var known *healing.Error
	if errors.As(err, &known) {
		outcome.Diagnosis, outcome.Recommendation = known.Message, known.Recommendation
	}
	return outcome
}

// explained gives the error of a call a text for people. A tool's own error, and the end of the query, stay as they are. A server
// that was healed and cannot be reached for this gateway, or fails this tool all the same, is not healed again at once.
func (c *call) explained(ctx context.Context, err error) error {
	failure := curable(ctx, err)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case failure == nil:
		return c.advised(err)
	case failure.Class == v1alpha1.ErrorDependencyDown:
		return own(failure)
	}
	told := fmt.Errorf("%s was healed, and the call still fails (%s): %s", c.service(), issueOf(failure), failure.Observed().Message)
	c.ward().hush(failure.Tool, c.Clock.Now().Add(probeMost))
	return c.mayHaveRun(told, failure)
}
