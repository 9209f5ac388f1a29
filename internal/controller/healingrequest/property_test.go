// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// A history needs seconds, since there is an API server behind it.
const (
	histories = 20
	// rounds of a pause in which every request ends, at the latest. One that a limit holds back waits for an hour.
	rounds = 80
	pause  = 5 * time.Minute
)

var _ = Describe("Whatever happens", func() {
	It("breaks no invariant", func(ctx context.Context) {
		if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
			Expect(flag.Set(checks.Name, fmt.Sprint(histories))).To(Succeed())
		}
		seen := map[string]int{}
		rapid.Check(GinkgoT(), func(t *rapid.T) {
			l := newLife(ctx, t, seen)
			t.Repeat(map[string]func(*rapid.T){
				"":                     l.check,
				"ask":                  l.ask,
				"answer the plan":      l.answer,
				"delete a request":     l.forget,
				"reconcile":            l.reconcile,
				"reconcile once more":  l.reconcile,
				"kill the operator":    l.kill,
				"replace the operator": func(*rapid.T) { l.operator = l.w.operator(l.client) },
				"break or mend":        l.breakOrMend,
				"edit":                 l.edit,
				"create anew":          l.recreate,
				"label or not":         l.label,
				"write a policy":       l.policy,
				"wait":                 func(t *rapid.T) { l.w.clock.Step(rapid.SampledFrom(pauses).Draw(t, "pause")) },
			})
			l.outlast()
		})
		AddReportEntry("random histories", fmt.Sprint(seen))
	})
})

// What comes first is drawn more often: most of what is drawn must let a heal go on, or nothing is ever changed.
var mostly = []bool{true, true, true, false}

var pauses = []time.Duration{time.Second, 5 * time.Second, 40 * time.Second, 2 * time.Minute, 20 * time.Minute}

func (l *life) ask(t *rapid.T) {
	if len(l.requests()) >= 4 {
		t.Skip("enough")
	}
	l.breakOrMend(t)
	l.seen["requests"]++
	request := l.w.request(l.ctx, func(spec *v1alpha1.HealingRequestSpec) {
		spec.TargetRef.Kind = rapid.SampledFrom([]v1alpha1.TargetKind{v1alpha1.KindService, v1alpha1.KindDeployment}).Draw(t, "kind")
		spec.Mode = rapid.SampledFrom([]v1alpha1.Mode{"", "", v1alpha1.ModeAuto, v1alpha1.ModeDryRun, v1alpha1.ModeApproval}).Draw(t, "mode")
		if seconds := rapid.IntRange(0, 300).Draw(t, "timeout"); seconds >= 10 {
			spec.Timeout = &metav1.Duration{Duration: time.Duration(seconds) * time.Second}
		}
	})
	l.asked = append(l.asked, request.UID)
	l.times(t, request)
}

// one is any of the requests that are not over.
func (l *life) one(t *rapid.T) *v1alpha1.HealingRequest {
	requests := slices.DeleteFunc(l.requests(), func(request v1alpha1.HealingRequest) bool { return request.Done() })
	if len(requests) == 0 {
		t.Skip("no request")
	}
	return &requests[rapid.IntRange(0, len(requests)-1).Draw(t, "request")]
}

func (l *life) answer(t *rapid.T) {
	request := l.one(t)
	if request.Spec.Approval != "" {
		t.Skip("answered")
	}
	request.Spec.Approval = rapid.SampledFrom([]v1alpha1.Approval{v1alpha1.ApprovalApproved, v1alpha1.ApprovalApproved, v1alpha1.ApprovalDenied}).Draw(t, "answer")
	Expect(l.w.Update(l.ctx, request)).To(Succeed())
}

func (l *life) forget(t *rapid.T) {
	if rapid.SampledFrom(mostly).Draw(t, "keep") {
		t.Skip("kept")
	}
	Expect(l.w.Delete(l.ctx, l.one(t))).To(Succeed())
}

func (l *life) kill(t *rapid.T) {
	request := l.one(t)
	l.writes = rapid.SampledFrom([]int{1, 0, 2}).Draw(t, "writes")
	l.doom = rapid.SampledFrom([]string{afterWrite, beforeWrite}).Draw(t, "when")
	l.times(t, request)
}

func (l *life) breakOrMend(t *rapid.T) {
	switch rapid.SampledFrom([]string{"zero", "crash", "hang", "not ready", "well"}).Draw(t, "state") {
	case "well":
		l.w.serve(answers)
		l.w.settle(l.ctx)
	case "crash":
		l.w.rollOut(l.ctx, waiting("CrashLoopBackOff", "back-off 10s"))
	case "not ready":
		l.w.rollOut(l.ctx, notReady)
	case "zero":
		l.w.edit(l.ctx, func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](0) })
		l.w.settle(l.ctx)
	case "hang":
		l.w.serve(hangs)
	}
}

func (l *life) edit(t *rapid.T) {
	image := rapid.SampledFrom([]string{"sandfly:v1", "sandfly:v2", "sandfly:v3"}).Draw(t, "image")
	l.w.edit(l.ctx, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = image })
}

func (l *life) recreate(t *rapid.T) {
	if rapid.SampledFrom(mostly).Draw(t, "keep") {
		t.Skip("kept")
	}
	for _, request := range l.requests() {
		if !request.Done() { // what it changed, recorded or not, cannot be seen any more
			l.lost[request.UID] = true
		}
	}
	l.w.recreate(l.ctx)
}

func (l *life) label(t *rapid.T) {
	service := l.service()
	if rapid.SampledFrom(mostly).Draw(t, "label") {
		service.Labels[v1alpha1.LabelMCPServer] = "true"
	} else {
		delete(service.Labels, v1alpha1.LabelMCPServer)
	}
	Expect(l.w.Update(l.ctx, service)).To(Succeed())
}

func (l *life) policy(t *rapid.T) {
	modes := []v1alpha1.Mode{"", v1alpha1.ModeAuto, v1alpha1.ModeAuto, v1alpha1.ModeDryRun, v1alpha1.ModeApproval}
	spec := v1alpha1.HealingPolicySpec{
		Mode:   rapid.SampledFrom(modes).Draw(t, "mode"),
		Limits: &v1alpha1.Limits{MaxAttempts: ptr.To(rapid.SampledFrom([]int32{3, 4, 2, 1, 0}).Draw(t, "attempts"))},
	}
	permissions := []v1alpha1.Permission{v1alpha1.PermissionAuto, v1alpha1.PermissionAuto, v1alpha1.PermissionAuto, v1alpha1.PermissionApproval, v1alpha1.PermissionNever}
	for _, action := range []v1alpha1.ActionType{v1alpha1.ActionScale, v1alpha1.ActionRestart, v1alpha1.ActionRollback} {
		spec.Actions = append(spec.Actions, v1alpha1.ActionPermission{Type: action, Permission: rapid.SampledFrom(permissions).Draw(t, string(action))})
	}
	policy := l.governs()
	policy.Spec = spec
	if policy.UID == "" {
		Expect(l.w.Create(l.ctx, policy)).To(Succeed())
		return
	}
	Expect(l.w.Update(l.ctx, policy)).To(Succeed())
}

// governs is the only policy of the namespace; an empty one if there is none yet.
func (l *life) governs() *v1alpha1.HealingPolicy {
	policy := &v1alpha1.HealingPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: l.w.namespace, Name: "any"}}
	Expect(client.IgnoreNotFound(l.w.Get(l.ctx, client.ObjectKeyFromObject(policy), policy))).To(Succeed())
	return policy
}
