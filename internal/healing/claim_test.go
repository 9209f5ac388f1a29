// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"encoding/json"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/record"
)

// began is when the failed call of the tests began.
var began = time.Date(2026, 11, 23, 10, 30, 0, 0, time.UTC)

type requestOption func(*v1alpha1.HealingRequest)

func request(name string, options ...requestOption) v1alpha1.HealingRequest {
	r := v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "cortex-system"},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly"}},
	}
	for _, option := range options {
		option(&r)
	}
	return r
}

// ended is over since a time after (or before) the call began.
func ended(after time.Duration, reason string) requestOption {
	return func(r *v1alpha1.HealingRequest) {
		at := metav1.NewMicroTime(began.Add(after))
		r.Status.CompletedAt = &at
		r.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason}}
	}
}

func of(kind v1alpha1.TargetKind, name string) requestOption {
	return func(r *v1alpha1.HealingRequest) { r.Spec.TargetRef = v1alpha1.TargetReference{Kind: kind, Name: name} }
}

func dryRun(r *v1alpha1.HealingRequest) { r.Spec.Mode = v1alpha1.ModeDryRun }

func TestNamingRule(t *testing.T) {
	healed, failed := v1alpha1.ReasonHealed, v1alpha1.ReasonManualFixNeeded
	for name, tc := range map[string]struct {
		requests []v1alpha1.HealingRequest
		// want is the request that answers, or "+" and the name of the next one.
		want string
	}{
		"none":                                 {nil, "+sandfly-001"},
		"an active one is joined":              {[]v1alpha1.HealingRequest{request("sandfly-001")}, "sandfly-001"},
		"whatever it is called":                {[]v1alpha1.HealingRequest{request("by-hand")}, "by-hand"},
		"the newest of two active ones":        {[]v1alpha1.HealingRequest{request("sandfly-009"), request("sandfly-010"), request("sandfly-002")}, "sandfly-010"},
		"active before ended":                  {[]v1alpha1.HealingRequest{request("sandfly-001"), request("sandfly-002", ended(time.Second, healed))}, "sandfly-001"},
		"terminal and older: the next":         {[]v1alpha1.HealingRequest{request("sandfly-001", ended(-time.Second, healed))}, "+sandfly-002"},
		"terminal at that very moment: next":   {[]v1alpha1.HealingRequest{request("sandfly-001", ended(0, healed))}, "+sandfly-002"},
		"healed after the call began":          {[]v1alpha1.HealingRequest{request("sandfly-001", ended(time.Second, healed))}, "sandfly-001"},
		"failed after the call began":          {[]v1alpha1.HealingRequest{request("sandfly-001", ended(time.Second, failed))}, "sandfly-001"},
		"the last that ended":                  {[]v1alpha1.HealingRequest{request("sandfly-002", ended(2*time.Second, healed)), request("sandfly-001", ended(time.Second, failed))}, "sandfly-002"},
		"one above the highest, not the count": {[]v1alpha1.HealingRequest{request("sandfly-009", ended(-1, healed)), request("sandfly-010", ended(-1, healed))}, "+sandfly-011"},
		"gaps are left":                        {[]v1alpha1.HealingRequest{request("sandfly-007", ended(-1, healed))}, "+sandfly-008"},
		"numbers that we do not write":         {[]v1alpha1.HealingRequest{request("sandfly-7", ended(-1, healed)), request("sandfly--5", ended(-1, healed)), request("sandfly-99999999999999999999", ended(-1, healed))}, "+sandfly-001"},
		"a name that another target took":      {[]v1alpha1.HealingRequest{request("sandfly-001", of(v1alpha1.KindService, "other"))}, "+sandfly-002"},
		"a Deployment of the same name":        {[]v1alpha1.HealingRequest{request("sandfly-001", of(v1alpha1.KindDeployment, "sandfly"))}, "+sandfly-002"},
		"a kind that is not defaulted yet":     {[]v1alpha1.HealingRequest{request("by-hand", of("", "sandfly"))}, "by-hand"},
		"a dry run fixes nothing":              {[]v1alpha1.HealingRequest{request("sandfly-001", dryRun), request("look", dryRun, ended(time.Second, v1alpha1.ReasonDryRun))}, "+sandfly-002"},
		"another service with our name in it":  {[]v1alpha1.HealingRequest{request("sandfly-mcp-4", of(v1alpha1.KindService, "sandfly-mcp"))}, "+sandfly-001"},
	} {
		t.Run(name, func(t *testing.T) {
			got := "+" + record.NextName(tc.requests, "sandfly")
			if answer := answering(tc.requests, "sandfly", began); answer != nil {
				got = answer.Name
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// The names are those of the spec ("Self-Healing Worker", output).
func TestResultHasExactlyTheNamesOfTheSpec(t *testing.T) {
	r := request("sandfly-001", ended(1500*time.Millisecond, v1alpha1.ReasonHealed))
	r.Status.Diagnosis, r.Status.FixApplied = "scaled to zero", "Scaled Deployment sandfly from 0 to 1"
	got, err := json.Marshal(outcomeOf(&r, false).Result)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"success":true,"diagnosis":"scaled to zero","fix_applied":"Scaled Deployment sandfly from 0 to 1","timestamp":"2026-11-23T10:30:01Z","recommendation":""}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
