// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// serviceNotFound finds that there is no Service to call: the named one is missing, or none selects the named workload.
func serviceNotFound(s *Snapshot) []Finding {
	switch {
	case s.Service != nil || !s.Complete(kindService):
		return nil
	case s.Target.Kind == v1alpha1.KindService:
		return []Finding{s.missingService()}
	case s.Workload != nil:
		f := found(v1alpha1.CauseServiceNotFound, s.Workload.Reference(), v1alpha1.Likely,
			fmt.Sprintf("No Service selects the pods of %s, so nobody can call it", s.Workload))
		f.Recommendation = fmt.Sprintf("Create a Service whose selector matches the labels of %s: %s.", s.Workload, showLabels(s.Workload.Template.Labels))
		f.SuggestedPatch = s.expose(s.Workload, s.Workload.Object.GetName())
		return []Finding{f}
	default:
		return nil
	}
}

func (s *Snapshot) missingService() Finding {
	name := s.Target.Name
	f := found(v1alpha1.CauseServiceNotFound, s.targetReference(), v1alpha1.Certain,
		fmt.Sprintf("Service %s does not exist in namespace %s", name, s.Namespace))
	f.Recommendation = fmt.Sprintf("Create Service %s, or call the Service that is meant.", name)
	if near := nearest(name, names(s.Services, func(service *corev1.Service) string { return service.Name })); near != "" {
		f.Evidence = append(f.Evidence, fmt.Sprintf("Service %s exists", near))
		f.Recommendation = fmt.Sprintf("Create Service %s, or call Service %s if that is meant.", name, near)
	}
	if w := s.standing(name); w != nil {
		f.Evidence = append(f.Evidence, w.String()+" stands without it")
		f.SuggestedPatch = s.expose(w, name)
	}
	return f
}

// standing is a workload that a missing Service of this name is likely to have been for: of its name, or labelled with it.
func (s *Snapshot) standing(name string) *workload.Workload {
	if w := withName(s.Workloads, name); w != nil {
		return w
	}
	return one(s.Workloads, func(w *workload.Workload) bool {
		return slices.Contains(slices.Collect(maps.Values(w.Template.Labels)), name)
	})
}

// expose makes the command that creates a Service, where the port leaves no choice. kubectl can expose Deployments.
func (s *Snapshot) expose(w *workload.Workload, name string) string {
	var ports []corev1.ContainerPort
	for _, container := range w.Template.Spec.Containers {
		ports = append(ports, container.Ports...)
	}
	if w.Kind != v1alpha1.KindDeployment || len(ports) != 1 {
		return ""
	}
	return fmt.Sprintf("kubectl expose deployment/%s -n %s --name=%s --port=%d", w.Object.GetName(), s.Namespace, name, ports[0].ContainerPort)
}

// selectorMismatch finds a Service whose selector matches nothing, beside a workload that it was likely meant for.
func selectorMismatch(s *Snapshot) []Finding {
	near := s.meantFor()
	if near == nil {
		return nil
	}
	selector, labels := s.Service.Spec.Selector, near.Template.Labels
	evidence := []string{
		fmt.Sprintf("selector of Service %s: %s", s.Service.Name, showLabels(selector)),
		fmt.Sprintf("labels of the pods of %s: %s", near, showLabels(labels)),
	}
	f := found(v1alpha1.CauseSelectorMismatch, s.serviceReference(), v1alpha1.Likely,
		fmt.Sprintf("Service %s selects no pods: %s", s.Service.Name, differences(selector, near)), evidence...)
	f.Recommendation = fmt.Sprintf("Make the selector of Service %s match the labels of %s.", s.Service.Name, near)
	f.SuggestedPatch = fmt.Sprintf("kubectl patch service %s -n %s --type=merge -p %s",
		s.Service.Name, s.Namespace, quote(selectorPatch(selector, near)))
	return []Finding{f}
}

// meantFor is the workload that a Service which selects nothing was likely meant for: the one of its name, else the one
// whose labels agree with at least half of the selector, if there is only one such. It is nil if the Service selects
// something, or if that is not known.
func (s *Snapshot) meantFor() *workload.Workload {
	if !s.selectsNothing() {
		return nil
	}
	if w := withName(s.Workloads, s.Service.Name); w != nil {
		return w
	}
	selector := s.Service.Spec.Selector
	agreeing := slices.DeleteFunc(slices.Clone(s.Workloads), func(w *workload.Workload) bool {
		return agreement(selector, w) == 0 || agreement(selector, w)*2 < len(selector)
	})
	slices.SortStableFunc(agreeing, func(a, b *workload.Workload) int {
		return cmp.Compare(agreement(selector, b), agreement(selector, a))
	})
	if len(agreeing) == 0 || len(agreeing) > 1 && agreement(selector, agreeing[0]) == agreement(selector, agreeing[1]) {
		return nil
	}
	return agreeing[0]
}

// selectsNothing reports whether the Service is known to select no pod and no workload's template.
func (s *Snapshot) selectsNothing() bool {
	if !hasSelector(s.Service) || !s.Complete(kindPod) || !s.workloadsComplete() {
		return false
	}
	_, endpoints := s.countEndpoints()
	return endpoints == 0 && len(s.selected()) == 0 &&
		!slices.ContainsFunc(s.Pods, func(pod corev1.Pod) bool { return selects(s.Service, pod.Labels) })
}

func agreement(selector map[string]string, w *workload.Workload) (equal int) {
	for key, value := range selector {
		if label, ok := w.Template.Labels[key]; ok && label == value {
			equal++
		}
	}
	return equal
}

// differences says, label by label, what keeps a selector from matching a workload's pods.
func differences(selector map[string]string, w *workload.Workload) string {
	var told []string
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		label, ok := w.Template.Labels[key]
		switch {
		case !ok:
			told = append(told, fmt.Sprintf("it asks for %s=%s, and the pods of %s have no label %s", key, selector[key], w, key))
		case label != selector[key]:
			told = append(told, fmt.Sprintf("it asks for %s=%s, and the pods of %s have %s=%s", key, selector[key], w, key, label))
		}
	}
	return strings.Join(told, "; ")
}

// selectorPatch is the merge patch that makes a selector match: differing labels take the workload's value, labels that
// its pods do not have go (null). A selector that would be left empty becomes the workload's own.
func selectorPatch(selector map[string]string, w *workload.Workload) string {
	change := map[string]*string{}
	left := len(selector)
	for key, value := range selector {
		label, ok := w.Template.Labels[key]
		switch {
		case !ok:
			change[key] = nil
			left--
		case label != value:
			change[key] = &label
		}
	}
	if left == 0 && w.Selector != nil {
		for key, value := range w.Selector.MatchLabels {
			change[key] = &value
		}
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"selector": change}})
	if err != nil {
		return "" // maps of strings always marshal
	}
	return string(patch)
}
