// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/policy"
)

// ailing is a target that crashes with a word about redis in its log, and redis, an opted-in Service with nobody behind it.
type ailing struct {
	objects snapshot.Objects
	tried   []v1alpha1.ActionResult
	policy  policy.Effective
}

func newAiling() *ailing {
	a := &ailing{policy: policy.Default()}
	a.add("sandfly")
	a.add("redis")
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "sandfly-0", UID: "pod", Labels: map[string]string{"app": "sandfly", appsv1.DefaultDeploymentUniqueLabelKey: "1"}, CreationTimestamp: metav1.NewTime(moment.Add(-time.Hour))},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server"}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "server", RestartCount: 4,
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 1, Reason: "Error", FinishedAt: metav1.NewTime(moment.Add(-time.Minute)),
			}},
		}}},
	}
	pod.OwnerReferences = ownedBy("ReplicaSet", "sandfly-1", "rs")
	a.objects.Pods = []corev1.Pod{pod}
	a.objects.ReplicaSets = []appsv1.ReplicaSet{{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: "sandfly-1", UID: "rs", Labels: pod.Labels, OwnerReferences: ownedBy("Deployment", "sandfly", uid("workload-sandfly")),
	}}}
	return a
}

func ownedBy(kind, name string, uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: kind, Name: name, UID: uid, Controller: ptr.To(true)}}
}

var moment = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func (a *ailing) add(name string) {
	labels := map[string]string{"app": name}
	a.objects.Services = append(a.objects.Services, corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: uid(name), Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 6379}}},
	})
	a.objects.Deployments = append(a.objects.Deployments, appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: uid("workload-" + name)},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](1), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "server"}}}},
		},
	})
}

func (a *ailing) snapshot() *snapshot.Snapshot {
	s := snapshot.Assemble("ns", v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly"}, &a.objects)
	s.Now = moment
	s.Logs = map[snapshot.ContainerKey]snapshot.ContainerLog{
		{Pod: "sandfly-0", Container: "server"}: {Previous: "fatal: dial tcp: redis:6379: connect: connection refused"},
	}
	return s
}

func (a *ailing) env(name, value string) {
	a.objects.Deployments[0].Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: name, Value: value}}
	a.objects.Pods[0].Spec = a.objects.Deployments[0].Spec.Template.Spec
}

func (a *ailing) declare(names string) {
	a.objects.Services[0].Annotations = map[string]string{v1alpha1.AnnotationDependsOn: names}
}

func uid(name string) types.UID { return types.UID("uid-" + name) }

func TestDependencyAction(t *testing.T) {
	tests := map[string]struct {
		change func(*ailing)
		want   bool
	}{
		"declared":                     {change: func(a *ailing) { a.declare("redis") }, want: true},
		"named by a variable":          {change: func(a *ailing) { a.env("REDIS_ADDR", "redis:6379") }, want: true},
		"named by nothing but the log": {change: func(*ailing) {}},
		"named in a text that is no address": {change: func(a *ailing) {
			a.env("BANNER", "talks to redis, healing.cortex.dev/depends-on: redis")
		}},
		"not opted in": {change: func(a *ailing) {
			a.declare("redis")
			a.objects.Services[1].Labels = nil
		}},
		"forbidden by the policy": {change: func(a *ailing) {
			a.declare("redis")
			a.policy.Permissions[v1alpha1.ActionHealDependency] = v1alpha1.PermissionNever
		}},
		"tried in vain": {change: func(a *ailing) {
			a.declare("redis")
			a.tried = []v1alpha1.ActionResult{{Type: v1alpha1.ActionHealDependency, Object: v1alpha1.ObjectReference{UID: uid("redis")}, State: v1alpha1.ActionIneffective}}
		}},
		"another one was tried": {change: func(a *ailing) {
			a.declare("redis")
			a.tried = []v1alpha1.ActionResult{{Type: v1alpha1.ActionHealDependency, Object: v1alpha1.ObjectReference{UID: uid("postgres")}, State: v1alpha1.ActionIneffective}}
		}, want: true},
		"skipped is not tried": {change: func(a *ailing) {
			a.declare("redis")
			a.tried = []v1alpha1.ActionResult{{Type: v1alpha1.ActionHealDependency, Object: v1alpha1.ObjectReference{UID: uid("redis")}, State: v1alpha1.ActionSkipped}}
		}, want: true},
		"the target by another name": {change: func(a *ailing) {
			a.declare("redis")
			a.objects.Services[1].Spec.Selector = a.objects.Services[0].Spec.Selector
		}},
		"declared and not there": {change: func(a *ailing) {
			a.declare("postgres")
			a.objects.Services = a.objects.Services[:1]
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAiling()
			test.change(a)
			s := a.snapshot()
			diagnosed := diagnosis.Diagnose(s)
			if diagnosed.Cause != v1alpha1.CauseDependencyUnavailable {
				t.Fatalf("cause %s: %s", diagnosed.Cause, diagnosed.Summary)
			}
			action, ok := planDependency(Input{Snapshot: s, Diagnosis: diagnosed, Policy: a.policy, Tried: a.tried})
			if ok != test.want {
				t.Fatalf("an action: %t, want %t; %s", ok, test.want, diagnosed.Summary)
			}
			if ok && (action.Type != v1alpha1.ActionHealDependency || action.Dependency != "redis" || action.Object.Kind != "Service" ||
				action.Object.UID != uid("redis") || action.Permission != v1alpha1.PermissionAuto || action.Reason == "") {
				t.Errorf("action %+v", action)
			}
		})
	}
}

func TestDependencyActionIsOfThisCauseOnly(t *testing.T) {
	a := newAiling()
	a.declare("redis")
	s := a.snapshot()
	diagnosed := diagnosis.Diagnose(s)
	diagnosed.Cause = v1alpha1.CauseCrashLoop
	if action, ok := planDependency(Input{Snapshot: s, Diagnosis: diagnosed, Policy: a.policy}); ok {
		t.Errorf("action %+v", action)
	}
	if _, ok := planDependency(Input{Policy: a.policy}); ok {
		t.Error("an action of nothing")
	}
}
