// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// charge is one resource of a quota that has no room: what was asked for, what is used, and what may be. What is used may
// be more than what may be, since a quota that is lowered ends nobody.
type charge struct {
	resource          corev1.ResourceName
	asked, used, hard resource.Quantity
}

// exceeded reports whether the sum is over the limit.
func (c charge) exceeded() bool {
	sum := c.used.DeepCopy()
	sum.Add(c.asked)
	return sum.Cmp(c.hard) > 0
}

// quotaMessage is what the quota admission says, in apiserver/pkg/admission/plugin/resourcequota/controller.go.
var quotaMessage = regexp.MustCompile(`exceeded quota: ([^\s,]+), requested: (\S+), used: (\S+), limited: (\S+)`)

// parseOverdraft reads the quota's name and what it lacks. Only what the message tells of all three counts.
func parseOverdraft(text string) (quota string, lacks []charge, ok bool) {
	match := quotaMessage.FindStringSubmatch(text)
	if match == nil {
		return "", nil, false
	}
	asked, used, hard := parseResources(match[2]), parseResources(match[3]), parseResources(match[4])
	for _, name := range resourceNames(asked) {
		if in, limited := hard[name]; limited {
			lacks = append(lacks, charge{name, asked[name], used[name], in})
		}
	}
	return match[1], lacks, len(lacks) > 0
}

// parseResources reads "pods=1,requests.cpu=500m".
func parseResources(text string) corev1.ResourceList {
	found := corev1.ResourceList{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			continue
		}
		if q, err := resource.ParseQuantity(value); err == nil {
			found[corev1.ResourceName(name)] = q
		}
	}
	return found
}

func resourceNames(list corev1.ResourceList) []corev1.ResourceName {
	var names []corev1.ResourceName
	for name := range list {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// lacksOf is what a quota lacks now for something that would take this.
func lacksOf(q *corev1.ResourceQuota, takes corev1.ResourceList) []charge {
	var lacks []charge
	hard := hardOf(q)
	for _, name := range resourceNames(hard) {
		asked, counts := takes[name]
		if c := (charge{name, asked, q.Status.Used[name], hard[name]}); counts && !asked.IsZero() && c.exceeded() {
			lacks = append(lacks, c)
		}
	}
	return lacks
}

// hardOf is what the admission goes by: the status, which follows the spec.
func hardOf(q *corev1.ResourceQuota) corev1.ResourceList {
	if len(q.Status.Hard) > 0 {
		return q.Status.Hard
	}
	return q.Spec.Hard
}

// covers reports whether a quota counts such a pod: all its scopes must fit (pkg/quota/v1/evaluator/core/pods.go,
// podMatchesScopeFunc). Of a scope that is not known here nothing is claimed.
func covers(q *corev1.ResourceQuota, spec *corev1.PodSpec, ranges []corev1.LimitRange) bool {
	var requirements []corev1.ScopedResourceSelectorRequirement
	for _, scope := range q.Spec.Scopes {
		requirements = append(requirements, corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists})
	}
	if q.Spec.ScopeSelector != nil {
		requirements = append(requirements, q.Spec.ScopeSelector.MatchExpressions...)
	}
	return !slices.ContainsFunc(requirements, func(r corev1.ScopedResourceSelectorRequirement) bool { return !inScope(r, spec, ranges) })
}

func inScope(r corev1.ScopedResourceSelectorRequirement, spec *corev1.PodSpec, ranges []corev1.LimitRange) bool {
	switch r.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return spec.ActiveDeadlineSeconds != nil
	case corev1.ResourceQuotaScopeNotTerminating:
		return spec.ActiveDeadlineSeconds == nil
	case corev1.ResourceQuotaScopeBestEffort:
		return bestEffort(spec, ranges)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !bestEffort(spec, ranges)
	case corev1.ResourceQuotaScopePriorityClass:
		return inClass(r, spec.PriorityClassName)
	default:
		return false
	}
}

func inClass(r corev1.ScopedResourceSelectorRequirement, class string) bool {
	switch r.Operator {
	case corev1.ScopeSelectorOpIn:
		return slices.Contains(r.Values, class)
	case corev1.ScopeSelectorOpNotIn:
		return !slices.Contains(r.Values, class)
	case corev1.ScopeSelectorOpExists:
		return class != ""
	default:
		return class == ""
	}
}

func bestEffort(spec *corev1.PodSpec, ranges []corev1.LimitRange) bool {
	requests, limits := podResources(spec, ranges)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if !requests.Name(name, resource.DecimalSI).IsZero() || !limits.Name(name, resource.DecimalSI).IsZero() {
			return false
		}
	}
	return true
}

// quotaNamed of the namespace; nil if there is none.
func quotaNamed(s *snapshot.Snapshot, name string) *corev1.ResourceQuota {
	all := s.Quotas()
	if i := slices.IndexFunc(all, func(q corev1.ResourceQuota) bool { return q.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}
