// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// When an operator that is to die does.
const (
	beforeWrite = "before a write"
	afterWrite  = "after a write"
)

// life is a random history of one world, and what must be true of it at any moment.
type life struct {
	ctx      context.Context
	t        *rapid.T
	w        *world
	client   client.Client
	operator reconciler
	// asked are the requests in the order in which they came: their names are random.
	asked []types.UID
	// doom says when the operator dies, after some writes that go well; empty: it does not.
	doom   string
	writes int
	// made are the changes of workloads: "<workload UID> <stamp>".
	made map[string]bool
	// changes are how many each request has made.
	changes map[types.UID]int
	// lost: what a request may have changed was deleted before it was over.
	lost map[types.UID]bool
	// ended are the last words of the requests that are over.
	ended map[types.UID]v1alpha1.HealingRequestStatus
	// seen counts what happened, over all lives.
	seen map[string]int
}

func newLife(ctx context.Context, t *rapid.T, seen map[string]int) *life {
	l := &life{
		ctx: ctx, t: t, w: newWorld(ctx), seen: seen, made: map[string]bool{}, changes: map[types.UID]int{},
		lost: map[types.UID]bool{}, ended: map[types.UID]v1alpha1.HealingRequestStatus{},
	}
	l.client = through(l.write)
	l.operator = l.w.operator(l.client)
	l.seen["histories"]++
	return l
}

// write lets the operator die at a write, and looks at each change that it makes.
func (l *life) write(what string, write func() error) error {
	doom := l.doom
	if l.writes > 0 {
		l.writes--
		doom = ""
	}
	if doom == beforeWrite {
		return errDied
	}
	err := write()
	if what == "patch" && err == nil {
		l.changed()
	}
	if doom == afterWrite {
		return errDied
	}
	return err
}

// changed holds a change that was just made against what was allowed at that moment.
func (l *life) changed() {
	deployment := l.w.deployment(l.ctx)
	stamp := deployment.Annotations[v1alpha1.AnnotationAppliedBy]
	key := string(deployment.UID) + " " + stamp
	if l.made[key] {
		l.t.Fatalf("invariant 1: changed twice for %s", key)
	}
	l.made[key] = true
	l.seen["changes"]++
	if l.service().Labels[v1alpha1.LabelMCPServer] != "true" {
		l.t.Fatalf("invariant 8: changed without the label")
	}
	for _, request := range l.requests() {
		if strings.HasPrefix(stamp, string(request.UID)+"/") {
			l.changes[request.UID]++
			if why := forbidden(l.governs(), &request); why != "" {
				l.t.Fatalf("changed though %s: %+v", why, request.Status.Plan)
			}
			continue
		}
		for _, action := range request.Status.Actions {
			if !request.Done() && action.AppliedAt != nil && action.Type != v1alpha1.ActionWait && action.Object.UID == deployment.UID {
				l.t.Fatalf("invariant 6: %s changes what %s is at work on: %+v", stamp, request.Name, l.requests())
			}
		}
	}
}

// forbidden says what forbids the change that is due; "" if nothing does.
func forbidden(policy *v1alpha1.HealingPolicy, request *v1alpha1.HealingRequest) string {
	action := request.Status.Plan.Actions[0]
	permission := action.Permission
	for _, rule := range policy.Spec.Actions {
		if rule.Type == action.Type && rule.Permission != v1alpha1.PermissionAuto {
			permission = rule.Permission
		}
	}
	dry := v1alpha1.ModeDryRun
	asks := permission == v1alpha1.PermissionApproval || policy.Spec.Mode == v1alpha1.ModeApproval || request.Spec.Mode == v1alpha1.ModeApproval
	switch {
	case request.Done():
		return "the request is over"
	case policy.Spec.Mode == dry || request.Spec.Mode == dry:
		return "it is a dry run"
	case permission == v1alpha1.PermissionNever:
		return "the policy never allows it"
	case asks && request.Spec.Approval != v1alpha1.ApprovalApproved:
		return "nobody has approved it"
	case request.Spec.Approval == v1alpha1.ApprovalDenied:
		return "a person has stopped it"
	}
	return ""
}

// reconcile lets the operator reconcile a request some times.
func (l *life) reconcile(t *rapid.T) { l.times(t, l.one(t)) }

func (l *life) times(t *rapid.T, request *v1alpha1.HealingRequest) {
	for range rapid.IntRange(1, 4).Draw(t, "times") {
		l.advance(request)
	}
}

// advance reconciles a request once. Another operator takes the place of one that dies.
func (l *life) advance(request *v1alpha1.HealingRequest) {
	l.seen["reconciles"]++
	_, err := l.operator.Reconcile(l.ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})
	if errors.Is(err, errDied) {
		l.seen["crashes"]++
		l.doom, l.operator = "", l.w.operator(l.client)
		return
	}
	Expect(err).NotTo(HaveOccurred())
}

// check looks at what must be true at any moment.
func (l *life) check(*rapid.T) {
	l.seen["steps"]++
	for _, request := range l.requests() {
		if !request.Done() {
			continue
		}
		if before, ok := l.ended[request.UID]; ok && !equality.Semantic.DeepEqual(before, request.Status) {
			l.t.Fatalf("invariant 3: what is over has changed from %+v to %+v", before, request.Status)
		}
		if _, ok := l.ended[request.UID]; !ok {
			l.seen[meta.FindStatusCondition(request.Status.Conditions, v1alpha1.ConditionComplete).Reason]++
		}
		l.ended[request.UID] = request.Status
		if changed, says := l.changes[request.UID] > 0, request.Status.FixApplied != ""; changed != says && !l.lost[request.UID] {
			l.t.Fatalf("invariant 4: changed %v, and says %v: %+v", changed, says, request.Status)
		}
	}
}

// outlast waits until all is over: the pods that come are ill, nobody answers, and time passes.
func (l *life) outlast() {
	l.doom = ""
	for range rounds {
		open := 0
		for _, request := range l.requests() {
			for range 4 {
				if deployment := l.w.deployment(l.ctx); deployment.Generation != deployment.Status.ObservedGeneration {
					l.w.rollOut(l.ctx, waiting("CrashLoopBackOff", "back-off 10s"))
				}
				if !request.Done() {
					open++
					l.advance(&request)
					Expect(l.w.Get(l.ctx, client.ObjectKeyFromObject(&request), &request)).To(Succeed())
				}
			}
		}
		l.check(l.t)
		if open == 0 {
			return
		}
		l.w.clock.Step(pause)
	}
	left := ""
	for _, request := range l.requests() {
		if !request.Done() {
			left += fmt.Sprintf("%s: %+v\n", request.Name, request.Status)
		}
	}
	l.t.Fatalf("invariant 2: no end after %d rounds of %s: %s", rounds, pause, left)
}

// requests are those that there are, oldest first.
func (l *life) requests() []v1alpha1.HealingRequest {
	var all v1alpha1.HealingRequestList
	Expect(l.w.List(l.ctx, &all, client.InNamespace(l.w.namespace))).To(Succeed())
	slices.SortFunc(all.Items, func(a, b v1alpha1.HealingRequest) int {
		return cmp.Compare(slices.Index(l.asked, a.UID), slices.Index(l.asked, b.UID))
	})
	return all.Items
}

func (l *life) service() *corev1.Service {
	var service corev1.Service
	Expect(l.w.Get(l.ctx, client.ObjectKey{Namespace: l.w.namespace, Name: app}, &service)).To(Succeed())
	return &service
}
