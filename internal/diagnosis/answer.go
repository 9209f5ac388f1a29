// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// maxPodsTold bounds the pods that evidence is given of.
const maxPodsTold = 3

// noReadyEndpoints finds that there is no pod to send a caller to. It says what the pods wait for.
func noReadyEndpoints(s *Snapshot) []Finding {
	switch {
	case s.Service == nil && s.Workload != nil && s.Workload.Replicas > 0 && s.Complete(kindPod) && s.readyPods() == 0:
		return []Finding{s.notReady(fmt.Sprintf("No pod of %s is ready", s.Workload))}
	case s.Service == nil || s.Service.Spec.Type == corev1.ServiceTypeExternalName || !s.Complete(kindEndpointSlice) || s.readyEndpoints() > 0:
		return nil
	case !hasSelector(s.Service):
		f := found(v1alpha1.CauseNoReadyEndpoints, s.serviceReference(), v1alpha1.Certain,
			fmt.Sprintf("Service %s has no selector and no ready endpoints: its endpoints are written by hand", s.Service.Name))
		f.Recommendation = fmt.Sprintf("Add a selector to Service %s, or write an EndpointSlice for it.", s.Service.Name)
		return []Finding{f}
	default:
		return []Finding{s.notReady(fmt.Sprintf("Service %s has no ready endpoints", s.Service.Name))}
	}
}

func (s *Snapshot) notReady(message string) Finding {
	pods := s.livePods()
	switch {
	case !s.Complete(kindPod):
	case len(pods) == 0 && s.Workload != nil:
		message += fmt.Sprintf(": %s wants %s and has none", s.Workload, count(int(s.Workload.Replicas), "pod"))
	case s.readyPods() == 0:
		message += fmt.Sprintf(": none of %s is ready", count(len(pods), "pod"))
	default:
		message += fmt.Sprintf(", though %s ready: they are not published yet", isAre(s.readyPods(), "pod"))
	}
	f := found(v1alpha1.CauseNoReadyEndpoints, s.culprit(), v1alpha1.Certain, message)
	f.Stuck = s.stuck()
	for i := range pods[:min(len(pods), maxPodsTold)] {
		f.Evidence = append(f.Evidence, s.podEvidence(&pods[i])...)
	}
	if warning := s.lastWarning(); warning != "" {
		f.Evidence = append(f.Evidence, warning)
	}
	f.Recommendation = fmt.Sprintf("See what the pods wait for: kubectl describe pods -n %s", s.Namespace)
	if s.Workload != nil && s.Workload.Selector != nil && len(s.Workload.Selector.MatchLabels) > 0 {
		f.Recommendation += " -l " + showLabels(s.Workload.Selector.MatchLabels)
	}
	return f
}

// stuck reports whether a pod waits for what a person has to make: a node that takes it, or a ConfigMap, a Secret or a
// command that its container names.
func (s *Snapshot) stuck() bool {
	pods := s.livePods()
	return slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
		return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse
		}) || slices.ContainsFunc(containersOf(&pod), func(c container) bool {
			reason, _ := c.waits()
			return reason == "CreateContainerConfigError" || reason == "CreateContainerError"
		})
	})
}

// podEvidence tells how far a pod is.
func (s *Snapshot) podEvidence(pod *corev1.Pod) []string {
	told := []string{fmt.Sprintf("Pod %s is %s, created %s", pod.Name, pod.Status.Phase, s.ago(pod.CreationTimestamp.Time))}
	for _, condition := range pod.Status.Conditions {
		wanted := condition.Type == corev1.PodScheduled || condition.Type == corev1.PodReady
		if wanted && condition.Status != corev1.ConditionTrue && condition.Message != "" {
			told = append(told, fmt.Sprintf("Pod %s: %s", pod.Name, condition.Message))
		}
	}
	for _, c := range containersOf(pod) {
		if reason, message := c.waits(); reason != "" {
			told = append(told, strings.TrimSuffix(fmt.Sprintf("%s of Pod %s waits: %s %s", c, pod.Name, reason, message), " "))
		}
	}
	return told
}

// lastWarning is the newest warning about the objects of the snapshot.
func (s *Snapshot) lastWarning() string {
	for i := range s.Events {
		event := &s.Events[i]
		if event.Type == corev1.EventTypeWarning && s.age(eventTime(event)) < crashWindow {
			return fmt.Sprintf("Event %s of %s %s: %s", event.Reason, event.InvolvedObject.Kind, event.InvolvedObject.Name, event.Message)
		}
	}
	return ""
}

// unresponsive finds a server that hangs: it takes connections, its pods are ready, and it does not answer.
func unresponsive(s *Snapshot) []Finding {
	shake := s.Handshake
	if shake == nil || shake.Verdict == v1alpha1.VerdictPassed || !shake.Accepted || shake.Class != v1alpha1.ErrorTimeout {
		return nil
	}
	f := found(v1alpha1.CauseUnresponsive, s.culprit(), v1alpha1.Certain,
		fmt.Sprintf("Service %s accepts connections and does not answer, though %s ready", s.Service.Name, isAre(s.readyEndpoints(), "endpoint")),
		"MCP handshake: "+shake.Message)
	f.Recommendation = fmt.Sprintf("Restart %s, and add a readiness probe that asks the MCP endpoint, so that a hung pod gets no callers.", s.runner())
	if s.Workload != nil {
		f.SuggestedPatch = fmt.Sprintf("kubectl rollout restart %s/%s -n %s", lower(s.Workload.Kind), s.Workload.Object.GetName(), s.Namespace)
	}
	return []Finding{f}
}

// runner names what runs the server, for people.
func (s *Snapshot) runner() string {
	if s.Workload != nil {
		return s.Workload.String()
	}
	return "what runs behind " + s.name()
}

// unknown is what is left when no check found anything and the server was not seen to answer: what was seen, and what
// it is not.
func unknown(s *Snapshot) Finding {
	message, advice := s.unexplained()
	f := found(v1alpha1.CauseUnknown, s.culprit(), v1alpha1.Possible, message)
	f.Recommendation = advice
	if s.Handshake != nil {
		f.Evidence = append(f.Evidence, "MCP handshake: "+s.Handshake.Message)
	}
	if s.Error != nil && s.Error.Message != "" {
		f.Evidence = append(f.Evidence, "the caller saw: "+s.Error.Message)
	}
	f.Evidence = append(f.Evidence, s.ruledOut()...)
	for _, gap := range s.Gaps {
		f.Evidence = append(f.Evidence, "not looked at: "+gap)
	}
	return f
}

// unexplained says what is known of a fault that no check explains, and where to look on.
func (s *Snapshot) unexplained() (message, advice string) {
	if s.Service != nil {
		if _, err := mcpserver.EndpointOf(s.Service); err != nil {
			return fmt.Sprintf("Where the MCP server of Service %s answers is not known", s.Service.Name), err.Error()
		}
	}
	if s.Handshake == nil && len(s.Gaps) == 0 {
		return s.name() + " looks well, and no MCP handshake was made", "Make an MCP handshake with it."
	}
	if s.Handshake == nil {
		return fmt.Sprintf("%s could not be looked at whole, and nothing wrong was found in what was", s.name()),
			"Give the operator the rights that it lacks, or look at what it could not."
	}
	endpoints := isAre(s.readyEndpoints(), "endpoint")
	switch s.Handshake.Class {
	case v1alpha1.ErrorConnectionRefused:
		return fmt.Sprintf("%s refuses connections, though %s ready", s.name(), endpoints),
			"Check that the targetPort of the Service is the port that the server listens on, on all addresses."
	case v1alpha1.ErrorTimeout:
		return fmt.Sprintf("%s takes no connection in time, though %s ready", s.name(), endpoints),
			"Check the network on the way: network policies, the node of the pods, kube-proxy."
	case v1alpha1.ErrorUnavailable:
		return fmt.Sprintf("%s answers with a server error, though %s ready", s.name(), endpoints),
			"Read the log of the server."
	case v1alpha1.ErrorProtocol:
		return fmt.Sprintf("%s answers, but not as an MCP server", s.name()),
			fmt.Sprintf("Check the path and the port of the MCP endpoint (annotations %s and %s of the Service).", v1alpha1.AnnotationPath, v1alpha1.AnnotationPort)
	default:
		return fmt.Sprintf("%s does not pass an MCP handshake, though %s ready", s.name(), endpoints), "Read the log of the server."
	}
}

// ruledOut tells what was looked at and found in order.
func (s *Snapshot) ruledOut() []string {
	var told []string
	if s.Service != nil && s.Workload != nil {
		told = append(told, fmt.Sprintf("ruled out: Service %s leads to %s, which wants %s", s.Service.Name, s.Workload, count(int(s.Workload.Replicas), "pod")))
	}
	if s.Complete(kindPod) && len(s.Pods) > 0 {
		told = append(told, fmt.Sprintf("ruled out: %d of %s ready, and none waits for an image or has just crashed", s.readyPods(), isAre(len(s.livePods()), "pod")))
	}
	if s.Service != nil && s.Complete(kindEndpointSlice) {
		told = append(told, fmt.Sprintf("ruled out: %s ready", isAre(s.readyEndpoints(), "endpoint")))
	}
	return told
}
