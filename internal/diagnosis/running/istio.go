// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

const (
	// appHealth begins the path of a probe that Istio has rewritten: its agent answers at its own port and asks the container
	// in turn (istio.io, "Health Checking of Istio Services"; pkg/kube/inject/app_probe.go).
	appHealth = "/app-health/"
	// appProbers is the variable of the agent that holds the probes as they were.
	appProbers = "ISTIO_KUBE_APP_PROBERS"
)

// istioNames are the last parts of the agent's paths.
var istioNames = map[probeKind]string{liveness: "livez", readiness: "readyz", startup: "startupz"}

// isRewritten reports whether a probe asks Istio's agent.
func isRewritten(spec *corev1.Probe) bool {
	return spec.HTTPGet != nil && strings.HasPrefix(spec.HTTPGet.Path, appHealth)
}

// original undoes the rewriting of a probe by Istio. The second result is true where what is really asked is not told.
func original(s *snapshot.Snapshot, c snapshot.Container, kind probeKind, spec *corev1.Probe) (*corev1.Probe, bool) {
	if !isRewritten(spec) {
		return spec, false
	}
	handler, ok := appProber(c.Pod, appHealth+c.Spec.Name+"/"+istioNames[kind])
	if !ok {
		if handler, ok = templateHandler(s, c, kind); !ok {
			return spec, true
		}
	}
	undone := spec.DeepCopy()
	undone.ProbeHandler = handler
	return undone, false
}

// appProber finds a probe as it was in the agent's variable.
func appProber(pod *corev1.Pod, path string) (corev1.ProbeHandler, bool) {
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for _, c := range containers {
			for _, variable := range c.Env {
				if variable.Name == appProbers {
					return parseProbers(variable.Value, path)
				}
			}
		}
	}
	return corev1.ProbeHandler{}, false
}

func parseProbers(value, path string) (corev1.ProbeHandler, bool) {
	var probers map[string]corev1.ProbeHandler
	if json.Unmarshal([]byte(value), &probers) != nil {
		return corev1.ProbeHandler{}, false
	}
	handler, ok := probers[path]
	return handler, ok && (handler.HTTPGet != nil || handler.GRPC != nil || handler.TCPSocket != nil)
}

// templateHandler finds a probe as it was in the workload's template, which the injection does not touch.
func templateHandler(s *snapshot.Snapshot, c snapshot.Container, kind probeKind) (corev1.ProbeHandler, bool) {
	if s.Workload == nil {
		return corev1.ProbeHandler{}, false
	}
	for _, own := range s.Workload.Template.Spec.Containers {
		if spec := probeIn(&own, kind); own.Name == c.Spec.Name && spec != nil {
			return spec.ProbeHandler, !isRewritten(spec)
		}
	}
	return corev1.ProbeHandler{}, false
}

func probeIn(c *corev1.Container, kind probeKind) *corev1.Probe {
	switch kind {
	case liveness:
		return c.LivenessProbe
	case readiness:
		return c.ReadinessProbe
	default:
		return c.StartupProbe
	}
}
