// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"regexp"
	"strings"
)

// runtimeFault is what a kubelet says of its container runtime, classified.
type runtimeFault struct {
	detail string
	// says completes "Node worker-1 ...".
	says string
}

// runtimePattern is one row of the classifier.
type runtimePattern struct {
	pattern *regexp.Regexp
	fault   runtimeFault
}

// runtimePatterns are tried in order on the message of a Ready condition, where several faults are joined, the deepest
// first (kubernetes pkg/kubelet/runtime.go, runtimeErrors and networkErrors; kubelet.go, updateRuntimeUp).
var runtimePatterns = []runtimePattern{
	{regexp.MustCompile(`container runtime is down`), runtimeFault{"Down", "has a container runtime that is down"}},
	{regexp.MustCompile(`container runtime not ready|RuntimeReady=false`), runtimeFault{"NotReady", "has a container runtime that is not ready"}},
	{socketFault, runtimeFault{"Socket", "has a container runtime that takes no connection"}},
	{regexp.MustCompile(`PLEG is not healthy`), runtimeFault{"PLEG", "has a container runtime that does not answer in time (PLEG)"}},
	{regexp.MustCompile(`container runtime network not ready|NetworkReady=false|runtime network not ready|NetworkPluginNotReady|cni (plugin|config) (not initialized|uninitialized)`), runtimeFault{"CNI", "has no pod network: its network plugin (CNI) is not initialized"}},
}

// socketFault is a call to the runtime that did not get through to its socket, in the words of containerd, CRI-O and
// Docker. The name of a socket alone is none: pods mount them.
var socketFault = regexp.MustCompile(`(?i)dial unix \S*(containerd|docker|dockershim|crio|cri-dockerd)\S*\.sock"?: connect: |cannot connect to the docker daemon|is the docker daemon running|code = unavailable desc = (transport is closing|error reading from server|connection error: .*\.sock)`)

// runtimeFaultOf classifies the message of a Ready condition.
func runtimeFaultOf(message string) (runtimeFault, bool) {
	for _, row := range runtimePatterns {
		if row.pattern.MatchString(message) {
			return row.fault, true
		}
	}
	return runtimeFault{}, false
}

// isSocketFault reports whether an event tells that the runtime could not be reached.
func isSocketFault(message string) bool { return socketFault.MatchString(message) }

// notReadyDetail tells the other reasons for which a kubelet calls its node not ready apart (kubelet, nodestatus.ReadyCondition).
func notReadyDetail(message string) string {
	switch {
	case strings.Contains(message, "node is shutting down"):
		return "Shutdown"
	case strings.Contains(message, "missing node capacity for resources"):
		return "Capacity"
	case strings.Contains(message, "CSINode is not yet initialized"):
		return "Storage"
	case strings.Contains(message, "container runtime status check may not have completed yet"):
		return "Starting"
	default:
		return ""
	}
}
