// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/workload"
)

// workloadNotFound finds that nothing is there to run the server.
func workloadNotFound(s *Snapshot) []Finding {
	if s.Workload != nil {
		return nil
	}
	if s.Target.Kind != v1alpha1.KindService {
		return s.missingWorkload()
	}
	if !s.selectsNothing() || s.meantFor() != nil {
		return nil
	}
	f := found(v1alpha1.CauseWorkloadNotFound, s.serviceReference(), v1alpha1.Certain,
		fmt.Sprintf("Service %s selects no pods, and no workload in namespace %s has pods like that", s.Service.Name, s.Namespace),
		fmt.Sprintf("selector of Service %s: %s", s.Service.Name, showLabels(s.Service.Spec.Selector)),
		fmt.Sprintf("%s in the namespace, none with these labels", count(len(s.Workloads), "workload")))
	f.Recommendation = fmt.Sprintf("Deploy the workload that Service %s is for, with the labels %s on its pods.", s.Service.Name, showLabels(s.Service.Spec.Selector))
	return []Finding{f}
}

func (s *Snapshot) missingWorkload() []Finding {
	if !s.Complete(string(s.Target.Kind)) {
		return nil
	}
	f := found(v1alpha1.CauseWorkloadNotFound, s.targetReference(), v1alpha1.Certain,
		fmt.Sprintf("%s %s does not exist in namespace %s", s.Target.Kind, s.Target.Name, s.Namespace))
	f.Recommendation = fmt.Sprintf("Deploy %s %s, or name the workload that is meant.", s.Target.Kind, s.Target.Name)
	if w := withName(s.Workloads, s.Target.Name); w != nil {
		f.Evidence = append(f.Evidence, w.String()+" exists")
	} else if near := nearest(s.Target.Name, names(s.Workloads, func(w **workload.Workload) string { return (*w).Object.GetName() })); near != "" {
		f.Evidence = append(f.Evidence, withName(s.Workloads, near).String()+" exists")
	}
	return []Finding{f}
}

// scaledToZero finds a workload that nobody asks pods of. It says who did that and what to go back to.
func scaledToZero(s *Snapshot) []Finding {
	if !s.atZero() {
		return nil
	}
	w := s.Workload
	replicas, source, _ := s.lastReplicas()
	message := w.String() + " is scaled to 0"
	evidence := []string{"spec.replicas is 0", source}
	if by, ok := writerOf(w.Object, "spec", "replicas"); ok {
		message += " (" + by.in(s.Now) + ")"
		evidence = append(evidence, by.evidence("spec.replicas"))
	}
	f := found(v1alpha1.CauseScaledToZero, w.Reference(), v1alpha1.Certain, message, evidence...)
	f.Replicas = replicas
	f.Recommendation = fmt.Sprintf("Scale %s to %d.", w, replicas)
	f.SuggestedPatch = fmt.Sprintf("kubectl scale %s/%s -n %s --replicas=%d", lower(w.Kind), w.Object.GetName(), s.Namespace, replicas)
	return []Finding{f}
}
