// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// Peer is whom a log line or a variable names.
type Peer struct {
	Host string
	Port int32
	// Service of the target's namespace; nil if it is none.
	Service *corev1.Service
	// ForeignNamespace and ForeignName name a Service of another namespace.
	ForeignNamespace, ForeignName string
	// Self: the pod itself.
	Self bool
}

// External reports whether the peer is a host outside the cluster: a name with a dot, or a public address. A bare
// name that is no Service is a wrong name, which another check tells.
func (p Peer) External() bool {
	if p.Host == "" || p.Self || p.Service != nil || p.ForeignName != "" {
		return false
	}
	if ip := net.ParseIP(p.Host); ip != nil {
		return !ip.IsPrivate() // such an address may be a Service's of a namespace that was not read
	}
	return strings.Contains(p.Host, ".") && !strings.HasSuffix(p.Host, ".local")
}

// PeerNamed reads an address as it stands in a log or a variable: host, host:port, an IP.
func PeerNamed(s *snapshot.Snapshot, address string) Peer {
	host, port := splitAddress(address)
	p := Peer{Host: host, Port: port}
	if host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1" {
		p.Self = true
		return p
	}
	if ip := net.ParseIP(host); ip != nil {
		p.Service = serviceAt(s, host)
		return p
	}
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	// A pod of a headless Service has a name of its own before that of the Service.
	for i := range min(2, len(parts)) {
		service := snapshot.ServiceNamed(s.Services, parts[i])
		rest := parts[i+1:]
		switch {
		case service != nil && clusterSuffix(rest, s.Namespace):
			p.Service = service
			return p
		case i == 0 && len(rest) >= 2 && rest[1] == "svc" && rest[0] != s.Namespace:
			p.ForeignNamespace, p.ForeignName = rest[0], parts[0]
			return p
		}
	}
	return p
}

// clusterSuffix reports whether what follows a Service's name says that it is one of the namespace.
func clusterSuffix(rest []string, namespace string) bool {
	return len(rest) == 0 || rest[0] == namespace && (len(rest) == 1 || rest[1] == "svc")
}

func splitAddress(address string) (host string, port int32) {
	host = strings.ToLower(strings.Trim(address, "[]"))
	if h, p, err := net.SplitHostPort(address); err == nil {
		host = strings.ToLower(h)
		if number, err := strconv.ParseUint(p, 10, 16); err == nil {
			port = int32(number)
		}
	}
	return host, port
}

// serviceAt finds the Service of an IP: its own, or that of a pod which it selects.
func serviceAt(s *snapshot.Snapshot, ip string) *corev1.Service {
	for i := range s.Services {
		service := &s.Services[i]
		if service.Spec.ClusterIP == ip || slices.Contains(service.Spec.ClusterIPs, ip) {
			return service
		}
	}
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if pod.Namespace != s.Namespace || pod.Status.PodIP != ip {
			continue
		}
		for j := range s.Services {
			if snapshot.Selects(&s.Services[j], pod.Labels) {
				return &s.Services[j]
			}
		}
	}
	return nil
}

// Reference is a Service that a container's own configuration names.
type Reference struct {
	Service *corev1.Service
	// Port that is named with it; 0 if none is.
	Port int32
	// Said is where it is named, for people: "env REDIS_ADDR".
	Said string
}

var (
	// peerVariable matches the names of variables whose value is a host alone.
	peerVariable = regexp.MustCompile(`(?i)(?:^|_)(?:HOSTS?|HOSTNAME|ADDR|ADDRESS|URLS?|URI|DSN|ENDPOINTS?|SERVERS?|SERVICE|BROKERS?|UPSTREAM|BACKEND|NODES?)$`)
	// waiting matches the host in the loop of a shell that waits for it.
	waiting = regexp.MustCompile(`(?:^|\s)(?:nc|telnet|nslookup|ping|getent hosts|-h|--host|-z|-vz|-zv|-w \d+)[ =]+([a-z][a-z0-9.-]*)`)
	// within matches an address inside a value: of a URL or a list, with or without a user.
	within = regexp.MustCompile(`(?:^|//|[@=(])([A-Za-z0-9][A-Za-z0-9.-]*)(?::(\d{2,5}))?(?:$|[/?)])`)
)

// maxAddresses bounds what is looked at of one value.
const maxAddresses = 32

// References are the Services that the variables and arguments of a container name, without the target itself, in the
// order of the spec.
func References(s *snapshot.Snapshot, c corev1.Container) []Reference {
	var all []Reference
	add := func(host, port, said string) {
		p := PeerNamed(s, net.JoinHostPort(host, port))
		if p.Service == nil || s.Service != nil && p.Service.Name == s.Service.Name ||
			slices.ContainsFunc(all, func(r Reference) bool { return r.Service.Name == p.Service.Name }) {
			return
		}
		all = append(all, Reference{p.Service, p.Port, said})
	}
	addresses := func(name, value, said string) {
		parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(",; \t\n", r) })
		for _, part := range parts[:min(len(parts), maxAddresses)] {
			for _, found := range within.FindAllStringSubmatch(part, 2) {
				if found[2] != "" || strings.Contains(part, "//") || peerVariable.MatchString(name) {
					add(found[1], found[2], said)
				}
			}
		}
	}
	for _, variable := range s.Env(c) {
		addresses(variable.Name, variable.Value, variable.Source)
	}
	for _, argument := range slices.Concat(c.Command, c.Args) {
		addresses("", argument, "argument "+argument)
		for _, found := range waiting.FindAllStringSubmatch(argument, 4) {
			add(found[1], "", "argument "+argument)
		}
	}
	return all
}
