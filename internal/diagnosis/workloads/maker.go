// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// settled is how old a maker must be before missing pods mean something.
const settled = 10 * time.Second

// maker is what asks the API server for a workload's pods: a ReplicaSet of a Deployment, or the StatefulSet or DaemonSet
// itself.
type maker struct {
	kind     string
	object   metav1.Object
	template *corev1.PodTemplateSpec
	// want and have count pods; those on their way out count where they hold their successor's place.
	want, have int
	// made is what the controller itself has counted, or -1 where it has not told.
	made int
	// noSet: not even its ReplicaSet was made.
	noSet bool
	// conditions tell of the last attempt; StatefulSets and DaemonSets have none.
	conditions []appsv1.ReplicaSetCondition
}

func (m maker) String() string { return m.kind + " " + m.object.GetName() }

// missing says how many pods are not there: "0 of 2 pods".
func (m maker) missing() string { return fmt.Sprintf("%d of %s", m.have, words.Count(m.want, "pod")) }

// refused names what the API server does not take, for people.
func (m maker) refused(s *snapshot.Snapshot) string {
	if m.noSet {
		return fmt.Sprintf("the next ReplicaSet of %s", s.Workload)
	}
	return fmt.Sprintf("the pods of %s, which has %s", s.Workload, m.missing())
}

// lacking are the makers of the workload that have fewer pods than they want, newest revision first. Whoever has all its
// pods was refused nothing that still matters: where manifests are applied in any order, a first refusal is common.
func lacking(s *snapshot.Snapshot) []maker {
	var found []maker
	for _, m := range makers(s) {
		if m.have < m.want {
			found = append(found, m)
		}
	}
	return found
}

func makers(s *snapshot.Snapshot) []maker {
	if s.Workload == nil {
		return nil
	}
	switch o := s.Workload.Object.(type) {
	case *appsv1.Deployment:
		return replicaSetMakers(s, o)
	case *appsv1.StatefulSet:
		m := ownMaker(s, int(o.Status.Replicas))
		m.made = counted(o.Status.ObservedGeneration, o.Status.Replicas)
		return []maker{m}
	default:
		m := ownMaker(s, int(s.Workload.Replicas))
		if ds, ok := o.(*appsv1.DaemonSet); ok {
			m = ownMaker(s, int(ds.Status.CurrentNumberScheduled))
			m.made = counted(ds.Status.ObservedGeneration, ds.Status.CurrentNumberScheduled)
		}
		return []maker{m}
	}
}

func replicaSetMakers(s *snapshot.Snapshot, d *appsv1.Deployment) []maker {
	var found []maker
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		m := maker{kind: snapshot.KindReplicaSet, object: rs, template: &rs.Spec.Template, want: 1, have: int(rs.Status.Replicas), conditions: rs.Status.Conditions, made: counted(rs.Status.ObservedGeneration, rs.Status.Replicas)}
		if rs.Spec.Replicas != nil {
			m.want = int(*rs.Spec.Replicas)
		}
		if s.Complete(snapshot.KindPod) {
			m.have = len(snapshot.Keep(s.PodsOf(rs), snapshot.IsLive))
		}
		found = append(found, m)
	}
	if len(found) == 0 && !d.Spec.Paused { // a paused Deployment makes no ReplicaSet
		found = append(found, ownMaker(s, int(d.Status.Replicas)))
	}
	return found
}

// ownMaker is the workload itself. The pod on its way out holds the name (StatefulSet) or the node (DaemonSet) of the next.
func ownMaker(s *snapshot.Snapshot, have int) maker {
	w := s.Workload
	m := maker{kind: string(w.Kind), object: w.Object, template: w.Template, want: int(w.Replicas), have: have, made: -1}
	if s.Complete(snapshot.KindPod) {
		m.have = len(snapshot.Keep(s.Pods, func(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil || snapshot.IsLive(pod) }))
	}
	return m
}

func counted(observed int64, replicas int32) int {
	if observed == 0 {
		return -1
	}
	return int(replicas)
}

// unexplained are the makers that lack pods without anybody saying why. Lists are read one after another, so a maker that
// is at work lacks pods too: one that is new, one whose own count is full, and a StatefulSet that makes its pods in order
// and waits for the last one.
func unexplained(s *snapshot.Snapshot) []maker {
	var found []maker
	for _, m := range lacking(s) {
		_, told := refused(s, m)
		if !told && m.made < m.want && s.Age(m.object.GetCreationTimestamp().Time) >= settled && !waitsItsTurn(s) {
			found = append(found, m)
		}
	}
	return found
}

// waitsItsTurn reports whether a StatefulSet makes its pods one after another and the last one is not ready yet.
func waitsItsTurn(s *snapshot.Snapshot) bool {
	set, ok := s.Workload.Object.(*appsv1.StatefulSet)
	return ok && set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement && s.ReadyPods() < len(s.LivePods())
}
