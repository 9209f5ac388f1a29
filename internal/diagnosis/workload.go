// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"time"

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
	before := s.lastReplicas()
	who, proof := s.scaledBy(before.at)
	f := found(v1alpha1.CauseScaledToZero, w.Reference(), v1alpha1.Certain, w.String()+" is scaled to 0"+who, "spec.replicas is 0", before.source, proof)
	f.Replicas = before.replicas
	f.Recommendation = fmt.Sprintf("Scale %s to %d.", w, before.replicas)
	f.SuggestedPatch = fmt.Sprintf("kubectl scale %s/%s -n %s --replicas=%d", lower(w.Kind), w.Object.GetName(), s.Namespace, before.replicas)
	return []Finding{f}
}

// scaledBy tells who set the zero, as far as the managed fields tell it. A zero that was set through the scale
// subresource has no owner: the Scale object leaves out a count of 0 (autoscaling/v1, ScaleSpec.Replicas is omitempty),
// and so does what is recorded of it. That nobody owns the field is then itself the trace.
func (s *Snapshot) scaledBy(at time.Time) (who, proof string) {
	object := s.Workload.Object
	by, known := writerOf(object, "spec", "replicas")
	switch {
	case known:
		return " (" + by.in(s.Now) + ")", by.evidence("spec.replicas")
	case len(object.GetManagedFields()) == 0:
		return "", ""
	case !at.IsZero():
		who = " at " + timeOfDay(at, s.Now)
	}
	return " (through the scale subresource" + who + ")",
		"managed fields: nobody owns spec.replicas, so the 0 was set through the scale subresource, as kubectl scale and autoscalers do"
}
