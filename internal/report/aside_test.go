// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/workload"
)

// behind gives a looked-at target a workload.
func behind(l *looked, name string, replicas int32) *looked {
	deployment := &appsv1.Deployment{}
	deployment.Name = name
	l.Snapshot.Workload = &workload.Workload{Kind: v1alpha1.KindDeployment, Object: deployment, Replicas: replicas}
	return l
}

// TestAside: a workload at zero that nobody calls is a hint of the namespace, and a finding where it was asked for.
func TestAside(t *testing.T) {
	canary := behind(hit("canary", Serving, nil, found(v1alpha1.CauseScaledToZero, "canary")), "canary", 0)
	canary.Target.Kind, canary.Service = v1alpha1.KindDeployment, nil
	if findings, hints := join([]*looked{canary}, false), join([]*looked{canary}, true); len(findings) != 0 || len(hints) != 1 {
		t.Errorf("%d findings and %d hints of a canary", len(findings), len(hints))
	}
	canary.asked = true
	if findings := join([]*looked{canary}, false); len(findings) != 1 {
		t.Errorf("%d findings of what was asked for", len(findings))
	}
	called := behind(hit("called", Down, nil, found(v1alpha1.CauseScaledToZero, "called")), "called", 0)
	if findings := join([]*looked{called}, false); len(findings) != 1 {
		t.Errorf("%d findings of what a Service leads to", len(findings))
	}
}

// TestOneDependency: what a client tells of a Service and what its workload shows is one finding.
func TestOneDependency(t *testing.T) {
	const full = v1alpha1.CauseConnectionExhausted
	told := found(full, "db")
	told.Object.Kind, told.Detail = snapshot.KindService, "Server"
	all := []*looked{
		hit("client", Down, nil, told), behind(hit("db", Serving, nil, found(full, "db")), "db", 1),
		behind(hit("other", Serving, nil, found(full, "other")), "other", 1),
	}
	joined := join(all, false)
	if len(joined) != 2 || joined[0].Object.Kind != snapshot.KindService || len(joined[0].Services) != 2 || joined[1].Object.Name != "other" {
		t.Errorf("joined to %d: %+v", len(joined), joined)
	}
}
