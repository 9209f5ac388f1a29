// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/workload"
)

// proxyLike matches the names and images of workloads whose configuration says where calls go.
var proxyLike = regexp.MustCompile(`(?i)nginx|envoy|gateway|haproxy|traefik|caddy|openresty|apisix|kong|zuul|httpd|proxy|router`)

// misledByConfig finds ConfigMaps of the namespace's proxies that lead to a Service or port that is not there, or a path of
// one Service's name to another. Of a proxy that is the target every route counts; of another, only those that are meant
// for the target.
func misledByConfig(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, w := range s.Workloads {
		isTarget := s.Workload != nil && w.String() == s.Workload.String()
		if !isTarget && (s.Service == nil || !isProxy(w)) {
			continue
		}
		findings = append(findings, misledByVariables(s, w, isTarget)...)
		if !isProxy(w) {
			continue
		}
		for _, cm := range configMapsOf(s, &w.Template.Spec) {
			findings = append(findings, misledBy(s, w, cm, isTarget)...)
		}
	}
	return findings
}

func isProxy(w *workload.Workload) bool {
	return proxyLike.MatchString(w.Object.GetName()) || slices.ContainsFunc(w.Template.Spec.Containers, func(c corev1.Container) bool {
		return !slices.Contains(proxies, c.Name) && proxyLike.MatchString(c.Image)
	})
}

// configMapsOf are the ConfigMaps that a pod mounts. What is in its environment is looked at by upstreamAddressMismatch.
func configMapsOf(s *snapshot.Snapshot, spec *corev1.PodSpec) []*corev1.ConfigMap {
	var found []*corev1.ConfigMap
	for _, ref := range snapshot.KeyRefs(spec) {
		if ref.Kind != snapshot.KindConfigMap || !strings.HasPrefix(ref.Path, "volume ") {
			continue
		}
		if cm := s.ConfigMap(ref.Name); cm != nil && !slices.Contains(found, cm) {
			found = append(found, cm)
		}
	}
	return found
}

// proxyRoute is one route of a proxy's ConfigMap to what is meant to be a Service.
type proxyRoute struct {
	upstream
	proxy *workload.Workload
	// cm is nil where the route stands in the workload itself.
	cm *corev1.ConfigMap
	// path that leads there, or the words of the variable's name.
	path string
	line string
}

// misledBy judges the routes of one ConfigMap.
func misledBy(s *snapshot.Snapshot, w *workload.Workload, cm *corev1.ConfigMap, isTarget bool) []finding.Finding {
	var all []proxyRoute
	for _, key := range slices.Sorted(maps.Keys(cm.Data)) {
		for _, r := range configRoutes(cm.Data[key]) {
			namespace, name, ok := serviceOf(s, r.Host)
			if !ok || aliased(&w.Template.Spec, r.Host) {
				continue
			}
			u := upstream{address: r.address, Namespace: namespace, Service: name, Container: w.Template.Spec.Containers[0], Source: "key " + key}
			all = append(all, proxyRoute{u, w, cm, r.Path, r.Line})
		}
	}
	var findings []finding.Finding
	for _, r := range all {
		if f, ok := r.deadEnd(s, isTarget); ok {
			findings = append(findings, f)
		} else if f, ok := r.elsewhere(s, all, isTarget); ok {
			findings = append(findings, f)
		}
	}
	return findings
}

var (
	// routed matches what follows a Service's name in the name of a variable that holds its address.
	routed = regexp.MustCompile(`(?i)[_.-]?(?:addr|address|url|uri|host|hostname|endpoint|target|upstream|backend)$`)
	// numbered matches the variable of one route of a list: SPRING_CLOUD_GATEWAY_ROUTES_0_URI.
	numbered = regexp.MustCompile(`(?i)^(.*routes[_\[.]*\d+[_\].]*)uri$`)
)

// misledByVariables judges the routes in a workload's variables: NAME_ADDR that leads to another Service than NAME, or a
// numbered route whose path does.
func misledByVariables(s *snapshot.Snapshot, w *workload.Workload, isTarget bool) []finding.Finding {
	var all []proxyRoute
	for _, u := range upstreamsOf(s, &w.Template.Spec) {
		r := proxyRoute{upstream: u, proxy: w, path: routed.ReplaceAllString(u.Told, "")}
		if match := numbered.FindStringSubmatch(u.Told); match != nil {
			for _, e := range s.Env(u.Container) {
				if path := pathLine.FindStringSubmatch(e.Value); path != nil && strings.HasPrefix(e.Name, match[1]) {
					r.path = path[1]
				}
			}
		}
		if r.path != u.Told {
			all = append(all, r)
		}
	}
	var findings []finding.Finding
	for _, r := range all {
		if f, ok := r.elsewhere(s, all, isTarget); ok {
			if !isProxy(w) {
				f.Confidence = v1alpha1.Possible // what a program calls its settings is its own business
			}
			findings = append(findings, f)
		}
	}
	return findings
}

func (r proxyRoute) found(s *snapshot.Snapshot, detail, message string) finding.Finding {
	if r.cm == nil {
		f := finding.New(v1alpha1.CauseRouteMismatch, r.proxy.Reference(), v1alpha1.Possible, fmt.Sprintf("%s: %s", whereIn(r.proxy.String(), r.upstream), message))
		f.Detail = detail
		f.Evidence = []string{fmt.Sprintf("container %s, %s: %s", r.Container.Name, r.Source, r.address)}
		return f
	}
	f := finding.New(v1alpha1.CauseRouteMismatch, snapshot.Reference(snapshot.KindConfigMap, r.cm), v1alpha1.Possible,
		fmt.Sprintf("ConfigMap %s, %s, of %s: %s", r.cm.Name, r.Source, r.proxy, message))
	f.Detail = detail
	f.Evidence = []string{fmt.Sprintf("ConfigMap %s, %s: %s", r.cm.Name, r.Source, r.line)}
	return f
}

// deadEnd finds a route to a Service or port that is not there.
func (r proxyRoute) deadEnd(s *snapshot.Snapshot, isTarget bool) (finding.Finding, bool) {
	service := s.ServiceIn(r.Namespace, r.Service)
	near := nearService(s, r.Namespace, r.Service)
	meant := isTarget || r.Namespace == s.Namespace && (r.Service == s.Service.Name || service == nil && near == s.Service.Name)
	var f finding.Finding
	switch {
	case !meant:
		return f, false
	case absent(s, r.Namespace, r.Service):
		f = r.found(s, "Service", fmt.Sprintf("it leads to %s, and there is no Service %s", r.address, r.inNamespace(s)))
		f.Recommendation = fmt.Sprintf("Create Service %s, or name the one that is meant in ConfigMap %s, and restart %s.", r.inNamespace(s), r.cm.Name, r.proxy)
		if near != "" {
			f.Message += fmt.Sprintf("; Service %s exists", near)
			f.Recommendation = fmt.Sprintf("Name Service %s in ConfigMap %s, %s, and restart %s.", near, r.cm.Name, r.Source, r.proxy)
		}
	case service != nil && lacksPort(service, r.Port):
		f = r.found(s, "Port", fmt.Sprintf("it leads to %s, and Service %s has no port %d: %s", r.address, r.inNamespace(s), r.Port, tellServicePorts(service)))
		f.Recommendation = fmt.Sprintf("Name a port that Service %s has in ConfigMap %s, %s, and restart %s.", r.inNamespace(s), r.cm.Name, r.Source, r.proxy)
	default:
		return f, false
	}
	if near != "" || service != nil {
		f.Confidence = v1alpha1.Likely
	}
	if isTarget {
		var proof string
		f.Confidence, proof = confidenceIn(s, r.upstream, service, near != "" || service != nil)
		f.Evidence = append(f.Evidence, proof)
	}
	return f, true
}

// elsewhere finds a path of one Service's name that leads to another, while nothing in the file leads to the first.
func (r proxyRoute) elsewhere(s *snapshot.Snapshot, all []proxyRoute, isTarget bool) (finding.Finding, bool) {
	there := s.ServiceIn(r.Namespace, r.Service)
	if there == nil || r.path == "" {
		return finding.Finding{}, false
	}
	var meant []string
	for _, service := range s.Services {
		if slices.ContainsFunc(segments(r.path), func(word string) bool { return sameName(word, service.Name) }) {
			meant = append(meant, service.Name)
		}
	}
	if len(meant) != 1 || meant[0] == there.Name || !isTarget && meant[0] != s.Service.Name || before.MatchString(there.Name) ||
		strings.Contains(plainName(there.Name), plainName(meant[0])) ||
		slices.ContainsFunc(all, func(other proxyRoute) bool { return other.Service == meant[0] && other.Namespace == s.Namespace }) {
		return finding.Finding{}, false
	}
	f := r.found(s, "OtherService", fmt.Sprintf("%s leads to Service %s, and nothing leads to Service %s", r.path, there.Name, meant[0]))
	f.Confidence = v1alpha1.Likely
	if r.cm == nil {
		f.Recommendation = fmt.Sprintf("Let %s of %s name Service %s, if that is meant.", r.Source, r.proxy, meant[0])
	} else {
		f.Recommendation = fmt.Sprintf("Let %s lead to Service %s in ConfigMap %s, %s, and restart %s.", r.path, meant[0], r.cm.Name, r.Source, r.proxy)
	}
	return f, true
}
