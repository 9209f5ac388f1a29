// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
)

// rank orders findings, causes before their symptoms, and drops the bare ones that another explains. What is only
// possible is told after what was seen. Findings of one cause stay in the order in which the check gave them.
func rank(findings []finding.Finding) []finding.Finding {
	rows := Catalogue()
	place := func(cause v1alpha1.Cause) int {
		if i := slices.IndexFunc(rows, func(row Entry) bool { return row.Cause == cause }); i >= 0 {
			return i
		}
		return len(rows)
	}
	ranked := slices.DeleteFunc(slices.Clone(findings), func(f finding.Finding) bool {
		i := place(f.Cause)
		return i < len(rows) && rows[i].Bare && explained(f.Cause, findings, rows)
	})
	slices.SortStableFunc(ranked, func(a, b finding.Finding) int {
		return cmp.Or(doubt(a)-doubt(b), cmp.Compare(place(a.Cause), place(b.Cause)))
	})
	return ranked
}

// doubt is 1 for what is only possible.
func doubt(f finding.Finding) int {
	if f.Confidence == v1alpha1.Possible {
		return 1
	}
	return 0
}

// explained reports whether a cause follows from another finding. What is only possible explains nothing.
func explained(cause v1alpha1.Cause, findings []finding.Finding, rows []Entry) bool {
	return slices.ContainsFunc(findings, func(f finding.Finding) bool {
		return doubt(f) == 0 && slices.ContainsFunc(rows, func(row Entry) bool {
			return row.Cause == f.Cause && slices.Contains(row.Explains, cause)
		})
	})
}
