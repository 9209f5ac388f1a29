// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/ownership"
	"github.com/ry-ops/cortex/internal/workload"
)

// workloadNotFound finds that nothing is there to run the server.
func workloadNotFound(s *snapshot.Snapshot) []finding.Finding {
	if s.Workload != nil {
		return nil
	}
	if s.Target.Kind != v1alpha1.KindService {
		return missingWorkload(s)
	}
	if !s.SelectsNothing() || s.MeantFor() != nil {
		return nil
	}
	f := finding.New(v1alpha1.CauseWorkloadNotFound, s.ServiceReference(), v1alpha1.Certain,
		fmt.Sprintf("Service %s selects no pods, and no workload in namespace %s has pods like that", s.Service.Name, s.Namespace),
		fmt.Sprintf("selector of Service %s: %s", s.Service.Name, words.ShowLabels(s.Service.Spec.Selector)),
		fmt.Sprintf("%s in the namespace, none with these labels", words.Count(len(s.Workloads), "workload")))
	f.Recommendation = fmt.Sprintf("Deploy the workload that Service %s is for, with the labels %s on its pods.", s.Service.Name, words.ShowLabels(s.Service.Spec.Selector))
	return []finding.Finding{f}
}

func missingWorkload(s *snapshot.Snapshot) []finding.Finding {
	if !s.Complete(string(s.Target.Kind)) {
		return nil
	}
	f := finding.New(v1alpha1.CauseWorkloadNotFound, s.TargetReference(), v1alpha1.Certain,
		fmt.Sprintf("%s %s does not exist in namespace %s", s.Target.Kind, s.Target.Name, s.Namespace))
	f.Recommendation = fmt.Sprintf("Deploy %s %s, or name the workload that is meant.", s.Target.Kind, s.Target.Name)
	if w := snapshot.WithName(s.Workloads, s.Target.Name); w != nil {
		f.Evidence = append(f.Evidence, w.String()+" exists")
	} else if near := words.Nearest(s.Target.Name, words.Names(s.Workloads, func(w **workload.Workload) string { return (*w).Object.GetName() })); near != "" {
		f.Evidence = append(f.Evidence, snapshot.WithName(s.Workloads, near).String()+" exists")
	}
	return []finding.Finding{f}
}

// scaledToZero finds a workload that nobody asks pods of. It says who did that and what to go back to.
func scaledToZero(s *snapshot.Snapshot) []finding.Finding {
	if !s.AtZero() {
		return nil
	}
	w := s.Workload
	before := LastReplicas(s)
	who, proof := scaledBy(s, before.At)
	f := finding.New(v1alpha1.CauseScaledToZero, w.Reference(), v1alpha1.Certain, w.String()+" is scaled to 0"+who, "spec.replicas is 0", before.Source, proof)
	f.Replicas = before.Replicas
	f.Recommendation = fmt.Sprintf("Scale %s to %d.", w, before.Replicas)
	for _, k := range keepers(s) {
		f.Evidence = append(f.Evidence, k.proof)
		if k.advice != "" {
			f.Recommendation += " " + k.advice
		}
	}
	f.Suggest(finding.Scale(w, before.Replicas))
	return []finding.Finding{f}
}

// scaledBy tells who set the zero, as far as the managed fields tell it. A zero that was set through the scale
// subresource has no owner: the Scale object leaves out a count of 0 (autoscaling/v1, ScaleSpec.Replicas is omitempty),
// and so does what is recorded of it. That nobody owns the field is then itself the trace.
func scaledBy(s *snapshot.Snapshot, at time.Time) (who, proof string) {
	object := s.Workload.Object
	by, known := ownership.WriterOf(object, "spec", "replicas")
	switch {
	case known:
		return " (" + by.In(s.Now) + ")", by.Evidence("spec.replicas")
	case len(object.GetManagedFields()) == 0:
		return "", ""
	case !at.IsZero():
		who = " at " + words.TimeOfDay(at, s.Now)
	}
	return " (through the scale subresource" + who + ")",
		"managed fields: nobody owns spec.replicas, so the 0 was set through the scale subresource, as kubectl scale and autoscalers do"
}
