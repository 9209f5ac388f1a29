// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/workload"
)

// kinds are what a target may be called, as kubectl takes them.
var kinds = map[string]v1alpha1.TargetKind{
	"service": v1alpha1.KindService, "services": v1alpha1.KindService, "svc": v1alpha1.KindService,
	"deployment": v1alpha1.KindDeployment, "deployments": v1alpha1.KindDeployment, "deploy": v1alpha1.KindDeployment,
	"statefulset": v1alpha1.KindStatefulSet, "statefulsets": v1alpha1.KindStatefulSet, "sts": v1alpha1.KindStatefulSet,
	"daemonset": v1alpha1.KindDaemonSet, "daemonsets": v1alpha1.KindDaemonSet, "ds": v1alpha1.KindDaemonSet,
}

// Named is what a person calls a target: a name, with or without a kind before it.
type Named struct {
	kind v1alpha1.TargetKind
	name string
}

// ParseTarget reads "sandfly-mcp-server", "svc/sandfly-mcp-server" or "deployment.apps/sandfly-mcp-server".
func ParseTarget(text string) (Named, error) {
	prefix, name, hasKind := strings.Cut(text, "/")
	if !hasKind {
		prefix, name = "", text
	}
	if name == "" || strings.ContainsAny(name, "/ ") {
		return Named{}, fmt.Errorf("%q names no target: give the name of a Service, or kind/name, such as deployment/sandfly-mcp-server", text)
	}
	if !hasKind {
		return Named{name: name}, nil
	}
	word, _, _ := strings.Cut(strings.ToLower(prefix), ".")
	kind, known := kinds[word]
	if !known {
		return Named{}, fmt.Errorf("%q is no kind that can be diagnosed: it is service, deployment, statefulset or daemonset (a Pod is looked at through what owns it)", prefix)
	}
	return Named{kind, name}, nil
}

// Find tells which object is meant. A bare name is a Service's, or else a workload's; one of neither is taken for a Service,
// so that its absence is the finding. A workload that is known not to be there is an error, since nothing follows from it.
func (n Named) Find(o *snapshot.Objects, namespace string) (v1alpha1.TargetReference, error) {
	s := snapshot.Assemble(namespace, v1alpha1.TargetReference{}, o)
	if n.kind == "" {
		n.kind = v1alpha1.KindService
		if snapshot.ServiceNamed(s.Services, n.name) == nil {
			if w := snapshot.WithName(s.Workloads, n.name); w != nil {
				n.kind = w.Kind
			}
		}
	}
	target := v1alpha1.TargetReference{Kind: n.kind, Name: n.name}
	if n.kind == v1alpha1.KindService || snapshot.WorkloadNamed(s.Workloads, string(n.kind), n.name) != nil {
		return target, nil
	}
	return target, fmt.Errorf("there is no %s %s in namespace %s%s", n.kind, foreign.Line(n.name, finding.MaxName), namespace, nearest(n, s.Workloads))
}

// nearest tells what the workload may be called instead.
func nearest(n Named, all []*workload.Workload) string {
	var names []string
	for _, w := range all {
		if w.Kind == n.kind {
			names = append(names, foreign.Line(w.Object.GetName(), finding.MaxName))
		}
	}
	slices.Sort(names)
	switch near := words.Nearest(n.name, names); {
	case near != "":
		return "; did you mean " + near + "?"
	case len(names) > 0:
		return "; there are " + listed(names)
	default:
		return ""
	}
}

// Namespaces are those that have something to look at, by name.
func Namespaces(o *snapshot.Objects) []string {
	seen := map[string]bool{}
	for i := range o.Services {
		seen[o.Services[i].Namespace] = true
	}
	for i := range o.Deployments {
		seen[o.Deployments[i].Namespace] = true
	}
	for i := range o.StatefulSets {
		seen[o.StatefulSets[i].Namespace] = true
	}
	for i := range o.DaemonSets {
		seen[o.DaemonSets[i].Namespace] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Guess is the target that is most likely meant, before anything was read.
func (n Named) Guess() v1alpha1.TargetReference {
	if n.kind == "" {
		n.kind = v1alpha1.KindService
	}
	return v1alpha1.TargetReference{Kind: n.kind, Name: n.name}
}
