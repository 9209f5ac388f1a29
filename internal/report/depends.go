// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// maxFollowed bounds the dependencies that are looked at beside the targets that were asked for.
const maxFollowed = 8

// needsOf are the Services of the namespace that the objects of a target name.
func needsOf(s *snapshot.Snapshot) []string {
	var names []string
	for _, need := range dependency.Needs(s) {
		names = append(names, need.Service)
	}
	return names
}

// blamed are the targets that a finding says to be at fault for it, and that were not looked at.
func blamed(l *looked, all []*looked) []v1alpha1.TargetReference {
	var targets []v1alpha1.TargetReference
	for _, f := range l.Findings {
		if f.Cause != v1alpha1.CauseDependencyUnavailable || f.Object.Namespace != "" && f.Object.Namespace != l.Namespace {
			continue
		}
		target := v1alpha1.TargetReference{Kind: v1alpha1.TargetKind(f.Object.Kind), Name: f.Object.Name}
		if isTarget(f.Object.Kind) && !slices.ContainsFunc(all, func(other *looked) bool { return other.Is(target) }) {
			targets = append(targets, target)
		}
	}
	return targets
}

func isTarget(kind string) bool {
	return slices.Contains([]v1alpha1.TargetKind{v1alpha1.KindService, v1alpha1.KindDeployment, v1alpha1.KindStatefulSet, v1alpha1.KindDaemonSet}, v1alpha1.TargetKind(kind))
}

// explainedWithin: another finding of the same target is the cause of this one.
func (t table) explainedWithin(f finding.Finding, l *looked) bool {
	return slices.ContainsFunc(l.Findings, func(other finding.Finding) bool {
		return other.Confidence != v1alpha1.Possible && slices.Contains(t.explains[other.Cause], f.Cause)
	})
}

// explainedByNeed: the finding says that a dependency is at fault, or is a symptom that a dependency which is down would
// have, and the dependency has a finding of its own.
func (t table) explainedByNeed(f finding.Finding, l *looked, all []*looked) bool {
	if f.Cause == v1alpha1.CauseDependencyUnavailable {
		at := v1alpha1.TargetReference{Kind: v1alpha1.TargetKind(f.Object.Kind), Name: f.Object.Name}
		return slices.ContainsFunc(all, func(other *looked) bool { return other != l && !l.sameAs(other) && other.Is(at) && t.atFault(other, l) })
	}
	if !slices.Contains(t.explains[v1alpha1.CauseDependencyUnavailable], f.Cause) {
		return false
	}
	return slices.ContainsFunc(all, func(other *looked) bool {
		return other != l && !l.sameAs(other) && other.Service != nil && slices.Contains(l.needs, other.Service.Name) && t.isDown(other) && t.atFault(other, l)
	})
}

// ownWords: the finding blames a client of the target, and the client's own diagnosis says the same.
func ownWords(f finding.Finding, l *looked, all []*looked) bool {
	return f.Cause == v1alpha1.CauseServicePortMismatch && slices.ContainsFunc(all, func(other *looked) bool {
		return other != l && slices.ContainsFunc(other.Findings, func(own finding.Finding) bool {
			return own.Cause == v1alpha1.CauseUpstreamAddressMismatch && own.Confidence != v1alpha1.Possible &&
				own.Object.Kind == f.Object.Kind && own.Object.Name == f.Object.Name && own.Object.Namespace == f.Object.Namespace
		})
	})
}

// sameAs reports whether two targets lead to the same pods.
func (l *looked) sameAs(other *looked) bool {
	return l.Snapshot.Workload != nil && other.Snapshot.Workload != nil && l.Snapshot.Workload.Object == other.Snapshot.Workload.Object
}

// atFault: something was found of a dependency that does not in turn blame its client.
func (t table) atFault(dependency, client *looked) bool {
	return slices.ContainsFunc(dependency.Findings, func(f finding.Finding) bool {
		blames := f.Cause == v1alpha1.CauseDependencyUnavailable &&
			client.Is(v1alpha1.TargetReference{Kind: v1alpha1.TargetKind(f.Object.Kind), Name: f.Object.Name})
		return f.Confidence != v1alpha1.Possible && f.Cause != v1alpha1.CauseUnknown && !blames
	})
}

// isDown: no caller gets through to it.
func (t table) isDown(l *looked) bool {
	return l.reach == Down || slices.ContainsFunc(l.Findings, func(f finding.Finding) bool {
		return t.noWay[f.Cause] && f.Confidence != v1alpha1.Possible
	})
}
