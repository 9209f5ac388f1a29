// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package verification proves that a target works: its rollout is complete, its endpoints are published and are its own, an
// MCP handshake through the Service is answered with the tools that were there before, and it stays so. It never asks the
// fix itself.
package verification

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// Names of the checks, in the order in which they are made.
const (
	CheckRollout   = "Rollout"
	CheckEndpoints = "Endpoints"
	CheckHandshake = "Handshake"
	CheckTools     = "Tools"
	CheckStability = "Stability"
)

// Target is what is verified.
type Target struct {
	Namespace string
	// Service through which the handshake is made.
	Service string
	// Workload behind it.
	Workload v1alpha1.ObjectReference
	// Now is the time of this look.
	Now time.Time
	// Begun is when the waiting began: the longer ago, the longer the pauses between two looks. Zero means now.
	Begun time.Time
	// Since is when the workload was changed: pods made before it do not speak for the change, unless it made none. Zero
	// means that the workload itself was not changed, so that every pod speaks.
	Since time.Time
	// ExpectedTools are the names of the tools that the server must have, as mcpserver.ToolNames makes them. Empty means any.
	ExpectedTools []string
	// Stability is how long the target must have been ready, with no restart. With 0 it is looked at once more after it has
	// answered.
	Stability time.Duration
	// Handshake bounds the handshake. With 0 it has as long as a server that comes up may need.
	Handshake time.Duration
}

// Outcome is what one look at a target tells.
type Outcome struct {
	v1alpha1.Verification
	// RecheckAfter is when to look again though no watch tells of a change. Zero means that only a watch can.
	RecheckAfter time.Duration
	// PathClosed: all but the handshake speaks for the target, and the operator itself has no way to it. The verdict is Unknown
	// and the gateway, which has a way of its own, finds out by its retry. If RecheckAfter is zero, a NetworkPolicy closes the
	// way, or the server asks for a credential, and waiting does not help; else it is only what it looks like, and may pass.
	PathClosed bool
	// Gone: the workload is there no longer, be it that another was created under its name. What was changed of it went with it.
	Gone bool
}

// Last is the check that decided: the first that did not pass, or the last of all. Verify makes one at least.
func (o Outcome) Last() v1alpha1.CheckResult { return o.Checks[len(o.Checks)-1] }

// Verifier verifies from the live state of the cluster.
type Verifier struct {
	// Reader reads past any cache.
	Reader client.Reader
	Prober mcpserver.Prober
	// Self names the operator's own pod, to tell whether NetworkPolicies let it to the target. Empty outside of a cluster.
	Self types.NamespacedName
}

// Verify looks once, without waiting: it makes the checks in order and stops at the first that does not pass. Its verdict is
// Passed if all passed, Failed if waiting cannot help, and Unknown if more time may: whose time is up takes that for a
// failure, and never for a success. An error means that the cluster could not be read.
func (v *Verifier) Verify(ctx context.Context, target Target) (Outcome, error) {
	l := &look{Verifier: v, target: target}
	outcome := Outcome{Verification: v1alpha1.Verification{Verdict: v1alpha1.VerdictPassed}}
	for _, check := range []func(context.Context) (v1alpha1.CheckResult, error){l.rollout, l.endpoints, l.handshake, l.tools, l.stability} {
		result, err := check(ctx)
		if err != nil {
			return Outcome{Verification: v1alpha1.Verification{Verdict: v1alpha1.VerdictUnknown}}, err
		}
		outcome.Checks = append(outcome.Checks, result)
		if result.Verdict != v1alpha1.VerdictPassed {
			outcome.Verdict = result.Verdict
			break
		}
	}
	outcome.Tools, outcome.RecheckAfter, outcome.PathClosed = l.seen.Tools, l.recheck, l.pathClosed
	outcome.Gone = l.gone
	return outcome, nil
}

// The pause before the data plane is asked again is a tenth of the time that has passed, between these (ADR 0004).
const (
	minPause = 50 * time.Millisecond
	maxPause = 2 * time.Second
)

// askAgain has the server asked again by the clock: no watch tells what it answers.
func (l *look) askAgain() {
	waited := time.Duration(0)
	if !l.target.Begun.IsZero() {
		waited = l.target.Now.Sub(l.target.Begun)
	}
	l.recheck = min(max(waited/10, minPause), maxPause)
}

func passed(name, message string) v1alpha1.CheckResult {
	return v1alpha1.CheckResult{Name: name, Verdict: v1alpha1.VerdictPassed, Message: message}
}

func failed(name, message string) v1alpha1.CheckResult {
	return v1alpha1.CheckResult{Name: name, Verdict: v1alpha1.VerdictFailed, Message: message}
}

func pending(name, message string) v1alpha1.CheckResult {
	return v1alpha1.CheckResult{Name: name, Verdict: v1alpha1.VerdictUnknown, Message: message}
}
