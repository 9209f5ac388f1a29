// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// always are the kinds without which no target is understood.
var always = []string{
	snapshot.KindService, snapshot.KindEndpointSlice, snapshot.KindDeployment, snapshot.KindStatefulSet, snapshot.KindDaemonSet,
	snapshot.KindPod, snapshot.KindEvent,
}

// limits reports whether a gap kept a conclusion about the target from being drawn: it has one that is not certain, or
// none, and what is missing is something that it stands on. A gap that is of no known kind is one of a read that failed.
func (l *looked) limits(gap string) bool {
	if l.Cause == v1alpha1.CauseHealthy || len(l.Findings) > 0 && l.Findings[0].Confidence == v1alpha1.Certain {
		return false
	}
	kind := l.kindOf(gap)
	return kind == "" || slices.Contains(always, kind) || slices.Contains(l.standsOn(), kind)
}

// kindOf finds the kind that a gap is about: the longest, since "Pod" is in "PodMetrics".
func (l *looked) kindOf(gap string) string {
	longest := ""
	for _, kind := range l.All.Unread {
		if strings.Contains(gap, strings.TrimSuffix(kind, "y")) && len(kind) > len(longest) {
			longest = kind
		}
	}
	return longest
}

// standsOn are the kinds that the target's pods name and need.
func (l *looked) standsOn() []string {
	var kinds []string
	if spec := l.PodSpec(); spec != nil {
		for _, ref := range snapshot.KeyRefs(spec) {
			kinds = append(kinds, ref.Kind)
		}
		for _, volume := range spec.Volumes {
			if volume.PersistentVolumeClaim != nil {
				kinds = append(kinds, snapshot.KindPersistentVolumeClaim, snapshot.KindPersistentVolume)
			}
		}
	}
	for i := range l.Pods {
		if l.Pods[i].Spec.NodeName == "" {
			kinds = append(kinds, snapshot.KindNode)
		}
	}
	return kinds
}
