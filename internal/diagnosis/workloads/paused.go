// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/ownership"
)

// rolloutPaused finds a template that nobody runs, since the workload was told not to roll it out. Where the pods that do
// run are well this is somebody's wish: of a paused Deployment it is told as a hint, of an update strategy not at all.
func rolloutPaused(s *snapshot.Snapshot) []finding.Finding {
	if s.Workload == nil || s.AtZero() {
		return nil
	}
	switch o := s.Workload.Object.(type) {
	case *appsv1.Deployment:
		return pausedDeployment(s, o)
	case *appsv1.StatefulSet:
		return heldSet(s, o)
	case *appsv1.DaemonSet:
		return heldDaemons(s, o)
	default:
		return nil
	}
}

func pausedDeployment(s *snapshot.Snapshot, d *appsv1.Deployment) []finding.Finding {
	if !d.Spec.Paused {
		return nil
	}
	pending, confidence := pendingChange(s, d)
	if pending == "" {
		return nil
	}
	f := finding.New(v1alpha1.CauseRolloutPaused, s.Workload.Reference(), confidence,
		fmt.Sprintf("%s is paused (spec.paused), and what its template asks for is not rolled out: %s", s.Workload, pending), "spec.paused is true")
	if by, known := ownership.WriterOf(d, "spec", "paused"); known {
		f.Evidence = append(f.Evidence, by.Evidence("spec.paused"))
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("%d of %d pods ready, %d of the template", s.ReadyPods(), s.Workload.Replicas, d.Status.UpdatedReplicas))
	if wellAsIs(s) {
		f.Confidence = v1alpha1.Possible
	}
	f.Detail = "Paused"
	f.Stuck = true // nothing that changes the template has an effect, a restart neither
	f.Recommendation = fmt.Sprintf("Resume the rollout of %s, or undo the change of its template: nothing that is changed there comes into effect until then.", s.Workload)
	f.SuggestedPatch = fmt.Sprintf("kubectl rollout resume deployment/%s -n %s", d.Name, s.Namespace)
	return []finding.Finding{f}
}

// pendingChange says what a paused Deployment holds back, and how surely that is known. While it is paused no ReplicaSet is
// made for a new template (pkg/controller/deployment/sync.go).
func pendingChange(s *snapshot.Snapshot, d *appsv1.Deployment) (string, v1alpha1.Confidence) {
	if len(s.ReplicaSets) == 0 {
		switch {
		case s.Complete(snapshot.KindReplicaSet) && s.Complete(snapshot.KindPod) && len(s.Pods) == 0:
			return "it was paused before its first pod was made", v1alpha1.Certain
		case d.Status.ObservedGeneration >= d.Generation && d.Status.UpdatedReplicas < d.Status.Replicas:
			return fmt.Sprintf("%d of %s run it", d.Status.UpdatedReplicas, words.Count(int(d.Status.Replicas), "pod")), v1alpha1.Likely
		default:
			return "", ""
		}
	}
	var current, other *appsv1.ReplicaSet
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		switch {
		case snapshot.Runs(rs, &d.Spec.Template):
			current = rs
		case other == nil && (rs.Spec.Replicas == nil || *rs.Spec.Replicas > 0):
			other = rs
		}
	}
	switch {
	case current == nil && other == nil:
		return "no revision of it was ever made", v1alpha1.Certain
	case other != nil && (current == nil || ptr.Deref(current.Spec.Replicas, 1) == 0): // it may be an earlier one again
		return fmt.Sprintf("%s, of ReplicaSet %s which runs", changes(&other.Spec.Template.Spec, &d.Spec.Template.Spec), other.Name), v1alpha1.Certain
	case other != nil:
		return fmt.Sprintf("it stopped half way, ReplicaSet %s of revision %d still runs beside %s", other.Name, snapshot.Revision(other), current.Name), v1alpha1.Certain
	default:
		return "", ""
	}
}

// changes says what a template changes, as far as one word does: images, else the parts that differ.
func changes(from, to *corev1.PodSpec) string {
	var told []string
	for _, c := range to.Containers {
		for _, old := range from.Containers {
			if old.Name == c.Name && old.Image != c.Image {
				told = append(told, fmt.Sprintf("container %s, image %s instead of %s", c.Name, c.Image, old.Image))
			}
		}
	}
	if len(told) == 0 {
		return "its template differs"
	}
	return strings.Join(told, "; ")
}

// wellAsIs reports whether all pods that are wanted are there and ready, of whatever revision. Without the pods the status
// tells.
func wellAsIs(s *snapshot.Snapshot) bool {
	ready := s.ReadyPods()
	if !s.Complete(snapshot.KindPod) {
		ready = int(s.Workload.Ready)
	}
	return ready >= int(s.Workload.Replicas)
}

// heldSet finds a StatefulSet whose update strategy keeps pods at an old revision, and one of those is not well: what is
// changed in the template does not reach it.
func heldSet(s *snapshot.Snapshot, set *appsv1.StatefulSet) []finding.Finding {
	partition := partitionOf(set)
	onDelete := set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType
	if set.Status.UpdateRevision == "" || set.Status.ObservedGeneration < set.Generation || !onDelete && partition == 0 {
		return nil
	}
	ill := snapshot.Keep(s.LivePods(), func(pod *corev1.Pod) bool {
		ordinal, ok := ordinalOf(pod, set.Name)
		return !snapshot.IsReady(pod) && pod.Labels[appsv1.ControllerRevisionHashLabelKey] != set.Status.UpdateRevision && (onDelete || ok && ordinal < partition)
	})
	// Pods that are made anew come at the old revision as long as the update is held back, but for OnDelete.
	if len(ill) == 0 {
		return nil
	}
	if onDelete {
		return []finding.Finding{heldOnDelete(s, ill, set.Status.UpdateRevision)}
	}
	f := held(s, "Partition", fmt.Sprintf("spec.updateStrategy.rollingUpdate.partition is %d", partition), ill, set.Status.UpdateRevision)
	f.Suggest(finding.JSONPatch(f.Object, s.Namespace, finding.Set("/spec/updateStrategy/rollingUpdate/partition", partition, 0)...))
	return []finding.Finding{f}
}

// heldDaemons tells a DaemonSet's newest pods by the generation of its template, which both bear.
func heldDaemons(s *snapshot.Snapshot, ds *appsv1.DaemonSet) []finding.Finding {
	newest := ds.Annotations[appsv1.DeprecatedTemplateGeneration]
	if ds.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType || newest == "" {
		return nil
	}
	ill := snapshot.Keep(s.LivePods(), func(pod *corev1.Pod) bool {
		of := pod.Labels[labelTemplateGeneration]
		return !snapshot.IsReady(pod) && of != "" && of != newest
	})
	if len(ill) == 0 {
		return nil
	}
	return []finding.Finding{heldOnDelete(s, ill, "template generation "+newest)}
}

// labelTemplateGeneration is on the pods of a DaemonSet (pkg/apis/apps, DaemonSetTemplateGenerationKey).
const labelTemplateGeneration = "pod-template-generation"

// heldOnDelete is for pods that take the newest template when they are deleted, and not before.
func heldOnDelete(s *snapshot.Snapshot, ill []corev1.Pod, newest string) finding.Finding {
	f := held(s, "OnDelete", "spec.updateStrategy is OnDelete", ill, newest)
	f.SuggestedPatch = deletePods(s, ill)
	return f
}

func held(s *snapshot.Snapshot, detail, field string, ill []corev1.Pod, newest string) finding.Finding {
	f := finding.New(v1alpha1.CauseRolloutPaused, s.Workload.Reference(), v1alpha1.Certain,
		fmt.Sprintf("%s does not roll out its newest template (%s), and %s not ready at an older one", s.Workload, field, words.IsAre(len(ill), "pod")),
		field, "the newest revision is "+newest)
	for i := range ill[:min(len(ill), maxPodsTold)] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("Pod %s is not ready, of revision %s", ill[i].Name, ill[i].Labels[appsv1.ControllerRevisionHashLabelKey]))
	}
	f.Detail = detail
	f.Recommendation = fmt.Sprintf("If the template of %s holds the cure, let it reach these pods.", s.Workload)
	return f
}

// maxPodsTold bounds the pods that evidence is given of.
const maxPodsTold = 3

func deletePods(s *snapshot.Snapshot, pods []corev1.Pod) string {
	return fmt.Sprintf("kubectl delete pod %s -n %s", strings.Join(words.Names(pods, func(p *corev1.Pod) string { return p.Name }), " "), s.Namespace)
}

func partitionOf(set *appsv1.StatefulSet) int {
	if rolling := set.Spec.UpdateStrategy.RollingUpdate; rolling != nil && rolling.Partition != nil {
		return int(*rolling.Partition)
	}
	return 0
}

func ordinalOf(pod *corev1.Pod, set string) (int, bool) {
	text, ok := strings.CutPrefix(pod.Name, set+"-")
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}
