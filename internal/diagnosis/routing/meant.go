// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// meant is the Service that a dead address was likely meant for: of nearly that name, of the variable's own name, or the one
// that the same variable names elsewhere in the namespace.
func (u upstream) meant(s *snapshot.Snapshot) string {
	if near := nearService(s, u.Namespace, u.Service); near != "" || u.Variable == "" || u.Namespace != s.Namespace {
		return near
	}
	of := plain(pointer.ReplaceAllString(u.Variable, ""))
	for _, name := range words.Names(s.Services, func(service *corev1.Service) string { return service.Name }) {
		if of != "" && (plain(name) == of || plain(name) == of+"service" || plain(name)+"service" == of) {
			return name
		}
	}
	return elsewhere(s, u)
}

var (
	// pointer ends the name of a variable that names an address.
	pointer = regexp.MustCompile(`(?i)_?(?:addr|address|host|hostname|url|uri|endpoint)$`)
	// joints are what the words of a name are joined with.
	joints = strings.NewReplacer("-", "", "_", "", ".", "")
)

// plain is a name without what joins its words: PAYMENT_SERVICE is payment-service is paymentservice.
func plain(name string) string { return joints.Replace(strings.ToLower(name)) }

// elsewhere is the one Service that other workloads name in the same variable.
func elsewhere(s *snapshot.Snapshot, u upstream) string {
	var names []string
	for _, w := range s.Workloads {
		for _, other := range namedUpstreams(s, &w.Template.Spec, "") {
			if other.Variable == u.Variable && other.Namespace == s.Namespace && other.Service != u.Service && snapshot.ServiceNamed(s.Services, other.Service) != nil {
				names = append(names, other.Service)
			}
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) != 1 {
		return ""
	}
	return names[0]
}
