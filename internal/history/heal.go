// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package history tells people of HealingRequests: the plan that one waits with, how one ended, and the story of a service over
// many. It reads nothing and decides nothing. What it tells was written by others, so all of it is made fit to show.
package history

import (
	"cmp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/record"
)

// Bounds on what is shown of one field, in characters: those of the API.
const (
	maxName      = 253
	maxDetail    = 512
	maxMessage   = 1024
	maxRecommend = 2048
	maxDiagnosis = 4096
)

// Heal is one HealingRequest, fit to show. It is the form for scripts as well: every field is always there, if only empty, and
// none is renamed or removed. Moments are ISO 8601 in UTC.
type Heal struct {
	Name           string            `json:"name"`
	Namespace      string            `json:"namespace"`
	Target         string            `json:"target"`
	Trigger        v1alpha1.Trigger  `json:"trigger"`
	Mode           v1alpha1.Mode     `json:"mode"`
	RequestedBy    string            `json:"requestedBy"`
	Reason         string            `json:"reason"`
	Error          string            `json:"error"`
	Approval       v1alpha1.Approval `json:"approval"`
	ApprovedBy     string            `json:"approvedBy"`
	Created        string            `json:"created"`
	Completed      string            `json:"completed"`
	Duration       string            `json:"duration"`
	Phase          v1alpha1.Phase    `json:"phase"`
	Outcome        string            `json:"outcome"`
	Waits          string            `json:"waits"`
	Cause          string            `json:"cause"`
	Diagnosis      string            `json:"diagnosis"`
	Actions        []Action          `json:"actions"`
	FixApplied     string            `json:"fixApplied"`
	Verdict        v1alpha1.Verdict  `json:"verdict"`
	Checks         []Check           `json:"checks"`
	Recommendation string            `json:"recommendation"`
	SuggestedPatch string            `json:"suggestedPatch"`
	Children       []Heal            `json:"children"`

	// finding is the root cause in one sentence; the diagnosis if there is none.
	finding  string
	created  time.Time
	duration time.Duration
}

// Action is what was begun, and what became of it.
type Action struct {
	Type   v1alpha1.ActionType  `json:"type"`
	Object string               `json:"object"`
	State  v1alpha1.ActionState `json:"state"`
	Detail string               `json:"detail"`
	Time   string               `json:"time"`
}

// Check is a part of the proof.
type Check struct {
	Name    string           `json:"name"`
	Verdict v1alpha1.Verdict `json:"verdict"`
	Message string           `json:"message"`
}

// HealOf makes a request fit to show.
func HealOf(r *v1alpha1.HealingRequest) Heal {
	spec, status := r.Spec, r.Status
	h := Heal{
		Name: line(r.Name, maxName), Namespace: line(r.Namespace, maxName), Target: targetOf(spec.TargetRef),
		Trigger: named(spec.Trigger), Mode: named(spec.Mode), RequestedBy: line(spec.RequestedBy, maxName),
		Reason: line(r.Annotations[v1alpha1.AnnotationReason], maxMessage), Error: errorOf(spec.Error),
		Approval: named(spec.Approval), ApprovedBy: line(spec.ApprovedBy, maxName),
		Created: record.Timestamp(r.CreationTimestamp.Time), Phase: r.DerivePhase(), Outcome: outcomeOf(r), Waits: waitsOf(r),
		Cause: line(string(status.Cause), maxName), Diagnosis: line(status.Diagnosis, maxDiagnosis), Actions: actionsOf(status.Actions),
		FixApplied: line(status.FixApplied, maxMessage), Checks: []Check{},
		Recommendation: line(status.Recommendation, maxRecommend), SuggestedPatch: Exact(status.SuggestedPatch),
		Children: []Heal{}, created: r.CreationTimestamp.Time,
	}
	if status.CompletedAt != nil {
		h.Completed = record.Timestamp(status.CompletedAt.Time)
		h.duration = status.CompletedAt.Sub(begun(r))
		h.Duration = h.duration.Round(time.Millisecond).String()
	}
	h.finding = h.Diagnosis
	if len(status.Findings) > 0 {
		h.finding = line(status.Findings[0].Message, maxMessage)
	}
	if v := status.Verification; v != nil {
		h.Verdict = named(v.Verdict)
		for _, c := range v.Checks {
			h.Checks = append(h.Checks, Check{line(c.Name, maxName), named(c.Verdict), line(c.Message, maxDetail)})
		}
	}
	return h
}

// begun is when the operator took the request up; its creation if that is not known.
func begun(r *v1alpha1.HealingRequest) time.Time {
	if r.Status.StartedAt != nil {
		return r.Status.StartedAt.Time
	}
	return r.CreationTimestamp.Time
}

func line(text string, limit int) string { return foreign.Line(text, limit) }

// named makes a word of the API fit to show: not all of them are enums there.
func named[T ~string](word T) T { return T(line(string(word), maxName)) }

func targetOf(ref v1alpha1.TargetReference) string {
	return line(string(cmp.Or(ref.Kind, v1alpha1.KindService))+" "+ref.Name, maxName)
}

// errorOf tells the failure that the caller saw: "ConnectionRefused on list_hosts: dial tcp ...".
func errorOf(e *v1alpha1.ObservedError) string {
	if e == nil {
		return ""
	}
	told := string(e.Class)
	if e.Tool != "" {
		told += " on " + e.Tool
	}
	if e.Message != "" {
		told += ": " + e.Message
	}
	return line(strings.TrimPrefix(told, ": "), maxMessage)
}

// outcomeOf is the reason for which the request ended; empty while it has not.
func outcomeOf(r *v1alpha1.HealingRequest) string {
	if !r.Done() {
		return ""
	}
	return line(meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionComplete).Reason, maxName)
}

// waitsOf says what the plan of a request waits for.
func waitsOf(r *v1alpha1.HealingRequest) string {
	phase := r.DerivePhase()
	if phase != v1alpha1.PhaseBlocked && phase != v1alpha1.PhaseAwaitingApproval {
		return ""
	}
	planned := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionPlanned)
	return line(planned.Reason+": "+planned.Message, maxMessage)
}

// until is when a request that waits is looked at again, or ends unanswered; nil where no clock tells.
func until(r *v1alpha1.HealingRequest) *metav1.Time {
	if r.DerivePhase() == v1alpha1.PhaseAwaitingApproval && r.Status.Deadline != nil {
		return &metav1.Time{Time: r.Status.Deadline.Time}
	}
	return r.Status.BlockedUntil
}

func actionsOf(results []v1alpha1.ActionResult) []Action {
	actions := []Action{}
	for _, a := range results {
		one := Action{Type: named(a.Type), Object: objectOf(a.Object), State: named(a.State), Detail: line(a.Detail, maxDetail)}
		if a.AppliedAt != nil {
			one.Time = record.Timestamp(a.AppliedAt.Time)
		}
		actions = append(actions, one)
	}
	return actions
}

func objectOf(ref v1alpha1.ObjectReference) string {
	told := line(ref.Kind+" "+ref.Name, maxName)
	if ref.Namespace != "" {
		told += " in namespace " + line(ref.Namespace, maxName)
	}
	return told
}
