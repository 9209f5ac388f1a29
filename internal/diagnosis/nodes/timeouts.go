// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// fewestTimeouts is how many lines it takes: one that came late is the life of a network.
const fewestTimeouts = 3

// witness is what the logs of one pod tell of the network.
type witness struct {
	pod *corev1.Pod
	// late counts the lines that tell of a timeout of a peer on another node.
	late int
	// last is one of them.
	last string
}

// timeouts finds the one node from which peers on other nodes answer too late: every pod on it whose log was read says so,
// no pod elsewhere does, and pods of the same workload are on both sides, so that neither the program nor the peer is why.
func timeouts(s *snapshot.Snapshot) []finding.Finding {
	if len(s.Logs) == 0 {
		return nil
	}
	byNode := map[string][]witness{}
	for _, pod := range loggedPods(s) {
		byNode[pod.Spec.NodeName] = append(byNode[pod.Spec.NodeName], hear(s, pod))
	}
	lateOn := ""
	for _, name := range slices.Sorted(maps.Keys(byNode)) {
		late := slices.ContainsFunc(byNode[name], func(w witness) bool { return w.late > 0 })
		if late && lateOn != "" {
			return nil // of several nodes: the peer, or the whole network
		}
		if late {
			lateOn = name
		}
	}
	if lateOn == "" || !convincing(byNode, lateOn) {
		return nil
	}
	for _, c := range carriers(s) {
		if c.name != lateOn || len(c.holds) == 0 || c.node != nil && stateOf(s, c.node) != nil {
			continue
		}
		proof := []string{fmt.Sprintf("no pod on another node tells of timeouts: %s looked at", words.IsAre(logged(byNode)-len(byNode[lateOn]), "log"))}
		for _, w := range byNode[lateOn] {
			proof = append(proof, fmt.Sprintf("Pod %s, %s: %s", w.pod.Name, words.Count(w.late, "timeout"), w.last))
		}
		f := c.found(s, v1alpha1.CauseNetworkDegraded, "Latency", v1alpha1.Likely, "has a slow or lossy network: its pods wait in vain for pods on other nodes, and those of other nodes do not", proof...)
		f.Recommendation = fmt.Sprintf("Measure from node %s to another one (ping -c 100; mtr; tc qdisc show; ethtool -S of its interface), look at the network plugin's log there, and meanwhile keep new pods away: kubectl cordon %s", lateOn, lateOn)
		return []finding.Finding{f}
	}
	return nil
}

// loggedPods are the ready pods of the namespace on a node whose logs were read, by name.
func loggedPods(s *snapshot.Snapshot) []*corev1.Pod {
	var found []*corev1.Pod
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if pod.Namespace != s.Namespace || pod.Spec.NodeName == "" || !snapshot.IsLive(pod) || !snapshot.IsReady(pod) {
			continue
		}
		if slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
			return s.Logs[snapshot.ContainerKey{Pod: pod.Name, Container: c.Name}].Current != ""
		}) {
			found = append(found, pod)
		}
	}
	slices.SortFunc(found, snapshot.ByName)
	return found
}

// hear reads what a pod's running containers say of timeouts.
func hear(s *snapshot.Snapshot, pod *corev1.Pod) witness {
	heard := witness{pod: pod}
	for _, c := range pod.Spec.Containers {
		for _, m := range logs.Scan(s.Logs[snapshot.ContainerKey{Pod: pod.Name, Container: c.Name}].Current) {
			host, _, _ := strings.Cut(m.Peer, ":")
			if (m.Detail == "Timeout" || m.Detail == "Unreachable") && elsewhere(s, host, pod.Spec.NodeName) {
				heard.late, heard.last = heard.late+m.Count, m.Line
			}
		}
	}
	return heard
}

// convincing reports whether the pods of one node are witness enough against it.
func convincing(byNode map[string][]witness, node string) bool {
	lines := 0
	here, there := map[string]bool{}, map[string]bool{}
	for name, witnesses := range byNode {
		for _, w := range witnesses {
			if name != node {
				there[ownerOf(w.pod)] = true
				continue
			}
			if w.late == 0 {
				return false
			}
			lines += w.late
			here[ownerOf(w.pod)] = true
		}
	}
	shared := false
	for owner := range here {
		shared = shared || owner != "" && there[owner]
	}
	return shared && lines >= fewestTimeouts
}

func ownerOf(pod *corev1.Pod) string {
	kind, name, ok := workload.OwnerOf(pod)
	if !ok {
		return ""
	}
	return kind + "/" + name
}

func logged(byNode map[string][]witness) (pods int) {
	for _, witnesses := range byNode {
		pods += len(witnesses)
	}
	return pods
}

// elsewhere reports whether a host is a pod on another node, or a Service of the namespace all of whose pods are ready and
// on other nodes.
func elsewhere(s *snapshot.Snapshot, host, node string) bool {
	name, _, _ := strings.Cut(host, ".")
	found := false
	for i := range s.Services {
		service := &s.Services[i]
		if service.Name != name && service.Spec.ClusterIP != host {
			continue
		}
		for j := range s.All.Pods {
			pod := &s.All.Pods[j]
			if pod.Namespace != s.Namespace || !snapshot.IsLive(pod) || !snapshot.Selects(service, pod.Labels) {
				continue
			}
			if !snapshot.IsReady(pod) || pod.Spec.NodeName == node {
				return false
			}
			found = true
		}
	}
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if host != "" && pod.Status.PodIP == host && snapshot.IsLive(pod) && !pod.Spec.HostNetwork {
			return snapshot.IsReady(pod) && pod.Spec.NodeName != "" && pod.Spec.NodeName != node
		}
	}
	return found
}
