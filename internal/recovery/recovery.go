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
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
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
	Log     logr.Logger
}

// Recoverer makes calls that outlive a failure of their server. It is safe for concurrent use.
type Recoverer struct{ Options }

// New makes a Recoverer.
func New(o Options) *Recoverer { return &Recoverer{Options: o} }

// Call is one call to a server.
type Call struct {
	Server *mcp.Server
	// Hints of the tool: whether the call may be made twice.
	Hints mcp.Hints
	// RequestedBy is recorded on the HealingRequest, at most 253 characters.
	RequestedBy string
	// Make makes the call. It is called again after a heal. An error that a heal may cure is a *mcp.CallError.
	Make func(context.Context) error
}

// call is a Call under way.
type call struct {
	*Recoverer
	Call
	listener Listener
}

// Do makes a call. If it fails by fault of the infrastructure, it has the server healed and makes the call again where the replay
// rule allows. An error is one that people can read. Log lines go to the logger of ctx, if it has one.
func (r *Recoverer) Do(ctx context.Context, c Call, listener Listener) error {
	return (&call{Recoverer: r, Call: c, listener: listener}).do(ctx)
}

func (c *call) do(ctx context.Context) error {
	started := c.Clock.Now()
	err := c.Make(ctx)
	for range maxHeals {
		var failure *mcp.CallError
		if !errors.As(err, &failure) || !mcp.Heals(failure.Class) || ctx.Err() != nil {
			break
		}
		outcome, unhealed := c.heal(ctx, failure, started)
		if outcome.Unverified && unhealed != nil {
			return c.decided(ctx, failure, outcome, unhealed)
		}
		if unhealed != nil {
			return c.mayHaveRun(unhealed, failure)
		}
		verdict := mcp.Replay(failure.Class, failure.Sent, c.Hints)
		c.Metrics.replayed(c.service(), verdict.Replay)
		c.log(ctx).Info("[HEAL] replay decided", "service", c.Server.Key(), "tool", failure.Tool, "replay", verdict.Replay, "reason", verdict.Reason)
		if !verdict.Replay {
			return fmt.Errorf("%s works again, but %s was not called a second time: %s. Check whether it ran before you ask again",
				c.service(), failure.Tool, verdict.Reason)
		}
		first := c.Server.Renew(outcome.UID)
		started = c.Clock.Now()
		err = c.settled(ctx)
		if first {
			c.Server.Relist()
		}
		if !outcome.AlreadyHealed {
			break
		}
	}
	return c.explained(ctx, err)
}

func (c *call) service() string { return c.Server.Key().Name }

func (c *call) log(ctx context.Context) logr.Logger {
	if log, err := logr.FromContext(ctx); err == nil {
		return log
	}
	return c.Log
}

// decided makes the call again after a fix of which the operator could not see whether it helped: what comes of the call decides.
// Where the call must not run twice nobody knows, and that is told.
func (c *call) decided(ctx context.Context, failure *mcp.CallError, outcome healing.Outcome, unhealed error) error {
	if mcp.Replay(failure.Class, failure.Sent, c.Hints).Replay {
		c.listener.HealingProgress(c.service(), "The operator cannot see whether the fix helped. Calling again to find out...")
		c.Server.Renew(outcome.UID)
		err := c.settled(ctx)
		var again *mcp.CallError
		if !errors.As(err, &again) || !mcp.Heals(again.Class) {
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

// settled makes the call, again and again while the server provably is not reached, for settleTime at most.
func (c *call) settled(ctx context.Context) error {
	until := c.Clock.Now().Add(settleTime)
	for wait := settleFirst; ; wait = min(2*wait, settleMost) {
		err := c.Make(ctx)
		var failure *mcp.CallError
		if !errors.As(err, &failure) || failure.Sent || !mcp.Heals(failure.Class) || ctx.Err() != nil || c.Clock.Now().Add(wait).After(until) {
			return err
		}
		c.pause(ctx, wait)
	}
}

// pause waits for d or until ctx ends.
func (c *call) pause(ctx context.Context, d time.Duration) {
	timer := c.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
	case <-ctx.Done():
	}
}

// heal tells the whole story of one heal. The error says what a person should know and do.
func (c *call) heal(ctx context.Context, failure *mcp.CallError, started time.Time) (healing.Outcome, error) {
	service, issue := c.service(), issueOf(failure)
	c.log(ctx).Info("[HEAL] a call failed", "service", c.Server.Key(), "tool", failure.Tool, "class", failure.Class, "issue", issue, "error", failure.Observed().Message)
	c.listener.HealingStarted(service, issue)
	c.listener.HealingProgress(service, "Investigating issue with "+service+"...")

	outcome, err := c.Healer.Heal(ctx, healing.Failure{
		Service: c.Server.Key(), Error: failure.Observed(), CallStarted: started, RequestedBy: c.RequestedBy, Tools: c.Server.ToolNames(),
	}, func(entry v1alpha1.ProgressEntry) {
		c.listener.HealingProgress(service, entry.Message)
	})
	if ctx.Err() != nil {
		return outcome, context.Cause(ctx)
	}
	if err != nil {
		outcome = c.unfollowed(err)
	}
	c.Metrics.healed(service, outcome.Success, err)
	c.log(ctx).Info("[HEAL] result", "service", service, "request", outcome.Request, "success", outcome.Success,
		"fix", outcome.FixApplied, "diagnosis", outcome.Diagnosis)
	c.listener.HealingEnded(outcome.Result)
	if outcome.Unverified {
		return outcome, errors.New(manual(service, issue, outcome))
	}
	if !outcome.Success {
		c.listener.HealingFailed(service, unfixed(outcome, err), outcome.Recommendation)
		return outcome, errors.New(manual(service, issue, outcome))
	}
	c.listener.HealingSucceeded(service, restored(outcome))
	return outcome, nil
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

// explained gives the error of a call a text for people. A tool's own error, and the end of the query, stay as they are.
func (c *call) explained(ctx context.Context, err error) error {
	var failure *mcp.CallError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !errors.As(err, &failure) || !mcp.Heals(failure.Class):
		return err
	default:
		told := fmt.Errorf("%s was healed, and the call still fails (%s): %s", c.service(), issueOf(failure), failure.Observed().Message)
		return c.mayHaveRun(told, failure)
	}
}
