// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dependency is what a target cannot do without: which Services its objects name, and the chain of HealingRequests
// that heals these first. It is pure: it does no I/O and keeps nothing.
package dependency

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// Need is a Service of the namespace that a target is told to call, and which object says so. A log is none: what it names
// may be what somebody else has written into it.
type Need struct {
	// Service is its name. One that is declared need not exist.
	Service string
	// Said is where it is named, for people: "annotation healing.cortex.dev/depends-on", "env REDIS_ADDR".
	Said string
}

// Needs are the Services that a target cannot do without as its objects tell: those that people have declared first, then those
// that its pods' variables and arguments name, in the order of the spec. Each is told once.
func Needs(s *snapshot.Snapshot) []Need {
	var needs []Need
	add := func(service, said string) {
		if !slices.ContainsFunc(needs, func(n Need) bool { return n.Service == service }) {
			needs = append(needs, Need{service, said})
		}
	}
	for _, name := range Declared(s.Service) {
		add(name, "annotation "+v1alpha1.AnnotationDependsOn)
	}
	if spec := s.PodSpec(); spec != nil {
		for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
			for _, r := range References(s, c) {
				add(r.Service.Name, r.Said)
			}
		}
	}
	return needs
}

// Declared are the Services that people have declared a Service to need, without itself.
func Declared(service *corev1.Service) []string {
	if service == nil {
		return nil
	}
	var names []string
	for name := range strings.SplitSeq(service.Annotations[v1alpha1.AnnotationDependsOn], ",") {
		if name = strings.TrimSpace(name); name != "" && name != service.Name && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
