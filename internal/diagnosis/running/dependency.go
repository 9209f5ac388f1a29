// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const (
	detailExternal = "External"
	detailDeclared = "Declared"
	detailNamed    = "Named"
	detailObserved = "Observed"
	// detailElsewhere is a Service of another namespace, of which nothing was read.
	detailElsewhere = "OtherNamespace"
)

// telemetry matches the names of what a server tells of itself to: it is often down, and hardly ever missed.
var telemetry = regexp.MustCompile(`(?i)otel|opentelemetry|jaeger|zipkin|tempo|collector|statsd|telemetry|tracing|prometheus|pushgateway|loki|fluent|sentry|datadog`)

// dependencyUnavailable finds the Services that the target needs and that are not well themselves. The target must suffer:
// a server that does without is not to be told of it.
func dependencyUnavailable(s *snapshot.Snapshot) []finding.Finding {
	users := sufferers(s)
	if len(users) == 0 {
		return nil
	}
	var findings []finding.Finding
	add := func(f finding.Finding, ok bool) {
		if ok && !slices.ContainsFunc(findings, func(o finding.Finding) bool {
			return o.Object.Name == f.Object.Name && o.Object.Kind == f.Object.Kind && f.Detail != detailExternal
		}) {
			findings = append(findings, f)
		}
	}
	for _, u := range users {
		for _, m := range u.told {
			if m.Cause == v1alpha1.CauseDependencyUnavailable {
				add(observed(s, u, m))
			}
		}
	}
	for _, name := range dependency.Declared(s.Service) {
		add(declaredDown(s, users, name))
	}
	for _, u := range users {
		for _, r := range dependency.References(s, u.Spec) {
			add(namedDown(s, u, r))
		}
	}
	return findings
}

// observed judges a peer that the log of the target complains of.
func observed(s *snapshot.Snapshot, u sufferer, m logs.Match) (finding.Finding, bool) {
	p := peerOf(s, u.Spec, m)
	evidence := []string{u.quote(m)}
	switch {
	case p.Service != nil:
		why, down := unwell(s, p.Service)
		if !down {
			return finding.Finding{}, false
		}
		confidence := v1alpha1.Likely
		if u.surely && u.final(s, m) {
			confidence = v1alpha1.Certain
		}
		return dependencyFinding(s, p.Service, detailObserved, less(confidence, p.Service.Name), u, why, evidence), true
	case !u.surely || !u.final(s, m) || telemetry.MatchString(p.Host):
		return finding.Finding{}, false
	case p.ForeignName != "":
		f := finding.New(v1alpha1.CauseDependencyUnavailable, v1alpha1.ObjectReference{Kind: snapshot.KindService, Namespace: p.ForeignNamespace, Name: p.ForeignName}, v1alpha1.Likely,
			fmt.Sprintf("%s does not get through to Service %s of namespace %s", words.UpperFirst(s.In(u.Container)), p.ForeignName, p.ForeignNamespace), evidence...)
		f.Detail = detailElsewhere
		f.Recommendation = fmt.Sprintf("See whether Service %s of namespace %s has ready endpoints: kubectl get endpointslices -n %s -l kubernetes.io/service-name=%s", p.ForeignName, p.ForeignNamespace, p.ForeignNamespace, p.ForeignName)
		return f, true
	case p.External():
		f := finding.New(v1alpha1.CauseDependencyUnavailable, s.Owner(u.Container), v1alpha1.Likely,
			fmt.Sprintf("%s does not get through to %s, which is outside the cluster", words.UpperFirst(s.In(u.Container)), m.Peer), append(evidence, m.Proves)...)
		f.Detail = detailExternal
		f.Recommendation = fmt.Sprintf("See whether %s is up and may be reached from the cluster: egress rules, firewall, proxy, DNS.", m.Peer)
		return f, true
	default:
		return finding.Finding{}, false
	}
}

// final reports whether a match is the last that the container has to say of a fault: what comes before the error that
// ended it need not have to do with that.
func (u sufferer) final(s *snapshot.Snapshot, m logs.Match) bool {
	return m.Last >= logs.Reason(saidBy(s, u.Container)).First
}

// declaredDown judges a Service that people have declared the target to need. Whichever container suffers, it may be for that.
func declaredDown(s *snapshot.Snapshot, users []sufferer, name string) (finding.Finding, bool) {
	i := slices.IndexFunc(users, func(u sufferer) bool { return u.surely })
	if i < 0 {
		return finding.Finding{}, false
	}
	evidence := []string{fmt.Sprintf("annotation %s of Service %s names %s", v1alpha1.AnnotationDependsOn, s.Service.Name, name)}
	if service := snapshot.ServiceNamed(s.Services, name); service != nil {
		why, down := unwell(s, service)
		return dependencyFinding(s, service, detailDeclared, v1alpha1.Likely, users[i], why, evidence), down
	}
	if !s.Complete(snapshot.KindService) || strings.Contains(name, ".") {
		return finding.Finding{}, false
	}
	f := finding.New(v1alpha1.CauseDependencyUnavailable, v1alpha1.ObjectReference{Kind: snapshot.KindService, Name: name}, v1alpha1.Likely,
		fmt.Sprintf("Service %s, which %s is declared to need, does not exist", name, s.Service.Name), evidence...)
	f.Detail = detailDeclared
	f.Recommendation = fmt.Sprintf("Create Service %s, or correct annotation %s of Service %s.", name, v1alpha1.AnnotationDependsOn, s.Service.Name)
	if near := words.Nearest(name, words.Names(s.Services, func(service *corev1.Service) string { return service.Name })); near != "" && near != s.Service.Name {
		f.Evidence = append(f.Evidence, fmt.Sprintf("Service %s exists", near))
	}
	return f, true
}

// namedDown judges a Service that the target's configuration names. Where the log speaks of another error, that it is down
// may be beside the point.
func namedDown(s *snapshot.Snapshot, u sufferer, r dependency.Reference) (finding.Finding, bool) {
	if !u.surely || u.cannotRun() || !u.crashes && s.Age(u.Running()) < slowStart {
		return finding.Finding{}, false
	}
	why, down := unwell(s, r.Service)
	if !down {
		return finding.Finding{}, false
	}
	confidence := v1alpha1.Likely
	if reason := logs.Reason(saidBy(s, u.Container)).Line; reason != "" && !strings.Contains(reason, r.Service.Name) {
		confidence = v1alpha1.Possible
	}
	if telemetry.MatchString(r.Said) || probeIsWrong(s, u.Container) {
		confidence = v1alpha1.Possible
	}
	evidence := []string{fmt.Sprintf("%s: %s names Service %s", u.Container, r.Said, r.Service.Name)}
	return dependencyFinding(s, r.Service, detailNamed, less(confidence, r.Service.Name), u, why, evidence), true
}

// probeIsWrong reports whether a probe of the container is set wrongly, which is reason enough for it to suffer.
func probeIsWrong(s *snapshot.Snapshot, c snapshot.Container) bool {
	return slices.ContainsFunc(probesOf(s, c), func(p *probe) bool {
		t, ok := troubleOf(s, p)
		return ok && t.faulty
	})
}

// cannotRun reports whether the container never came to need anybody: its command could not be run.
func (u sufferer) cannotRun() bool {
	ended := u.Ended()
	return ended != nil && ended.ExitCode >= 126 && ended.ExitCode <= 128
}

// less takes the confidence back for what only collects telemetry.
func less(confidence v1alpha1.Confidence, name string) v1alpha1.Confidence {
	if telemetry.MatchString(name) {
		return v1alpha1.Possible
	}
	return confidence
}

func dependencyFinding(s *snapshot.Snapshot, service *corev1.Service, detail string, confidence v1alpha1.Confidence, u sufferer, why []string, evidence []string) finding.Finding {
	if len(why) == 0 {
		return finding.Finding{}
	}
	message := fmt.Sprintf("%s needs Service %s, which %s", words.UpperFirst(s.In(u.Container)), service.Name, why[0])
	f := finding.New(v1alpha1.CauseDependencyUnavailable, snapshot.Reference(snapshot.KindService, service), confidence, message, slices.Concat(evidence, why[1:], []string{u.replicas()})...)
	f.Detail = detail
	f.Recommendation = fmt.Sprintf("Heal Service %s first: kubectl get pods -n %s -l %s", service.Name, s.Namespace, words.ShowLabels(service.Spec.Selector)) + allow(s, service)
	f.Stuck = true
	return f
}

// allow says what keeps Cortex from healing a dependency by itself: that nobody has opted it in, or that nothing but a log says
// that the target needs it.
func allow(s *snapshot.Snapshot, service *corev1.Service) string {
	var missing []string
	if !mcpserver.OptedIn(service) {
		missing = append(missing, fmt.Sprintf("kubectl label service %s -n %s %s=true", service.Name, s.Namespace, v1alpha1.LabelDependency))
	}
	named := slices.ContainsFunc(dependency.Needs(s), func(n dependency.Need) bool { return n.Service == service.Name })
	if !named && s.Service != nil {
		names := strings.Join(append(dependency.Declared(s.Service), service.Name), ",")
		missing = append(missing, fmt.Sprintf("kubectl annotate service %s -n %s --overwrite %s=%s", s.Service.Name, s.Namespace, v1alpha1.AnnotationDependsOn, names))
	}
	if len(missing) == 0 {
		return ""
	}
	return ". To let Cortex do so: " + strings.Join(missing, " && ")
}
