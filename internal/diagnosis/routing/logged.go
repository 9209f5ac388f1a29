// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// This file finds wrong addresses that stand where nobody may read, such as in a Secret: the log of a container that does
// not work tells whom it failed to reach.

// dialled matches the addresses in a line that tells of a failed connection.
var dialled = regexp.MustCompile(`([A-Za-z0-9][A-Za-z0-9.-]*):(\d{2,5})\b`)

// lastWords bounds how far from its end a log is looked at.
const lastWords = 100

// loggedDeadEnds judges the address that the last error of a container names: a Service that is there and lacks the port, or
// a name that did not resolve and is no Service's.
func loggedDeadEnds(s *snapshot.Snapshot) []finding.Finding {
	for _, c := range s.Containers() {
		troubled := trouble(s, c.Spec.Name)
		if troubled == "" || slices.Contains(proxies, c.Spec.Name) {
			continue
		}
		log := s.LogOf(c.Pod, c.Spec.Name)
		lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
		from := max(logs.Reason(log).First-1, len(lines)-lastWords, 0)
		for _, line := range slices.Backward(lines[min(from, len(lines)):]) {
			u, ok := loggedUpstream(s, c, line)
			if !ok {
				continue
			}
			if f, ok := deadEnd(s, u); ok {
				return []finding.Finding{ofLog(s, c, u, f, troubled)}
			}
		}
	}
	return nil
}

// loggedUpstream reads whom a line could not reach.
func loggedUpstream(s *snapshot.Snapshot, c snapshot.Container, line string) (upstream, bool) {
	u := upstream{Container: c.Spec, Source: "its log"}
	var ok bool
	if host := unresolvedHost(line); host != "" {
		u.address = address{Host: host}
		u.Namespace, u.Service, ok = serviceOf(s, host)
		return u, ok && !aliased(&c.Pod.Spec, host) && absent(s, u.Namespace, u.Service)
	}
	if !unreachable.MatchString(line) {
		return u, false
	}
	for _, match := range dialled.FindAllStringSubmatch(line, 4) {
		port, isPort := portNumber(match[2])
		service := calledService(s, match[1])
		if isPort && service != nil && lacksPort(service, port) && !aliased(&c.Pod.Spec, match[1]) {
			u.address = address{Host: service.Name, Port: port, Written: true}
			u.Namespace, u.Service = s.Namespace, service.Name
			return u, true
		}
	}
	return u, false
}

// calledService is the Service of the namespace that a host is the name or the address of.
func calledService(s *snapshot.Snapshot, host string) *corev1.Service {
	for i := range s.Services {
		if service := &s.Services[i]; service.Spec.ClusterIP == host && host != corev1.ClusterIPNone {
			return service
		}
	}
	if !isHost(host) {
		return nil
	}
	namespace, name, ok := serviceOf(s, host)
	if !ok || namespace != s.Namespace {
		return nil
	}
	return s.ServiceIn(namespace, name)
}

// ofLog says where the address may stand that nobody could read.
func ofLog(s *snapshot.Snapshot, c snapshot.Container, u upstream, f finding.Finding, troubled string) finding.Finding {
	if f.Confidence == v1alpha1.Possible {
		f.Confidence = v1alpha1.Likely
	}
	f.Suggest(nil)
	service := s.ServiceIn(u.Namespace, u.Service)
	switch near := nearService(s, u.Namespace, u.Service); {
	case service != nil:
		f.Recommendation = fmt.Sprintf("Let the configuration of %s name a port that Service %s has: %s.", s.In(c), u.inNamespace(s), tellServicePorts(service))
	case near != "":
		f.Recommendation = fmt.Sprintf("Let the configuration of %s name Service %s.", s.In(c), near)
	default:
		f.Recommendation = fmt.Sprintf("Create Service %s, or let the configuration of %s name the Service that is meant.", u.inNamespace(s), s.In(c))
	}
	var places []string
	for _, ref := range snapshot.KeyRefs(&corev1.PodSpec{Containers: []corev1.Container{c.Spec}}) {
		if place := ref.Kind + " " + ref.Name; !slices.Contains(places, place) && len(places) < 4 {
			places = append(places, place)
		}
	}
	if len(places) > 0 {
		f.Recommendation += fmt.Sprintf(" It is configured by %s.", strings.Join(places, ", "))
	}
	f.Evidence = append(f.Evidence[:0], f.Evidence[1:]...) // where it stands is not known
	if !slices.Contains(f.Evidence, troubled) {
		f.Evidence = append(f.Evidence, troubled)
	}
	return f
}

// endsUnreached reports whether a container does not work, and the last that it said is that it could not reach somebody.
func endsUnreached(s *snapshot.Snapshot, name string) bool {
	if trouble(s, name) == "" {
		return false
	}
	return slices.ContainsFunc(s.Containers(), func(c snapshot.Container) bool {
		if c.Spec.Name != name {
			return false
		}
		log := s.LogOf(c.Pod, name)
		lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
		from := max(logs.Reason(log).First-1, len(lines)-lastWords, 0)
		return slices.ContainsFunc(lines[min(from, len(lines)):], unreachable.MatchString)
	})
}
