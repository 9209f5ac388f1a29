// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"cmp"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// probeKind is which of a container's probes.
type probeKind string

const (
	liveness  probeKind = "liveness"
	readiness probeKind = "readiness"
	startup   probeKind = "startup"
)

// field is where the probe stands in the spec of its container.
func (k probeKind) field() string { return string(k) + "Probe" }

// slowStart is how long a container may be not ready after its start before that is called a failure: many programs take
// their time, and a restart would only make them begin anew.
const slowStart = time.Minute

// probe is one probe of one container, with all that was seen of it.
type probe struct {
	snapshot.Container
	kind probeKind
	// spec as its author wrote it, with Istio's rewriting undone.
	spec *corev1.Probe
	// rewritten: Istio's agent asks the container, and answers in its place.
	rewritten bool
	// unknown: a proxy answers in place of the container, and what it asks is not told.
	unknown bool
	// seen is the newest event Unhealthy, and answer what it tells; nil if there is none that speaks of this run.
	seen   *corev1.Event
	answer answer
	// killed is the newest event Killing; nil if there is none.
	killed *corev1.Event
}

// probesOf are the probes of a container.
func probesOf(s *snapshot.Snapshot, c snapshot.Container) []*probe {
	var all []*probe
	for _, one := range []struct {
		kind probeKind
		spec *corev1.Probe
	}{{liveness, c.Spec.LivenessProbe}, {readiness, c.Spec.ReadinessProbe}, {startup, c.Spec.StartupProbe}} {
		if one.spec == nil {
			continue
		}
		p := &probe{Container: c, kind: one.kind}
		p.rewritten = isRewritten(one.spec)
		p.spec, p.unknown = original(s, c, one.kind, one.spec)
		p.witness(s)
		all = append(all, p)
	}
	return all
}

// witness finds the newest events of the probe.
func (p *probe) witness(s *snapshot.Snapshot) {
	for _, event := range s.EventsIn(p.Container) {
		switch event.Reason {
		case "Unhealthy":
			if p.seen != nil || !p.current(s, &event) {
				continue
			}
			if kind, text, ok := unhealthyProbe(event.Message); ok && kind == p.kind {
				p.seen, p.answer = &event, classify(text)
				if p.rewritten && p.answer.status == 500 {
					p.answer.kind = answerOther // the agent's own, for whatever it saw
				}
			}
		case "Killing":
			parts := killing.FindStringSubmatch(event.Message)
			if parts != nil && probeKind(parts[1]) == p.kind && p.killed == nil && s.Age(snapshot.EventTime(&event)) < snapshot.Recent {
				p.killed = &event
			}
		}
	}
}

// current reports whether an event is of now: recent, or at least of the run that is on.
func (p *probe) current(s *snapshot.Snapshot, event *corev1.Event) bool {
	at := snapshot.EventTime(event)
	began := p.Running()
	return s.Age(at) < snapshot.Recent || !began.IsZero() && at.After(began)
}

// The defaults of a probe, which a dump's template may not have (k8s.io/api/core/v1, type Probe).
func (p *probe) period() time.Duration  { return seconds(cmp.Or(p.spec.PeriodSeconds, 10)) }
func (p *probe) timeout() time.Duration { return seconds(cmp.Or(p.spec.TimeoutSeconds, 1)) }
func (p *probe) failures() int32        { return cmp.Or(p.spec.FailureThreshold, 3) }

// budget is how long a container has from its start until the probe has failed often enough to matter.
func (p *probe) budget() time.Duration {
	return seconds(p.spec.InitialDelaySeconds) + p.period()*time.Duration(p.failures())
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// protocol of the probe: httpGet, grpc, tcpSocket or exec.
func (p *probe) protocol() string {
	switch {
	case p.spec.HTTPGet != nil:
		return "httpGet"
	case p.spec.GRPC != nil:
		return "grpc"
	case p.spec.TCPSocket != nil:
		return "tcpSocket"
	default:
		return "exec"
	}
}

// asked is the port as the spec names it; the second result is false for a command.
func (p *probe) asked() (intstr.IntOrString, bool) {
	switch {
	case p.spec.HTTPGet != nil:
		return p.spec.HTTPGet.Port, true
	case p.spec.GRPC != nil:
		return intstr.FromInt32(p.spec.GRPC.Port), true
	case p.spec.TCPSocket != nil:
		return p.spec.TCPSocket.Port, true
	default:
		return intstr.IntOrString{}, false
	}
}

// port is the number of the port; 0 for a command or a name that the container does not have. The kubelet looks a name up
// in the same container only (pkg/kubelet/prober, probe.ResolveContainerPort).
func (p *probe) port() int32 {
	asked, _ := p.asked()
	if asked.Type == intstr.Int {
		return asked.IntVal
	}
	number, _ := snapshot.NamedPort([]corev1.Container{p.Spec}, asked.StrVal)
	return number
}

// scheme of an HTTP probe.
func (p *probe) scheme() corev1.URIScheme { return cmp.Or(p.spec.HTTPGet.Scheme, corev1.URISchemeHTTP) }

// String tells what the probe asks: "httpGet :9555/healthz".
func (p *probe) String() string {
	asked, ok := p.asked()
	switch {
	case !ok:
		return "exec"
	case p.spec.HTTPGet != nil:
		return fmt.Sprintf("httpGet :%s%s", asked.String(), p.spec.HTTPGet.Path)
	default:
		return fmt.Sprintf("%s :%s", p.protocol(), asked.String())
	}
}

// quote tells what the probe saw, as evidence.
func (p *probe) quote(s *snapshot.Snapshot) string {
	if p.seen == nil {
		return ""
	}
	return fmt.Sprintf("event Unhealthy of Pod %s (%s, last %s): %s", p.Pod.Name, times(snapshot.EventCount(p.seen)), s.Ago(snapshot.EventTime(p.seen)), p.seen.Message)
}

// quoteKill tells that the kubelet killed the container for the probe.
func (p *probe) quoteKill(s *snapshot.Snapshot) string {
	if p.killed == nil {
		return ""
	}
	return fmt.Sprintf("event Killing of Pod %s (%s, last %s): %s", p.Pod.Name, times(snapshot.EventCount(p.killed)), s.Ago(snapshot.EventTime(p.killed)), p.killed.Message)
}

func times(n int32) string {
	if n == 1 {
		return "once"
	}
	return words.Count(int(n), "time")
}
