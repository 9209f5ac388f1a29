// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
)

func TestRank(t *testing.T) {
	for name, test := range map[string]struct{ in, want []v1alpha1.Cause }{
		"nothing":                           {nil, nil},
		"the symptom alone":                 {[]v1alpha1.Cause{"NoReadyEndpoints"}, []v1alpha1.Cause{"NoReadyEndpoints"}},
		"a bare symptom is left out":        {[]v1alpha1.Cause{"NoReadyEndpoints", "CrashLoop"}, []v1alpha1.Cause{"CrashLoop"}},
		"a telling symptom follows":         {[]v1alpha1.Cause{"CrashLoop", "NoReadyEndpoints", "OOMKilled"}, []v1alpha1.Cause{"OOMKilled", "CrashLoop"}},
		"independent faults are both told":  {[]v1alpha1.Cause{"Unresponsive", "ImageNotFound"}, []v1alpha1.Cause{"ImageNotFound", "Unresponsive"}},
		"what blocks the cure comes first":  {[]v1alpha1.Cause{"CrashLoop", "ScaledToZero"}, []v1alpha1.Cause{"ScaledToZero", "CrashLoop"}},
		"no route is deeper than no pods":   {[]v1alpha1.Cause{"NoReadyEndpoints", "ScaledToZero", "ServiceNotFound"}, []v1alpha1.Cause{"ServiceNotFound", "ScaledToZero"}},
		"a cause that is in no row is last": {[]v1alpha1.Cause{"Martian", "Unresponsive"}, []v1alpha1.Cause{"Unresponsive", "Martian"}},
	} {
		t.Run(name, func(t *testing.T) {
			var in []finding.Finding
			for _, cause := range test.in {
				in = append(in, finding.New(cause, v1alpha1.ObjectReference{}, v1alpha1.Certain, ""))
			}
			var got []v1alpha1.Cause
			for _, f := range rank(in) {
				got = append(got, f.Cause)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRankKeepsTheOrderOfACheck(t *testing.T) {
	in := []finding.Finding{
		finding.New(v1alpha1.CauseCrashLoop, v1alpha1.ObjectReference{}, v1alpha1.Certain, "newest revision"),
		finding.New(v1alpha1.CauseCrashLoop, v1alpha1.ObjectReference{}, v1alpha1.Certain, "older revision"),
	}
	if got := rank(in); got[0].Message != "newest revision" {
		t.Errorf("%q is first", got[0].Message)
	}
}

// TestExplanationsAreInOrder holds that no row explains an earlier one, so that the order of the rows is one of depth,
// and that the table knows every cause of the API but Healthy.
func TestExplanationsAreInOrder(t *testing.T) {
	var seen []v1alpha1.Cause
	for _, row := range Catalogue() {
		if slices.Contains(seen, row.Cause) {
			t.Errorf("%s has two rows", row.Cause)
		}
		for _, consequence := range row.Explains {
			if slices.Contains(seen, consequence) || consequence == row.Cause {
				t.Errorf("%s explains the earlier %s", row.Cause, consequence)
			}
		}
		seen = append(seen, row.Cause)
	}
	for _, cause := range v1alpha1.Causes() {
		if cause == v1alpha1.CauseHealthy {
			continue
		}
		if !slices.Contains(seen, cause) {
			t.Errorf("%s has no row", cause)
		}
	}
}
