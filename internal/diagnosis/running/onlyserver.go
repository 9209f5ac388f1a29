// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/workload"
)

// This file finds the dependency that a client does not name: its address mostly stands in a Secret, whose values nobody
// reads, and drivers do not repeat it in their errors.

// brands are servers of one protocol, by the words of their clients and by their images.
var brands = []struct{ words, images *regexp.Regexp }{
	{regexp.MustCompile(`(?i)mysql|mariadb|\(1040,|error 1040|\(1290,|error:? 1290`), regexp.MustCompile(`mysql|mariadb|percona`)},
	{regexp.MustCompile(`(?i)postgres|psycopg|\bpq:|\bpgx?\b|npgsql|sqlstate 5|remaining connection slots`), regexp.MustCompile(`postgres|pgbouncer|timescale|spilo`)},
	{regexp.MustCompile(`(?i)mongo`), regexp.MustCompile(`mongo`)},
	{regexp.MustCompile(`(?i)redis|valkey|\bREADONLY\b|\bMISCONF\b`), regexp.MustCompile(`redis|valkey|keydb|dragonfly`)},
	{regexp.MustCompile(`(?i)memcache`), regexp.MustCompile(`memcached`)},
}

// elsewhere matches the names of variables that hold the address of a store. Where one names a host, that host is meant.
var elsewhere = regexp.MustCompile(`(?i)(?:db|database|sql|datasource|mongo\w*|redis|postgres\w*|pg|cache)[_.-]?(?:\w+[_.-])*(?:host|hostname|addr|address|url|uri|dsn|server|endpoint)$`)

// onlyServer is the Service of the only workload of the namespace that can be the server of which a client complains
// without a name; nil if there are several, or none, or the client's own configuration names a host.
func onlyServer(s *snapshot.Snapshot, c corev1.Container, m logs.Match) *corev1.Service {
	kind := systemOf(m, 0)
	if kind == "" || serves(c, kind) || !s.Complete(snapshot.KindService) {
		return nil
	}
	for _, variable := range s.Env(c) {
		if variable.Value != "" && elsewhere.MatchString(variable.Name) {
			return nil
		}
	}
	var only *workload.Workload
	for _, w := range s.Workloads {
		if !speaks(w, kind, m.Line) {
			continue
		}
		if only != nil {
			return nil
		}
		only = w
	}
	if only == nil {
		return nil
	}
	return serviceOfStore(s, only, kind)
}

// speaks reports whether a workload runs a server of a kind, and of the brand that a line speaks of.
func speaks(w *workload.Workload, kind system, line string) bool {
	return slices.ContainsFunc(w.Template.Spec.Containers, func(c corev1.Container) bool {
		if !serves(c, kind) {
			return false
		}
		name, _, _ := strings.Cut(path.Base(c.Image), ":")
		for _, brand := range brands {
			if brand.words.MatchString(line) {
				return brand.images.MatchString(name)
			}
		}
		return true
	})
}

// serviceOfStore is the Service by which clients reach a store: of several, such as of a leader and its followers, one that
// has an address of its own and leads to the fewest pods takes the writes, as far as can be told.
func serviceOfStore(s *snapshot.Snapshot, w *workload.Workload, kind system) *corev1.Service {
	var best *corev1.Service
	least := 0
	for i := range s.Services {
		service := &s.Services[i]
		leads, weight := leadsTo(s, service, w)
		if !leads || !isOf(dependency.Reference{Service: service}, kind) {
			continue
		}
		if service.Spec.ClusterIP == corev1.ClusterIPNone {
			weight += 1 << 16
		}
		if best == nil || weight < least || weight == least && service.Name < best.Name {
			best, least = service, weight
		}
	}
	return best
}

// leadsTo reports whether a Service leads to a workload, and to how many pods.
func leadsTo(s *snapshot.Snapshot, service *corev1.Service, w *workload.Workload) (leads bool, pods int) {
	leads = snapshot.Selects(service, w.Template.Labels)
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if pod.Namespace != s.Namespace || !snapshot.IsLive(pod) || !snapshot.Selects(service, pod.Labels) {
			continue
		}
		pods++
		kind, name, ok := workload.OwnerOf(pod)
		leads = leads || ok && kind == string(w.Kind) && name == w.Object.GetName()
	}
	return leads, pods
}
