// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/ownership"
)

// keeper is a program that sets the replica count of a workload, or all of its spec, and may set it back.
type keeper struct {
	// proof says where that stands.
	proof string
	// advice is what to do besides the scaling by hand, which may not last.
	advice string
}

// keepers are what keeps the workload as Git says, and what scales it.
func keepers(s *snapshot.Snapshot) []keeper {
	var found []keeper
	if k, ok := ownership.GitOps(s.Workload.Object); ok {
		found = append(found, keeper{fmt.Sprintf("%s of %s: %s keeps it", k.Mark, s.Workload, k.Brand()),
			fmt.Sprintf("%s keeps it as Git says: change spec.replicas there too, or it may come back.", k)})
	}
	if scaler, ok := ownership.ScalerOf(s.Workload, s.Autoscaler()); ok {
		found = append(found, scales(scaler))
	}
	return found
}

// scales tells what scales the workload. A HorizontalPodAutoscaler that may not go to 0 has no part in a 0.
func scales(by ownership.Scaler) keeper {
	switch {
	case by.Kind == ownership.KEDA:
		return keeper{by.Mark, "KEDA scales it by its triggers and may set 0 again: see the ScaledObject (kubectl get scaledobject), its minReplicaCount and its annotation autoscaling.keda.sh/paused-replicas."}
	case by.Kind == ownership.KubeDownscaler:
		return keeper{by.Mark, "kube-downscaler scaled it down by its schedule, and the annotation downscaler/original-replicas has the count before."}
	case by.LeavesZero():
		return keeper{fmt.Sprintf("%s has minReplicas %d and does not act on a workload at 0", by, by.Min), ""}
	default:
		return keeper{fmt.Sprintf("%s has minReplicas 0, and wants %d", by, by.Wants), fmt.Sprintf("Set minReplicas of %s to at least 1, or it may set 0 again.", by)}
	}
}
