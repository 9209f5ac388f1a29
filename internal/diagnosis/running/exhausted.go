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
	// own detail: that of the client's side, which is no fault of the dependency.
	clients []string
	// setting matches the argument or variable of a dependency that brings it about.
	setting *regexp.Regexp
}

var (
	exhausted = state{
		cause: v1alpha1.CauseConnectionExhausted, is: "takes no more connections", own: "has no free connection",
		advice:  "See who holds the connections, close the idle ones, lower the pools of the clients or raise the server's limit (max_connections, maxclients).",
		clients: []string{"Pool", "Workers"},
		setting: regexp.MustCompile(`(?i)max[_-]?(?:user[_-])?(?:connections|clients)\b`),
	}
	readOnly = state{
		cause: v1alpha1.CauseReadOnlyStorage, is: "takes no writes", own: "writes to what is read-only",
		advice:  "See why it does not take writes: its read-only setting, its role (a replica), a full or failed disk; then send writes to the primary or make it writable.",
		clients: []string{"FileSystem"},
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
		p = peerOf(s, u.Spec, m)
	}
	evidence := []string{u.quote(m), m.Proves}
	if p.service == nil {
		f := finding.New(st.cause, s.Owner(u.Container), confidence, words.UpperFirst(s.In(u.Container))+" "+st.own, evidence...)
		if !own {
			f.Message = fmt.Sprintf("%s: %s %s", words.UpperFirst(inFirst(s, u.Container)), who(p, systemOf(m, p.port)), st.is)
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
	witnesses := st.witnesses(s, p.service)
	if len(witnesses) > 0 && confidence == v1alpha1.Likely {
		confidence = v1alpha1.Certain
	}
	f := finding.New(st.cause, snapshot.Reference(snapshot.KindService, p.service), confidence,
		fmt.Sprintf("Service %s, which %s needs, %s", p.service.Name, s.In(u.Container), st.is), append(evidence, witnesses...)...)
	f.Detail, f.Recommendation, f.Stuck = m.Detail, fmt.Sprintf("Service %s: %s", p.service.Name, st.advice), true
	return f, true
}

// unheard judges the dependencies of a target of which no log is known, by what they show themselves.
func (st state) unheard(s *snapshot.Snapshot) []finding.Finding {
	for _, u := range sufferers(s) {
		if !u.surely || saidBy(s, u.Container) != "" {
			continue
		}
		for _, r := range references(s, u.Spec) {
			other := s.Sibling(r.service.Name)
			if other == nil {
				continue
			}
			if shown := st.shows(other, false); len(shown) > 0 {
				f := finding.New(st.cause, snapshot.Reference(snapshot.KindService, r.service), v1alpha1.Likely,
					fmt.Sprintf("Service %s, which %s needs, %s", r.service.Name, s.In(u.Container), st.is), append(shown, fmt.Sprintf("%s: %s", u.Container, r.said))...)
				f.Recommendation, f.Stuck = fmt.Sprintf("Service %s: %s", r.service.Name, st.advice), true
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

// witnesses are what else than the client's log says the same of a dependency: its own probe, its log, its settings, or
// other clients of it.
func (st state) witnesses(s *snapshot.Snapshot, service *corev1.Service) []string {
	other := s.Sibling(service.Name)
	if other == nil {
		return nil
	}
	other.Logs = s.Logs
	return slices.Concat(st.shows(other, false), st.logged(other), st.settings(other), st.otherClients(s, service))
}

const (
	// shownCount is how often a probe must have seen the state to be believed, and flappingCount how often where the pod is
	// ready all the same.
	shownCount    = 2
	flappingCount = 5
)

// shows finds in the events of a server's own pods that its probe saw the state. A pod that is ready again flaps only if it
// was seen often and of late.
func (st state) shows(s *snapshot.Snapshot, strict bool) []string {
	for _, c := range s.Containers() {
		for _, p := range probesOf(s, c) {
			if p.seen == nil || s.Age(snapshot.EventTime(p.seen)) >= snapshot.Recent || !st.toldIn(p.answer.text) {
				continue
			}
			least := int32(shownCount)
			if strict && c.Status.Ready {
				least = flappingCount
			}
			if snapshot.EventCount(p.seen) >= least {
				return []string{p.quote(s)}
			}
		}
	}
	return nil
}

func (st state) toldIn(text string) bool {
	return slices.ContainsFunc(logs.Scan("error: "+text), func(m logs.Match) bool { return m.Cause == st.cause && !m.Healed })
}

// logged finds the state in the log of a server itself.
func (st state) logged(s *snapshot.Snapshot) []string {
	for _, c := range s.Containers() {
		for _, m := range logs.Scan(saidBy(s, c)) {
			if m.Cause == st.cause && !m.Healed && m.Peer == "" {
				return []string{fmt.Sprintf("log of Pod %s: %s", c.Pod.Name, m.Line)}
			}
		}
	}
	return nil
}

// settings finds in a server's arguments and variables what brings the state about.
func (st state) settings(s *snapshot.Snapshot) []string {
	spec := s.PodSpec()
	if spec == nil {
		return nil
	}
	for _, c := range spec.Containers {
		for _, argument := range slices.Concat(c.Command, c.Args) {
			if st.setting.MatchString(argument) {
				return []string{fmt.Sprintf("container %s of %s has the argument %s", c.Name, s.Title(), argument)}
			}
		}
		for _, variable := range s.Env(c) {
			if st.setting.MatchString(variable.Name + "=" + variable.Value) {
				return []string{fmt.Sprintf("container %s of %s has %s=%s", c.Name, s.Title(), variable.Source, variable.Value)}
			}
		}
	}
	return nil
}

// otherClients are pods of other workloads whose logs say the same of the same Service.
func (st state) otherClients(s *snapshot.Snapshot, service *corev1.Service) []string {
	var told []string
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if pod.Namespace != s.Namespace || !snapshot.IsLive(pod) || slices.ContainsFunc(s.Pods, func(own corev1.Pod) bool { return own.Name == pod.Name }) {
			continue
		}
		for _, c := range snapshot.ContainersOf(pod) {
			for _, m := range logs.Scan(saidBy(s, c)) {
				if m.Cause == st.cause && !m.Healed {
					if p := peerOf(s, c.Spec, m); p.service != nil && p.service.Name == service.Name {
						told = append(told, fmt.Sprintf("log of Pod %s: %s", pod.Name, m.Line))
					}
				}
			}
		}
	}
	slices.Sort(told)
	return told[:min(len(told), 3)]
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
