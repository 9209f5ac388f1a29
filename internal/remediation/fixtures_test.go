// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/remediation"
)

// seenCluster is a snapshot of each cluster that the diagnosis is tested with (internal/diagnosis/testdata), by its name.
func seenClusters(t *testing.T) map[string]*snapshot.Snapshot {
	t.Helper()
	const root = "../diagnosis/testdata"
	paths, err := filepath.Glob(root + "/*/*/case.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	all := map[string]*snapshot.Snapshot{}
	for _, path := range paths {
		all[strings.TrimPrefix(filepath.Dir(path), root+"/")] = seenCluster(t, path)
	}
	return all
}

func seenCluster(t *testing.T, path string) *snapshot.Snapshot {
	t.Helper()
	seen := struct {
		Target    v1alpha1.TargetReference
		Error     *v1alpha1.ObservedError
		Handshake *struct {
			Verdict  v1alpha1.Verdict
			Class    v1alpha1.ErrorClass
			Accepted bool
			Message  string
		}
		Logs         map[string]struct{ Current, Previous string }
		Unprobed     bool
		Unread, Gaps []string
	}{Target: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &seen); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	reader := dump.Reader{Strict: true}
	if err := reader.ReadPath(filepath.Join(filepath.Dir(path), "objects.yaml"), nil); err != nil {
		t.Fatal(err)
	}
	objects := reader.Objects()
	objects.Unread, objects.Gaps = seen.Unread, seen.Gaps
	s := snapshot.Assemble(namespace, seen.Target, objects)
	s.Now, s.Error, s.Unprobed = fixtureTime, seen.Error, seen.Unprobed
	s.Logs = map[snapshot.ContainerKey]snapshot.ContainerLog{}
	if h := seen.Handshake; h != nil {
		s.Handshake = &mcpserver.Result{Verdict: h.Verdict, Class: h.Class, Accepted: h.Accepted, Message: h.Message}
	}
	for key, log := range seen.Logs {
		pod, container, _ := strings.Cut(key, "/")
		s.Logs[snapshot.ContainerKey{Pod: pod, Container: container}] = snapshot.ContainerLog{Current: foreign.Log(log.Current, 16<<10), Previous: foreign.Log(log.Previous, 16<<10)}
	}
	return s
}

// TestPlansOfFixtures holds, for every cluster that the diagnosis knows and every policy of one permission for all: a plan changes
// nothing but the workload and the Service that were looked at, does no more than the policy permits, and can be stored.
func TestPlansOfFixtures(t *testing.T) {
	clusters := seenClusters(t)
	shapes := map[string]int{}
	for name, s := range clusters {
		d := diagnosis.Diagnose(s)
		for setting, in := range map[string]policy.Effective{
			"default":  policy.Default(),
			"Auto":     permitting(v1alpha1.PermissionAuto),
			"Approval": permitting(v1alpha1.PermissionApproval),
			"Never":    permitting(v1alpha1.PermissionNever),
		} {
			plan := remediation.Plan(remediation.Input{Snapshot: s, Diagnosis: d, Policy: in})
			var types []string
			for _, action := range plan.Actions {
				types = append(types, string(action.Type))
				if why := misplaced(s, d, in, action); why != "" {
					raw, err := json.MarshalIndent(action, "", "  ")
					t.Errorf("%s, %s: %s %s: %s %v", name, setting, action.Type, why, raw, err)
				}
			}
			if setting == "default" {
				shape := cmp.Or(strings.Join(types, ", "), "nothing")
				shapes[shape]++
			}
		}
	}
	t.Logf("%d clusters, each with 4 policies; plans of the default policy:", len(clusters))
	for shape, count := range shapes {
		t.Logf("%4d  %s", count, shape)
	}
}

// permitting is a policy of one permission for everything.
func permitting(permission v1alpha1.Permission) policy.Effective {
	of := policy.Default()
	of.Permissions = map[v1alpha1.ActionType]v1alpha1.Permission{}
	for _, actionType := range v1alpha1.ActionTypes() {
		of.Permissions[actionType] = permission
	}
	return of
}

// misplaced says what is wrong with an action that is planned for a cluster; "" if nothing is.
func misplaced(s *snapshot.Snapshot, d diagnosis.Diagnosis, of policy.Effective, action v1alpha1.PlannedAction) string {
	allowed := of.Permission(action.Type)
	known := map[v1alpha1.ObjectReference]bool{}
	if s.Service != nil {
		known[identity(s.ServiceReference())] = true
	}
	if s.Workload != nil {
		known[identity(s.Workload.Reference())] = true
	}
	switch {
	case !known[identity(action.Object)]:
		return "is about an object that is not the target's"
	case action.Object.Kind == string(v1alpha1.KindService) && action.Type != v1alpha1.ActionPatch && action.Type != v1alpha1.ActionHealDependency:
		return "is no action for a Service"
	case allowed == v1alpha1.PermissionNever:
		return "is forbidden"
	case allowed == v1alpha1.PermissionApproval && action.Permission != v1alpha1.PermissionApproval:
		return "asks for less than the policy"
	case action.Type == v1alpha1.ActionPatch && action.Permission != v1alpha1.PermissionApproval:
		return "asks nobody"
	case action.Type == v1alpha1.ActionDeletePods && d.Cause == v1alpha1.CauseStuckTerminating && (d.Findings[0].Detail != "NodeGone" || action.Permission != v1alpha1.PermissionApproval):
		return "ends by force what may still run, or asks nobody"
	case action.Reason == "" || len(action.Reason) > 512 || action.Detail == "" || len(action.Detail) > 512:
		return "does not say why and what, or says too much"
	}
	pods := map[string]client.Object{}
	for i := range s.Pods {
		pods[string(s.Pods[i].UID)+"/"+s.Pods[i].Name] = &s.Pods[i]
	}
	for _, ref := range action.Pods {
		if pods[string(ref.UID)+"/"+ref.Name] == nil {
			return "deletes a pod that is not the target's"
		}
	}
	return ""
}

// identity is a reference without the state that its object is in.
func identity(ref v1alpha1.ObjectReference) v1alpha1.ObjectReference {
	return v1alpha1.ObjectReference{Kind: ref.Kind, Name: ref.Name, UID: ref.UID}
}
