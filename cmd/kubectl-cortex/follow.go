// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/history"
	"github.com/ry-ops/cortex/internal/record"
)

const (
	// hintAfter is how long an operator that is well needs at most: what is heard of it first is a diagnosis, which takes up to
	// 10 s of a server that hangs.
	hintAfter = 15 * time.Second
	// giveUpAfter is how long a request is watched that nobody takes up: longer than a standby needs to take over (19 s) and to
	// diagnose.
	giveUpAfter = 60 * time.Second
	// lostAfter is how long an API server may be away before it is given up, and lostPause how often it is tried meanwhile.
	lostAfter = 60 * time.Second
	lostPause = time.Second
)

const lookAtOperator = "Does it run? kubectl get pods -l app=cortex-operator -A"

// errDeleted: somebody has deleted the request that was followed.
var errDeleted = errors.New("the request was deleted before it ended")

// following is the watch of one request by one person.
type following struct {
	*requests
	// notes is where is told what is worth knowing meanwhile; step is told each step.
	notes io.Writer
	step  func(v1alpha1.ProgressEntry)

	// generation is the spec that the operator has to have seen: that of an answer, after one.
	generation int64
	latest     *v1alpha1.HealingRequest
	told       int
	patience   record.Patience
	hinted     bool
	limit      clock.Timer
	heard      time.Time
}

// follow tells each step of a request as it comes, those that were made before as well, until it is over or waits for a person.
func (q *requests) follow(ctx context.Context, request *v1alpha1.HealingRequest, notes io.Writer, step func(v1alpha1.ProgressEntry)) (*v1alpha1.HealingRequest, error) {
	f := &following{requests: q, notes: notes, step: step, latest: request, generation: request.Generation, patience: record.Patience{Within: giveUpAfter}, heard: q.clock.Now()}
	f.limit = q.clock.NewTimer(hintAfter)
	defer func() { f.limit.Stop() }()
	for {
		over, err := f.listen(ctx)
		switch {
		case over:
			return f.latest, nil
		case ctx.Err() != nil:
			return f.latest, f.left(ctx)
		case err != nil && (final(err) || f.clock.Since(f.heard) > lostAfter):
			return f.latest, err
		}
		select {
		case <-ctx.Done():
			return f.latest, f.left(ctx)
		case <-f.clock.After(lostPause):
		}
	}
}

// left tells who leaves that the heal does not.
func (f *following) left(ctx context.Context) error {
	fmt.Fprintf(f.notes, "\nThe heal goes on without you. To see it: kubectl cortex history %s -n %s; to stop it: kubectl cortex cancel %s -n %s\n",
		f.latest.Spec.TargetRef.Name, f.latest.Namespace, f.latest.Name, f.latest.Namespace)
	return ctx.Err()
}

// listen watches from now on, until the request is over or the watch breaks.
func (f *following) listen(ctx context.Context) (over bool, err error) {
	var now v1alpha1.HealingRequestList
	one := []client.ListOption{client.InNamespace(f.latest.Namespace), client.MatchingFields{"metadata.name": f.latest.Name}}
	if err := f.client.List(ctx, &now, one...); err != nil {
		return false, f.explain(ctx, "list", err)
	}
	f.heard = f.clock.Now()
	if len(now.Items) == 0 || now.Items[0].UID != f.latest.UID {
		return false, errDeleted
	}
	if f.see(&now.Items[0]) {
		return true, nil
	}
	events, err := f.client.Watch(ctx, &v1alpha1.HealingRequestList{}, append(one, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: now.ResourceVersion}})...)
	if err != nil {
		return false, f.explain(ctx, "watch", err)
	}
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-f.limit.C():
			if err := f.waited(); err != nil {
				return false, err
			}
		case event, open := <-events.ResultChan():
			if !open {
				return false, nil
			}
			if over, err := f.hear(event); over || err != nil {
				return over, err
			}
		}
	}
}

func (f *following) hear(event watch.Event) (over bool, err error) {
	f.heard = f.clock.Now()
	request, ours := event.Object.(*v1alpha1.HealingRequest)
	switch {
	case event.Type == watch.Error:
		return false, apierrors.FromObject(event.Object)
	case !ours || request.UID != f.latest.UID:
		return false, nil
	case event.Type == watch.Deleted:
		return false, errDeleted
	default:
		return f.see(request), nil
	}
}

// see tells what is new of a state, and reports whether there is nothing more to wait for.
func (f *following) see(request *v1alpha1.HealingRequest) (over bool) {
	f.latest = request
	for ; f.told < len(request.Status.Progress); f.told++ {
		f.step(request.Status.Progress[f.told])
	}
	if request.Status.ObservedGeneration >= f.generation && f.patience.Renew(request) {
		f.limit.Stop()
		f.limit = f.clock.NewTimer(f.patience.Within)
	}
	return request.Done() || request.Held() != nil
}

// waited says that nobody takes up the request, and gives it up where patience is over.
func (f *following) waited() error {
	switch {
	case f.patience.TakenUp && f.latest.DerivePhase() == v1alpha1.PhaseBlocked:
		return patienceError(fmt.Sprintf("%s still waits for its turn after %s, and is not given up: kubectl get heal -n %s", f.latest.Name, f.patience.Within, f.latest.Namespace))
	case f.patience.TakenUp:
		return patienceError(fmt.Sprintf("%s did not end within %s, and nothing more is heard of it. %s", f.latest.Name, f.patience.Within, lookAtOperator))
	case !f.hinted:
		f.hinted = true
		fmt.Fprintf(f.notes, "The Cortex operator has not taken up %s within %s. %s\n", f.latest.Name, hintAfter, lookAtOperator)
		f.limit = f.clock.NewTimer(giveUpAfter - hintAfter)
		return nil
	default:
		return patienceError(fmt.Sprintf("the Cortex operator has not taken up %s within %s. %s\nThe request stays, and is taken up when the operator is back; to take it back: kubectl cortex cancel %s -n %s",
			f.latest.Name, giveUpAfter, lookAtOperator, f.latest.Name, f.latest.Namespace))
	}
}

// patienceError ends the wait for a request that may still end.
type patienceError string

func (e patienceError) Error() string { return string(e) }

// final reports whether trying again is of no use.
func final(err error) bool {
	var patience patienceError
	return errors.Is(err, errDeleted) || errors.As(err, &patience) || apierrors.IsForbidden(err)
}

// steps writes each step in a line.
func steps(to io.Writer, style history.Style) func(v1alpha1.ProgressEntry) {
	return func(entry v1alpha1.ProgressEntry) { fmt.Fprintln(to, history.Step(entry, style)) }
}
