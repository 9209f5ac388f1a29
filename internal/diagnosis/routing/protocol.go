// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

var (
	// overTCP matches the names of ports whose protocol runs over TCP, in the form that meshes read: "http", "http-mcp".
	overTCP = regexp.MustCompile(`^(?:http|https|http2|grpc|grpc-web|tcp|tls|mcp|redis|mysql|mongo|mongodb|postgres|ws|wss)(?:-.*)?$`)
	// overUDP matches those that say themselves that they are HTTP over UDP (RFC 9114).
	overUDP = regexp.MustCompile(`(?i)udp|quic|http3|http-3|\bh3\b|dtls`)
	// notHTTP are the appProtocols that do not answer plain HTTP/1.1, which an MCP handshake speaks.
	notHTTP = regexp.MustCompile(`^(?:https|tls|grpc|grpc-web|kubernetes\.io/h2c|redis|mysql|mongo|mongodb|postgres|tcp|udp)$`)
)

// protocolMismatch finds ports of the Service that speak another protocol than the container. The endpoints are there and
// look well: kube-proxy forwards only packets of the Service's protocol.
func protocolMismatch(s *snapshot.Snapshot) []finding.Finding {
	backends := s.BackendsOf(s.Service)
	if len(backends) == 0 {
		return nil
	}
	var findings []finding.Finding
	for i := range s.Service.Spec.Ports {
		p := servicePort{s, backends, i, s.Service.Spec.Ports[i]}
		if f, ok := p.wrongTransport(); ok {
			findings = append(findings, f)
		} else if f, ok := p.wrongApplication(); ok {
			findings = append(findings, f)
		}
	}
	return joined(findings)
}

// wrongTransport finds a port of UDP before a container port of TCP, or the reverse.
func (p servicePort) wrongTransport() (finding.Finding, bool) {
	mine := snapshot.ProtocolOf(p.Protocol)
	if p.both() || p.taken() {
		return finding.Finding{}, false
	}
	other, declared := p.otherProtocol()
	why := p.nameOverTCP()
	switch {
	case declared == mine, declared == "" && (mine != corev1.ProtocolUDP || why == ""):
		return finding.Finding{}, false
	case declared == "":
		declared = corev1.ProtocolTCP
	}
	f := finding.New(v1alpha1.CauseProtocolMismatch, p.ServiceReference(), v1alpha1.Likely, "")
	f.Detail = "Transport"
	if other.ContainerPort != 0 {
		f.Message = fmt.Sprintf("%s is %s, and the container port %s that it leads to is %s", p, mine, showContainerPort(other), declared)
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s: protocol %s", p, mine), fmt.Sprintf("%s: container port %s, protocol %s", p.backends[0].Name, showContainerPort(other), declared))
	} else {
		f.Message = fmt.Sprintf("%s is %s, and %s, which runs over TCP", p, mine, why)
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s: protocol %s", p, mine))
	}
	if why != "" && other.ContainerPort != 0 {
		f.Evidence = append(f.Evidence, why+", which runs over TCP")
	}
	// A name must agree in its protocol too, else the endpoints lack the port. A number's protocol only informs.
	if p.TargetPort.Type == intstr.String || why != "" && mine == corev1.ProtocolUDP && other.ContainerPort != 0 || p.refused() {
		f.Confidence = v1alpha1.Certain
	}
	f.Recommendation = fmt.Sprintf("Set protocol of %s to %s.", p, declared)
	f.Suggest(p.set("protocol", mine, declared))
	return f, true
}

// both reports whether the Service has the port with the other protocol too, as for DNS and HTTP/3: one of them works.
func (p servicePort) both() bool {
	return slices.ContainsFunc(p.Service.Spec.Ports, func(other corev1.ServicePort) bool {
		return snapshot.ProtocolOf(other.Protocol) != snapshot.ProtocolOf(p.Protocol) &&
			(other.Port == p.Port || other.TargetPort == p.TargetPort && p.TargetPort != intstr.IntOrString{})
	})
}

// otherProtocol finds the container port that the port leads to and its protocol. A pod that has it with the Service's
// protocol decides; no pod that has it gives none.
func (p servicePort) otherProtocol() (other corev1.ContainerPort, protocol corev1.Protocol) {
	for _, b := range p.backends {
		for _, c := range snapshot.LongRunning(b.Spec) {
			for _, port := range c.Ports {
				if !p.leadsTo(port) {
					continue
				}
				if snapshot.ProtocolOf(port.Protocol) == snapshot.ProtocolOf(p.Protocol) {
					return port, snapshot.ProtocolOf(p.Protocol)
				}
				other, protocol = port, snapshot.ProtocolOf(port.Protocol)
			}
		}
	}
	return other, protocol
}

func (p servicePort) leadsTo(port corev1.ContainerPort) bool {
	switch {
	case p.TargetPort.Type == intstr.String:
		return port.Name == p.TargetPort.StrVal
	case p.TargetPort.IntVal != 0:
		return port.ContainerPort == p.TargetPort.IntVal
	default:
		return port.ContainerPort == p.Port
	}
}

// nameOverTCP tells by what a port says that it is of a protocol over TCP.
func (p servicePort) nameOverTCP() string {
	switch {
	case overUDP.MatchString(p.Name):
		return ""
	case p.AppProtocol != nil && (overTCP.MatchString(*p.AppProtocol) || strings.HasPrefix(*p.AppProtocol, "kubernetes.io/")):
		return "its appProtocol is " + *p.AppProtocol
	case overTCP.MatchString(p.Name):
		return "its name is " + p.Name
	default:
		return ""
	}
}

// wrongApplication finds an appProtocol that the container contradicts: a handshake in HTTP that was taken and not
// understood, or a gRPC probe that passes where HTTP is said.
func (p servicePort) wrongApplication() (finding.Finding, bool) {
	if p.AppProtocol == nil {
		return finding.Finding{}, false
	}
	said := *p.AppProtocol
	f := finding.New(v1alpha1.CauseProtocolMismatch, p.ServiceReference(), v1alpha1.Likely, "")
	f.Detail = "AppProtocol"
	shake := p.Handshake
	switch {
	case shake != nil && isMCPPort(p.Service, p.ServicePort) && shake.Accepted && (shake.Class == v1alpha1.ErrorProtocol || shake.Class == v1alpha1.ErrorTLS) && notHTTP.MatchString(said):
		f.Message = fmt.Sprintf("%s has appProtocol %s, and an MCP handshake in plain HTTP is not understood there", p, said)
		f.Evidence = []string{"MCP handshake: " + shake.Message, fmt.Sprintf("%s: appProtocol %s", p, said)}
		f.Recommendation = fmt.Sprintf("Name the port that speaks plain HTTP in the annotation %s of Service %s, or let the server speak it on port %s.", v1alpha1.AnnotationPort, p.Service.Name, showPort(p.ServicePort))
		return f, true
	case said == "http" || said == "https":
		proof, ok := p.grpcProbe()
		f.Message = fmt.Sprintf("%s has appProtocol %s, and the container speaks gRPC there", p, said)
		f.Evidence = []string{proof, fmt.Sprintf("%s: appProtocol %s", p, said)}
		f.Recommendation = fmt.Sprintf("Set appProtocol of %s to grpc.", p)
		f.Suggest(p.set("appProtocol", said, "grpc"))
		return f, ok
	default:
		return finding.Finding{}, false
	}
}

// grpcProbe tells a gRPC probe of the port that a ready pod passes.
func (p servicePort) grpcProbe() (string, bool) {
	for _, b := range p.backends {
		number, ok := snapshot.PortOf(p.ServicePort, b.Spec)
		for _, c := range b.Spec.Containers {
			if ok && b.Pod != nil && snapshot.IsReady(b.Pod) && c.ReadinessProbe != nil && c.ReadinessProbe.GRPC != nil && c.ReadinessProbe.GRPC.Port == number {
				return fmt.Sprintf("%s passes a gRPC readiness probe on port %d", words.UpperFirst(b.Name), number), true
			}
		}
	}
	return "", false
}
