// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/workload"
)

func TestPlan(t *testing.T) {
	deployment := &v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly", UID: "u1", Generation: 3}
	done := func(action v1alpha1.ActionType, state v1alpha1.ActionState) v1alpha1.ActionResult {
		return v1alpha1.ActionResult{Type: action, Object: v1alpha1.ObjectReference{UID: "u1"}, State: state}
	}
	tests := map[string]struct {
		cause    v1alpha1.Cause
		workload *v1alpha1.ObjectReference
		tried    []v1alpha1.ActionResult
		want     []v1alpha1.ActionType
	}{
		"scaled to zero is scaled":                 {cause: v1alpha1.CauseScaledToZero, workload: deployment, want: []v1alpha1.ActionType{v1alpha1.ActionScale}},
		"a crash loop is restarted":                {cause: v1alpha1.CauseCrashLoop, workload: deployment, want: []v1alpha1.ActionType{v1alpha1.ActionRestart}},
		"out of memory is restarted":               {cause: v1alpha1.CauseOOMKilled, workload: deployment, want: []v1alpha1.ActionType{v1alpha1.ActionRestart}},
		"a hung server is restarted":               {cause: v1alpha1.CauseUnresponsive, workload: deployment, want: []v1alpha1.ActionType{v1alpha1.ActionRestart}},
		"no ready endpoint is waited for first":    {cause: v1alpha1.CauseNoReadyEndpoints, workload: deployment, want: []v1alpha1.ActionType{v1alpha1.ActionWait, v1alpha1.ActionRestart}},
		"an image that is not there is a person's": {cause: v1alpha1.CauseImageNotFound, workload: deployment},
		"a selector is a person's":                 {cause: v1alpha1.CauseSelectorMismatch, workload: deployment},
		"the unknown gets time":                    {cause: v1alpha1.CauseUnknown, workload: deployment, want: []v1alpha1.ActionType{v1alpha1.ActionWait}},
		"healthy needs nothing":                    {cause: v1alpha1.CauseHealthy, workload: deployment},
		"no workload, nothing to act on":           {cause: v1alpha1.CauseCrashLoop},
		"what did not help is not tried again": {
			cause: v1alpha1.CauseNoReadyEndpoints, workload: deployment,
			tried: []v1alpha1.ActionResult{done(v1alpha1.ActionWait, v1alpha1.ActionIneffective)},
			want:  []v1alpha1.ActionType{v1alpha1.ActionRestart},
		},
		"what was refused is not tried again": {
			cause: v1alpha1.CauseCrashLoop, workload: deployment,
			tried: []v1alpha1.ActionResult{done(v1alpha1.ActionRestart, v1alpha1.ActionFailed)},
		},
		"what was skipped was not tried": {
			cause: v1alpha1.CauseCrashLoop, workload: deployment,
			tried: []v1alpha1.ActionResult{done(v1alpha1.ActionRestart, v1alpha1.ActionSkipped)},
			want:  []v1alpha1.ActionType{v1alpha1.ActionRestart},
		},
		"another object of the same name is new": {
			cause: v1alpha1.CauseCrashLoop, workload: &v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly", UID: "u2"},
			tried: []v1alpha1.ActionResult{done(v1alpha1.ActionRestart, v1alpha1.ActionIneffective)},
			want:  []v1alpha1.ActionType{v1alpha1.ActionRestart},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &snapshot.Snapshot{All: &snapshot.Objects{}}
			if test.workload != nil {
				s.Workload, _ = workload.From(&appsv1.Deployment{
					ObjectMeta: metav1.ObjectMeta{Name: test.workload.Name, UID: test.workload.UID, Generation: test.workload.Generation},
					Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](0)},
				})
			}
			diagnosed := diagnosis.Diagnosis{Cause: test.cause, Workload: test.workload}
			diagnosed.Findings = []finding.Finding{{Finding: v1alpha1.Finding{Cause: test.cause}, Replicas: 2}}
			plan := remediation.Plan(remediation.Input{Snapshot: s, Diagnosis: diagnosed, Policy: policy.Default(), Tried: test.tried})
			var got []v1alpha1.ActionType
			for _, action := range plan.Actions {
				got = append(got, action.Type)
				if action.Object != *test.workload {
					t.Errorf("%s acts on %+v, want %+v", action.Type, action.Object, *test.workload)
				}
				if (action.Replicas != nil) != (action.Type == v1alpha1.ActionScale) {
					t.Errorf("%s has replicas %v", action.Type, action.Replicas)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
