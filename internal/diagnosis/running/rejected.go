// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// secretive matches the names of variables and keys that hold credentials.
var secretive = regexp.MustCompile(`(?i)user|pass|pwd|token|secret|cred|auth|dsn|_url$|_uri$|api_?key`)

// credentialsRejected finds clients whose log says that a dependency does not let them in. The client's own configuration is
// what is wrong, or what it is to be compared with.
func credentialsRejected(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, u := range sufferers(s) {
		for _, m := range slices.Backward(u.told) {
			if m.Cause != v1alpha1.CauseCredentialsRejected {
				continue
			}
			if f, ok := rejected(s, u, m); ok {
				findings = append(findings, f)
				break // the newest; one finding a workload
			}
		}
	}
	return findings[:min(len(findings), 1)]
}

func rejected(s *snapshot.Snapshot, u sufferer, m logs.Match) (finding.Finding, bool) {
	confidence, ok := u.trust(m)
	if !ok || !u.final(s, m) || m.Peer == "" && serves(u.Spec, systemOf(m, 0)) { // a server tells of those that it rejects
		return finding.Finding{}, false
	}
	p := peerOf(s, u.Spec, m)
	if u.crashes && p.Service != nil && answersAt(s, p.Service) {
		confidence = v1alpha1.Certain // it is there, and its refusal ended the client
	}
	kind := systemOf(m, p.Port)
	message := fmt.Sprintf("%s: %s rejects its credentials", words.UpperFirst(inFirst(s, u.Container)), who(p, kind))
	if m.What != "" {
		message += fmt.Sprintf(" (user %s)", m.What)
	}
	f := finding.New(v1alpha1.CauseCredentialsRejected, s.Owner(u.Container), confidence, message, u.quote(m), m.Proves)
	f.Detail = cmp.Or(string(kind), m.Detail)
	sources := credentials(u.Spec)
	f.Evidence = append(append(f.Evidence, sources...), u.replicas())
	f.Recommendation = fmt.Sprintf("Compare the user and the password or token that %s uses with what %s knows, correct the one that is wrong, and restart %s.", s.In(u.Container), who(p, kind), s.Culprit().Name)
	if len(sources) > 0 {
		f.Recommendation += " " + words.UpperFirst(sources[0]) + "."
	}
	f.Stuck = true
	return f, true
}

// who names the peer, as far as it is known.
func who(p peer, kind system) string {
	switch {
	case p.Service != nil:
		return "Service " + p.Service.Name
	case p.Host != "":
		return p.Host
	case kind == systemHTTP:
		return "an API that it calls"
	case kind != "":
		return "its " + words.Lower(string(kind))
	default:
		return "a dependency"
	}
}

func (u sufferer) quote(m logs.Match) string {
	if m.Count > 1 {
		return fmt.Sprintf("log of Pod %s (%d times): %s", u.Pod.Name, m.Count, m.Line)
	}
	return fmt.Sprintf("log of Pod %s: %s", u.Pod.Name, m.Line)
}

// credentials are the places where the container gets its credentials from, never the values.
func credentials(c corev1.Container) []string {
	var told []string
	for _, ref := range snapshot.KeyRefs(&corev1.PodSpec{Containers: []corev1.Container{c}}) {
		if ref.Kind != snapshot.KindSecret || ref.Key != "" && !secretive.MatchString(ref.Path) && !secretive.MatchString(ref.Key) {
			continue
		}
		if ref.Key == "" {
			told = append(told, fmt.Sprintf("Secret %s is %s", ref.Name, ref.Path))
			continue
		}
		told = append(told, fmt.Sprintf("key %s of Secret %s is %s", ref.Key, ref.Name, ref.Path))
	}
	return told[:min(len(told), 4)]
}

// answersAt reports whether a Service of the namespace has somebody to answer.
func answersAt(s *snapshot.Snapshot, service *corev1.Service) bool {
	other := s.Sibling(service.Name)
	return other != nil && other.ReadyEndpoints() > 0
}
