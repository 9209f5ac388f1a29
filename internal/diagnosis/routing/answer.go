// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// maxPodsTold bounds the pods that evidence is given of.
const maxPodsTold = 3

// noReadyEndpoints finds that there is no pod to send a caller to. It says what the pods wait for.
func noReadyEndpoints(s *snapshot.Snapshot) []finding.Finding {
	switch {
	case s.Service == nil && s.Workload != nil && s.Workload.Replicas > 0 && s.Complete(snapshot.KindPod) && s.ReadyPods() == 0:
		return []finding.Finding{notReady(s, fmt.Sprintf("No pod of %s is ready", s.Workload))}
	case s.Service == nil || s.Service.Spec.Type == corev1.ServiceTypeExternalName || !s.Complete(snapshot.KindEndpointSlice) || s.ReadyEndpoints() > 0:
		return nil
	case !snapshot.HasSelector(s.Service):
		f := finding.New(v1alpha1.CauseNoReadyEndpoints, s.ServiceReference(), v1alpha1.Certain,
			fmt.Sprintf("Service %s has no selector and no ready endpoints: its endpoints are written by hand", s.Service.Name))
		f.Recommendation = fmt.Sprintf("Add a selector to Service %s, or write an EndpointSlice for it.", s.Service.Name)
		return []finding.Finding{f}
	default:
		return []finding.Finding{notReady(s, fmt.Sprintf("Service %s has no ready endpoints", s.Service.Name))}
	}
}

func notReady(s *snapshot.Snapshot, message string) finding.Finding {
	pods := s.LivePods()
	switch {
	case !s.Complete(snapshot.KindPod):
	case len(pods) == 0 && s.Workload != nil:
		message += fmt.Sprintf(": %s wants %s and has none", s.Workload, words.Count(int(s.Workload.Replicas), "pod"))
	case s.ReadyPods() == 0:
		message += fmt.Sprintf(": none of %s is ready", words.Count(len(pods), "pod"))
	default:
		message += fmt.Sprintf(", though %s ready: they are not published yet", words.IsAre(s.ReadyPods(), "pod"))
	}
	f := finding.New(v1alpha1.CauseNoReadyEndpoints, s.Culprit(), v1alpha1.Certain, message)
	f.Stuck = stuck(s)
	for i := range pods[:min(len(pods), maxPodsTold)] {
		f.Evidence = append(f.Evidence, podEvidence(s, &pods[i])...)
	}
	if warning := lastWarning(s); warning != "" {
		f.Evidence = append(f.Evidence, warning)
	}
	f.Recommendation = fmt.Sprintf("See what the pods wait for: kubectl describe pods -n %s", s.Namespace)
	if s.Workload != nil && s.Workload.Selector != nil && len(s.Workload.Selector.MatchLabels) > 0 {
		f.Recommendation += " -l " + words.ShowLabels(s.Workload.Selector.MatchLabels)
	}
	return f
}

// stuck reports whether a pod waits for what a person has to make: a node that takes it, or a ConfigMap, a Secret or a
// command that its container names.
func stuck(s *snapshot.Snapshot) bool {
	pods := s.LivePods()
	return slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
		return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
		}) || slices.ContainsFunc(snapshot.ContainersOf(&pod), func(c snapshot.Container) bool {
			reason, _ := c.Waits()
			return reason == "CreateContainerConfigError" || reason == "CreateContainerError"
		})
	})
}

// podEvidence tells how far a pod is.
func podEvidence(s *snapshot.Snapshot, pod *corev1.Pod) []string {
	told := []string{fmt.Sprintf("Pod %s is %s, created %s", pod.Name, pod.Status.Phase, s.Ago(pod.CreationTimestamp.Time))}
	for _, condition := range pod.Status.Conditions {
		wanted := condition.Type == corev1.PodScheduled || condition.Type == corev1.PodReady
		if wanted && condition.Status != corev1.ConditionTrue && condition.Message != "" {
			told = append(told, fmt.Sprintf("Pod %s: %s", pod.Name, condition.Message))
		}
	}
	for _, c := range snapshot.ContainersOf(pod) {
		if reason, message := c.Waits(); reason != "" {
			told = append(told, strings.TrimSuffix(fmt.Sprintf("%s of Pod %s waits: %s %s", c, pod.Name, reason, message), " "))
		}
	}
	return told
}

// lastWarning is the newest warning about the objects of the snapshot.
func lastWarning(s *snapshot.Snapshot) string {
	for i := range s.Events {
		event := &s.Events[i]
		if event.Type == corev1.EventTypeWarning && s.Age(snapshot.EventTime(event)) < snapshot.Recent {
			return fmt.Sprintf("Event %s of %s %s, %s: %s", event.Reason, event.InvolvedObject.Kind, event.InvolvedObject.Name, s.Ago(snapshot.EventTime(event)), event.Message)
		}
	}
	return ""
}

// unresponsive finds a server that hangs: it takes connections, its pods are ready, and it does not answer.
func unresponsive(s *snapshot.Snapshot) []finding.Finding {
	shake := s.Handshake
	if shake == nil || shake.Verdict == v1alpha1.VerdictPassed || !shake.Accepted || shake.Class != v1alpha1.ErrorTimeout {
		return nil
	}
	f := finding.New(v1alpha1.CauseUnresponsive, s.Culprit(), v1alpha1.Certain,
		fmt.Sprintf("Service %s accepts connections and does not answer, though %s ready", s.Service.Name, words.IsAre(s.ReadyEndpoints(), "endpoint")),
		"MCP handshake: "+shake.Message)
	f.Recommendation = fmt.Sprintf("Restart %s, and add a readiness probe that asks the MCP endpoint, so that a hung pod gets no callers.", runner(s))
	if s.Workload != nil {
		f.SuggestedPatch = fmt.Sprintf("kubectl rollout restart %s/%s -n %s", words.Lower(s.Workload.Kind), s.Workload.Object.GetName(), s.Namespace)
	}
	return []finding.Finding{f}
}

// runner names what runs the server, for people.
func runner(s *snapshot.Snapshot) string {
	if s.Workload != nil {
		return s.Workload.String()
	}
	return "what runs behind " + s.Title()
}
