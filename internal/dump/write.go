// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// Dump is what is written: all that was read of a namespace, and when.
type Dump struct {
	Namespace string
	Objects   *snapshot.Objects
	Logs      map[snapshot.ContainerKey]snapshot.ContainerLog
	Gaps      []string
	Time      time.Time
}

// Write writes a v1 List that a Reader reads and that anybody may see: what a diagnosis does not need is left out, and
// secrets are hidden as far as they can be told (hide.go). It returns how many objects it wrote.
func Write(to io.Writer, d Dump) (int, error) {
	out := bufio.NewWriter(to)
	more, err := json.Marshal(d.extra())
	if err != nil {
		return 0, fmt.Errorf("writing the logs: %w", err)
	}
	fmt.Fprintf(out, "{\n\"apiVersion\": \"v1\",\n\"kind\": \"List\",\n\"cortex\": %s,\n\"items\": [", more)
	written := 0
	for _, list := range lists(d.Objects) {
		for _, object := range list.objects {
			raw, err := list.item(object)
			if err != nil {
				return written, fmt.Errorf("writing a %s: %w", list.kind, err)
			}
			separator := ",\n"
			if written == 0 {
				separator = "\n"
			}
			fmt.Fprintf(out, "%s%s", separator, raw)
			written++
		}
	}
	fmt.Fprint(out, "\n]\n}\n")
	return written, out.Flush()
}

// extra is what is told beside the objects.
func (d *Dump) extra() extra {
	more := extra{
		Namespace: d.Namespace, Unread: d.Objects.Unread, Time: metav1.NewTime(d.Time.UTC().Truncate(time.Second)),
		Logs: map[string]string{}, Previous: map[string]string{},
	}
	for _, kind := range append(slices.Clone(known), snapshot.KindPodElsewhere) {
		if d.Objects.Complete(kind) {
			more.Kinds = append(more.Kinds, kind)
		}
	}
	for _, gap := range d.Gaps {
		more.Gaps = append(more.Gaps, foreign.Line(gap, finding.MaxEvidence))
	}
	for key, log := range d.Logs {
		name := strings.Join([]string{d.Namespace, key.Pod, key.Container}, "/")
		if log.Current != "" {
			more.Logs[name] = foreign.Log(log.Current, logBytes)
		}
		if log.Previous != "" {
			more.Previous[name] = foreign.Log(log.Previous, logBytes)
		}
	}
	return more
}

// list is all objects of one kind.
type list struct {
	kind, apiVersion string
	objects          []any
	// cut leaves out what a diagnosis does not need.
	cut func(object map[string]any)
}

// item writes one object: what the API server would give, less what is left out and hidden.
func (l list) item(object any) ([]byte, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	fields["kind"], fields["apiVersion"] = l.kind, l.apiVersion
	cutMetadata(l.kind, fields)
	if l.cut != nil {
		l.cut(fields)
	}
	hideIn(fields)
	return json.Marshal(fields)
}

// lists are the kinds in the order in which they are written.
func lists(o *snapshot.Objects) []list {
	const core, apps, networking = "v1", "apps/v1", "networking.k8s.io/v1"
	return []list{
		{snapshot.KindNamespace, core, anyOf(o.Namespaces), nil},
		{snapshot.KindService, core, anyOf(o.Services), cutService},
		{snapshot.KindEndpointSlice, "discovery.k8s.io/v1", anyOf(o.EndpointSlices), nil},
		{snapshot.KindIngress, networking, anyOf(o.Ingresses), cutIngress},
		{snapshot.KindHTTPRoute, "gateway.networking.k8s.io/v1", anyOf(o.HTTPRoutes), nil},
		{snapshot.KindNetworkPolicy, networking, anyOf(o.NetworkPolicies), nil},
		{snapshot.KindDeployment, apps, anyOf(o.Deployments), nil},
		{snapshot.KindStatefulSet, apps, anyOf(o.StatefulSets), nil},
		{snapshot.KindDaemonSet, apps, anyOf(o.DaemonSets), nil},
		{snapshot.KindReplicaSet, apps, anyOf(o.ReplicaSets), nil},
		{snapshot.KindControllerRevision, apps, anyOf(o.ControllerRevisions), nil},
		{snapshot.KindHorizontalPodAutoscaler, "autoscaling/v2", anyOf(o.Autoscalers), nil},
		{snapshot.KindPodDisruptionBudget, "policy/v1", anyOf(o.Budgets), nil},
		{snapshot.KindPod, core, anyOf(o.Pods), cutPod},
		{snapshot.KindPodMetrics, "metrics.k8s.io/v1beta1", anyOf(o.PodMetrics), nil},
		{snapshot.KindConfigMap, core, anyOf(o.ConfigMaps), cutConfigMap},
		{snapshot.KindSecret, core, anyOf(o.Secrets), nil},
		{snapshot.KindServiceAccount, core, anyOf(o.ServiceAccounts), nil},
		{snapshot.KindResourceQuota, core, anyOf(o.Quotas), nil},
		{snapshot.KindLimitRange, core, anyOf(o.LimitRanges), nil},
		{snapshot.KindPersistentVolumeClaim, core, anyOf(o.Claims), nil},
		{snapshot.KindPersistentVolume, core, anyOf(o.Volumes), cutVolume},
		{snapshot.KindStorageClass, "storage.k8s.io/v1", anyOf(o.StorageClasses), cutStorageClass},
		{snapshot.KindNode, core, anyOf(o.Nodes), cutNode},
		{snapshot.KindLease, "coordination.k8s.io/v1", anyOf(o.Leases), nil},
		{snapshot.KindEvent, core, anyOf(o.Events), nil},
	}
}

func anyOf[T any](all []T) []any {
	objects := make([]any, len(all))
	for i := range all {
		objects[i] = &all[i]
	}
	return objects
}
