// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// maxNames is how many policies a status names (status.policies, maxItems).
const maxNames = 16

// For makes the policies that select a Service one: of each field the strictest value that any of them sets, or the default where
// none does. So a single policy may be looser than the defaults, and no second one can loosen what the first forbids.
//
// A selector that cannot be read is an error that names its policy. What is returned beside it forbids every action: nobody can
// tell any longer what the policy was to guard.
func For(service *corev1.Service, policies []v1alpha1.HealingPolicy) (Effective, error) {
	if service == nil {
		return Default(), nil
	}
	var names []string
	var all specs
	var failed error
	for i := range policies {
		policy := &policies[i]
		if policy.Namespace != service.Namespace {
			continue
		}
		selected, err := selects(policy.Spec.Selector, service)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("reading the selector of HealingPolicy %s: %w", policy.Name, err))
		}
		if selected || err != nil {
			names = append(names, policy.Name)
			all = append(all, whole(policy.Spec))
		}
	}
	effective := merge(all)
	effective.Names = shown(names)
	if failed != nil {
		effective.forbid()
	}
	return effective, failed
}

func selects(selector *metav1.LabelSelector, service *corev1.Service) (bool, error) {
	if selector == nil {
		return true, nil
	}
	matcher, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && matcher.Matches(labels.Set(service.Labels)), err
}

// shown are the names in order, and the last of them a count where there are more than a status takes.
func shown(names []string) []string {
	slices.Sort(names)
	if more := len(names) - (maxNames - 1); more > 1 {
		return append(names[:maxNames-1:maxNames-1], fmt.Sprintf("and %d more", more))
	}
	return names
}

func (e *Effective) forbid() {
	for action := range e.Permissions {
		e.Permissions[action] = v1alpha1.PermissionNever
	}
	e.GitOps, e.PausedRollouts = v1alpha1.PermissionNever, v1alpha1.PermissionNever
}

// ModeOf is the mode of a heal that asks for one, or for none: the stricter of both.
func (e Effective) ModeOf(requested v1alpha1.Mode) v1alpha1.Mode {
	if requested == "" {
		return e.Mode
	}
	return stricterMode(e.Mode, requested)
}

// TotalOf is the timeout of a heal that asks for one, or for none: the shorter of both.
func (e Effective) TotalOf(requested *metav1.Duration) time.Duration {
	if requested == nil {
		return e.Timeouts.Total
	}
	return min(e.Timeouts.Total, requested.Duration)
}
