// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gather reads from a cluster what a diagnosis needs to know: in parallel, in bounded time, in few calls.
package gather

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const (
	// readTimeout bounds the lists. A kind that has not answered by then is a gap.
	readTimeout = 10 * time.Second
	// handshakeTimeout is how long a server may take to answer before it counts as hung.
	handshakeTimeout = 5 * time.Second
)

// Gatherer does all the reading for a diagnosis.
type Gatherer struct {
	// Reader reads the API server itself: just after a failure a cache may still show the time before it.
	Reader client.Reader
	// Logs reads container logs. Without it no log is read.
	Logs LogReader
	// Prober makes the MCP handshake. Without it none is made, and the objects alone must tell.
	Prober mcpserver.Prober
	// Clock tells the Now of the snapshot.
	Clock clock.PassiveClock
	// Secrets: the reader may read Secrets. Of these only the names of their keys are kept.
	Secrets bool
}

// Gather reads all that the checks need to know of one target.
//
// It takes one round trip of parallel lists, one list a kind. Only when these show a server that ought to answer does a
// handshake follow, and only when they show pods do logs. What the pods name and stand on is read, at the same time, only
// if the target is not seen to be well: one that is scaled to zero costs the one round trip. What cannot be read is a gap
// of the snapshot. It is an error only if ctx ends, or if neither Services nor workloads can be read, since then there is
// nothing to reason about.
func (g *Gatherer) Gather(ctx context.Context, namespace string, target v1alpha1.TargetReference, observed *v1alpha1.ObservedError) (*snapshot.Snapshot, error) {
	o, err := g.first(ctx, namespace)
	if err != nil {
		return nil, err
	}
	s := snapshot.Assemble(namespace, target, o)
	s.Now, s.Error, s.Unprobed = g.Clock.Now(), observed, g.Prober == nil
	switch {
	case s.AtZero(): // that is the whole story
	case g.Prober != nil && s.ShouldAnswer():
		g.ask(ctx, s)
		if !answered(s) {
			s = with(s, g.follow(ctx, namespace, s))
		}
	default:
		var later *snapshot.Objects
		var group errgroup.Group
		group.Go(func() error { later = g.follow(ctx, namespace, s); return nil })
		g.ask(ctx, s)
		_ = group.Wait() // what could not be read is a gap
		s = with(s, later)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking at %s %s/%s: %w", target.Kind, namespace, target.Name, err)
	}
	return s, nil
}

// Namespace reads what the checks need to know of every target of a namespace, once for all of them.
func (g *Gatherer) Namespace(ctx context.Context, namespace string) ([]*snapshot.Snapshot, error) {
	o, err := g.first(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var targets []*snapshot.Snapshot
	for _, target := range o.Targets(namespace) {
		s := snapshot.Assemble(namespace, target, o)
		s.Now, s.Unprobed = g.Clock.Now(), g.Prober == nil
		g.ask(ctx, s)
		targets = append(targets, s)
	}
	join(o, g.follow(ctx, namespace, targets...))
	for i := range targets {
		targets[i] = targets[i].Again()
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking at namespace %s: %w", namespace, err)
	}
	return targets, nil
}

// first reads the way from every Service to its pods.
func (g *Gatherer) first(ctx context.Context, namespace string) (*snapshot.Objects, error) {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	o := &snapshot.Objects{Unread: laterKinds()}
	failed := run(bounded, o, firstReads(o, g.Reader, namespace))
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading namespace %s: %w", namespace, err)
	}
	var blind []error
	for _, kind := range []string{snapshot.KindService, snapshot.KindDeployment, snapshot.KindStatefulSet, snapshot.KindDaemonSet} {
		if err := failed[kind]; err != nil && !errors.Is(err, errTruncated) {
			blind = append(blind, err)
		}
	}
	if len(blind) == 4 {
		return nil, fmt.Errorf("reading namespace %s: %w", namespace, errors.Join(blind...))
	}
	return o, nil
}

// ask asks one target itself: a handshake and its logs, both at once.
func (g *Gatherer) ask(ctx context.Context, s *snapshot.Snapshot) {
	var group errgroup.Group
	group.Go(func() error { s.Handshake = g.handshake(ctx, s); return nil })
	s.Logs, s.LogGaps = g.logs(ctx, s)
	_ = group.Wait() // it reports what it could not do
}

// answered reports whether the server was seen to work, so that nothing is to be explained.
func answered(s *snapshot.Snapshot) bool {
	return s.Handshake != nil && s.Handshake.Verdict == v1alpha1.VerdictPassed
}

// follow reads what the targets name and stand on, into a set of its own: the first reads are being looked at.
func (g *Gatherer) follow(ctx context.Context, namespace string, targets ...*snapshot.Snapshot) *snapshot.Objects {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	needs := needsOf(targets)
	later, system := &snapshot.Objects{Unread: laterKinds()}, &snapshot.Objects{}
	run(bounded, later, slices.Concat(g.followReads(later, namespace, needs), g.systemReads(system, namespace, needs)))
	later.Nodes, later.Leases = system.Nodes, system.Leases
	later.Pods, later.Services, later.EndpointSlices, later.Events = system.Pods, system.Services, system.EndpointSlices, system.Events
	return later
}

func with(s *snapshot.Snapshot, later *snapshot.Objects) *snapshot.Snapshot {
	join(s.All, later)
	return s.Again()
}

// join adds what was left for later.
func join(o, later *snapshot.Objects) {
	o.Unread = slices.DeleteFunc(o.Unread, func(kind string) bool { return slices.Contains(laterKinds(), kind) })
	o.Join(later)
}

// handshake asks the server itself, if there is reason to think that one is there.
func (g *Gatherer) handshake(ctx context.Context, s *snapshot.Snapshot) *mcpserver.Result {
	if g.Prober == nil || !s.ShouldAnswer() {
		return nil
	}
	endpoint, err := mcpserver.EndpointOf(s.Service)
	if err != nil {
		return nil // the check of the endpoint tells it
	}
	bounded, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	result := g.Prober.Probe(bounded, endpoint)
	return &result
}
