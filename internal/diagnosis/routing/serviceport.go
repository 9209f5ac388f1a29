// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// servicePortMismatch finds callers that ask the target Service for a port that it does not have. The routes of an Ingress or
// HTTPRoute are routeMismatch's.
func servicePortMismatch(s *snapshot.Snapshot) []finding.Finding {
	if s.Service == nil || s.Service.Spec.Type == corev1.ServiceTypeExternalName || len(s.Service.Spec.Ports) == 0 {
		return nil
	}
	return slices.Concat(askedFor(s), annotatedPort(s), calledBy(s))
}

// askedFor compares the endpoint that the caller of the failed call used.
func askedFor(s *snapshot.Snapshot) []finding.Finding {
	if s.Error == nil || s.Error.Endpoint == "" {
		return nil
	}
	called, err := url.Parse(s.Error.Endpoint)
	if err != nil || called.Host == "" || !names(s, called.Hostname()) {
		return nil
	}
	port, ok := portNumber(called.Port())
	if !ok {
		port = schemes[called.Scheme]
	}
	if !lacksPort(s.Service, port) {
		return nil
	}
	f := finding.New(v1alpha1.CauseServicePortMismatch, s.ServiceReference(), v1alpha1.Certain,
		fmt.Sprintf("The caller asked Service %s for port %d, which it does not have: %s", s.Service.Name, port, tellServicePorts(s.Service)),
		"the caller called "+s.Error.Endpoint, tellServicePorts(s.Service))
	f.Detail = "Caller"
	f.Recommendation = fmt.Sprintf("Let the caller ask for a port that Service %s has, or add port %d to it.", s.Service.Name, port)
	return []finding.Finding{f}
}

// names reports whether a host is the target Service.
func names(s *snapshot.Snapshot, host string) bool {
	if slices.Contains(slices.Concat(s.Service.Spec.ClusterIPs, []string{s.Service.Spec.ClusterIP}), host) {
		return host != "" && host != corev1.ClusterIPNone
	}
	if !isHost(host) {
		return false
	}
	namespace, name, ok := serviceOf(s, host)
	return ok && namespace == s.Namespace && name == s.Service.Name
}

// annotatedPort finds that the annotation which tells Cortex the MCP port names none of the Service's.
func annotatedPort(s *snapshot.Snapshot) []finding.Finding {
	want := s.Service.Annotations[v1alpha1.AnnotationPort]
	if want == "" || slices.ContainsFunc(s.Service.Spec.Ports, func(port corev1.ServicePort) bool {
		return port.Name == want || strconv.Itoa(int(port.Port)) == want
	}) {
		return nil
	}
	f := finding.New(v1alpha1.CauseServicePortMismatch, s.ServiceReference(), v1alpha1.Certain,
		fmt.Sprintf("Service %s, annotation %s: %q is no port of it; %s", s.Service.Name, v1alpha1.AnnotationPort, want, tellServicePorts(s.Service)),
		fmt.Sprintf("annotation %s: %s", v1alpha1.AnnotationPort, want), tellServicePorts(s.Service))
	f.Detail = "Annotation"
	f.Recommendation = fmt.Sprintf("Set annotation %s of Service %s to the name or number of one of its ports.", v1alpha1.AnnotationPort, s.Service.Name)
	if right := portLike(s.Service, want); right != "" {
		f.SuggestedPatch = fmt.Sprintf("kubectl annotate service %s -n %s %s=%s --overwrite", s.Service.Name, s.Namespace, v1alpha1.AnnotationPort, right)
	}
	return []finding.Finding{f}
}

// portLike is the port that a wrong name was likely meant for: the one of a near name, or the only one.
func portLike(service *corev1.Service, want string) string {
	named := snapshot.Keep(service.Spec.Ports, func(port *corev1.ServicePort) bool { return port.Name != "" })
	if near := words.Nearest(want, words.Names(named, func(port *corev1.ServicePort) string { return port.Name })); near != "" {
		return near
	}
	if len(service.Spec.Ports) == 1 {
		return strconv.Itoa(int(service.Spec.Ports[0].Port))
	}
	return ""
}

// calledBy finds other workloads of the namespace that are told another port of the target Service. The fault is theirs:
// where the Service has nobody to answer, or they are well without it, it is only possible.
func calledBy(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, w := range s.Workloads {
		if s.Workload != nil && w.Object.GetName() == s.Workload.Object.GetName() && w.Kind == s.Workload.Kind {
			continue
		}
		for _, u := range upstreamsTo(s, &w.Template.Spec, s.Service.Name) {
			if !lacksPort(s.Service, u.Port) {
				continue
			}
			if f, ok := wrongPort(s, s.Service, u.Port); ok {
				return []finding.Finding{f}
			}
			findings = append(findings, wrongCaller(s, w, u))
		}
	}
	return joined(findings)
}

// wrongPort is for a port that several workloads ask a Service for, and none for one that it has: then the Service is wrong
// and not they.
func wrongPort(s *snapshot.Snapshot, service *corev1.Service, port int32) (finding.Finding, bool) {
	var clients []string
	for _, w := range s.Workloads {
		for _, u := range upstreamsTo(s, &w.Template.Spec, service.Name) {
			switch {
			case u.Port == port:
				clients = append(clients, whereIn(w.String(), u))
			case u.Port != 0:
				return finding.Finding{}, false
			}
		}
	}
	if len(clients) < 2 || len(service.Spec.Ports) == 0 {
		return finding.Finding{}, false
	}
	f := finding.New(v1alpha1.CauseServicePortMismatch, snapshot.Reference(snapshot.KindService, service), v1alpha1.Likely,
		fmt.Sprintf("%s, and all who call it ask for port %d", tellServicePorts(service), port), clients...)
	f.Detail = "Service"
	f.Recommendation = fmt.Sprintf("Give Service %s port %d.", service.Name, port)
	if len(service.Spec.Ports) == 1 {
		f.Suggest(finding.JSONPatch(f.Object, service.Namespace, finding.Set("/spec/ports/0/port", service.Spec.Ports[0].Port, port)...))
	}
	return f, true
}

func wrongCaller(s *snapshot.Snapshot, w *workload.Workload, u upstream) finding.Finding {
	f := finding.New(v1alpha1.CauseServicePortMismatch, w.Reference(), v1alpha1.Possible,
		fmt.Sprintf("%s asks for port %d of Service %s, which it does not have: %s", whereIn(w.String(), u), u.Port, s.Service.Name, tellServicePorts(s.Service)),
		fmt.Sprintf("%s: %s", whereIn(w.String(), u), u.address), tellServicePorts(s.Service))
	f.Detail = "Client"
	if s.ReadyEndpoints() > 0 || !s.Complete(snapshot.KindEndpointSlice) && s.ReadyPods() > 0 {
		f.Confidence = v1alpha1.Likely
	}
	if w.Ready < w.Replicas {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s has %d of %d pods ready", w, w.Ready, w.Replicas))
	}
	f.Recommendation = fmt.Sprintf("Let %s of %s name a port that Service %s has.", u.Source, w, s.Service.Name)
	if len(s.Service.Spec.Ports) == 1 {
		right := u.address
		right.Port = s.Service.Spec.Ports[0].Port
		f.Recommendation = fmt.Sprintf("Let %s of %s name %s.", u.Source, w, right)
		f.Suggest(u.patchOf(w, right))
	}
	return f
}
