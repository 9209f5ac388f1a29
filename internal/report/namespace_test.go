// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

func found(cause v1alpha1.Cause, name string) finding.Finding {
	return finding.New(cause, v1alpha1.ObjectReference{Kind: "Deployment", Name: name}, v1alpha1.Certain, string(cause)+" of "+name, "seen")
}

func possible(f finding.Finding) finding.Finding { f.Confidence = v1alpha1.Possible; return f }
func likely(f finding.Finding) finding.Finding   { f.Confidence = v1alpha1.Likely; return f }

// blames is a finding that names the Service that is at fault.
func blames(service string) finding.Finding {
	f := found(v1alpha1.CauseDependencyUnavailable, service)
	f.Object.Kind = "Service"
	return f
}

// hit is a Service of which something was found.
func hit(name string, reach Reach, needs []string, findings ...finding.Finding) *looked {
	s := snapshot.Assemble("mcp", v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: name}, &snapshot.Objects{})
	s.Service = &corev1.Service{}
	s.Service.Name = name
	return &looked{s, diagnosis.Diagnosis{Cause: findings[0].Cause, Findings: findings}, reach, needs, false}
}

func TestJoin(t *testing.T) {
	const (
		crash, oom, zero, noReady, quota = v1alpha1.CauseCrashLoop, v1alpha1.CauseOOMKilled, v1alpha1.CauseScaledToZero, v1alpha1.CauseNoReadyEndpoints, v1alpha1.CauseQuotaExceeded
		port, paused, image              = v1alpha1.CauseTargetPortMismatch, v1alpha1.CauseRolloutPaused, v1alpha1.CauseImageNotFound
	)
	for name, test := range map[string]struct {
		in   []*looked
		want []string // the messages
	}{
		"the deepest of the catalogue": {
			[]*looked{hit("a", Down, nil, found(image, "a")), hit("b", Down, nil, found(zero, "b"))},
			[]string{"ScaledToZero of b", "ImageNotFound of a"},
		},
		"what is explained comes after what explains it, however bad it is": {
			[]*looked{hit("a", Down, nil, found(oom, "a"), found(crash, "a")), hit("b", Serving, nil, found(paused, "b"))},
			[]string{"OOMKilled of a", "RolloutPaused of b", "CrashLoop of a"},
		},
		"what is only possible is last of what is not explained": {
			[]*looked{hit("a", Down, nil, possible(found(zero, "a"))), hit("b", Serving, nil, found(paused, "b"))},
			[]string{"RolloutPaused of b", "ScaledToZero of a"},
		},
		"who serves nobody comes before who serves some": {
			[]*looked{hit("a", Degraded, nil, found(zero, "a")), hit("b", Down, nil, found(image, "b")), hit("c", Serving, nil, found(quota, "c"))},
			[]string{"ImageNotFound of b", "ScaledToZero of a", "QuotaExceeded of c"},
		},
		"ready pods that no caller gets to serve nobody": {
			[]*looked{hit("a", Degraded, nil, found(zero, "a")), hit("b", Serving, nil, found(port, "b"))},
			[]string{"TargetPortMismatch of b", "ScaledToZero of a"},
		},
		"what is proven comes before what is likely": {
			[]*looked{hit("a", Down, nil, likely(found(zero, "a"))), hit("b", Down, nil, found(image, "b"))},
			[]string{"ImageNotFound of b", "ScaledToZero of a"},
		},
		"of the same cause, the one that more suffer from, then by name": {
			[]*looked{hit("a", Down, nil, found(image, "b")), hit("b", Down, nil, found(image, "a")), hit("c", Down, nil, found(image, "c")), hit("d", Down, nil, found(image, "c"))},
			[]string{"ImageNotFound of c", "ImageNotFound of a", "ImageNotFound of b"},
		},
		"who blames another comes after what is wrong with that": {
			[]*looked{hit("a", Down, nil, blames("b"), found(crash, "a")), hit("b", Degraded, nil, found(image, "b"))},
			[]string{"ImageNotFound of b", "DependencyUnavailable of b", "CrashLoop of a"},
		},
		"who blames one of which nothing was found is told himself": {
			[]*looked{hit("a", Down, nil, blames("z"), found(crash, "a")), hit("b", Down, nil, found(noReady, "b"))},
			[]string{"DependencyUnavailable of z", "NoReadyEndpoints of b", "CrashLoop of a"},
		},
		"two that blame each other": {
			[]*looked{hit("a", Down, nil, blames("b")), hit("b", Down, nil, blames("a"))},
			[]string{"DependencyUnavailable of a", "DependencyUnavailable of b"},
		},
		"what a Service says of a client that says it itself": {
			[]*looked{hit("a", Serving, nil, found(v1alpha1.CauseServicePortMismatch, "b")), hit("b", Serving, nil, found(v1alpha1.CauseUpstreamAddressMismatch, "b"))},
			[]string{"UpstreamAddressMismatch of b", "ServicePortMismatch of b"},
		},
		"what a Service says of a client that is only possible": {
			[]*looked{hit("a", Serving, nil, found(v1alpha1.CauseServicePortMismatch, "b")), hit("b", Serving, nil, possible(found(v1alpha1.CauseUpstreamAddressMismatch, "b")))},
			[]string{"ServicePortMismatch of b", "UpstreamAddressMismatch of b"},
		},
		"a symptom of who calls one that is down": {
			[]*looked{hit("a", Down, []string{"b"}, found(crash, "a")), hit("b", Down, nil, found(noReady, "b"))},
			[]string{"NoReadyEndpoints of b", "CrashLoop of a"},
		},
		"a cause of who calls one that is down is his own": {
			[]*looked{hit("a", Down, []string{"b"}, found(oom, "a")), hit("b", Down, nil, found(crash, "b"))},
			[]string{"OOMKilled of a", "CrashLoop of b"},
		},
		"a symptom of who calls one that serves is his own": {
			[]*looked{hit("a", Down, []string{"b"}, found(crash, "a")), hit("b", Serving, nil, found(paused, "b"))},
			[]string{"CrashLoop of a", "RolloutPaused of b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				var got []string
				for _, f := range join(test.in, false) {
					got = append(got, f.Message)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				slices.Reverse(test.in) // their order must not matter
			}
		})
	}
}

// TestSameFinding: the same thing seen from several targets is told once, with all who suffer from it.
func TestSameFinding(t *testing.T) {
	quota := finding.New(v1alpha1.CauseQuotaExceeded, v1alpha1.ObjectReference{Kind: "ResourceQuota", Name: "mcp"}, v1alpha1.Likely, "seen of b", "one", "two")
	proven := finding.New(v1alpha1.CauseQuotaExceeded, quota.Object, v1alpha1.Certain, "seen of a", "two", "three")
	node := finding.New(v1alpha1.CauseNodeNotReady, v1alpha1.ObjectReference{Kind: "Node", Name: "node-1"}, v1alpha1.Certain, "node")
	other := quota
	other.Detail = "pods"
	got := join([]*looked{hit("b", Down, nil, quota, node), hit("a", Down, nil, proven), hit("c", Down, nil, other)}, false)
	if len(got) != 3 {
		t.Fatalf("%d findings: %+v", len(got), got)
	}
	i := slices.IndexFunc(got, func(f Finding) bool { return f.Cause == v1alpha1.CauseQuotaExceeded && f.Detail == "" })
	one := got[i]
	if diff := cmp.Diff([]string{"a", "b"}, one.Services); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"two", "three", "one"}, one.Evidence); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	if one.Message != "seen of a" || one.Confidence != v1alpha1.Certain || one.Namespace != "mcp" {
		t.Errorf("%s (%s) in %q", one.Message, one.Confidence, one.Namespace)
	}
	for _, f := range got {
		if f.Cause == v1alpha1.CauseNodeNotReady && f.Namespace != "" {
			t.Errorf("the node is in namespace %s", f.Namespace)
		}
	}
}
