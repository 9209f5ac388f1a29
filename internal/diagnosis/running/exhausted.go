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
)

// state is what a dependency is in, by one of the two causes of which it is the object: its clients only show it.
type state struct {
	cause v1alpha1.Cause
	// is completes "Service x ...", own "container y of Deployment z ...".
	is, own string
	advice  string
	// clients are the details of the client's own side, which are no fault of the dependency.
	clients []string
	// setting matches the argument or variable of a dependency that brings it about; nil if none does by itself.
	setting *regexp.Regexp
	// lasts: it does not pass by itself, so that clients that are ready all the same suffer from it too.
	lasts bool
}

var (
	exhausted = state{
		cause: v1alpha1.CauseConnectionExhausted, is: "takes no more connections", own: "has no free connection",
		advice:  "See who holds the connections, close the idle ones, lower the pools of the clients or raise the server's limit (max_connections, maxclients).",
		clients: []string{"Pool", "Workers"},
	}
	readOnly = state{
		cause: v1alpha1.CauseReadOnlyStorage, is: "takes no writes", own: "writes to what is read-only",
		advice:  "See why it does not take writes: its read-only setting, its role (a replica), a full or failed disk; then send writes to the primary or make it writable.",
		clients: []string{"FileSystem"}, lasts: true,
		setting: regexp.MustCompile(`(?i)^(?:--)?(?:super[_-]?|replica-|slave-)?read[_-]?only(?:$|[ =](?:1|on|true|yes))|transaction_read_only[ =](?:1|on)`),
	}
)

func connectionExhausted(s *snapshot.Snapshot) []finding.Finding { return exhausted.find(s) }

func readOnlyStorage(s *snapshot.Snapshot) []finding.Finding { return readOnly.find(s) }

// find looks at what the target's log says of its dependencies, and at what the target shows of itself.
func (st state) find(s *snapshot.Snapshot) []finding.Finding {
	if f, ok := st.ofSelf(s); ok {
		return []finding.Finding{f}
	}
	var findings []finding.Finding
	for _, u := range sufferers(s) {
		for _, m := range slices.Backward(u.told) {
			if m.Cause != st.cause {
				continue
			}
			f, ok := st.ofPeer(s, u, m)
			if ok && !slices.ContainsFunc(findings, func(o finding.Finding) bool { return o.Object == f.Object }) {
				findings = append(findings, f)
			}
		}
	}
	if len(findings) == 0 {
		return st.unheard(s)
	}
	return findings
}

// ofPeer judges what the log of a client says. The client's own pool or file system is its own fault.
func (st state) ofPeer(s *snapshot.Snapshot, u sufferer, m logs.Match) (finding.Finding, bool) {
	confidence, ok := u.trust(m)
	if !ok || !u.final(s, m) {
		return finding.Finding{}, false
	}
	var p peer
	own := slices.Contains(st.clients, m.Detail)
	if !own {
		p = st.peerOf(s, u.Spec, m)
	}
	evidence := []string{u.quote(m), m.Proves, u.replicas()}
	if p.only != "" {
		evidence = append(evidence, p.only)
	}
	if p.Service == nil {
		f := finding.New(st.cause, s.Owner(u.Container), confidence, words.UpperFirst(s.In(u.Container))+" "+st.own, evidence...)
		if !own {
			f.Message = fmt.Sprintf("%s: %s %s", words.UpperFirst(inFirst(s, u.Container)), who(p, systemOf(m, p.Port)), st.is)
		}
		f.Detail, f.Recommendation = m.Detail, st.advice
		if path := readOnlyPath(u.Spec, m.What); st.cause == v1alpha1.CauseReadOnlyStorage && path != "" && confidence == v1alpha1.Likely {
			f.Confidence = v1alpha1.Certain
			f.Evidence = append(f.Evidence, path)
			f.Message += ": " + path
			f.Recommendation = fmt.Sprintf("Mount an emptyDir or a claim where %s writes, or make that mount writable.", s.In(u.Container))
		}
		return f, true
	}
	witnesses := st.witnesses(s, p.Service)
	switch {
	case len(witnesses) > 0 && confidence == v1alpha1.Likely && p.only == "":
		confidence = v1alpha1.Certain
	case len(witnesses) > 0 && confidence == v1alpha1.Possible && st.lasts && u.lately(s, m):
		confidence = v1alpha1.Likely // a ready container that serves and cannot write is well to nobody
	}
	f := finding.New(st.cause, snapshot.Reference(snapshot.KindService, p.Service), confidence,
		fmt.Sprintf("Service %s, which %s needs, %s", p.Service.Name, s.In(u.Container), st.is), append(evidence, witnesses...)...)
	f.Detail, f.Recommendation, f.Stuck = m.Detail, fmt.Sprintf("Service %s: %s", p.Service.Name, st.advice), true
	return f, true
}

// peerOf is whom a match is about, by its name or because there is only one whom it can be about.
func (st state) peerOf(s *snapshot.Snapshot, c corev1.Container, m logs.Match) peer {
	p := peerOf(s, c, m)
	if p.Host != "" {
		return p
	}
	if service := onlyServer(s, c, m); service != nil {
		return peer{dependency.Peer{Host: service.Name, Service: service}, fmt.Sprintf("nothing else in namespace %s can be meant", s.Namespace)}
	}
	return p
}

// unheard judges the dependencies of a target of which no log is known, by what they show themselves.
func (st state) unheard(s *snapshot.Snapshot) []finding.Finding {
	for _, u := range sufferers(s) {
		if !u.surely || saidBy(s, u.Container) != "" {
			continue
		}
		for _, r := range dependency.References(s, u.Spec) {
			other := s.Sibling(r.Service.Name)
			if other == nil {
				continue
			}
			if shown := st.shows(other, false); len(shown) > 0 {
				f := finding.New(st.cause, snapshot.Reference(snapshot.KindService, r.Service), v1alpha1.Likely,
					fmt.Sprintf("Service %s, which %s needs, %s", r.Service.Name, s.In(u.Container), st.is), append(shown, fmt.Sprintf("%s: %s", u.Container, r.Said))...)
				f.Recommendation, f.Stuck = fmt.Sprintf("Service %s: %s", r.Service.Name, st.advice), true
				return []finding.Finding{f}
			}
		}
	}
	return nil
}

// ofSelf judges the target as the dependency that it is to others.
func (st state) ofSelf(s *snapshot.Snapshot) (finding.Finding, bool) {
	shown := st.shows(s, true)
	if len(shown) == 0 {
		return finding.Finding{}, false
	}
	confidence := v1alpha1.Likely
	told := append(st.logged(s), st.settings(s)...)
	if len(told) > 0 {
		confidence = v1alpha1.Certain
	}
	f := finding.New(st.cause, s.Culprit(), confidence, fmt.Sprintf("%s %s", s.Title(), st.is), append(shown, told...)...)
	f.Detail, f.Recommendation = "Server", st.advice
	return f, true
}

// readOnlyPath tells which mount or setting makes a path read-only; "" if none does.
func readOnlyPath(c corev1.Container, path string) string {
	var best *corev1.VolumeMount
	for i := range c.VolumeMounts {
		mount := &c.VolumeMounts[i]
		if strings.HasPrefix(path+"/", strings.TrimSuffix(mount.MountPath, "/")+"/") && (best == nil || len(mount.MountPath) > len(best.MountPath)) {
			best = mount
		}
	}
	switch {
	case path == "":
		return ""
	case best != nil && best.ReadOnly:
		return fmt.Sprintf("volume %s is mounted read-only at %s", best.Name, best.MountPath)
	case best == nil && c.SecurityContext != nil && c.SecurityContext.ReadOnlyRootFilesystem != nil && *c.SecurityContext.ReadOnlyRootFilesystem:
		return fmt.Sprintf("securityContext.readOnlyRootFilesystem is true, and no volume is mounted at %s", path)
	default:
		return ""
	}
}
