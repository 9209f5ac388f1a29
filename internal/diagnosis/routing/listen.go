// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// startTime is how long a server may take from its start until it listens, before a refused connection counts.
const startTime = 30 * time.Second

// proxies are the containers that meshes add to a pod. They declare ports, and say nothing of where the server listens.
var proxies = []string{"istio-proxy", "linkerd-proxy", "kuma-sidecar", "consul-dataplane", "envoy-sidecar"}

// aside matches the names of ports that are not the server's own.
var aside = regexp.MustCompile(`(?i)metric|prom|health|admin|debug|status|probe|pprof|envoy|ready|live`)

func auxiliary(port corev1.ContainerPort) bool { return aside.MatchString(port.Name) }

// servers are the containers of a pod that may be what the Service is for.
func servers(spec *corev1.PodSpec) []corev1.Container {
	return snapshot.Keep(snapshot.LongRunning(spec), func(c *corev1.Container) bool { return !slices.Contains(proxies, c.Name) })
}

// declaredPorts are the ports that the containers declare, of one protocol.
func declaredPorts(spec *corev1.PodSpec, protocol corev1.Protocol) []corev1.ContainerPort {
	var all []corev1.ContainerPort
	for _, c := range servers(spec) {
		all = append(all, snapshot.Keep(c.Ports, func(port *corev1.ContainerPort) bool {
			return snapshot.ProtocolOf(port.Protocol) == snapshot.ProtocolOf(protocol)
		})...)
	}
	return all
}

// silent reports whether a container declares no port of its own, so that it may listen anywhere.
func silent(spec *corev1.PodSpec) bool {
	return slices.ContainsFunc(servers(spec), func(c corev1.Container) bool {
		return !slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool { return !auxiliary(port) })
	})
}

func tellPorts(b snapshot.Backend, ports []corev1.ContainerPort) string {
	if len(ports) == 0 {
		return b.Name + " declares no container port"
	}
	var told []string
	for _, port := range ports {
		told = append(told, showContainerPort(port))
	}
	return fmt.Sprintf("%s has container port %s", b.Name, strings.Join(told, ", "))
}

func showContainerPort(port corev1.ContainerPort) string {
	told := strconv.Itoa(int(port.ContainerPort))
	if port.Name != "" {
		told += " (" + port.Name + ")"
	}
	return told
}

// mentions reports whether a pod says anywhere that it knows a port as its own: in a port, a probe, a hook, a variable, an
// argument, an annotation, or a file of a ConfigMap. The port of an address of somebody else is none of its own.
func mentions(s *snapshot.Snapshot, b snapshot.Backend, number int32) bool {
	for _, c := range snapshot.LongRunning(b.Spec) {
		if slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool { return port.ContainerPort == number }) ||
			slices.ContainsFunc(probePorts(c), func(port int32) bool { return port == number }) {
			return true
		}
		for _, env := range s.Env(c) {
			if mentionsOwn(env.Value, number) {
				return true
			}
		}
		for _, word := range slices.Concat(c.Command, c.Args) {
			if mentionsOwn(word, number) {
				return true
			}
		}
	}
	for _, value := range b.Annotations {
		if len(value) < 64 && mentionsOwn(value, number) { // prometheus.io/port and its like; not a whole manifest
			return true
		}
	}
	for _, ref := range snapshot.KeyRefs(b.Spec) {
		if cm := s.ConfigMap(ref.Name); ref.Kind == snapshot.KindConfigMap && cm != nil {
			for key, text := range cm.Data {
				if (ref.Key == "" || ref.Key == key) && mentionsOwn(text, number) {
					return true
				}
			}
		}
	}
	return false
}

// mentionsOwn reports whether a text holds a number otherwise than as the port of another host.
func mentionsOwn(text string, number int32) bool {
	for at, digits := 0, strconv.Itoa(int(number)); ; {
		i := strings.Index(text[at:], digits)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(digits)
		at = end
		if isDigit(text, start-1) || isDigit(text, end) {
			continue
		}
		if start == 0 || text[start-1] != ':' || ownHost(text[:start-1]) {
			return true
		}
	}
}

func isDigit(text string, at int) bool {
	return at >= 0 && at < len(text) && text[at] >= '0' && text[at] <= '9'
}

// ownHost reports whether the host before a port is the pod itself: none at all, an address, localhost.
func ownHost(before string) bool {
	host := before[strings.LastIndexAny(before, " \t\n\"'/=,@*[]")+1:]
	return host == "" || host == "localhost" || net.ParseIP(host) != nil || !strings.ContainsFunc(host, func(r rune) bool { return r >= 'a' && r <= 'z' })
}

// probePorts are the ports that the kubelet asks.
func probePorts(c corev1.Container) []int32 {
	var ports []int32
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
		if port, ok := probePort(probe, c); ok {
			ports = append(ports, port)
		}
	}
	return ports
}

func probePort(probe *corev1.Probe, c corev1.Container) (int32, bool) {
	if probe == nil {
		return 0, false
	}
	var port intstr.IntOrString
	switch {
	case probe.HTTPGet != nil:
		port = probe.HTTPGet.Port
	case probe.TCPSocket != nil:
		port = probe.TCPSocket.Port
	case probe.GRPC != nil:
		return probe.GRPC.Port, true
	default:
		return 0, false
	}
	if port.Type == intstr.Int {
		return port.IntVal, true
	}
	for _, declared := range c.Ports {
		if declared.Name == port.StrVal {
			return declared.ContainerPort, true
		}
	}
	return 0, false
}

// listening matches the names of variables that tell a server its own port.
var listening = regexp.MustCompile(`^(?:(?:HTTP|GRPC|SERVER|LISTEN|APP|SERVICE|MCP|BIND|CONTAINER)_)*(?:PORT|LISTEN|LISTEN_ADDR|LISTEN_ADDRESS|BIND_ADDR|ADDR)$`)

// listensOn finds the port that a pod is seen to listen on: the one that a passed probe asks, or that a variable sets.
func listensOn(s *snapshot.Snapshot, b snapshot.Backend, not int32) (port int32, proofs []string) {
	for _, c := range servers(b.Spec) {
		for _, env := range s.Env(c) {
			value := env.Value[strings.LastIndex(env.Value, ":")+1:]
			number, err := strconv.ParseInt(value, 10, 32)
			if listening.MatchString(env.Name) && err == nil && number > 0 && int32(number) != not {
				port, proofs = int32(number), append(proofs, fmt.Sprintf("container %s, %s is %s", c.Name, env.Source, env.Value))
			}
		}
		if asked, ok := probePort(c.ReadinessProbe, c); ok && b.Pod != nil && snapshot.IsReady(b.Pod) && asked != not {
			if port == 0 {
				port = asked
			}
			proofs = append(proofs, fmt.Sprintf("container %s passes its readiness probe on port %d", c.Name, asked))
		}
	}
	return port, proofs
}

// isMCPPort reports whether a port is the one that the handshake asks.
func isMCPPort(service *corev1.Service, port corev1.ServicePort) bool {
	endpoint, err := mcpserver.EndpointOf(service)
	return err == nil && strings.HasSuffix(endpoint.Host, ":"+strconv.Itoa(int(port.Port))) && snapshot.ProtocolOf(port.Protocol) != corev1.ProtocolSCTP
}

// settled reports whether the containers have run for long enough that a refused connection is no matter of starting.
func settled(s *snapshot.Snapshot) bool {
	pods := s.LivePods()
	for i := range pods {
		for _, c := range snapshot.ContainersOf(&pods[i]) {
			running := c.Status.State.Running
			switch {
			case c.Init:
			case running == nil, s.Age(running.StartedAt.Time) < startTime:
				return false
			case c.Status.LastTerminationState.Terminated != nil && s.Age(c.Status.LastTerminationState.Terminated.FinishedAt.Time) < snapshot.Recent:
				return false
			}
		}
	}
	return true
}
