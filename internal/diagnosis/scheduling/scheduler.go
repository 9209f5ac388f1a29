// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

const (
	// kubeScheduler is the scheduler's lease, its pods' label and the beginning of their names.
	kubeScheduler = "kube-scheduler"
	// detailSchedulerName: the pod asks for a scheduler that nobody is.
	detailSchedulerName = "SchedulerName"
	// undecided is how long a pod may be without a word of a scheduler. One that works takes less than a second.
	undecided = 30 * time.Second
	// leaseGrace is how much longer than its own duration a lease may be old; it is renewed every 2 seconds.
	leaseGrace = 30 * time.Second
)

// schedulerUnavailable finds pods that no scheduler has looked at: one that has either places a pod or writes into its
// PodScheduled condition why it cannot.
func schedulerUnavailable(s *snapshot.Snapshot) []finding.Finding {
	pods := snapshot.Keep(waiting(s), func(pod *corev1.Pod) bool {
		return podScheduled(pod) == nil && wordOn(s, pod).text == "" && pod.Status.NominatedNodeName == "" &&
			!pod.CreationTimestamp.IsZero() && s.Age(pod.CreationTimestamp.Time) > undecided
	})
	if len(pods) == 0 {
		return nil
	}
	oldest := slices.MinFunc(pods, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	name := cmp.Or(oldest.Spec.SchedulerName, corev1.DefaultSchedulerName)
	if worksFor(s, name, oldest.CreationTimestamp.Time) {
		return nil
	}
	seen := []string{
		fmt.Sprintf("Pod %s has been without a node for %s and has no PodScheduled condition: no scheduler has looked at it", oldest.Name, strings.TrimSuffix(s.Ago(oldest.CreationTimestamp.Time), " ago")),
		"not looked at: " + outOf(s, len(pods)),
	}
	if name != corev1.DefaultSchedulerName {
		return unknownScheduler(s, &oldest, name, seen)
	}
	return defaultScheduler(s, &oldest, seen)
}

// worksFor reports whether the scheduler of a name has placed a younger pod. Static pods are placed by their kubelet.
func worksFor(s *snapshot.Snapshot, name string, since time.Time) bool {
	return slices.ContainsFunc(s.All.Pods, func(pod corev1.Pod) bool {
		return placedBy(&pod, name) && pod.CreationTimestamp.After(since)
	})
}

func placedBy(pod *corev1.Pod, name string) bool {
	_, static := pod.Annotations[corev1.MirrorPodAnnotationKey]
	return !static && pod.Spec.NodeName != "" && cmp.Or(pod.Spec.SchedulerName, corev1.DefaultSchedulerName) == name
}

func unknownScheduler(s *snapshot.Snapshot, pod *corev1.Pod, name string, seen []string) []finding.Finding {
	object, who := owner(s, pod)
	f := finding.New(v1alpha1.CauseSchedulerUnavailable, object, v1alpha1.Likely, fmt.Sprintf("%s, spec.schedulerName %s: no scheduler of that name looks at its pods", who, name), seen...)
	f.Detail = detailSchedulerName
	f.Recommendation = fmt.Sprintf("Start scheduler %s, or remove spec.schedulerName of %s so that %s takes its pods.", name, who, corev1.DefaultSchedulerName)
	if slices.ContainsFunc(s.All.Pods, func(pod corev1.Pod) bool { return placedBy(&pod, name) }) {
		f.Evidence = append(f.Evidence, "it has placed older pods")
		f.Recommendation = fmt.Sprintf("Look at the pods and the log of scheduler %s: it has placed older pods.", name)
		return []finding.Finding{f}
	}
	f.Suggest(finding.PodSpecSet(s.Workload, finding.Set("/schedulerName", name, corev1.DefaultSchedulerName)...))
	return []finding.Finding{f}
}

// defaultScheduler judges by the scheduler's lease and pods, as far as they are there: a managed control plane shows
// neither.
func defaultScheduler(s *snapshot.Snapshot, pod *corev1.Pod, seen []string) []finding.Finding {
	lease, pods := s.Lease(snapshot.SystemNamespace, kubeScheduler), schedulerPods(s)
	stale, old := leaseStale(s, lease)
	if lease != nil && !stale {
		return nil // it works; what keeps it from this pod is not known
	}
	down := snapshot.Keep(pods, func(pod *corev1.Pod) bool { return !snapshot.IsReady(pod) })
	object, _ := owner(s, pod)
	what, confidence := "No scheduler", v1alpha1.Likely
	if lease != nil {
		object, what, confidence = snapshot.Reference(snapshot.KindLease, lease), "Lease "+snapshot.SystemNamespace+"/"+kubeScheduler+" is old: no scheduler", v1alpha1.Certain
		object.Namespace = snapshot.SystemNamespace
		seen = append(seen, old)
	}
	if len(pods) > 0 && len(down) == len(pods) {
		object, what, confidence = snapshot.Reference(snapshot.KindPod, &down[0]), fmt.Sprintf("Pod %s/%s is not ready: no scheduler", snapshot.SystemNamespace, down[0].Name), v1alpha1.Certain
		object.Namespace = snapshot.SystemNamespace
		seen = append(seen, tellPods(down)...)
	}
	_, who := owner(s, pod)
	switch {
	case confidence == v1alpha1.Certain:
	case len(pods) > 0: // of which some are ready
		return nil
	case misfits(s, pod):
		// In a dump a condition may be lost, and there is another reason to wait.
		confidence = v1alpha1.Possible
	}
	f := finding.New(v1alpha1.CauseSchedulerUnavailable, object, confidence, fmt.Sprintf("%s looks at the pods of %s", what, who), seen...)
	f.Recommendation = fmt.Sprintf("Bring the scheduler back: look at its pod or service on the control plane (kubectl -n %s get pods -l component=%s; kubectl -n %s get lease %s; crictl ps -a and the kubelet's log there).",
		snapshot.SystemNamespace, kubeScheduler, snapshot.SystemNamespace, kubeScheduler)
	return []finding.Finding{f}
}

// misfits reports whether no node would take the pod in any case.
func misfits(s *snapshot.Snapshot, pod *corev1.Pod) bool {
	c := newCluster(s, nobody)
	return s.Complete(snapshot.KindNode) && len(c.nodes) > 0 && c.try(pod).fits == nil
}

func schedulerPods(s *snapshot.Snapshot) []corev1.Pod {
	found := snapshot.Keep(s.All.Pods, func(pod *corev1.Pod) bool {
		return pod.Namespace == snapshot.SystemNamespace && (pod.Labels["component"] == kubeScheduler || strings.HasPrefix(pod.Name, kubeScheduler+"-"))
	})
	slices.SortFunc(found, func(a, b corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// leaseStale reports whether the scheduler that holds the lease has stopped renewing it, and since when.
func leaseStale(s *snapshot.Snapshot, lease *coordinationv1.Lease) (stale bool, told string) {
	if lease == nil || lease.Spec.RenewTime == nil {
		return lease != nil, "the lease was never renewed"
	}
	seconds := int32(15) // the scheduler's default
	if lease.Spec.LeaseDurationSeconds != nil {
		seconds = *lease.Spec.LeaseDurationSeconds
	}
	renewed := lease.Spec.RenewTime.Time
	told = fmt.Sprintf("Lease %s/%s was last renewed %s, at %s, and holds for %d seconds", lease.Namespace, lease.Name, s.Ago(renewed), words.TimeOfDay(renewed, s.Now), seconds)
	if holder := lease.Spec.HolderIdentity; holder != nil && *holder != "" {
		told += ", by " + *holder
	}
	return s.Age(renewed) > time.Duration(seconds)*time.Second+leaseGrace, told
}

func tellPods(pods []corev1.Pod) []string {
	var told []string
	for i := range pods {
		text := fmt.Sprintf("Pod %s/%s on Node %s is not ready", pods[i].Namespace, pods[i].Name, cmp.Or(pods[i].Spec.NodeName, "none"))
		for _, c := range snapshot.ContainersOf(&pods[i]) {
			if reason, message := c.Waits(); reason != "" {
				text += strings.TrimRight(fmt.Sprintf(", %s: %s %s", c, reason, message), " ")
			}
		}
		told = append(told, text)
	}
	return told
}
