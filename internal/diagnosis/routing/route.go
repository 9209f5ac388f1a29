// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// routeMismatch finds routes that lead past the target Service: to a port that it does not have, to a Service that is not
// there and was likely meant to be it, or to another than their own host or path names. Routes of other Services are no
// matter of the target.
func routeMismatch(s *snapshot.Snapshot) []finding.Finding {
	if s.Service == nil {
		return misledByConfig(s)
	}
	var findings []finding.Finding
	for _, r := range routesOf(s) {
		if f, ok := r.judge(s); ok {
			findings = append(findings, f)
		}
	}
	return joined(append(findings, misledByConfig(s)...))
}

// albAction is the port of a backend that is no Service but an annotation of the Ingress (AWS Load Balancer Controller,
// Ingress annotations, "actions").
const albAction = "use-annotation"

// route is one backend of an Ingress or HTTPRoute.
type route struct {
	object v1alpha1.ObjectReference
	// where in it, for people: "path /mcp of host sandfly.example.com".
	where              string
	namespace, service string
	// port by name or number; empty where none is named.
	port string
	// hints are names that the route gives itself: of its host and its path.
	hints []string
	// field is the JSON path of the backend's Service, where a patch can set it.
	field string
}

func routesOf(s *snapshot.Snapshot) []route {
	var all []route
	for i := range s.All.Ingresses {
		if s.All.Ingresses[i].Namespace == s.Namespace {
			all = append(all, ingressRoutes(&s.All.Ingresses[i])...)
		}
	}
	for i := range s.All.HTTPRoutes {
		all = append(all, httpRoutes(s, &s.All.HTTPRoutes[i])...)
	}
	slices.SortStableFunc(all, func(a, b route) int {
		return strings.Compare(a.object.Kind+" "+a.object.Name, b.object.Kind+" "+b.object.Name)
	})
	return all
}

func ingressRoutes(ingress *networkingv1.Ingress) []route {
	var all []route
	add := func(backend *networkingv1.IngressBackend, where, field string, hints ...string) {
		if backend == nil || backend.Service == nil {
			return
		}
		port := backend.Service.Port.Name
		if port == "" && backend.Service.Port.Number != 0 {
			port = strconv.Itoa(int(backend.Service.Port.Number))
		}
		all = append(all, route{
			object: snapshot.Reference(snapshot.KindIngress, ingress), where: where, namespace: ingress.Namespace,
			service: backend.Service.Name, port: port, hints: hints, field: field + "/service",
		})
	}
	add(ingress.Spec.DefaultBackend, "the default backend", "/spec/defaultBackend")
	for i, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for j, path := range rule.HTTP.Paths {
			where := "path " + path.Path
			if rule.Host != "" {
				where += " of host " + rule.Host
			}
			add(&path.Backend, where, fmt.Sprintf("/spec/rules/%d/http/paths/%d/backend", i, j), slices.Concat(segments(path.Path), firstLabel(rule.Host))...)
		}
	}
	return all
}

// httpRoutes are the backends of an HTTPRoute that are Services of the target's namespace.
func httpRoutes(s *snapshot.Snapshot, from *snapshot.HTTPRoute) []route {
	var all []route
	for i, rule := range from.Spec.Rules {
		for _, backend := range rule.BackendRefs {
			r := route{object: snapshot.Reference(snapshot.KindHTTPRoute, from), namespace: backend.Namespace, service: backend.Name}
			if r.namespace == "" {
				r.namespace = from.Namespace
			}
			if backend.Kind != "" && backend.Kind != snapshot.KindService || r.namespace != s.Namespace {
				continue
			}
			if from.Namespace != s.Namespace {
				r.object.Namespace = from.Namespace
			}
			r.where = fmt.Sprintf("rule %d", i+1)
			for _, host := range from.Spec.Hostnames {
				r.where += ", host " + host
				r.hints = append(r.hints, firstLabel(host)...)
			}
			if backend.Port != 0 {
				r.port = strconv.Itoa(int(backend.Port))
			}
			all = append(all, r)
		}
	}
	return all
}

func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("/*()$^.?", r) })
}

func firstLabel(host string) []string {
	first, _, _ := strings.Cut(host, ".")
	if first == "" || first == "*" {
		return nil
	}
	return []string{first}
}

func (r route) String() string {
	return fmt.Sprintf("%s %s, %s", r.object.Kind, r.object.Name, r.where)
}

func (r route) judge(s *snapshot.Snapshot) (finding.Finding, bool) {
	target := s.Service
	f := finding.New(v1alpha1.CauseRouteMismatch, r.object, v1alpha1.Certain, "")
	switch there := s.ServiceIn(r.namespace, r.service); {
	case r.service == target.Name:
		if r.port == "" || r.port == albAction || target.Spec.Type == corev1.ServiceTypeExternalName || hasPort(target, r.port, r.object.Kind == snapshot.KindIngress) {
			return f, false
		}
		f.Detail = "Port"
		f.Message = fmt.Sprintf("%s: port %s is no port of Service %s; %s", r, r.port, target.Name, tellServicePorts(target))
		f.Evidence = []string{fmt.Sprintf("%s: Service %s, port %s", r, r.service, r.port), tellServicePorts(target)}
		f.Recommendation = fmt.Sprintf("Let %s name a port that Service %s has.", r, target.Name)
		if right := portLike(target, r.port); right != "" {
			f.Recommendation = fmt.Sprintf("Let %s name port %s of Service %s.", r, right, target.Name)
			f.SuggestedPatch = r.patch(s, "/port", showPortField(right))
		}
		return f, true
	case there == nil:
		if r.port == albAction || !absent(s, r.namespace, r.service) || nearService(s, r.namespace, r.service) != target.Name && !r.hintsAt(target.Name) {
			return f, false
		}
		f.Detail = "Service"
		if slices.ContainsFunc(routesOf(s), func(other route) bool { return other.service == target.Name && other.namespace == s.Namespace }) {
			f.Confidence = v1alpha1.Possible // the target has a route, and this one may be of something that is gone
		}
		f.Message = fmt.Sprintf("%s: Service %s does not exist; Service %s does", r, r.service, target.Name)
		f.Evidence = []string{fmt.Sprintf("%s: Service %s", r, r.service)}
		f.Recommendation = fmt.Sprintf("Let %s name Service %s, or create Service %s.", r, target.Name, r.service)
		f.SuggestedPatch = r.patch(s, "/name", strconv.Quote(target.Name))
		return f, true
	default:
		return r.elsewhere(s, there)
	}
}

// elsewhere finds a route of the target's own name that leads to another Service while nothing leads to the target. What
// stands before another, such as a proxy that asks for a password, is meant to.
func (r route) elsewhere(s *snapshot.Snapshot, there *corev1.Service) (finding.Finding, bool) {
	target := s.Service
	if !r.hintsAt(target.Name) || r.hintsAt(there.Name) || standsBefore(s, there) {
		return finding.Finding{}, false
	}
	routes := routesOf(s)
	leads := func(name string) func(route) bool {
		return func(other route) bool { return other.service == name && other.namespace == s.Namespace }
	}
	if slices.ContainsFunc(routes, leads(target.Name)) {
		return finding.Finding{}, false
	}
	f := finding.New(v1alpha1.CauseRouteMismatch, r.object, v1alpha1.Possible,
		fmt.Sprintf("%s leads to Service %s, and no route leads to Service %s, which it has the name of", r, there.Name, target.Name),
		fmt.Sprintf("%s: Service %s", r, r.service), fmt.Sprintf("no Ingress or HTTPRoute names Service %s", target.Name))
	f.Detail = "OtherService"
	// The other one has a route of its own name besides: this one is likely a copy of it.
	if slices.ContainsFunc(routes, func(other route) bool { return leads(there.Name)(other) && other.hintsAt(there.Name) }) {
		f.Confidence = v1alpha1.Likely
		f.Evidence = append(f.Evidence, fmt.Sprintf("Service %s has a route of its own name besides", there.Name))
	}
	f.Recommendation = fmt.Sprintf("Let %s name Service %s, if that is meant.", r, target.Name)
	f.SuggestedPatch = r.patch(s, "/name", strconv.Quote(target.Name))
	return f, true
}

func (r route) hintsAt(service string) bool {
	return slices.ContainsFunc(r.hints, func(hint string) bool { return sameName(hint, service) })
}

// sameName reports whether a word of a path or host is the name of a Service, or nearly all of its end: paymentservice of
// ts-payment-service.
func sameName(hint, service string) bool {
	if service := specificName(service); len(service) > 3 && specificName(hint) == service {
		return true
	}
	hint, service = plainName(hint), plainName(service)
	return len(hint) > 3 && (hint == service || strings.HasSuffix(service, hint) && len(hint)*10 > len(service)*7)
}

// generic are the last words of names that tell no Service from another.
var generic = regexp.MustCompile(`(?i)[-_.]?(?:micro)?(?:services?|svc|server)$`)

// specificName is what is left of a name without them: contacts of contacts-service.
func specificName(name string) string { return plainName(generic.ReplaceAllString(name, "")) }

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

func plainName(name string) string { return notInName.ReplaceAllString(strings.ToLower(name), "") }

// before matches the names of what passes calls on.
var before = regexp.MustCompile(`(?i)proxy|auth|gateway|gw|cache|varnish|nginx|envoy|ingress|router|balancer|waf|canary|blue|green|stable|static`)

// standsBefore reports whether a Service is one that passes calls on, by its name or since its workload is told the
// target's.
func standsBefore(s *snapshot.Snapshot, service *corev1.Service) bool {
	if before.MatchString(service.Name) || strings.Contains(plainName(service.Name), plainName(s.Service.Name)) {
		return true
	}
	return slices.ContainsFunc(s.BackendsOf(service), func(b snapshot.Backend) bool {
		return len(upstreamsTo(s, b.Spec, s.Service.Name)) > 0
	})
}

// hasPort reports whether a Service has a port of a name or number. HTTPRoutes know numbers only.
func hasPort(service *corev1.Service, want string, byName bool) bool {
	return slices.ContainsFunc(service.Spec.Ports, func(port corev1.ServicePort) bool {
		return strconv.Itoa(int(port.Port)) == want || byName && port.Name == want
	})
}

// showPortField is the port of an Ingress backend in JSON.
func showPortField(port string) string {
	if _, err := strconv.Atoi(port); err == nil {
		return fmt.Sprintf(`{"number":%s}`, port)
	}
	return fmt.Sprintf(`{"name":%q}`, port)
}

func (r route) patch(s *snapshot.Snapshot, field, value string) string {
	if r.field == "" {
		return ""
	}
	return fmt.Sprintf("kubectl patch %s %s -n %s --type=json -p %s", words.Lower(r.object.Kind), r.object.Name, s.Namespace,
		words.Quote(fmt.Sprintf(`[{"op":"replace","path":"%s%s","value":%s}]`, r.field, field, value)))
}
