// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package report joins what was found of the targets of a namespace, the most likely root cause first, and tells it: to a
// person, or to a script.
package report

import (
	"slices"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// Report is what is told of one target or of a whole namespace.
type Report struct {
	Namespace string
	// Time of what was looked at.
	Time time.Time
	// Findings, the most likely root cause first.
	Findings []Finding
	// Hints are what was found of targets that are well: worth a look, and nobody suffers from it.
	Hints []Finding
	// Healthy are the targets that are well, and why.
	Healthy []Told
	// Unjudged are the targets of which too little is known, and what is missing.
	Unjudged []Told
	// Gaps are what could not be read. Limiting are those of them that kept a conclusion from being drawn.
	Gaps, Limiting []string
}

// Told is what is said of a target that nothing was found of.
type Told struct{ Target, Summary string }

// Finding is one thing that is wrong, of all the targets that it was found of.
type Finding struct {
	finding.Finding
	// Namespace of its object; empty for an object of the cluster.
	Namespace string
	// Services whose callers suffer, by name.
	Services []string
	// Reach tells the callers of the worst hit target how bad it is.
	Reach Reach
	// Explained: another finding of the report is the cause of it.
	Explained bool

	targets []string
}

// looked is one target with its diagnosis.
type looked struct {
	*snapshot.Snapshot
	diagnosis.Diagnosis
	reach Reach
	// needs are the names of the Services of the namespace that it calls.
	needs []string
	// asked: somebody wants to know of this one, and not of the namespace.
	asked bool
}

// name is how the target is called: "Service sandfly-mcp-server".
func (l *looked) name() string {
	return foreign.Line(string(l.Target.Kind)+" "+l.Target.Name, finding.MaxName)
}

// services whose callers suffer from what is wrong with the target.
func (l *looked) services() []string {
	switch {
	case l.Target.Kind == v1alpha1.KindService:
		return []string{foreign.Line(l.Target.Name, finding.MaxName)}
	case l.Service != nil:
		return []string{foreign.Line(l.Service.Name, finding.MaxName)}
	default:
		return nil
	}
}

// Look gives the snapshot of another target of the namespace.
type Look func(v1alpha1.TargetReference) (*snapshot.Snapshot, error)

// New diagnoses targets of one namespace and joins what was found. What a target depends on and is said to be at fault is
// looked at too, by look, which may be nil.
func New(namespace string, targets []*snapshot.Snapshot, look Look) *Report {
	r := &Report{Namespace: foreign.Line(namespace, finding.MaxName)}
	var all []*looked
	add := func(s *snapshot.Snapshot) {
		all = append(all, &looked{s, diagnosis.Diagnose(s), reachOf(s), needsOf(s), len(targets) == 1 || len(all) >= len(targets)})
	}
	for _, s := range targets {
		add(s)
	}
	for i := 0; i < len(all) && look != nil && len(all) < len(targets)+maxFollowed; i++ {
		for _, target := range blamed(all[i], all) {
			if s, err := look(target); err == nil {
				add(s)
			}
		}
	}
	for _, l := range all {
		r.Time = l.Now
		r.sort(l)
	}
	r.Findings, r.Hints = join(all, false), join(all, true)
	r.gaps(all)
	return r
}

// sort puts a target of which nothing was found where it belongs.
func (r *Report) sort(l *looked) {
	told := Told{l.name(), l.Summary}
	switch {
	case l.Cause == v1alpha1.CauseHealthy:
		r.Healthy = append(r.Healthy, told)
	case l.unjudged():
		r.Unjudged = append(r.Unjudged, told)
	}
}

// well: nobody suffers. A workload at zero that no Service leads to is called by nobody: a canary that waits, a worker that
// is put aside. That is worth a look, and no fault of the namespace; where it was asked for, it is.
func (l *looked) well() bool {
	aside := !l.asked && l.Target.Kind != v1alpha1.KindService && l.Service == nil && l.Snapshot.Workload != nil && l.Snapshot.Workload.Replicas == 0 && l.Error == nil
	return l.Cause == v1alpha1.CauseHealthy || aside && l.Cause == v1alpha1.CauseScaledToZero
}

// unjudged: nothing is known to be wrong, and too little to say that it is well.
func (l *looked) unjudged() bool {
	return l.Unprobed && l.Error == nil && l.Cause == v1alpha1.CauseUnknown
}

// gaps collects what could not be read.
func (r *Report) gaps(all []*looked) {
	for _, l := range all {
		for _, gap := range l.Gaps() {
			if !slices.Contains(r.Gaps, gap) {
				r.Gaps = append(r.Gaps, gap)
			}
			if l.limits(gap) && !slices.Contains(r.Limiting, gap) {
				r.Limiting = append(r.Limiting, gap)
			}
		}
	}
	for i, gap := range r.Gaps {
		r.Gaps[i] = foreign.Line(gap, finding.MaxEvidence)
	}
	for i, gap := range r.Limiting {
		r.Limiting[i] = foreign.Line(gap, finding.MaxEvidence)
	}
}
