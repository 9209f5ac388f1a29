// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagehelpers "k8s.io/component-helpers/storage/volume"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// volumeTest is the scheduler's VolumeBinding for claims that are bound: the node must be one that the volume is on.
func volumeTest(c *cluster, pod *corev1.Pod) func(*node) string {
	volumes := c.boundVolumes(pod)
	if len(volumes) == 0 {
		return nil
	}
	return func(n *node) string {
		for _, bound := range volumes {
			if storagehelpers.CheckNodeAffinity(bound.volume, n.Labels) != nil {
				return fmt.Sprintf("PersistentVolume %s of claim %s is only on nodes with %s", bound.volume.Name, bound.claim.Name, requirements(bound.volume.Spec.NodeAffinity.Required))
			}
		}
		return ""
	}
}

type boundClaim struct {
	claim  *corev1.PersistentVolumeClaim
	volume *corev1.PersistentVolume
}

// boundVolumes are the volumes of a pod that are not on every node.
func (c *cluster) boundVolumes(pod *corev1.Pod) []boundClaim {
	var all []boundClaim
	for _, name := range claimNames(pod) {
		claim := c.s.Claim(name)
		if claim == nil || claim.Spec.VolumeName == "" {
			continue
		}
		if volume := c.s.Volume(claim.Spec.VolumeName); volume != nil && volume.Spec.NodeAffinity != nil && volume.Spec.NodeAffinity.Required != nil {
			all = append(all, boundClaim{claim, volume})
		}
	}
	return all
}

func tellVolumeAffinity(c *cluster, m *misfit, p *predicate) finding.Finding {
	bound := c.boundVolumes(m.pod)[0]
	for _, b := range c.boundVolumes(m.pod) {
		if storagehelpers.CheckNodeAffinity(b.volume, m.nodes[0].Labels) != nil {
			bound = b
			break
		}
	}
	_, name := owner(c.s, m.pod)
	wants := requirements(bound.volume.Spec.NodeAffinity.Required)
	f := m.finding(snapshot.Reference(snapshot.KindPersistentVolumeClaim, bound.claim), p, detailNodeAffinity,
		fmt.Sprintf("PersistentVolumeClaim %s of %s is bound to PersistentVolume %s, which is only on nodes with %s, and no node that the pod can run on is one", bound.claim.Name, name, bound.volume.Name, wants))
	f.Recommendation = fmt.Sprintf("Bring back a node with %s, or change the nodeSelector and affinity of %s so that its pods may run there; if the node is gone for good, restore the data and delete claim %s so that another volume is bound.", wants, name, bound.claim.Name)
	return f
}
