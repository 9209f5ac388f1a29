// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp"
)

const (
	// maxPatience bounds how often a call is made again for a server that asks for patience (HTTP 429), and patienceMost how long
	// it waits each time. patienceFirst is for a server that does not say when.
	maxPatience   = 3
	patienceFirst = time.Second
	patienceMost  = 10 * time.Second
)

// make makes the call once, and again for as long as the server asks for patience and the replay rule allows.
func (c *call) make(ctx context.Context) error {
	ctx = mcp.OnReplay(ctx, func(failure *mcp.CallError, verdict mcp.Verdict) {
		c.log().Info("a call is made again on another session", "service", c.Server.Key(), "tool", failure.Tool, "reason", failure.Reason, "verdict", verdict.Reason)
		c.replays = append(c.replays, fmt.Sprintf("%s (on another session, after: %s)", decision(failure, verdict), issueOf(failure)))
	})
	for patience := 1; ; patience++ {
		err := c.paced(ctx)
		var failure *mcp.CallError
		if !errors.As(err, &failure) || failure.Class != v1alpha1.ErrorRateLimited || patience == maxPatience || ctx.Err() != nil {
			return err
		}
		verdict := mcp.Replay(failure.Class, failure.Sent, c.Hints)
		pause := failure.RetryAfter
		if pause == 0 {
			pause = patienceFirst
		}
		if !verdict.Replay || pause > patienceMost {
			return err
		}
		c.listener.HealingProgress(c.service(), fmt.Sprintf("%s in %s (%s)", decision(failure, verdict), pause, issueOf(failure)))
		c.pause(ctx, pause)
	}
}

// paced makes the call when there is a place for it on the ramp, if there is a ramp. An answer of any kind says that the server
// is there.
func (c *call) paced(ctx context.Context) error {
	value, failed := c.wards.Load(c.Server.Key())
	if !failed {
		return c.Make(ctx)
	}
	ward := value.(*ward)
	there := false
	if ramp := ward.pace(); ramp != nil {
		leave, err := ramp.enter(ctx)
		if err != nil {
			return err
		}
		defer func() { leave(there) }()
	}
	err := c.Make(ctx)
	if answered(err) {
		ward.well()
	}
	there = answered(err) || ctx.Err() != nil // who left says nothing about the server
	return err
}

// answered reports whether a server answered as one that works.
func answered(err error) bool {
	var failure *mcp.CallError
	switch {
	case err == nil:
		return true
	case !errors.As(err, &failure):
		return false
	}
	switch failure.Class {
	case v1alpha1.ErrorToolError, v1alpha1.ErrorDependencyDown, v1alpha1.ErrorRateLimited, v1alpha1.ErrorUnauthorized, v1alpha1.ErrorTooLarge:
		return true
	default:
		return false
	}
}

// settled makes the call, again and again while the server provably is not reached, for settleTime at most.
func (c *call) settled(ctx context.Context) error {
	until := c.Clock.Now().Add(settleTime)
	for wait := settleFirst; ; wait = min(2*wait, settleMost) {
		err := c.make(ctx)
		failure := curable(ctx, err)
		if failure == nil || failure.Sent || c.Clock.Now().Add(wait).After(until) {
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
