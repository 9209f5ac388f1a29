// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// nodeNotReady finds nodes whose kubelet says that they are not ready, for another reason than their container runtime.
func nodeNotReady(s *snapshot.Snapshot) []finding.Finding {
	return inState(s, v1alpha1.CauseNodeNotReady, func(c *carrier, found *state) string {
		switch found.detail {
		case "Shutdown":
			return fmt.Sprintf("Node %s is being shut down: let its pods go elsewhere (kubectl drain %s --ignore-daemonsets --delete-emptydir-data), or wait until it is back.", c.name, c.name)
		case "Starting":
			return fmt.Sprintf("The kubelet of node %s has just started: wait a minute, then look again (kubectl get node %s).", c.name, c.name)
		case "Storage":
			return fmt.Sprintf("Look at the CSI driver of node %s (kubectl get csinode %s; kubectl get pods -A --field-selector spec.nodeName=%s) and at the kubelet's log: journalctl -u kubelet -e", c.name, c.name, c.name)
		default:
			return fmt.Sprintf("Look at what the node says (kubectl describe node %s) and, on the node, at the kubelet's log: journalctl -u kubelet -e", c.name)
		}
	})
}

// inState gives the findings of the nodes that are in the state of a cause.
func inState(s *snapshot.Snapshot, cause v1alpha1.Cause, advice func(*carrier, *state) string) []finding.Finding {
	var findings []finding.Finding
	for _, c := range carriers(s) {
		if c.node == nil || !c.carries() {
			continue
		}
		found := stateOf(s, c.node)
		if found == nil || found.cause != cause {
			continue
		}
		proof := append(found.proof, nodeEvents(s, c.name, "NodeNotReady", "Rebooted", "ContainerGCFailed", "KubeletSetupFailed", "SystemOOM")...)
		f := c.found(s, cause, found.detail, found.confidence, found.says, append(proof, tellOthers(s, c.name))...)
		f.Recommendation = advice(c, found)
		findings = append(findings, f)
	}
	return findings
}

// nodeEvents tells the newest event about the node of each reason.
func nodeEvents(s *snapshot.Snapshot, node string, reasons ...string) []string {
	var told []string
	events := s.EventsAbout(snapshot.KindNode, "", node) // newest first
	for _, reason := range reasons {
		for i := range events {
			if events[i].Reason == reason && s.Age(snapshot.EventTime(&events[i])) < snapshot.Recent {
				told = append(told, tellEvent(s, &events[i]))
				break
			}
		}
	}
	return told
}
