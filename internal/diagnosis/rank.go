// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"cmp"
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
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
	return slices.ContainsFunc(findings, func(f finding.Finding) bool { return doubt(f) == 0 && explains(f.Cause, cause, rows) })
}

func explains(cause, consequence v1alpha1.Cause, rows []Entry) bool {
	return slices.ContainsFunc(rows, func(row Entry) bool { return row.Cause == cause && slices.Contains(row.Explains, consequence) })
}

// behind puts what only pods of a revision suffer from that the workload has left after what keeps the newer one from coming to be.
// That is the deeper: as far as can be told, the template that is there already cures the rest. What is wrong with another object
// no template cures.
func behind(s *snapshot.Snapshot, ranked []finding.Finding) []finding.Finding {
	if len(ranked) < 2 {
		return ranked
	}
	ahead := s.Ahead()
	if ahead == nil {
		return ranked
	}
	own, found, rows := s.Workload.Reference(), checked(ahead), Catalogue()
	remains := func(f finding.Finding) bool {
		return f.Object != own || slices.ContainsFunc(found, func(other finding.Finding) bool { return doubt(other) == 0 && other.Cause == f.Cause })
	}
	end := 0 // after the last that may keep it; what is only possible comes later
	for i, f := range ranked {
		if doubt(f) == 0 && (f.Cause == v1alpha1.CauseRolloutStuck || explains(f.Cause, v1alpha1.CauseRolloutStuck, rows)) {
			end = i + 1
		}
	}
	kept := slices.DeleteFunc(slices.Clone(ranked[:end]), func(f finding.Finding) bool { return !remains(f) })
	cured := slices.DeleteFunc(slices.Clone(ranked[:end]), remains)
	return slices.Concat(kept, cured, ranked[end:])
}
