// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// stuckAfter is how long a new pod may take where nobody sets a deadline: the default progressDeadlineSeconds of a
// Deployment.
const stuckAfter = 10 * time.Minute

// rolloutStuck finds a new revision that does not come to be. It is mostly a symptom: what its pods wait for is told by
// other checks, and before it.
func rolloutStuck(s *snapshot.Snapshot) []finding.Finding {
	if s.Workload == nil || s.AtZero() || s.Workload.Rollout.Complete {
		return nil
	}
	switch o := s.Workload.Object.(type) {
	case *appsv1.Deployment:
		return stuckDeployment(s, o)
	case *appsv1.StatefulSet:
		return stuckSet(s, o)
	case *appsv1.DaemonSet:
		return stuckDaemons(s, o)
	default:
		return nil
	}
}

func stuckDeployment(s *snapshot.Snapshot, d *appsv1.Deployment) []finding.Finding {
	i := slices.IndexFunc(d.Status.Conditions, func(c appsv1.DeploymentCondition) bool {
		return c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse && c.Reason == "ProgressDeadlineExceeded"
	})
	if i < 0 || d.Status.ObservedGeneration < d.Generation {
		return nil
	}
	if d.Spec.Paused && len(s.ReplicaSets) > 0 && !snapshot.Runs(&s.ReplicaSets[0], &d.Spec.Template) {
		return nil // a pause lets the condition stand, which is of an older template
	}
	condition := d.Status.Conditions[i]
	revision, serves := "its newest revision", ""
	if len(s.ReplicaSets) > 0 {
		newest := &s.ReplicaSets[0]
		revision = fmt.Sprintf("revision %d (ReplicaSet %s)", snapshot.Revision(newest), newest.Name)
		serves = tellServing(s, func(pod *corev1.Pod) bool { return s.IsNewest(pod) })
	}
	f := finding.New(v1alpha1.CauseRolloutStuck, s.Workload.Reference(), v1alpha1.Certain,
		fmt.Sprintf("The rollout of %s to %s makes no progress: %s%s", s.Workload, revision, s.Workload.Rollout.Message, serves),
		fmt.Sprintf("condition Progressing of %s is False, %s since %s: %s", s.Workload, condition.Reason, words.TimeOfDay(condition.LastTransitionTime.Time, s.Now), condition.Message))
	f.Evidence = append(f.Evidence, waiting(s, func(pod *corev1.Pod) bool { return s.IsNewest(pod) })...)
	f.Detail = "ProgressDeadlineExceeded"
	f.Recommendation = fmt.Sprintf("See what the pods of %s wait for (kubectl describe pods -n %s)", revision, s.Namespace)
	if to := earlier(s); to != nil {
		f.SuggestedPatch = s.Undo(to)
		f.Recommendation += fmt.Sprintf(", or go back to revision %d: %s", snapshot.Revision(to), f.SuggestedPatch)
	}
	f.Recommendation += "."
	return []finding.Finding{f}
}

// earlier is the revision to go back to; nil if there is none that runs something else.
func earlier(s *snapshot.Snapshot) *appsv1.ReplicaSet {
	if len(s.ReplicaSets) < 2 {
		return nil
	}
	pod := &corev1.Pod{} // of the newest revision
	pod.Labels = s.ReplicaSets[0].Labels
	return s.Before(pod)
}

// stuckSet finds a StatefulSet's update that its order holds up. There are two ways: the new revision's pod does not get
// ready, so no other follows; or a pod of an older one is not ready, and the set waits for it before it updates anything,
// even if the new template is its cure (kubernetes/kubernetes issue 67250, "forced rollback" in the StatefulSet docs).
func stuckSet(s *snapshot.Snapshot, set *appsv1.StatefulSet) []finding.Finding {
	status := set.Status
	if set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType || status.UpdateRevision == "" || status.UpdateRevision == status.CurrentRevision || status.ObservedGeneration < set.Generation {
		return nil
	}
	isNew := func(pod *corev1.Pod) bool {
		return pod.Labels[appsv1.ControllerRevisionHashLabelKey] == status.UpdateRevision
	}
	partition := partitionOf(set)
	for _, pod := range s.LivePods() {
		ordinal, ok := ordinalOf(&pod, set.Name)
		old := ok && !isNew(&pod) && ordinal >= partition && set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
		if notReadyFor(s, &pod) < stuckAfter || !old && !isNew(&pod) {
			continue
		}
		message := fmt.Sprintf("The rollout of %s to revision %s waits for Pod %s, the first of it, which is not ready%s", s.Workload, status.UpdateRevision, pod.Name, tellServing(s, isNew))
		advice := fmt.Sprintf("See what Pod %s waits for: kubectl describe pod %s -n %s.", pod.Name, pod.Name, s.Namespace)
		f := finding.New(v1alpha1.CauseRolloutStuck, s.Workload.Reference(), v1alpha1.Certain, message)
		f.Detail = "NewRevision"
		if old {
			f.Detail, f.Pods = "OldRevision", references([]corev1.Pod{pod})
			f.Message = fmt.Sprintf("The rollout of %s to revision %s waits for Pod %s of the revision before, which is not ready", s.Workload, status.UpdateRevision, pod.Name)
			f.SuggestedPatch = fmt.Sprintf("kubectl delete pod %s -n %s", pod.Name, s.Namespace)
			advice = fmt.Sprintf("Delete Pod %s: it is then made anew of the newest template. The StatefulSet does not replace a pod that was never ready by itself.", pod.Name)
		}
		f.Recommendation = advice
		f.Evidence = append([]string{fmt.Sprintf("currentRevision %s, updateRevision %s, %d of %d pods updated", status.CurrentRevision, status.UpdateRevision, status.UpdatedReplicas, s.Workload.Replicas)},
			waiting(s, func(p *corev1.Pod) bool { return p.Name == pod.Name })...)
		return []finding.Finding{f}
	}
	return nil
}

// stuckDaemons finds that the pods of the newest template do not get ready, so that the other nodes keep the older ones.
func stuckDaemons(s *snapshot.Snapshot, ds *appsv1.DaemonSet) []finding.Finding {
	newest := ds.Annotations[appsv1.DeprecatedTemplateGeneration]
	if newest == "" || ds.Status.ObservedGeneration < ds.Generation || ds.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType || ds.Status.UpdatedNumberScheduled >= ds.Status.DesiredNumberScheduled {
		return nil
	}
	isNew := func(pod *corev1.Pod) bool { return pod.Labels[labelTemplateGeneration] == newest }
	for _, pod := range s.LivePods() {
		if !isNew(&pod) || notReadyFor(s, &pod) < stuckAfter {
			continue
		}
		f := finding.New(v1alpha1.CauseRolloutStuck, s.Workload.Reference(), v1alpha1.Certain,
			fmt.Sprintf("The rollout of %s to template generation %s waits for Pod %s, which is not ready: %s%s", s.Workload, newest, pod.Name, s.Workload.Rollout.Message, tellServing(s, isNew)),
			waiting(s, isNew)...)
		f.Detail = "NewRevision"
		f.Recommendation = fmt.Sprintf("See what Pod %s waits for (kubectl describe pod %s -n %s), or go back: kubectl rollout undo daemonset/%s -n %s.", pod.Name, pod.Name, s.Namespace, ds.Name, s.Namespace)
		f.SuggestedPatch = fmt.Sprintf("kubectl rollout undo daemonset/%s -n %s", ds.Name, s.Namespace)
		return []finding.Finding{f}
	}
	return nil
}

// notReadyFor is how long a pod has not been ready.
func notReadyFor(s *snapshot.Snapshot, pod *corev1.Pod) time.Duration {
	since := pod.CreationTimestamp.Time
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.LastTransitionTime.After(since) {
			since = c.LastTransitionTime.Time
		}
	}
	if snapshot.IsReady(pod) {
		return 0
	}
	return s.Age(since)
}

// tellServing says whether older revisions serve meanwhile.
func tellServing(s *snapshot.Snapshot, isNew func(*corev1.Pod) bool) string {
	if !s.Complete(snapshot.KindPod) {
		return ""
	}
	old := snapshot.Keep(s.LivePods(), func(pod *corev1.Pod) bool { return !isNew(pod) && snapshot.IsReady(pod) })
	if len(old) == 0 {
		return "; no pod of an older revision serves"
	}
	if len(old) == 1 {
		return "; 1 ready pod of an older revision still serves"
	}
	return fmt.Sprintf("; %d ready pods of an older revision still serve", len(old))
}

// waiting tells of the pods that are not ready, and what they say.
func waiting(s *snapshot.Snapshot, which func(*corev1.Pod) bool) []string {
	var told []string
	pods := snapshot.Keep(s.LivePods(), func(pod *corev1.Pod) bool { return which(pod) && !snapshot.IsReady(pod) })
	for i := range pods[:min(len(pods), maxPodsTold)] {
		pod := &pods[i]
		text := fmt.Sprintf("Pod %s is %s and not ready, created %s", pod.Name, pod.Status.Phase, s.Ago(pod.CreationTimestamp.Time))
		for _, c := range snapshot.ContainersOf(pod) {
			if why, message := c.Waits(); why != "" {
				text += fmt.Sprintf("; %s waits: %s %s", c, why, message)
			}
		}
		told = append(told, text)
	}
	return told
}
