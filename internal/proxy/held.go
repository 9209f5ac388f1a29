// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/quota"
)

var (
	errHeldTooLong = errors.New("the call waited for a heal for as long as calls may wait; the heal goes on. Call again later")
	errNoPlace     = errors.New(" failed and is being healed, and as many calls wait for that as may wait. Call again later")
	errNoPlaceEach = errors.New(" failed and is being healed, and you have as many calls that wait for heals as one caller may have. Call again later")
)

// facts are an error's data, for programs.
func (c *call) facts() json.RawMessage {
	facts := struct {
		Server string              `json:"server"`
		Class  v1alpha1.ErrorClass `json:"class,omitempty"`
		// Reason says more finely than the class what went wrong (docs/reference/failures.md).
		Reason mcpserver.Reason `json:"reason,omitempty"`
		// RetryAfter is when the server wants to be asked again, in seconds.
		RetryAfter int64 `json:"retryAfter,omitempty"`
		// MayHaveRun: the call reached the server, and nobody knows how far it went.
		MayHaveRun bool `json:"mayHaveRun"`
	}{Server: c.backend.fullName()}
	if c.failure != nil {
		facts.Class, facts.Reason, facts.MayHaveRun = c.failure.Class, c.failure.Reason, c.failure.Sent
		facts.RetryAfter = int64(c.failure.RetryAfter / time.Second)
	}
	raw, _ := json.Marshal(facts) // of values that cannot fail
	return raw
}

// waiting is what a call has while it waits for a heal.
type waiting struct {
	leave func()
	limit *time.Timer
	// beating ends when the last heartbeat is written.
	quit, beating chan struct{}
}

// hold makes the call a waiting one, if there is a place.
func (c *call) hold() {
	if c.waiting != nil {
		return
	}
	leave, err := c.proxy.enter(c.backend, c.request.caller(), int64(len(c.data)))
	switch {
	case errors.Is(err, quota.ErrTooManyOfCaller):
		c.cancel(errNoPlaceEach)
		return
	case err != nil:
		c.cancel(errNoPlace)
		return
	}
	c.waiting = &waiting{
		leave: leave, quit: make(chan struct{}), beating: make(chan struct{}),
		limit: time.AfterFunc(c.proxy.Limits.HeldFor, func() { c.cancel(errHeldTooLong) }),
	}
	go c.beat(c.waiting)
}

// beat keeps proxies from taking a silent stream for a dead one.
func (c *call) beat(w *waiting) {
	ticker := c.proxy.Clock.NewTicker(c.proxy.Heartbeat)
	defer close(w.beating)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-ticker.C():
			c.reply.comment("heartbeat")
		}
	}
}

func (w *waiting) end() {
	w.limit.Stop()
	close(w.quit)
	<-w.beating
	w.leave()
}

// progressToken is what the client gave for progress, as it wrote it; nil if it gave none.
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

// progressStep is small, so that a server's own progress, which mostly goes in whole steps, goes on above it.
const progressStep = 0.001

func (c *call) tell(text string) {
	token := c.progressToken()
	if token == nil {
		return
	}
	c.progress += progressStep
	raw, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "method": "notifications/progress",
		"params": map[string]any{"progressToken": token, "progress": c.progress, "message": text},
	})
	if err == nil {
		_ = c.reply.message(raw) // a client that is gone ends its request
	}
}

// HealingStarted implements recovery.Listener.
func (c *call) HealingStarted(service, issue string) {
	c.hold()
	c.tell(service + " does not answer: " + issue)
}

// HealingProgress implements recovery.Listener.
func (c *call) HealingProgress(_, message string) { c.tell(message) }

// HealingSucceeded implements recovery.Listener.
func (c *call) HealingSucceeded(_, message string) { c.tell("Service restored: " + message) }

// HealingFailed implements recovery.Listener.
func (c *call) HealingFailed(_, message, recommendation string) {
	c.tell("Manual fix needed: " + message + ". " + recommendation)
}

// HealingEnded implements recovery.Listener.
func (c *call) HealingEnded(healing.Result) {}
