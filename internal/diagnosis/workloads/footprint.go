// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// footprint is what one pod of a template takes from a quota, under the names that a quota may write
// (pkg/quota/v1/evaluator/core/pods.go: cpu and requests.cpu are the same thing). The ranges default what a container
// leaves open, as the LimitRanger does before the quota is asked.
func footprint(spec *corev1.PodSpec, ranges []corev1.LimitRange) corev1.ResourceList {
	requests, limits := podResources(spec, ranges)
	takes := corev1.ResourceList{"pods": *resource.NewQuantity(1, resource.DecimalSI), "count/pods": *resource.NewQuantity(1, resource.DecimalSI)}
	for name, q := range requests {
		takes["requests."+name] = q
		if name == corev1.ResourceCPU || name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage || strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			takes[name] = q
		}
	}
	for name, q := range limits {
		takes["limits."+name] = q
	}
	return takes
}

// podResources sums containers and restartable init containers; of the other init containers the greatest counts, since
// they run one after another (KEP-753). Resources of the whole pod win (KEP-2837).
func podResources(spec *corev1.PodSpec, ranges []corev1.LimitRange) (requests, limits corev1.ResourceList) {
	requests, limits = corev1.ResourceList{}, corev1.ResourceList{}
	initRequests, initLimits := corev1.ResourceList{}, corev1.ResourceList{}
	sidecarRequests, sidecarLimits := corev1.ResourceList{}, corev1.ResourceList{}
	for i := range spec.Containers {
		req, lim := defaulted(&spec.Containers[i], ranges)
		add(requests, req)
		add(limits, lim)
	}
	for i := range spec.InitContainers {
		req, lim := defaulted(&spec.InitContainers[i], ranges)
		if policy := spec.InitContainers[i].RestartPolicy; policy != nil && *policy == corev1.ContainerRestartPolicyAlways {
			add(requests, req)
			add(limits, lim)
			add(sidecarRequests, req)
			add(sidecarLimits, lim)
			continue
		}
		add(req, sidecarRequests)
		add(lim, sidecarLimits)
		atLeast(initRequests, req)
		atLeast(initLimits, lim)
	}
	atLeast(requests, initRequests)
	atLeast(limits, initLimits)
	add(requests, spec.Overhead)
	if spec.Resources != nil {
		override(requests, spec.Resources.Requests)
		override(limits, spec.Resources.Limits)
	}
	return requests, limits
}

// defaulted are a container's resources as the pod will have them: a request that is left open becomes the limit
// (pkg/apis/core/v1/defaults.go, SetDefaults_Pod), else what a LimitRange says.
func defaulted(c *corev1.Container, ranges []corev1.LimitRange) (requests, limits corev1.ResourceList) {
	requests, limits = corev1.ResourceList{}, corev1.ResourceList{}
	override(requests, c.Resources.Limits)
	override(requests, c.Resources.Requests)
	override(limits, c.Resources.Limits)
	for i := range ranges {
		for _, item := range ranges[i].Spec.Limits {
			if item.Type == corev1.LimitTypeContainer {
				fill(requests, item.DefaultRequest)
				fill(limits, item.Default)
			}
		}
	}
	return requests, limits
}

func add(to, more corev1.ResourceList) {
	for name, q := range more {
		sum := to[name].DeepCopy()
		sum.Add(q)
		to[name] = sum
	}
}

func atLeast(to, least corev1.ResourceList) {
	for name, q := range least {
		if have, ok := to[name]; !ok || have.Cmp(q) < 0 {
			to[name] = q
		}
	}
}

func override(to, by corev1.ResourceList) {
	for name, q := range by {
		to[name] = q
	}
}

func fill(to, by corev1.ResourceList) {
	for name, q := range by {
		if _, ok := to[name]; !ok {
			to[name] = q
		}
	}
}
