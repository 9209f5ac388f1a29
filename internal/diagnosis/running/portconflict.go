// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// proxyPorts are the ports that the proxies of service meshes take in every pod that they are in, by the name of their
// container (istio.io, "Application Requirements"; linkerd.io, "proxy configuration").
var proxyPorts = map[string][]int32{
	"istio-proxy":   {15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053, 15090},
	"linkerd-proxy": {4140, 4143, 4190, 4191},
}

// portConflict finds two that want one port. The containers of a pod share its network, so one port is for one of them.
// What is declared is no proof, since declaring is not listening: the container must suffer.
func portConflict(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, u := range sufferers(s) {
		if !u.surely || u.Init {
			continue
		}
		f, ok := conflictOf(s, u)
		if ok && !slices.ContainsFunc(findings, func(o finding.Finding) bool { return o.Object == f.Object }) {
			findings = append(findings, f)
		}
	}
	return findings
}

func conflictOf(s *snapshot.Snapshot, u sufferer) (finding.Finding, bool) {
	said, inLog := inUse(s, u)
	port := portIn(said.What)
	other, shared, declared := rival(s, u, port)
	switch {
	case !inLog && (!declared || !u.crashes):
		return finding.Finding{}, false
	case port == 0:
		port = shared
	}
	confidence := v1alpha1.Likely
	if inLog && declared {
		confidence = v1alpha1.Certain
	}
	message := fmt.Sprintf("%s: port %s is taken", words.UpperFirst(inFirst(s, u.Container)), cmp.Or(strconv.Itoa(int(port)), said.What))
	if port == 0 {
		message = fmt.Sprintf("%s: the port that it wants is taken", words.UpperFirst(inFirst(s, u.Container)))
	}
	var evidence []string
	if inLog {
		evidence = append(evidence, u.quote(said))
	}
	advice := "See which process in the pod listens there already: a second start of the same server, or another container."
	switch {
	case declared:
		message += " by " + other
		evidence = append(evidence, fmt.Sprintf("%s takes port %d, and all containers of a pod share its network", other, shared))
		advice = fmt.Sprintf("Give one of them another port: %s, or %s.", s.In(u.Container), other)
	case u.Pod.Spec.HostNetwork:
		message += " on the node"
		evidence = append(evidence, "the pod has hostNetwork, so it shares the ports of node "+u.Pod.Spec.NodeName)
		advice = "Drop hostNetwork, or find what else listens at that port of the node."
	}
	f := finding.New(v1alpha1.CausePortConflict, s.Owner(u.Container), confidence, message, append(evidence, u.replicas())...)
	f.Detail, f.Recommendation, f.Stuck = "Container", advice, true
	if !declared {
		f.Detail = "Process"
	}
	if strings.HasSuffix(other, "proxy") {
		f.Detail = "Sidecar"
	}
	return f, true
}

// inUse finds in the log of a container that its port is taken.
func inUse(s *snapshot.Snapshot, u sufferer) (logs.Match, bool) {
	for _, m := range slices.Backward(u.told) {
		if m.Cause == v1alpha1.CausePortConflict && u.final(s, m) {
			return m, true
		}
	}
	return logs.Match{}, false
}

// lastNumber matches the port in what a log names: ":3000", "('0.0.0.0', 8000", "3000".
var lastNumber = regexp.MustCompile(`(\d{1,5})\)?$`)

func portIn(what string) int32 {
	parts := lastNumber.FindStringSubmatch(what)
	if parts == nil {
		return 0
	}
	number, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil {
		return 0
	}
	return int32(number)
}

// rival finds another container of the pod that takes the port, or, where no port is known, any that the container itself
// wants by its declarations and variables.
func rival(s *snapshot.Snapshot, u sufferer, port int32) (name string, shared int32, found bool) {
	wanted := []int32{port}
	if port == 0 {
		wanted = wants(s, u.Spec)
	}
	for _, c := range slices.Concat(u.Pod.Spec.InitContainers, u.Pod.Spec.Containers) {
		if c.Name == u.Spec.Name || isInit(u.Pod, c.Name) && !snapshot.IsSidecar(&c) {
			continue
		}
		for _, w := range wanted {
			if slices.Contains(proxyPorts[c.Name], w) || slices.Contains(wants(s, c), w) {
				return "container " + c.Name, w, true
			}
		}
	}
	return "", 0, false
}

func isInit(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == name })
}

// wants are the TCP ports that a container declares or is told to listen at.
func wants(s *snapshot.Snapshot, c corev1.Container) []int32 {
	var ports []int32
	for _, port := range c.Ports {
		if port.Protocol == corev1.ProtocolTCP || port.Protocol == "" {
			ports = append(ports, port.ContainerPort)
		}
	}
	for _, set := range setPorts(s, c) {
		ports = append(ports, set.port)
	}
	return ports
}
