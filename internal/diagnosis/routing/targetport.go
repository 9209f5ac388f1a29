// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// targetPortMismatch finds ports of the Service that lead to no port of its pods.
//
// A name that no pod has is proven: the endpoints then hold no such port. A number is not, since a container listens where
// it likes and containerPort only informs ("Not specifying a port here DOES NOT prevent that port from being exposed",
// core/v1 Container.Ports); it takes a refused connection, or containers that declare other ports and mention this one
// nowhere.
func targetPortMismatch(s *snapshot.Snapshot) []finding.Finding {
	backends := s.BackendsOf(s.Service)
	if len(backends) == 0 {
		return nil
	}
	var findings []finding.Finding
	for i := range s.Service.Spec.Ports {
		p := servicePort{s, backends, i, s.Service.Spec.Ports[i]}
		if p.TargetPort.Type == intstr.String {
			findings = append(findings, p.wrongName()...)
		} else {
			findings = append(findings, p.wrongNumber()...)
		}
	}
	return joined(findings)
}

// servicePort is one port of the target Service and the pods that it leads to.
type servicePort struct {
	*snapshot.Snapshot
	backends []snapshot.Backend
	index    int
	corev1.ServicePort
}

func (p servicePort) String() string {
	return fmt.Sprintf("Service %s, port %s", p.Service.Name, showPort(p.ServicePort))
}

// showPort names a port as people know it: "mcp (3000)" or "3000".
func showPort(port corev1.ServicePort) string {
	if port.Name == "" {
		return strconv.Itoa(int(port.Port))
	}
	return fmt.Sprintf("%s (%d)", port.Name, port.Port)
}

// wrongName finds a targetPort whose name no pod has. One that a pod has with another protocol is protocolMismatch's; one
// that only some pods have, such as those of a new revision, still leads somewhere.
func (p servicePort) wrongName() []finding.Finding {
	if slices.ContainsFunc(p.backends, p.has) || p.published() {
		return nil
	}
	confidence := v1alpha1.Certain
	switch {
	case p.Service.Spec.ClusterIP == corev1.ClusterIPNone:
		confidence = v1alpha1.Possible // callers ask the pods by a port of their own choice
	case !p.Complete(snapshot.KindPod):
		confidence = v1alpha1.Likely
	}
	name := p.TargetPort.StrVal
	where := p.backends[0]
	declared := declaredPorts(where.Spec, p.Protocol)
	f := finding.New(v1alpha1.CauseTargetPortMismatch, p.ServiceReference(), confidence,
		fmt.Sprintf("%s: targetPort %s is the name of no container port; %s", p, name, tellPorts(where, declared)))
	f.Detail = "Name"
	f.Evidence = append(f.Evidence, fmt.Sprintf("targetPort of %s is the name %s", p, name), tellPorts(where, declared))
	for _, slice := range p.EndpointSlices {
		if len(slice.Endpoints) > 0 {
			f.Evidence = append(f.Evidence, fmt.Sprintf("EndpointSlice %s has %s and no such port", slice.Name, addresses(len(slice.Endpoints))))
			break
		}
	}
	p.advise(&f, p.nearestPort(declared))
	return []finding.Finding{f}
}

// has reports whether a pod has the name, with whatever protocol.
func (p servicePort) has(b snapshot.Backend) bool {
	return slices.ContainsFunc(snapshot.LongRunning(b.Spec), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool { return port.Name == p.TargetPort.StrVal })
	})
}

// published reports whether the endpoints hold the port, so that some pod had it when they were written.
func (p servicePort) published() bool {
	for _, slice := range p.EndpointSlices {
		for _, port := range slice.Ports {
			if port.Port != nil && *port.Port != 0 && port.Name != nil && *port.Name == p.Name && len(slice.Endpoints) > 0 {
				return true
			}
		}
	}
	return false
}

// wrongNumber finds a targetPort that nothing listens on.
func (p servicePort) wrongNumber() []finding.Finding {
	number, _ := snapshot.PortOf(p.ServicePort, p.backends[0].Spec)
	if p.Service.Spec.ClusterIP == corev1.ClusterIPNone || p.taken() || slices.ContainsFunc(p.backends, func(b snapshot.Backend) bool { return mentions(p.Snapshot, b, number) }) {
		return nil
	}
	where := p.backends[0]
	free := p.unreached(where)
	listens, proofs := listensOn(p.Snapshot, where, number)
	refused := p.refused()
	twin := p.twin(where, number)
	f := finding.New(v1alpha1.CauseTargetPortMismatch, p.ServiceReference(), v1alpha1.Possible,
		fmt.Sprintf("%s: targetPort %d is no port of the container; %s", p, number, tellPorts(where, declaredPorts(where.Spec, p.Protocol))))
	f.Detail = "Number"
	switch corroborated := len(free) > 0 || listens != 0; {
	case refused && corroborated:
		f.Confidence = v1alpha1.Certain
	case refused:
		f.Confidence = v1alpha1.Likely
	case !corroborated || p.ReadyPods() == 0 && p.Complete(snapshot.KindPod):
		return nil
	case len(free) > 0 && (!silent(where.Spec) || listens != 0):
		f.Confidence = v1alpha1.Likely
	case twin != "":
		f.Confidence = v1alpha1.Likely
	case len(free) == 0:
		return nil // a probe or a variable of another port says nothing of this one
	}
	if refused {
		f.Evidence = append(f.Evidence, "MCP handshake: "+p.Handshake.Message)
	}
	f.Evidence = append(f.Evidence, tellPorts(where, declaredPorts(where.Spec, p.Protocol)))
	f.Evidence = append(f.Evidence, proofs...)
	f.Evidence = append(f.Evidence, twin, fmt.Sprintf("port %d is in no port, probe, variable or argument of %s", number, where.Name))
	p.advise(&f, p.rightPort(free, listens))
	return []finding.Finding{f}
}

// taken reports whether a connection to the port was seen to be accepted.
func (p servicePort) taken() bool {
	return p.Handshake != nil && isMCPPort(p.Service, p.ServicePort) && (p.Handshake.Accepted || p.Handshake.Verdict == v1alpha1.VerdictPassed)
}

// refused reports whether a connection to the port was refused by pods that have run for long enough to listen.
func (p servicePort) refused() bool {
	return p.Handshake != nil && p.Handshake.Class == v1alpha1.ErrorConnectionRefused && isMCPPort(p.Service, p.ServicePort) &&
		p.ReadyEndpoints() > 0 && settled(p.Snapshot)
}

// unreached are the declared ports that no port of this Service or of another one leads to: one of them is likely meant.
// Ports for metrics and probes are not.
func (p servicePort) unreached(b snapshot.Backend) []corev1.ContainerPort {
	var reached []int32
	for i := range p.Services {
		if !snapshot.Selects(&p.Services[i], b.Labels) {
			continue
		}
		for _, other := range p.Services[i].Spec.Ports {
			if number, ok := snapshot.PortOf(other, b.Spec); ok {
				reached = append(reached, number)
			}
		}
	}
	return slices.DeleteFunc(declaredPorts(b.Spec, p.Protocol), func(port corev1.ContainerPort) bool {
		return auxiliary(port) || slices.Contains(reached, port.ContainerPort)
	})
}

// twin tells of another Service that leads the same port to the same pods, and there to one that is declared.
func (p servicePort) twin(b snapshot.Backend, number int32) string {
	for i := range p.Services {
		service := &p.Services[i]
		if service.Name == p.Service.Name || !snapshot.Selects(service, b.Labels) {
			continue
		}
		for _, port := range service.Spec.Ports {
			leads, ok := snapshot.PortOf(port, b.Spec)
			declared := slices.ContainsFunc(declaredPorts(b.Spec, p.Protocol), func(c corev1.ContainerPort) bool { return c.ContainerPort == leads })
			if ok && declared && leads != number && port.Port == p.Port && snapshot.ProtocolOf(port.Protocol) == snapshot.ProtocolOf(p.Protocol) {
				return fmt.Sprintf("Service %s leads port %d to port %d of the same pods", service.Name, port.Port, leads)
			}
		}
	}
	return ""
}

// rightPort is the port that is meant, if only one can be.
func (p servicePort) rightPort(free []corev1.ContainerPort, listens int32) intstr.IntOrString {
	for _, port := range free {
		if port.ContainerPort == listens || len(free) == 1 {
			return intstr.FromInt32(port.ContainerPort)
		}
	}
	if len(free) == 0 && listens != 0 {
		return intstr.FromInt32(listens)
	}
	return intstr.IntOrString{}
}

// nearestPort is the declared port that a wrong name was likely meant for: the one of a near name, of the Service port's
// number, or the only one.
func (p servicePort) nearestPort(declared []corev1.ContainerPort) intstr.IntOrString {
	named := snapshot.Keep(declared, func(port *corev1.ContainerPort) bool { return port.Name != "" })
	if near := words.Nearest(p.TargetPort.StrVal, words.Names(named, func(port *corev1.ContainerPort) string { return port.Name })); near != "" {
		return intstr.FromString(near)
	}
	for _, port := range declared {
		if len(declared) == 1 || port.ContainerPort == p.Port {
			if port.Name != "" {
				return intstr.FromString(port.Name)
			}
			return intstr.FromInt32(port.ContainerPort)
		}
	}
	return intstr.IntOrString{}
}

// advise says what to write, with the command where it is known.
func (p servicePort) advise(f *finding.Finding, right intstr.IntOrString) {
	if right == (intstr.IntOrString{}) {
		f.Recommendation = fmt.Sprintf("Set targetPort of %s to the port that the server listens on.", p)
		return
	}
	f.Recommendation = fmt.Sprintf("Set targetPort of %s to %s.", p, right.String())
	f.Suggest(p.set("targetPort", p.TargetPort, right))
}

// set changes one field of the port, if it is still this port that stands at its place. From nil it adds the field.
func (p servicePort) set(field string, from, to any) *finding.Patch {
	at := func(field string) string { return finding.Pointer("spec", "ports", p.index, field) }
	operations := append([]finding.Operation{finding.Test(at("port"), p.Port)}, finding.Set(at(field), from, to)...)
	return finding.JSONPatch(p.ServiceReference(), p.Snapshot.Namespace, operations...)
}

func addresses(n int) string {
	if n == 1 {
		return "1 address"
	}
	return fmt.Sprintf("%d addresses", n)
}

// joined makes one finding of several about one object: the surest, with the others as evidence.
func joined(findings []finding.Finding) []finding.Finding {
	if len(findings) < 2 {
		return findings
	}
	order := []v1alpha1.Confidence{v1alpha1.Certain, v1alpha1.Likely, v1alpha1.Possible}
	slices.SortStableFunc(findings, func(a, b finding.Finding) int {
		return slices.Index(order, a.Confidence) - slices.Index(order, b.Confidence)
	})
	var kept []finding.Finding
	for _, f := range findings {
		at := slices.IndexFunc(kept, func(other finding.Finding) bool {
			return other.Cause == f.Cause && other.Object.Kind == f.Object.Kind && other.Object.Name == f.Object.Name && other.Object.Namespace == f.Object.Namespace
		})
		if at < 0 {
			kept = append(kept, f)
			continue
		}
		kept[at].Evidence = append(kept[at].Evidence, "also: "+f.Message)
		kept[at].Recommendation = strings.TrimSpace(kept[at].Recommendation + " " + f.Recommendation)
	}
	return kept
}
