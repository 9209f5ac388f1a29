// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// labelEnforce on a namespace is the Pod Security level that its pods must keep to.
const labelEnforce = "pod-security.kubernetes.io/enforce"

// admissionDenied finds that the API server takes no such pod. That the makers still lack pods and no later attempt did
// better makes the refusal one of now.
func admissionDenied(s *snapshot.Snapshot) []finding.Finding {
	for _, r := range refusals(s) {
		d, ok := parseDenial(r.text)
		if !ok {
			continue
		}
		f := finding.New(v1alpha1.CauseAdmissionDenied, s.Workload.Reference(), v1alpha1.Likely, denied(s, r.maker, d), r.evidence)
		f.Detail = d.detail
		f.Stuck = true
		advise(s, d, &f)
		return []finding.Finding{f} // other revisions of the workload are refused for the same, or are going
	}
	return outOfRange(s)
}

func denied(s *snapshot.Snapshot, m maker, d denial) string {
	of := m.refused(s)
	switch {
	case d.unreachable:
		return fmt.Sprintf("The admission %s cannot be called, and without it the API server takes none of %s: %s", d.who, of, d.says)
	case d.who == "":
		return fmt.Sprintf("The API server refuses %s: %s", of, d.says)
	case d.says == "":
		return fmt.Sprintf("%s refuses %s, and does not say why", words.UpperFirst(d.who), of)
	default:
		return fmt.Sprintf("%s refuses %s: %s", words.UpperFirst(d.who), of, d.says)
	}
}

// advise says what to change, and proves what can be proven.
func advise(s *snapshot.Snapshot, d denial, f *finding.Finding) {
	template := "spec.template of " + s.Workload.String()
	switch {
	case d.unreachable:
		unreachable(s, d, f)
	case d.detail == detailPodSecurity:
		f.Recommendation = fmt.Sprintf("Set what it asks for in %s, or, if these pods need the privilege, run them in a namespace whose label %s allows it.", template, labelEnforce)
		if ns := s.NamespaceObject(); ns != nil && ns.Labels[labelEnforce] != "" {
			f.Confidence = v1alpha1.Certain
			f.Evidence = append(f.Evidence, fmt.Sprintf("Namespace %s: label %s=%s", ns.Name, labelEnforce, ns.Labels[labelEnforce]))
		}
	case d.detail == detailLimitRange:
		f.Recommendation = fmt.Sprintf("Change %s of the containers in %s to what the LimitRange allows, or change the LimitRange.", d.limit.resource, template)
		if name := rangeOf(s, d.limit); name != "" {
			f.Confidence = v1alpha1.Certain
			f.Evidence = append(f.Evidence, fmt.Sprintf("LimitRange %s: %s %s per %s is %s", name, d.limit.bound, d.limit.resource, d.limit.scope, d.limit.value))
			f.Recommendation += fmt.Sprintf(" It is LimitRange %s: kubectl describe limitrange %s -n %s.", name, name, s.Namespace)
		}
	case d.detail == detailWebhook || d.detail == detailPolicy:
		f.Recommendation = fmt.Sprintf("Change %s so that %s takes it, or ask who keeps the policy for an exception.", template, d.who)
	case strings.HasPrefix(d.says, "failed quota: "): // it counts only pods that say what they want
		f.Recommendation = fmt.Sprintf("Set the resources that it names on the containers in %s, or give namespace %s a LimitRange with defaults.", template, s.Namespace)
	default:
		f.Recommendation = fmt.Sprintf("Change %s so that the API server takes it.", template)
	}
}

// unreachable blames the Service behind the webhook where the message names it: what is wrong is there, and no template.
func unreachable(s *snapshot.Snapshot, d denial, f *finding.Finding) {
	f.Recommendation = "Bring back the server of the admission " + d.who + "."
	if d.service == "" {
		return
	}
	f.Object = v1alpha1.ObjectReference{Kind: snapshot.KindService, Name: d.service}
	if d.namespace != s.Namespace {
		f.Object.Namespace = d.namespace
	}
	f.Recommendation = fmt.Sprintf("Bring back Service %s in namespace %s, which serves the admission %s: kubectl get service,endpointslices,pods -n %s. Until then nothing of the kind can be created; if it is gone for good, delete its webhook configuration.",
		d.service, d.namespace, d.who, d.namespace)
}

// rangeOf is the LimitRange that says what a message told.
func rangeOf(s *snapshot.Snapshot, l limit) string {
	value, err := resource.ParseQuantity(l.value)
	if err != nil {
		return ""
	}
	for _, r := range s.LimitRanges() {
		for _, item := range r.Spec.Limits {
			bounds := map[string]corev1.ResourceList{"minimum": item.Min, "maximum": item.Max, "ratio": item.MaxLimitRequestRatio}
			if q, ok := bounds[l.bound][corev1.ResourceName(l.resource)]; ok && string(item.Type) == l.scope && q.Cmp(value) == 0 {
				return r.Name
			}
		}
	}
	return ""
}

// outOfRange holds the template of a maker that lacks pods against the LimitRanges, where nobody says why it does.
func outOfRange(s *snapshot.Snapshot) []finding.Finding {
	for _, m := range unexplained(s) {
		for _, r := range s.LimitRanges() {
			for _, c := range slices.Concat(m.template.Spec.InitContainers, m.template.Spec.Containers) {
				says := breaks(&r, &c, s.LimitRanges())
				if says == "" {
					continue
				}
				f := finding.New(v1alpha1.CauseAdmissionDenied, s.Workload.Reference(), v1alpha1.Likely,
					fmt.Sprintf("LimitRange %s does not take the pods of %s, which has %s: container %s, %s", r.Name, s.Workload, m.missing(), c.Name, says),
					fmt.Sprintf("LimitRange %s of namespace %s: %s", r.Name, s.Namespace, says))
				f.Detail, f.Stuck = detailLimitRange, true
				f.Recommendation = fmt.Sprintf("Change resources of container %s in spec.template of %s to what LimitRange %s allows, or change that: kubectl describe limitrange %s -n %s.", c.Name, s.Workload, r.Name, r.Name, s.Namespace)
				return []finding.Finding{f}
			}
		}
	}
	return nil
}

// breaks says which bound of a LimitRange a container is outside of (limitranger/admission.go: minimums hold for requests,
// maximums for limits and for requests).
func breaks(r *corev1.LimitRange, c *corev1.Container, ranges []corev1.LimitRange) string {
	requests, limits := defaulted(c, ranges)
	for _, item := range r.Spec.Limits {
		if item.Type != corev1.LimitTypeContainer {
			continue
		}
		for _, name := range resourceNames(item.Max) {
			most := item.Max[name]
			if q, ok := limits[name]; ok && q.Cmp(most) > 0 {
				return fmt.Sprintf("limits.%s %s is more than the maximum %s", name, q.String(), most.String())
			}
		}
		for _, name := range resourceNames(item.Min) {
			least := item.Min[name]
			if q, ok := requests[name]; ok && q.Cmp(least) < 0 {
				return fmt.Sprintf("requests.%s %s is less than the minimum %s", name, q.String(), least.String())
			}
		}
	}
	return ""
}
