// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

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
	if spec == nil || st.setting == nil {
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
					if p := st.peerOf(s, c.Spec, m); p.Service != nil && p.Service.Name == service.Name {
						told = append(told, fmt.Sprintf("log of Pod %s: %s", pod.Name, m.Line))
					}
				}
			}
		}
	}
	slices.Sort(told)
	return told[:min(len(told), 3)]
}
