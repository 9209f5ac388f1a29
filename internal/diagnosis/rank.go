// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// explanation says what follows from a cause.
type explanation struct {
	cause v1alpha1.Cause
	// of are the causes that are its consequence and are told after it.
	of []v1alpha1.Cause
	// bare marks a cause that says nothing more than "it does not work": it is left out where another explains it.
	bare bool
}

// explanations are in the order in which findings are told: the deepest first. A cause explains only later ones, which a
// test holds. What no row joins is independent, and both are told, the one that blocks the other's cure first.
func explanations() []explanation {
	const (
		noEndpoints  = v1alpha1.CauseNoReadyEndpoints
		unresponsive = v1alpha1.CauseUnresponsive
		crashLoop    = v1alpha1.CauseCrashLoop
	)
	return []explanation{
		// There is no way to the pods, whatever these do.
		{cause: v1alpha1.CauseServiceNotFound, of: []v1alpha1.Cause{noEndpoints}},
		{cause: v1alpha1.CauseSelectorMismatch, of: []v1alpha1.Cause{noEndpoints}},
		// There are no pods.
		{cause: v1alpha1.CauseWorkloadNotFound, of: []v1alpha1.Cause{noEndpoints}},
		{cause: v1alpha1.CauseScaledToZero, of: []v1alpha1.Cause{noEndpoints}},
		// The pods cannot start. A hung server beside them is a fault of its own: it was there before them.
		{cause: v1alpha1.CauseInvalidImageName, of: []v1alpha1.Cause{noEndpoints}},
		{cause: v1alpha1.CauseImageNotFound, of: []v1alpha1.Cause{noEndpoints}},
		{cause: v1alpha1.CauseImagePullUnauthorized, of: []v1alpha1.Cause{noEndpoints}},
		{cause: v1alpha1.CauseRegistryUnreachable, of: []v1alpha1.Cause{noEndpoints}},
		// The pods do not stay.
		{cause: v1alpha1.CauseOOMKilled, of: []v1alpha1.Cause{crashLoop, noEndpoints}},
		{cause: crashLoop, of: []v1alpha1.Cause{noEndpoints}},
		// The pods are there.
		{cause: noEndpoints, bare: true},
		{cause: unresponsive},
		{cause: v1alpha1.CauseUnknown, bare: true},
	}
}

// rank orders findings, causes before their symptoms, and drops the bare ones that another explains. Findings of one
// cause stay in the order in which the check gave them.
func rank(findings []Finding) []Finding {
	rows := explanations()
	place := func(cause v1alpha1.Cause) int {
		if i := slices.IndexFunc(rows, func(row explanation) bool { return row.cause == cause }); i >= 0 {
			return i
		}
		return len(rows)
	}
	ranked := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool {
		i := place(f.Cause)
		return i < len(rows) && rows[i].bare && explained(f.Cause, findings, rows)
	})
	slices.SortStableFunc(ranked, func(a, b Finding) int { return cmp.Compare(place(a.Cause), place(b.Cause)) })
	return ranked
}

func explained(cause v1alpha1.Cause, findings []Finding, rows []explanation) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool {
		return slices.ContainsFunc(rows, func(row explanation) bool {
			return row.cause == f.Cause && slices.Contains(row.of, cause)
		})
	})
}
