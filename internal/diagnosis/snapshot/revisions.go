// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"slices"
	"time"

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
	// Created is when it first came into use.
	Created time.Time
	// Pods of it that are meant to run, and how many of them are ready.
	Pods, Ready int
	// made reports whether a pod is of it.
	made func(*corev1.Pod) bool
}

// Earlier are the templates of the workload before the one that it has, newest first, and each once: restarts make revisions of
// their own. A ControllerRevision that cannot be read is left out.
func (s *Snapshot) Earlier() []History {
	if s.Workload == nil {
		return nil
	}
	var earlier []History
	for _, revision := range s.revisions() {
		same := func(other History) bool { return sameTemplate(other.Template, revision.Template) }
		if !sameTemplate(revision.Template, s.Workload.Template) && !slices.ContainsFunc(earlier, same) {
			earlier = append(earlier, revision)
		}
	}
	return earlier
}

// Current is the revision of the template that the workload has. There is none before its controller has seen it.
func (s *Snapshot) Current() (History, bool) {
	for _, revision := range s.revisions() {
		if sameTemplate(revision.Template, s.Workload.Template) {
			return revision, true
		}
	}
	return History{}, false
}

// CurrentSince is when the template that the workload has came into use: the oldest of the restarts of it that are there. It is
// the zero time where that is not known.
func (s *Snapshot) CurrentSince() time.Time {
	var since time.Time
	for _, revision := range s.revisions() {
		if !sameTemplate(revision.Template, s.Workload.Template) {
			break
		}
		since = revision.Created
	}
	return since
}

// revisions are all templates that are kept of the workload, newest first.
func (s *Snapshot) revisions() []History {
	if s.Workload == nil {
		return nil
	}
	var all []History
	if s.Workload.Kind == v1alpha1.KindDeployment {
		for i := range s.ReplicaSets {
			rs := &s.ReplicaSets[i]
			h := History{Reference: keeper(KindReplicaSet, rs), Number: Revision(rs), Created: rs.CreationTimestamp.Time, Template: workload.WithoutHash(&rs.Spec.Template), made: s.madeBy(rs)}
			h.count(s.Pods)
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
		h := History{Reference: keeper(KindControllerRevision, revision), Number: revision.Revision, Created: revision.CreationTimestamp.Time, Template: template}
		h.made = func(pod *corev1.Pod) bool {
			hash := pod.Labels[appsv1.ControllerRevisionHashLabelKey] // the name of a StatefulSet's, the hash in that of a DaemonSet's
			return hash == revision.Name || hash == revision.Labels[appsv1.ControllerRevisionHashLabelKey]
		}
		h.count(s.Pods)
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b History) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.Reference.Name, b.Reference.Name))
	})
	return all
}

// keeper names what keeps a revision. What state it is in is left out: its controller counts pods in it, and the template that it
// keeps never changes.
func keeper(kind string, object metav1.Object) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Kind: kind, Name: object.GetName(), UID: object.GetUID()}
}

func (h *History) count(pods []corev1.Pod) {
	for i := range pods {
		if !h.made(&pods[i]) || !IsLive(&pods[i]) {
			continue
		}
		h.Pods++
		if IsReady(&pods[i]) {
			h.Ready++
		}
	}
}

// sameTemplate compares what two revisions run, without what tells them apart in any case.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	return equality.Semantic.DeepEqual(plain(a), plain(b))
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
