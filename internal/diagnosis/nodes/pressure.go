// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// pressure is a node's want of something.
type pressure struct {
	detail string
	// says completes "Node worker-1 ...".
	says string
	// marks of it in what the kubelet and the runtime say of a pod: eviction manager's resource names, system errors.
	marks  *regexp.Regexp
	advice string
}

// pressures by condition (kubelet, pkg/kubelet/eviction).
var pressures = map[corev1.NodeConditionType]pressure{
	corev1.NodeMemoryPressure: {"Memory", "is short of memory", regexp.MustCompile(`low on resource: memory|MemoryPressure|OOMKilled|OOM-killed`),
		"Find what fills its memory (kubectl top pods -A --sort-by=memory; kubectl describe node %[1]s), give that a limit or another node, and request what the pods use."},
	corev1.NodeDiskPressure: {"Disk", "is short of disk space or inodes", regexp.MustCompile(`low on resource: (ephemeral-storage|inodes|nodefs|imagefs)|DiskPressure|no space left on device`),
		"Free its disk: on it, df -h, df -i, crictl rmi --prune, and look for logs and emptyDir volumes that grow (kubectl describe node %[1]s). Then the kubelet takes the condition back by itself within minutes."},
	corev1.NodePIDPressure: {"PID", "is short of process numbers", regexp.MustCompile(`low on resource: pids|PIDPressure|resource temporarily unavailable|cannot fork|can't fork`),
		"Find the pod that makes processes without end (on the node: ps -e --no-headers | wc -l; systemd-cgtop), and bound it: podPidsLimit of the kubelet."},
}

// nodePressure finds nodes that are short of something. Whether that is why the target does not work is another question:
// certain where the kubelet has thrown out the target's pods for it or none can be placed, possible where they just run there.
func nodePressure(s *snapshot.Snapshot) []finding.Finding {
	var findings []finding.Finding
	for _, c := range carriers(s) {
		if c.node == nil || stateOf(s, c.node) != nil { // a kubelet that is away has left the condition as it was
			continue
		}
		for _, condition := range c.node.Status.Conditions {
			kind := pressures[condition.Type]
			if kind.detail == "" || condition.Status != corev1.ConditionTrue {
				continue
			}
			marked := c.marked(kind)
			if !c.carries() && len(marked) == 0 {
				continue
			}
			proof := []string{tellCondition(s, &condition)}
			proof = append(append(proof, marked...), nodeEvents(s, c.name, "EvictionThresholdMet", "SystemOOM", "FreeDiskSpaceFailed", "ImageGCFailed")...)
			f := c.found(s, v1alpha1.CauseNodePressure, kind.detail, c.doubt(marked), kind.says+since(s, condition.LastTransitionTime.Time)+" ("+string(condition.Type)+")", proof...)
			f.Recommendation = fmt.Sprintf("Node %s: ", c.name) + fmt.Sprintf(kind.advice, c.name)
			findings = append(findings, f)
		}
	}
	return findings
}

// doubt is how surely the pressure has to do with the target.
func (c *carrier) doubt(marked []string) v1alpha1.Confidence {
	switch {
	case len(marked) > 0 || len(c.awaits) > 0:
		return v1alpha1.Certain
	default:
		return v1alpha1.Possible
	}
}

// marked tells which of the target's pods on the node bear the marks of the pressure: evicted for it, killed for it, or
// not startable for it.
func (c *carrier) marked(kind pressure) []string {
	var told []string
	for _, pod := range slices.Concat(c.evicted, c.holds) {
		said := pod.Status.Message
		if snapshot.IsReady(pod) {
			continue
		}
		for _, one := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if w := one.State.Waiting; w != nil {
				said += " " + w.Message
			}
			for _, ended := range []*corev1.ContainerStateTerminated{one.State.Terminated, one.LastTerminationState.Terminated} {
				if ended != nil {
					said += " " + ended.Reason + " " + ended.Message
				}
			}
		}
		if kind.marks.MatchString(said) {
			told = append(told, fmt.Sprintf("Pod %s: %s", pod.Name, plain(strings.TrimSpace(pod.Status.Reason+" "+said))))
		}
	}
	return told
}
