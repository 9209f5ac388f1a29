// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// atLimit is the part of the CPU limit, in percent, from which on the kernel holds a container back for most of the time.
const atLimit = 90

// load is the measured usage of the replicas of one container, beside its limit.
type load struct {
	snapshot.Container
	limit resource.Quantity
	// usage of each replica, in thousandths of a CPU.
	usage    []int64
	evidence []string
}

// percent is the mean usage of the limit.
func (l load) percent() int64 {
	var sum int64
	for _, one := range l.usage {
		sum += one
	}
	return sum * 100 / (int64(len(l.usage)) * l.limit.MilliValue())
}

// cpuOverload finds containers whose replicas all use what they may. Without metrics only an autoscaler that is at its end
// tells of it, and without either nothing is claimed.
func cpuOverload(s *snapshot.Snapshot) []finding.Finding {
	scaler := spentScaler(s)
	var findings []finding.Finding
	for _, l := range loads(s) {
		if l.percent() < atLimit {
			continue
		}
		message := fmt.Sprintf("%s uses %d %% of its CPU limit (%s) in %s", words.UpperFirst(s.In(l.Container)), l.percent(), &l.limit, words.Count(len(l.usage), "pod"))
		f := finding.New(v1alpha1.CauseCPUOverload, s.Owner(l.Container), v1alpha1.Likely, message, append(l.evidence, scaler...)...)
		if len(scaler) > 0 {
			f.Confidence = v1alpha1.Certain
		}
		f.Detail = "Limit"
		f.Recommendation = fmt.Sprintf("Raise resources.limits.cpu of %s (now %s), add replicas, or find what it computes.", s.In(l.Container), &l.limit)
		f.Suggest(doubled(s.Workload, l.Spec.Name, corev1.ResourceCPU, l.limit))
		findings = append(findings, f)
	}
	if len(findings) == 0 && len(scaler) > 0 {
		f := finding.New(v1alpha1.CauseCPUOverload, s.Culprit(), v1alpha1.Likely, fmt.Sprintf("%s uses more CPU than its autoscaler aims at, and has as many replicas as that may make", words.UpperFirst(s.Culprit().Kind+" "+s.Culprit().Name)), scaler...)
		f.Detail = "Autoscaler"
		f.Recommendation = "Raise spec.maxReplicas of the HorizontalPodAutoscaler, or the CPU of each replica."
		return []finding.Finding{f}
	}
	return findings
}

// loads are the measured containers that run and have a limit, one for each container of the spec. A measure that is old,
// or of the start, says nothing.
func loads(s *snapshot.Snapshot) []load {
	var all []load
	for _, c := range s.Containers() {
		limit, limited := c.Spec.Resources.Limits[corev1.ResourceCPU]
		measured := metricsOf(s, c.Pod)
		if !limited || limit.MilliValue() == 0 || measured == nil || c.Running().IsZero() || s.Age(measured.Timestamp.Time) >= snapshot.Recent || measured.Timestamp.Sub(c.Running()) < slowStart {
			continue
		}
		i := slices.IndexFunc(measured.Containers, func(m snapshot.ContainerMetrics) bool { return m.Name == c.Spec.Name })
		if i < 0 {
			continue
		}
		usage := measured.Containers[i].Usage[corev1.ResourceCPU]
		told := fmt.Sprintf("Pod %s: container %s uses %s of %s CPU (measured over %s, %s)", c.Pod.Name, c.Spec.Name, &usage, &limit, measured.Window.Duration, s.Ago(measured.Timestamp.Time))
		at := slices.IndexFunc(all, func(l load) bool { return l.Spec.Name == c.Spec.Name && l.limit.Cmp(limit) == 0 })
		if at < 0 {
			all = append(all, load{Container: c, limit: limit})
			at = len(all) - 1
		}
		all[at].usage = append(all[at].usage, usage.MilliValue())
		all[at].evidence = append(all[at].evidence, told)
	}
	return all
}

func metricsOf(s *snapshot.Snapshot, pod *corev1.Pod) *snapshot.PodMetrics {
	for i := range s.All.PodMetrics {
		if m := &s.All.PodMetrics[i]; m.Namespace == pod.Namespace && m.Name == pod.Name {
			return m
		}
	}
	return nil
}

// spentScaler tells of an autoscaler of the workload that has made all replicas that it may and still measures more CPU
// than it aims at.
func spentScaler(s *snapshot.Snapshot) []string {
	if s.Workload == nil {
		return nil
	}
	for i := range s.All.Autoscalers {
		hpa := &s.All.Autoscalers[i]
		ref := hpa.Spec.ScaleTargetRef
		if hpa.Namespace != s.Namespace || ref.Kind != string(s.Workload.Kind) || ref.Name != s.Workload.Object.GetName() || hpa.Status.CurrentReplicas < hpa.Spec.MaxReplicas {
			continue
		}
		if current, target, above := aboveTarget(hpa); above {
			told := fmt.Sprintf("HorizontalPodAutoscaler %s: %d of at most %d replicas, CPU at %d %% of the requests, target %d %%", hpa.Name, hpa.Status.CurrentReplicas, hpa.Spec.MaxReplicas, current, target)
			return append([]string{told}, limitedBy(hpa)...)
		}
	}
	return nil
}

func aboveTarget(hpa *autoscalingv2.HorizontalPodAutoscaler) (current, target int32, above bool) {
	for _, wanted := range hpa.Spec.Metrics {
		if wanted.Resource == nil || wanted.Resource.Name != corev1.ResourceCPU || wanted.Resource.Target.AverageUtilization == nil {
			continue
		}
		for _, measured := range hpa.Status.CurrentMetrics {
			if measured.Resource == nil || measured.Resource.Name != corev1.ResourceCPU || measured.Resource.Current.AverageUtilization == nil {
				continue
			}
			current, target = *measured.Resource.Current.AverageUtilization, *wanted.Resource.Target.AverageUtilization
			return current, target, float64(current) > 1.1*float64(target) // the controller's own tolerance is a tenth
		}
	}
	return 0, 0, false
}

func limitedBy(hpa *autoscalingv2.HorizontalPodAutoscaler) []string {
	for _, condition := range hpa.Status.Conditions {
		if condition.Type == autoscalingv2.ScalingLimited && condition.Status == corev1.ConditionTrue && condition.Reason == "TooManyReplicas" {
			return []string{strings.TrimSpace("it says: " + condition.Message)}
		}
	}
	return nil
}
