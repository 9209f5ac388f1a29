// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// serviceNotFound finds that there is no Service to call: the named one is missing, or none selects the named workload.
func serviceNotFound(s *snapshot.Snapshot) []finding.Finding {
	switch {
	case s.Service != nil || !s.Complete(snapshot.KindService):
		return nil
	case s.Target.Kind == v1alpha1.KindService:
		return []finding.Finding{missingService(s)}
	case s.Workload != nil:
		return unexposed(s)
	default:
		return nil
	}
}

// unexposed is for a workload that no Service selects. Workers are called by nobody, and many serve only metrics: it is a
// fault where somebody means to call it, and else at most a hint.
func unexposed(s *snapshot.Snapshot) []finding.Finding {
	callers := namedAt(s, s.Workload.Object.GetName())
	wanted := !s.Unprobed || len(callers) > 0
	if !wanted && !slices.ContainsFunc(s.Workload.Template.Spec.Containers, serves) {
		return nil
	}
	f := finding.New(v1alpha1.CauseServiceNotFound, s.Workload.Reference(), v1alpha1.Likely,
		fmt.Sprintf("No Service selects the pods of %s, so nobody can call it", s.Workload), callers...)
	if !wanted {
		f.Confidence = v1alpha1.Possible
	}
	f.Recommendation = fmt.Sprintf("Create a Service whose selector matches the labels of %s: %s.", s.Workload, words.ShowLabels(s.Workload.Template.Labels))
	f.SuggestedPatch = expose(s, s.Workload, s.Workload.Object.GetName())
	return []finding.Finding{f}
}

// namedAt tells which other workloads of the namespace are told to call a Service of a name.
func namedAt(s *snapshot.Snapshot, name string) []string {
	var told []string
	for _, w := range s.Workloads {
		if w.Object == s.Workload.Object {
			continue
		}
		for _, u := range upstreamsTo(s, &w.Template.Spec, name) {
			told = append(told, fmt.Sprintf("%s names %s", whereIn(w.String(), u), u.address))
		}
	}
	return told
}

// serves reports whether a container declares a port for callers.
func serves(c corev1.Container) bool {
	return slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool { return !auxiliary(port) })
}

func missingService(s *snapshot.Snapshot) finding.Finding {
	name := s.Target.Name
	f := finding.New(v1alpha1.CauseServiceNotFound, s.TargetReference(), v1alpha1.Certain,
		fmt.Sprintf("Service %s does not exist in namespace %s", name, s.Namespace))
	f.Recommendation = fmt.Sprintf("Create Service %s, or call the Service that is meant.", name)
	if near := words.Nearest(name, words.Names(s.Services, func(service *corev1.Service) string { return service.Name })); near != "" {
		f.Evidence = append(f.Evidence, fmt.Sprintf("Service %s exists", near))
		f.Recommendation = fmt.Sprintf("Create Service %s, or call Service %s if that is meant.", name, near)
	}
	if len(f.Evidence) == 0 && len(s.Services) > 0 {
		f.Evidence = append(f.Evidence, "the Services of the namespace: "+strings.Join(words.Names(s.Services, func(service *corev1.Service) string { return service.Name }), ", "))
	}
	if w := standing(s, name); w != nil {
		f.Evidence = append(f.Evidence, w.String()+" stands without it")
		f.SuggestedPatch = expose(s, w, name)
	}
	return f
}

// standing is a workload that a missing Service of this name is likely to have been for: of its name, or labelled with it.
func standing(s *snapshot.Snapshot, name string) *workload.Workload {
	if w := snapshot.WithName(s.Workloads, name); w != nil {
		return w
	}
	return snapshot.One(s.Workloads, func(w *workload.Workload) bool {
		return slices.Contains(slices.Collect(maps.Values(w.Template.Labels)), name)
	})
}

// expose makes the command that creates a Service, where the port leaves no choice. kubectl can expose Deployments.
func expose(s *snapshot.Snapshot, w *workload.Workload, name string) string {
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
func selectorMismatch(s *snapshot.Snapshot) []finding.Finding {
	near := s.MeantFor()
	if near == nil {
		return nil
	}
	selector, labels := s.Service.Spec.Selector, near.Template.Labels
	evidence := []string{
		fmt.Sprintf("selector of Service %s: %s", s.Service.Name, words.ShowLabels(selector)),
		fmt.Sprintf("labels of the pods of %s: %s", near, words.ShowLabels(labels)),
	}
	f := finding.New(v1alpha1.CauseSelectorMismatch, s.ServiceReference(), v1alpha1.Likely,
		fmt.Sprintf("Service %s selects no pods: %s", s.Service.Name, differences(selector, near)), evidence...)
	f.Recommendation = fmt.Sprintf("Make the selector of Service %s match the labels of %s.", s.Service.Name, near)
	f.Suggest(finding.MergePatch(f.Object, s.Namespace, map[string]any{"spec": map[string]any{"selector": selectorChange(selector, near)}}))
	return []finding.Finding{f}
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

// selectorChange is what to merge into a selector so that it matches: differing labels take the workload's value, labels
// that its pods do not have go (null). A selector that would be left empty becomes the workload's own.
func selectorChange(selector map[string]string, w *workload.Workload) map[string]*string {
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
	return change
}
