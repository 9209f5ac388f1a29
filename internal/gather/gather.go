// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gather reads from a cluster what a diagnosis needs to know: in parallel, in bounded time, in few calls.
package gather

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
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
	// Prober makes the MCP handshake. Without it none is made.
	Prober mcpserver.Prober
	// Clock tells the Now of the snapshot.
	Clock clock.PassiveClock
}

// Gather reads all that the checks need to know of one target.
//
// It takes one round trip of parallel lists, one list a kind. Only when these show a server that ought to answer does a
// handshake follow, and only when they show pods do logs, both at once: a target that is scaled to zero costs the one
// round trip. What cannot be read is a gap of the snapshot. It is an error only if ctx ends, or if neither Services nor
// workloads can be read, since then there is nothing to reason about.
func (g *Gatherer) Gather(ctx context.Context, namespace string, target v1alpha1.TargetReference, observed *v1alpha1.ObservedError) (*snapshot.Snapshot, error) {
	now := g.Clock.Now()
	read, err := g.list(ctx, namespace, target)
	if err != nil {
		return nil, fmt.Errorf("reading namespace %s: %w", namespace, err)
	}
	s := snapshot.Assemble(namespace, target, read)
	s.Now, s.Error = now, observed

	var group errgroup.Group
	var logGaps []string
	group.Go(func() error { s.Handshake = g.handshake(ctx, s); return nil })
	group.Go(func() error { s.Logs, logGaps = g.logs(ctx, s); return nil })
	_ = group.Wait() // both report what they could not do as gaps
	s.Gaps = append(s.Gaps, logGaps...)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("looking at %s %s/%s: %w", target.Kind, namespace, target.Name, err)
	}
	return s, nil
}

// list reads every kind at once, and notes the kinds that could not be read.
func (g *Gatherer) list(ctx context.Context, namespace string, target v1alpha1.TargetReference) (*snapshot.Objects, error) {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found := &snapshot.Objects{}
	reads := reads(found, g.Reader, namespace, target)
	failures := make([]error, len(reads))
	var group errgroup.Group
	for i, read := range reads {
		group.Go(func() error { failures[i] = read.run(bounded); return nil })
	}
	_ = group.Wait()

	blind := map[string]bool{}
	for i, read := range reads {
		if failures[i] == nil {
			continue
		}
		found.Unread = append(found.Unread, read.kind)
		found.Gaps = append(found.Gaps, foreign.Line(fmt.Sprintf("reading %ss: %v", read.kind, failures[i]), finding.MaxEvidence))
		blind[read.kind] = !errors.Is(failures[i], errTruncated)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if blind[snapshot.KindService] && blind[snapshot.KindDeployment] && blind[snapshot.KindStatefulSet] && blind[snapshot.KindDaemonSet] {
		return nil, errors.Join(failures...)
	}
	return found, nil
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
