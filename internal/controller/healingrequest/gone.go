// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/internal/workload"
)

// workloadGone goes on where the workload that was to come back is there no longer. If another was created under its name and works,
// that is the end, though the time may be up: a target that works is not called failed.
func (r *Reconciler) workloadGone(ctx context.Context, h *heal, why string) error {
	ref := *h.status().WorkloadRef
	h.lose(ref)
	live, err := workload.Get(ctx, r.Live, ref.Kind, types.NamespacedName{Namespace: h.request.Namespace, Name: ref.Name})
	if ignoreNotFound(err) != nil {
		return err
	}
	if err == nil {
		anew := live.Reference()
		h.status().WorkloadRef = &anew
	}
	if works, err := r.worksAgain(ctx, h); works || err != nil {
		return err
	}
	h.say(why + ". Looking again...")
	h.lookAgain()
	return nil
}

// lose takes back what was said to be changed of a workload that is there no longer: the cluster does not show it any more.
func (h *heal) lose(gone v1alpha1.ObjectReference) {
	status := h.status()
	for _, action := range status.Actions {
		if action.Object.UID != gone.UID || !policy.ChangesTarget(action.Type) || action.AppliedAt == nil {
			continue
		}
		const between = "; " // what addFix puts between two, and what a detail may hold itself
		all := between + status.FixApplied + between
		left := strings.Replace(all, between+action.Detail+between, between, 1)
		if left == all {
			continue
		}
		status.FixApplied = strings.TrimSuffix(strings.TrimPrefix(left, between), between)
		h.say(fmt.Sprintf("%s: %s %s was deleted since, and the change with it", action.Detail, gone.Kind, gone.Name))
	}
}

// vanished reports whether a workload is there no longer, be it that another has its name.
func vanished(s *snapshot.Snapshot, ref *v1alpha1.ObjectReference) bool {
	return ref != nil && s.Complete(ref.Kind) && !slices.ContainsFunc(s.Workloads, func(w *workload.Workload) bool {
		return w.Object.GetUID() == ref.UID
	})
}
