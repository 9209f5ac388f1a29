// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/recovery"
)

var errHeldTooLong = errors.New("the call waited for a heal for as long as calls may wait; the heal goes on. Call again later")

// recover has the server healed and makes the call again, where the replay rule allows. A call that it does not allow to be made twice
// ends at once: nothing that the heal brings can change what is said of it. It returns what the call counts as.
func (c *call) recover(ctx context.Context, started time.Time, err error) string {
	var failure *mcp.CallError
	if !errors.As(err, &failure) || !mcp.Heals(failure.Class) || ctx.Err() != nil {
		return c.end(ctx, err)
	}
	if verdict := mcp.Replay(failure.Class, failure.Sent, c.hints); !verdict.Replay {
		c.backend.healLater(failure, started, c.caller())
		_ = c.reply.fail(codeUnavailable, fmt.Sprintf("%s failed during the call (%s), and the call is not made a second time: %s. Check whether it ran before you call again. %s is being healed",
			c.backend.name(), failure.Class, verdict.Reason, c.backend.name()), c.facts(failure))
		return "failed"
	}
	leave, ok := c.proxy.enter(c.backend, int64(len(c.data)))
	if !ok {
		c.backend.healLater(failure, started, c.caller())
		_ = c.reply.fail(codeBusy, fmt.Sprintf("%s failed (%s) and is being healed, and as many calls wait for that as may wait. Call again later", c.backend.name(), failure.Class), c.facts(failure))
		return "failed"
	}
	defer leave()
	if err := c.wait(ctx, started, failure); err != nil {
		return c.end(ctx, err)
	}
	return "recovered"
}

// wait holds the call while its server is healed.
func (c *call) wait(ctx context.Context, started time.Time, failure error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.proxy.Limits.HeldFor, errHeldTooLong)
	defer cancel()
	stop := c.heartbeats()
	defer stop()
	return c.proxy.Recoverer.Do(ctx, recovery.Call{
		Server: c.backend.server, Hints: c.hints, RequestedBy: c.caller(), Started: started,
		Make: func(ctx context.Context) error {
			if err := failure; err != nil {
				failure = nil // it was made, and this is what came of it
				return err
			}
			return c.try(ctx)
		},
	}, &waiting{call: c, token: c.progressToken()})
}

// heartbeats keeps proxies from taking a silent stream for a dead one. stop returns when the last one is written.
func (c *call) heartbeats() (stop func()) {
	ticker := c.proxy.Clock.NewTicker(c.proxy.Heartbeat)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C():
				c.reply.comment("heartbeat")
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// progressToken is the client's, as it wrote it; nil if it gave none.
func (c *call) progressToken() json.RawMessage {
	var params struct {
		Meta struct {
			ProgressToken json.RawMessage `json:"progressToken"`
		} `json:"_meta"`
	}
	if !c.Params.Given() || json.Unmarshal(c.Params.Of(c.data), &params) != nil {
		return nil
	}
	return params.Meta.ProgressToken
}

// facts are an error's data, for programs.
func (c *call) facts(failure *mcp.CallError) json.RawMessage {
	facts := struct {
		Server string              `json:"server"`
		Class  v1alpha1.ErrorClass `json:"class,omitempty"`
		// MayHaveRun: the call reached the server, and nobody knows how far it went.
		MayHaveRun bool `json:"mayHaveRun"`
	}{Server: c.backend.fullName()}
	if failure != nil {
		facts.Class, facts.MayHaveRun = failure.Class, failure.Sent
	}
	raw, _ := json.Marshal(facts) // of values that cannot fail
	return raw
}

// healLater has the server healed although nobody waits for it. One heal at a time is enough.
func (b *backend) healLater(failure *mcp.CallError, started time.Time, caller string) {
	if !b.healing.CompareAndSwap(false, true) {
		return
	}
	b.proxy.background(func(ctx context.Context) {
		defer b.healing.Store(false)
		// It ends with the failure that it began with: that call is not made again.
		_ = b.proxy.Recoverer.Do(ctx, recovery.Call{
			Server: b.server, RequestedBy: caller, Started: started,
			Make: func(context.Context) error { return failure },
		}, silent{})
	})
}

// waiting tells the client of a held call how its server is healed.
type waiting struct {
	*call
	token json.RawMessage
}

// progressStep is small, so that a server's own progress, which mostly goes in whole steps, goes on above it.
const progressStep = 0.001

func (w *waiting) tell(text string) {
	if w.token == nil {
		return
	}
	w.progress += progressStep
	raw, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "method": "notifications/progress",
		"params": map[string]any{"progressToken": w.token, "progress": w.progress, "message": text},
	})
	if err == nil {
		_ = w.reply.message(raw) // a client that is gone ends its request
	}
}

// HealingStarted implements recovery.Listener.
func (w *waiting) HealingStarted(service, issue string) {
	w.tell(service + " does not answer: " + issue)
}

// HealingProgress implements recovery.Listener.
func (w *waiting) HealingProgress(_, message string) { w.tell(message) }

// HealingSucceeded implements recovery.Listener.
func (w *waiting) HealingSucceeded(_, message string) { w.tell("Service restored: " + message) }

// HealingFailed implements recovery.Listener.
func (w *waiting) HealingFailed(_, message, recommendation string) {
	w.tell("Manual fix needed: " + message + ". " + recommendation)
}

// HealingEnded implements recovery.Listener.
func (w *waiting) HealingEnded(healing.Result) {}

// silent is for a heal that nobody waits for.
type silent struct{}

func (silent) HealingStarted(_, _ string)    {}
func (silent) HealingProgress(_, _ string)   {}
func (silent) HealingSucceeded(_, _ string)  {}
func (silent) HealingFailed(_, _, _ string)  {}
func (silent) HealingEnded(_ healing.Result) {}
