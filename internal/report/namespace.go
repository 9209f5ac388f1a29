// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// maxEvidence bounds the evidence of a finding that was found of several targets, as the status bounds that of one.
const maxEvidence = 10

// same is what makes findings of several targets one.
type same struct {
	cause                   v1alpha1.Cause
	kind, namespace, object string
	detail                  string
}

// join makes one list of what was found of those targets that are well, or of those that are not: the same thing once,
// causes before what they explain.
func join(all []*looked, well bool) []Finding {
	table := newTable()
	seen := map[same]int{}
	var joined []Finding
	for _, l := range all {
		if l.well() != well || l.unjudged() {
			continue
		}
		for _, f := range l.Findings {
			one := table.finding(l, f, all)
			key := same{f.Cause, f.Object.Kind, one.Namespace, one.Object.Name, f.Detail}
			if i, known := seen[key]; known {
				joined[i].merge(one)
				continue
			}
			seen[key] = len(joined)
			joined = append(joined, one)
		}
	}
	joined = ofOne(joined, all)
	for i := range joined {
		slices.Sort(joined[i].Services)
		joined[i].Services = slices.Compact(joined[i].Services)
	}
	slices.SortStableFunc(joined, table.compare)
	return joined
}

// ofOne joins what clients tell of a Service to what the workload behind it shows of itself: one dependency with one fault
// is told once.
func ofOne(joined []Finding, all []*looked) []Finding {
	told := make([]bool, len(joined))
	for i := range joined {
		for j := range joined {
			if i != j && !told[i] && !told[j] && joined[i].sameThing(joined[j], all) {
				joined[i].merge(joined[j])
				told[j] = true
			}
		}
	}
	var kept []Finding
	for i, f := range joined {
		if !told[i] {
			kept = append(kept, f)
		}
	}
	return kept
}

// sameThing reports whether one finding is of a Service and the other, of the same cause, of the workload behind it.
func (f *Finding) sameThing(other Finding, all []*looked) bool {
	return f.Object.Kind == snapshot.KindService && f.Cause == other.Cause && f.Namespace == other.Namespace && slices.ContainsFunc(all, func(l *looked) bool {
		w := l.Snapshot.Workload
		return w != nil && l.Service != nil && l.Service.Name == f.Object.Name && l.Namespace == f.Namespace &&
			string(w.Kind) == other.Object.Kind && w.Object.GetName() == other.Object.Name
	})
}

// finding makes a finding of one target one of the namespace.
func (t table) finding(l *looked, f finding.Finding, all []*looked) Finding {
	one := Finding{Finding: f, Services: l.services(), Reach: l.reach, targets: []string{l.name()}}
	if one.Namespace = f.Object.Namespace; one.Namespace == "" && !ofCluster(f.Object.Kind) {
		one.Namespace = l.Namespace
	}
	one.Namespace = foreign.Line(one.Namespace, finding.MaxName)
	one.Object.Kind = foreign.Line(f.Object.Kind, finding.MaxName)
	if t.noWay[f.Cause] && f.Confidence != v1alpha1.Possible {
		one.Reach = Down
	}
	one.Explained = t.explainedWithin(f, l) || t.explainedByNeed(f, l, all) || ownWords(f, l, all)
	return one
}

// merge adds what another target shows of the same thing. It is explained only if it is so everywhere.
func (f *Finding) merge(other Finding) {
	f.Services = append(f.Services, other.Services...)
	f.targets = append(f.targets, other.targets...)
	f.Explained = f.Explained && other.Explained
	evidence := f.Evidence
	if other.Reach < f.Reach || other.Reach == f.Reach && certainty(other.Confidence) < certainty(f.Confidence) {
		evidence = other.Evidence
		f.Finding, other.Finding = other.Finding, f.Finding
	}
	f.Reach = min(f.Reach, other.Reach)
	evidence = slices.Clone(evidence)
	for _, item := range other.Evidence {
		if len(evidence) < maxEvidence && !slices.Contains(evidence, item) {
			evidence = append(evidence, item)
		}
	}
	f.Evidence = evidence
}

// ofCluster reports the kinds that are in no namespace.
func ofCluster(kind string) bool {
	return slices.Contains([]string{"Node", "PersistentVolume", "StorageClass", "Namespace"}, kind)
}

// table is the catalogue as it is asked here.
type table struct {
	place    map[v1alpha1.Cause]int
	explains map[v1alpha1.Cause][]v1alpha1.Cause
	noWay    map[v1alpha1.Cause]bool
}

func newTable() table {
	t := table{map[v1alpha1.Cause]int{}, map[v1alpha1.Cause][]v1alpha1.Cause{}, noWay()}
	for i, row := range diagnosis.Catalogue() {
		t.place[row.Cause], t.explains[row.Cause] = i, row.Explains
	}
	return t
}

// compare orders the findings of a namespace. Each line is one rule, and the first that tells them apart holds.
func (t table) compare(a, b Finding) int {
	return cmp.Or(
		first(!a.Explained, !b.Explained),
		first(a.Confidence != v1alpha1.Possible, b.Confidence != v1alpha1.Possible),
		cmp.Compare(a.Reach, b.Reach),
		cmp.Compare(certainty(a.Confidence), certainty(b.Confidence)),
		cmp.Compare(t.place[a.Cause], t.place[b.Cause]),
		cmp.Compare(len(b.Services), len(a.Services)),
		cmp.Compare(a.Object.Name, b.Object.Name),
	)
}

func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func certainty(c v1alpha1.Confidence) int {
	return slices.Index([]v1alpha1.Confidence{v1alpha1.Certain, v1alpha1.Likely, v1alpha1.Possible}, c)
}
