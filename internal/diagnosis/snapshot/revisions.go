// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// History is one earlier template of a workload: a ReplicaSet or a ControllerRevision.
type History struct {
	Reference v1alpha1.ObjectReference
	// Number of the revision, as `kubectl rollout history` shows it.
	Number   int64
	Template *corev1.PodTemplateSpec
	// Pods that there are of it, and how many of them are ready.
	Pods, Ready int
}

// Earlier are the templates of the workload before the one that it has, newest first, and each once: restarts make revisions of
// their own. A ControllerRevision that cannot be read is left out.
func (s *Snapshot) Earlier() []History {
	if s.Workload == nil {
		return nil
	}
	now := plain(s.Workload.Template)
	var earlier []History
	for _, revision := range s.revisions() {
		template := plain(revision.Template)
		same := func(other History) bool { return equality.Semantic.DeepEqual(plain(other.Template), template) }
		if !equality.Semantic.DeepEqual(template, now) && !slices.ContainsFunc(earlier, same) {
			earlier = append(earlier, revision)
		}
	}
	return earlier
}

func (s *Snapshot) revisions() []History {
	var all []History
	if s.Workload.Kind == v1alpha1.KindDeployment {
		for i := range s.ReplicaSets {
			rs := &s.ReplicaSets[i]
			h := History{Reference: Reference(KindReplicaSet, rs), Number: Revision(rs), Template: workload.WithoutHash(&rs.Spec.Template)}
			h.count(s.PodsOf(rs))
			all = append(all, h)
		}
		return all
	}
	for i := range s.All.ControllerRevisions {
		revision := &s.All.ControllerRevisions[i]
		template, err := workload.RevisionTemplate(revision)
		if err != nil || !metav1.IsControlledBy(revision, s.Workload.Object) {
			continue
		}
		h := History{Reference: Reference(KindControllerRevision, revision), Number: revision.Revision, Template: template}
		h.count(Keep(s.Pods, func(pod *corev1.Pod) bool {
			hash := pod.Labels[appsv1.ControllerRevisionHashLabelKey] // the name of a StatefulSet's, the hash in that of a DaemonSet's
			return hash == revision.Name || hash == revision.Labels[appsv1.ControllerRevisionHashLabelKey]
		}))
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b History) int { return cmp.Compare(b.Number, a.Number) })
	return all
}

func (h *History) count(pods []corev1.Pod) {
	for i := range pods {
		h.Pods++
		if IsReady(&pods[i]) {
			h.Ready++
		}
	}
}

// plain is a template without what a restart writes into it.
func plain(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	template = workload.WithoutHash(template)
	delete(template.Annotations, v1alpha1.AnnotationRestartedAt)
	if len(template.Annotations) == 0 {
		template.Annotations = nil
	}
	return template
}
