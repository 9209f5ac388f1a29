// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// noon is when most tests take place.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	sandfly  = "sandfly-mcp-server"
	workload = types.UID("workload-1")
)

// target is sandfly's, asked of by a request that has done nothing yet.
func target(generation int64) policy.Target {
	return policy.Target{
		Request: "asking", Service: sandfly,
		Workload: v1alpha1.ObjectReference{Kind: "Deployment", Name: sandfly, UID: workload, Generation: generation},
	}
}

func service(labels map[string]string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "mcp", Name: sandfly, Labels: labels}}
}

func healingPolicy(name string, change func(*v1alpha1.HealingPolicySpec)) v1alpha1.HealingPolicy {
	p := v1alpha1.HealingPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "mcp", Name: name}}
	if change != nil {
		change(&p.Spec)
	}
	return p
}

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func micro(t time.Time) *metav1.MicroTime { return new(metav1.NewMicroTime(t)) }

// maker builds a request.
type maker struct{ v1alpha1.HealingRequest }

// request is one of sandfly's Service, under way.
func request(name string) *maker {
	m := &maker{}
	m.Namespace, m.Name, m.UID = "mcp", name, types.UID(name)
	m.Spec.TargetRef = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: sandfly}
	m.Status.ServiceRef = &v1alpha1.ObjectReference{Kind: "Service", Name: sandfly}
	m.Status.WorkloadRef = &v1alpha1.ObjectReference{Kind: "Deployment", Name: sandfly, UID: workload}
	m.Status.Cause = v1alpha1.CauseCrashLoop
	return m
}

// did appends an action that was applied to the workload of a generation.
func (m *maker) did(action v1alpha1.ActionType, state v1alpha1.ActionState, at time.Time, generation int64) *maker {
	object := *m.Status.WorkloadRef
	object.Generation = generation
	m.Status.Actions = append(m.Status.Actions, v1alpha1.ActionResult{
		Type: action, Object: object, State: state, AppliedAt: micro(at), Detail: string(action) + " of Deployment " + object.Name,
	})
	return m
}

func (m *maker) ended(reason string, at time.Time) *maker {
	m.Status.CompletedAt = micro(at)
	m.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason}}
	return m
}

func (m *maker) of(kind v1alpha1.TargetKind, service string, workload types.UID) *maker {
	m.Spec.TargetRef = v1alpha1.TargetReference{Kind: kind, Name: service}
	m.Status.ServiceRef.Name, m.Status.WorkloadRef.UID = service, workload
	return m
}

func (m *maker) with(change func(*v1alpha1.HealingRequest)) *maker {
	change(&m.HealingRequest)
	return m
}

func requests(made ...*maker) []v1alpha1.HealingRequest {
	all := make([]v1alpha1.HealingRequest, len(made))
	for i, m := range made {
		all[i] = *m.DeepCopy()
	}
	return all
}

// restarts are finished heals that each restarted the workload at a time.
func restarts(reason string, state v1alpha1.ActionState, at ...time.Time) []*maker {
	made := make([]*maker, len(at))
	for i, t := range at {
		name := "restart-" + t.Format("02-150405")
		made[i] = request(name).did(v1alpha1.ActionRestart, state, t, int64(i+1)).ended(reason, t.Add(time.Minute))
	}
	return made
}
