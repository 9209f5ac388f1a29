// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// overdue is how long after its deletionTimestamp an object may still be there. A pod's timestamp has its grace period in
// it (apiserver/pkg/registry/rest/delete.go: now plus the grace).
const overdue = 2 * time.Minute

// stuckTerminating finds what was deleted and does not go: the namespace, the workload, its Service, a claim that a new pod
// waits for, and pods.
func stuckTerminating(s *snapshot.Snapshot) []finding.Finding {
	if f, ok := endingNamespace(s); ok {
		return []finding.Finding{f}
	}
	var found []finding.Finding
	if s.Workload != nil && !ending(s) {
		found = append(found, stuckObject(s, s.Workload.Reference(), s.Workload.Object)...)
	}
	if s.Service != nil {
		found = append(found, stuckObject(s, s.ServiceReference(), s.Service)...)
	}
	return slices.Concat(found, stuckClaims(s), stuckPods(s))
}

// ending reports whether pods of the workload still have their time: a foreground deletion waits for them.
func ending(s *snapshot.Snapshot) bool {
	return slices.ContainsFunc(s.Pods, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil && !isOverdue(s, &pod) })
}

func isOverdue(s *snapshot.Snapshot, object metav1.Object) bool {
	at := object.GetDeletionTimestamp()
	return at != nil && s.Age(at.Time) > overdue
}

// endingNamespace: nothing new is made in it, from the first moment on (NamespaceLifecycle admission).
func endingNamespace(s *snapshot.Snapshot) (finding.Finding, bool) {
	ns := s.NamespaceObject()
	if ns == nil || ns.DeletionTimestamp == nil && ns.Status.Phase != corev1.NamespaceTerminating {
		return finding.Finding{}, false
	}
	since := ""
	if ns.DeletionTimestamp != nil {
		since = fmt.Sprintf(" since %s", words.TimeOfDay(ns.DeletionTimestamp.Time, s.Now))
	}
	f := finding.New(v1alpha1.CauseStuckTerminating, snapshot.Reference(snapshot.KindNamespace, ns), v1alpha1.Certain,
		fmt.Sprintf("Namespace %s is being deleted%s, so nothing new is made in it", ns.Name, since), "status.phase is "+string(ns.Status.Phase))
	for _, c := range ns.Status.Conditions {
		if c.Status == corev1.ConditionTrue {
			f.Evidence = append(f.Evidence, fmt.Sprintf("condition %s (%s): %s", c.Type, c.Reason, c.Message))
		}
	}
	f.Detail, f.Stuck = "Namespace", true
	f.Recommendation = fmt.Sprintf("A deletion cannot be called back. See what it waits for (kubectl get namespace %s -o yaml, status.conditions), let it end, then create the namespace and what was in it anew.", ns.Name)
	return f, true
}

// stuckObject finds that a deleted object is kept by its finalizers.
func stuckObject(s *snapshot.Snapshot, reference v1alpha1.ObjectReference, object metav1.Object) []finding.Finding {
	if !isOverdue(s, object) {
		return nil
	}
	f := finding.New(v1alpha1.CauseStuckTerminating, reference, v1alpha1.Certain,
		fmt.Sprintf("%s %s was deleted %s and does not go: %s", reference.Kind, reference.Name, s.Ago(object.GetDeletionTimestamp().Time), finalizers(object)),
		deletionEvidence(object))
	f.Detail = "Finalizer"
	f.Recommendation = fmt.Sprintf("Find out why whoever owns the finalizer does not remove it; then create %s %s anew. Remove the finalizer by hand only if its owner is gone for good.", reference.Kind, reference.Name)
	return []finding.Finding{f}
}

func finalizers(object metav1.Object) string {
	names := object.GetFinalizers()
	if len(names) == 0 {
		return "it has no finalizer"
	}
	return fmt.Sprintf("it waits for finalizer %s", strings.Join(names, ", "))
}

func deletionEvidence(object metav1.Object) string {
	return fmt.Sprintf("metadata.deletionTimestamp %s, finalizers: %s", object.GetDeletionTimestamp().UTC().Format(time.RFC3339), strings.Join(object.GetFinalizers(), ", "))
}

// stuckClaims finds claims that are on their way out while a pod that no node has taken mounts them: the scheduler takes no
// pod of a claim that is being deleted (pkg/scheduler/framework/plugins/volumebinding).
func stuckClaims(s *snapshot.Snapshot) []finding.Finding {
	var found []finding.Finding
	told := map[string]bool{}
	for _, pod := range s.LivePods() {
		for _, volume := range pod.Spec.Volumes {
			if volume.PersistentVolumeClaim == nil || pod.Spec.NodeName != "" {
				continue
			}
			claim := s.Claim(volume.PersistentVolumeClaim.ClaimName)
			if claim == nil || told[claim.Name] || !isOverdue(s, claim) {
				continue
			}
			told[claim.Name] = true
			f := stuckObject(s, snapshot.Reference(snapshot.KindPersistentVolumeClaim, claim), claim)[0]
			f.Message += fmt.Sprintf(", and Pod %s waits for it", pod.Name)
			f.Stuck = true
			f.Recommendation = fmt.Sprintf("End what still uses PersistentVolumeClaim %s, Pod %s among them, so that it goes; then create the claim anew. Its data go with it if the volume's reclaim policy is Delete.", claim.Name, pod.Name)
			found = append(found, f)
		}
	}
	return found
}

// stuckPods finds pods that should be gone, one finding a reason. They block a StatefulSet, a DaemonSet and a Deployment
// that recreates, which wait for their end; beside others that are told as a hint only.
func stuckPods(s *snapshot.Snapshot) []finding.Finding {
	type group struct{ detail, why string }
	var order []group
	pods := map[group][]corev1.Pod{}
	for _, pod := range s.Pods {
		if !isOverdue(s, &pod) {
			continue
		}
		detail, why := whyNotGone(s, &pod)
		g := group{detail, why}
		if len(pods[g]) == 0 {
			order = append(order, g)
		}
		pods[g] = append(pods[g], pod)
	}
	var found []finding.Finding
	for _, g := range order {
		if f, ok := stuckPodFinding(s, pods[g], g.detail, g.why); ok {
			found = append(found, f)
		}
	}
	return found
}

// stuckPodFinding is false for pods that hold up nothing while the workload has trouble of its own.
func stuckPodFinding(s *snapshot.Snapshot, pods []corev1.Pod, detail, why string) (finding.Finding, bool) {
	object := s.Culprit()
	if len(pods) == 1 {
		object = snapshot.Reference(snapshot.KindPod, &pods[0])
	}
	names := words.Names(pods, func(p *corev1.Pod) string { return p.Name })
	f := finding.New(v1alpha1.CauseStuckTerminating, object, v1alpha1.Possible,
		fmt.Sprintf("Pod %s should have ended %s and is still there: %s", strings.Join(names[:min(len(names), maxPodsTold)], ", "), s.Ago(pods[0].DeletionTimestamp.Time), why))
	f.Detail = detail
	if detail == "NodeGone" { // elsewhere the container may still run
		f.Pods = references(pods)
	}
	switch waiter, claim := sharesVolume(s, pods); {
	case blocked(s):
		f.Confidence, f.Stuck = v1alpha1.Certain, true
		f.Message += fmt.Sprintf("; %s makes no other in its place until it is gone", s.Workload)
	case claim != "":
		f.Confidence, f.Stuck = v1alpha1.Likely, true
		f.Message += fmt.Sprintf("; Pod %s waits for PersistentVolumeClaim %s, which it mounts", waiter, claim)
	case s.Workload == nil || !wellAsIs(s):
		return f, false
	}
	for i := range pods[:min(len(pods), maxPodsTold)] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("Pod %s: %s, node %s", pods[i].Name, deletionEvidence(&pods[i]), pods[i].Spec.NodeName))
	}
	switch detail {
	case "Finalizer":
		f.Recommendation = "Find out why whoever owns the finalizer does not remove it. Remove it by hand only if its owner is gone for good."
	case "NodeNotReady", "NodeGone":
		f.Recommendation = fmt.Sprintf("Bring the node back. If it is off for good, delete its Node object, or the pod by force: kubectl delete pod %s -n %s --force. Never by force while the container may still run: two would have one identity and one volume.", strings.Join(names, " "), s.Namespace)
	default:
		f.Recommendation = fmt.Sprintf("Look at the kubelet of node %s: it has not ended the containers or unmounted the volumes. kubectl describe pod %s -n %s", pods[0].Spec.NodeName, names[0], s.Namespace)
	}
	return f, true
}

// whyNotGone: only the kubelet of its node can report that a pod has ended, and only then finalizers hold it.
func whyNotGone(s *snapshot.Snapshot, pod *corev1.Pod) (detail, why string) {
	node := s.Node(pod.Spec.NodeName)
	switch {
	case len(pod.Finalizers) > 0 && !running(pod):
		return "Finalizer", finalizers(pod)
	case pod.Spec.NodeName != "" && node == nil && s.Complete(snapshot.KindNode):
		return "NodeGone", fmt.Sprintf("its node %s does not exist any more", pod.Spec.NodeName)
	case node != nil && !nodeReady(node):
		return "NodeNotReady", fmt.Sprintf("its node %s is not ready, so nobody can report that it has ended", node.Name)
	case len(pod.Finalizers) > 0:
		return "Finalizer", finalizers(pod)
	default:
		return "Container", fmt.Sprintf("node %s has not ended it", pod.Spec.NodeName)
	}
}

func running(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.State.Running != nil })
}

func nodeReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// blocked reports whether the workload waits for the end of its pods: it lacks some, and makes none in their place.
func blocked(s *snapshot.Snapshot) bool {
	if s.Workload == nil || len(s.LivePods()) >= int(s.Workload.Replicas) {
		return false
	}
	d, isDeployment := s.Workload.Object.(*appsv1.Deployment)
	return !isDeployment || d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType
}

// sharesVolume finds a pod that has not started and mounts a claim for one node or pod only that these pods still hold.
func sharesVolume(s *snapshot.Snapshot, pods []corev1.Pod) (waiter, claim string) {
	held := map[string]bool{}
	for i := range pods {
		for _, name := range claimsMounted(&pods[i]) {
			held[name] = true
		}
	}
	for _, pod := range s.LivePods() {
		if pod.Status.Phase != corev1.PodPending {
			continue
		}
		for _, name := range claimsMounted(&pod) {
			if c := s.Claim(name); held[name] && c != nil && forOne(c) {
				return pod.Name, name
			}
		}
	}
	return "", ""
}

func forOne(claim *corev1.PersistentVolumeClaim) bool {
	return !slices.ContainsFunc(claim.Spec.AccessModes, func(mode corev1.PersistentVolumeAccessMode) bool {
		return mode == corev1.ReadWriteMany || mode == corev1.ReadOnlyMany
	})
}

func claimsMounted(pod *corev1.Pod) []string {
	var names []string
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim != nil {
			names = append(names, volume.PersistentVolumeClaim.ClaimName)
		}
	}
	return names
}
