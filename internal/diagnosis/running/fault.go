// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// The details of a probe that is set wrongly.
const (
	detailPort     = "Port"
	detailPath     = "Path"
	detailScheme   = "Scheme"
	detailProtocol = "Protocol"
	detailTiming   = "Timing"
	detailHost     = "Host"
	detailCommand  = "Command"
)

// fault is how the spec of a probe contradicts what it asks.
type fault struct {
	detail     string
	confidence v1alpha1.Confidence
	// field of the probe, and why it is wrong: "httpGet.port", "is 9556, and ...".
	field, why string
	evidence   []string
	advice     string
	// patch of the probe; nil where no single value is known to be right.
	patch map[string]any
	// heard: that the patch is right is told by a log or an event, and by no object.
	heard bool
}

// faultOf compares a probe with what it asks. The order matters: who asks in the wrong way of the wrong port is told of
// the port.
func faultOf(s *snapshot.Snapshot, p *probe) (fault, bool) {
	if p.unknown {
		return fault{}, false
	}
	for _, judge := range []func(*snapshot.Snapshot, *probe) (fault, bool){
		wrongCommand, wrongHost, wrongName, wrongScheme, wrongProtocol, wrongPort, wrongPath, wrongTiming,
	} {
		if f, ok := judge(s, p); ok {
			return f, true
		}
	}
	return fault{}, false
}

// wrongCommand: the container lacks the command, so it never succeeds.
func wrongCommand(_ *snapshot.Snapshot, p *probe) (fault, bool) {
	if p.spec.Exec == nil || p.answer.kind != answerNoCommand {
		return fault{}, false
	}
	return fault{
		detail: detailCommand, confidence: v1alpha1.Certain, field: "exec.command",
		why:    fmt.Sprintf("runs %q, which cannot be run in the container", cmp.Or(append(p.spec.Exec.Command, "")[0], "nothing")),
		advice: "Use a command that the image has, or probe with httpGet, grpc or tcpSocket instead.",
	}, true
}

// wrongHost: a probe asks from the node, not from the pod, so localhost is the node ("you probably want to set "Host" in
// httpHeaders instead", type HTTPGetAction).
func wrongHost(_ *snapshot.Snapshot, p *probe) (fault, bool) {
	host := ""
	if p.spec.HTTPGet != nil {
		host = p.spec.HTTPGet.Host
	} else if p.spec.TCPSocket != nil {
		host = p.spec.TCPSocket.Host
	}
	if host == "" || host == p.Pod.Status.PodIP || p.answer.heard() {
		return fault{}, false
	}
	loopback := (listener{host: host}).loopback()
	if loopback && p.Pod.Spec.HostNetwork {
		return fault{}, false // the pod is at the node's own address
	}
	f := fault{
		detail: detailHost, confidence: v1alpha1.Likely, field: p.protocol() + ".host",
		why:    fmt.Sprintf("is %s, so the kubelet asks that host and not the pod", host),
		advice: fmt.Sprintf("Remove %s.host; for a virtual host, set the header Host in httpHeaders.", p.protocol()),
		patch:  map[string]any{p.protocol(): map[string]any{"host": nil}},
	}
	if loopback {
		f.confidence = v1alpha1.Certain
		f.why = fmt.Sprintf("is %s, which is the node's, since the kubelet asks from there", host)
	}
	return f, true
}

// wrongName: the probe names a port that its container does not have.
func wrongName(_ *snapshot.Snapshot, p *probe) (fault, bool) {
	asked, ok := p.asked()
	if !ok || asked.Type == intstr.Int || p.port() != 0 {
		return fault{}, false
	}
	names := words.Names(p.Spec.Ports, func(port *corev1.ContainerPort) string { return port.Name })
	f := fault{
		detail: detailPort, confidence: v1alpha1.Certain, field: p.protocol() + ".port",
		why:    fmt.Sprintf("is %q, and %s has no port of that name", asked.StrVal, p.Container),
		advice: "Name a port of the same container, or give the number.",
	}
	for _, port := range p.Spec.Ports {
		f.evidence = append(f.evidence, fmt.Sprintf("%s declares port %s", p.Container, portName(port)))
	}
	right := words.Nearest(asked.StrVal, names)
	if right == "" && len(names) == 1 {
		right = names[0]
	}
	if right != "" {
		f.advice = fmt.Sprintf("Set it to %s.", right)
		f.patch = map[string]any{p.protocol(): map[string]any{"port": right}}
	}
	return f, true
}

// wrongScheme: HTTP is asked of TLS, or the other way round.
func wrongScheme(s *snapshot.Snapshot, p *probe) (fault, bool) {
	if p.spec.HTTPGet == nil {
		return fault{}, false
	}
	right := corev1.URISchemeHTTP
	if p.scheme() == right {
		right = corev1.URISchemeHTTPS
	}
	f := fault{
		detail: detailScheme, confidence: v1alpha1.Certain, field: "httpGet.scheme",
		why:    fmt.Sprintf("is %s, and port %d speaks %s", p.scheme(), p.port(), right),
		advice: fmt.Sprintf("Set httpGet.scheme to %s.", right),
		patch:  map[string]any{"httpGet": map[string]any{"scheme": right}},
	}
	sibling := workingAt(s, p, p.port())
	proven := sibling != nil && sibling.spec.HTTPGet != nil && sibling.scheme() == right
	if p.answer.kind == answerPlain || p.answer.kind == answerTLS {
		f.heard = !proven
		return f, true
	}
	if !proven || p.answer.kind == answerStatus || p.answer.kind == answerNoSuchPath {
		return fault{}, false
	}
	f.evidence = []string{siblingWorks(sibling)}
	return f, true
}

// wrongProtocol: HTTP is asked of gRPC, or the other way round.
func wrongProtocol(s *snapshot.Snapshot, p *probe) (fault, bool) {
	if p.spec.HTTPGet == nil && p.spec.GRPC == nil {
		return fault{}, false
	}
	f := fault{detail: detailProtocol, confidence: v1alpha1.Certain, field: p.protocol()}
	sibling := workingAt(s, p, p.port())
	if sibling != nil && (sibling.protocol() == p.protocol() || sibling.spec.HTTPGet == nil && sibling.spec.GRPC == nil) {
		sibling = nil
	}
	switch {
	case p.answer.kind == answerHTTP2:
		f.why = fmt.Sprintf("asks port %d by HTTP/1, and it speaks HTTP/2, as gRPC does", p.port())
	case p.answer.kind == answerNotGRPC:
		f.why = fmt.Sprintf("asks port %d by gRPC, and it does not speak it", p.port())
	case p.answer.kind == answerNoHealth:
		f.why = fmt.Sprintf("asks port %d for the gRPC health service, and the server does not serve it", p.port())
	case sibling != nil && !(p.spec.HTTPGet != nil && p.answer.heard()):
		f.why = fmt.Sprintf("asks port %d by %s, and the %s probe succeeds there by %s", p.port(), p.protocol(), sibling.kind, sibling.protocol())
		if p.seen == nil {
			f.confidence = v1alpha1.Likely
		}
	default:
		return fault{}, false
	}
	f.advice, f.patch = otherProtocol(p, sibling)
	f.heard = sibling == nil
	if sibling != nil {
		f.evidence = []string{siblingWorks(sibling)}
	}
	return f, true
}

// otherProtocol is the handler to use instead: that of a probe that works, else the one that the answer calls for.
func otherProtocol(p, sibling *probe) (advice string, patch map[string]any) {
	switch {
	case sibling != nil:
		return fmt.Sprintf("Use %s, as the %s probe does.", sibling, sibling.kind), map[string]any{p.protocol(): nil, sibling.protocol(): handler(sibling)}
	case p.answer.kind == answerHTTP2:
		return fmt.Sprintf("Use grpc with port %d, if the server serves the gRPC health service, else tcpSocket.", p.port()), map[string]any{p.protocol(): nil, "grpc": map[string]any{"port": p.port()}}
	case p.answer.kind == answerNoHealth:
		return "Serve grpc.health.v1.Health, or use tcpSocket.", map[string]any{p.protocol(): nil, "tcpSocket": map[string]any{"port": p.port()}}
	default:
		return fmt.Sprintf("Use httpGet or tcpSocket with port %d.", p.port()), nil
	}
}

// handler is what a probe asks, as a patch has it.
func handler(p *probe) map[string]any {
	asked, _ := p.asked()
	made := map[string]any{"port": asked}
	if get := p.spec.HTTPGet; get != nil {
		made["path"] = cmp.Or(get.Path, "/")
		if p.scheme() != corev1.URISchemeHTTP {
			made["scheme"] = p.scheme()
		}
	}
	return made
}

// workingAt finds another probe of the container that succeeds at a port.
func workingAt(s *snapshot.Snapshot, p *probe, port int32) *probe {
	for _, sibling := range probesOf(s, p.Container) {
		if sibling.kind != p.kind && port != 0 && sibling.port() == port && sibling.works(s) {
			return sibling
		}
	}
	return nil
}

func siblingWorks(sibling *probe) string {
	return fmt.Sprintf("the %s probe asks %s, and succeeds", sibling.kind, sibling)
}

// suggest suggests the change of the probe in the workload. A sidecar is an init container there.
func (t trouble) suggest(s *snapshot.Snapshot, f *finding.Finding) {
	if t.fault.patch == nil {
		return
	}
	patch := finding.ContainerPatch(s.Workload, t.Spec.Name, map[string]any{t.kind.field(): t.fault.patch})
	if t.fault.heard {
		f.SuggestByHand(patch)
	} else {
		f.Suggest(patch)
	}
}
