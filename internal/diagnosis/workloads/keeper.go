// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// keeper is a program that sets the replica count of a workload, or all of its spec, and may set it back.
type keeper struct {
	// who, for people.
	who string
	// proof says where that stands.
	proof string
	// advice is what to do besides the scaling by hand, which may not last.
	advice string
}

// marks are what such programs put on the objects that they keep. Each is a label or an annotation.
var marks = []struct{ key, who, advice string }{
	{"scaledobject.keda.sh/name", "KEDA", "KEDA scales it by its triggers and may set 0 again: see the ScaledObject (kubectl get scaledobject), its minReplicaCount and its annotation autoscaling.keda.sh/paused-replicas."},
	{"argocd.argoproj.io/tracking-id", "Argo CD", "Argo CD keeps it as Git says: change the count there too, or it may come back."},
	{"argocd.argoproj.io/instance", "Argo CD", "Argo CD keeps it as Git says: change the count there too, or it may come back."},
	{"kustomize.toolkit.fluxcd.io/name", "Flux", "Flux keeps it as Git says: change the count there too, or it may come back."},
	{"helm.toolkit.fluxcd.io/name", "Flux", "Flux keeps it as its HelmRelease says: change the count there too, or it may come back."},
	{"downscaler/original-replicas", "kube-downscaler", "kube-downscaler scaled it down by its schedule, and the annotation downscaler/original-replicas has the count before."},
}

// keepers are those that the workload bears the mark of, and the autoscaler that is set on it.
func keepers(s *snapshot.Snapshot) []keeper {
	var found []keeper
	for _, mark := range marks {
		where := "label"
		value, ok := s.Workload.Object.GetLabels()[mark.key]
		if !ok {
			where = "annotation"
			value, ok = s.Workload.Object.GetAnnotations()[mark.key]
		}
		if ok && !seen(found, mark.who) {
			found = append(found, keeper{mark.who, fmt.Sprintf("%s %s=%s of %s: %s keeps it", where, mark.key, value, s.Workload, mark.who), mark.advice})
		}
	}
	return append(found, scaler(s, found)...)
}

func seen(found []keeper, who string) bool {
	return slices.ContainsFunc(found, func(k keeper) bool { return k.who == who })
}

// scaler tells the HorizontalPodAutoscaler of the workload. One that may not go to 0 does not act on a workload at 0 at all:
// somebody else has scaled it down, and it does not scale it up (autoscaling/v2, condition ScalingActive ScalingDisabled).
func scaler(s *snapshot.Snapshot, found []keeper) []keeper {
	hpa := s.Autoscaler()
	if hpa == nil {
		return nil
	}
	name := "HorizontalPodAutoscaler " + hpa.Name
	if object, ok := hpa.Labels["scaledobject.keda.sh/name"]; ok || strings.HasPrefix(hpa.Name, "keda-hpa-") {
		if seen(found, "KEDA") {
			return nil
		}
		return []keeper{{"KEDA", fmt.Sprintf("%s scales it for ScaledObject %s of KEDA", name, object), marks[0].advice}}
	}
	least := int32(1)
	if hpa.Spec.MinReplicas != nil {
		least = *hpa.Spec.MinReplicas
	}
	if least == 0 {
		return []keeper{{name, fmt.Sprintf("%s has minReplicas 0, and wants %d", name, hpa.Status.DesiredReplicas), fmt.Sprintf("Set minReplicas of %s to at least 1, or it may set 0 again.", name)}}
	}
	return []keeper{{"", fmt.Sprintf("%s has minReplicas %d and does not act on a workload at 0", name, least), ""}}
}
