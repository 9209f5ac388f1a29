// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// planRaiseMemoryLimit raises the limit of the container that ran out of it by a step, up to the cap of the policy and to what the
// namespace allows.
func planRaiseMemoryLimit(in Input) (v1alpha1.PlannedAction, bool) {
	workload := in.Snapshot.Workload
	if workload == nil {
		return v1alpha1.PlannedAction{}, false
	}
	container := containerNamed(workload.Template, in.root().Container)
	if container == nil || container.Resources.Limits.Memory().IsZero() {
		return v1alpha1.PlannedAction{}, false
	}
	limit := container.Resources.Limits.Memory()
	raised := raise(*limit, in.Policy.MemoryRaise.StepPercent)
	if highest := highestMemory(in, workload.Template, container); raised.Cmp(highest) > 0 {
		raised = highest
	}
	if raised.Cmp(*limit) <= 0 {
		return v1alpha1.PlannedAction{}, false
	}
	object := workload.Reference()
	return rollsOut(in.Snapshot, v1alpha1.PlannedAction{
		Object: object, Container: container.Name, MemoryLimit: &raised, Risk: v1alpha1.RiskMedium, Reversible: true,
		Reason: fmt.Sprintf("container %s of %s ran out of its limit of %s", container.Name, workload, limit),
		Detail: fmt.Sprintf("Raised the memory limit of container %s of %s from %s to %s", container.Name, lower(object), limit, &raised),
		Undo:   fmt.Sprintf("kubectl set resources %s -n %s -c %s --limits=memory=%s", slashed(object), in.Snapshot.Namespace, container.Name, limit),
	}), true
}

const mebibyte = 1 << 20

// raise adds a share, and rounds up to whole MiB.
func raise(limit resource.Quantity, percent int) resource.Quantity {
	value := limit.Value() + limit.Value()/100*int64(percent)
	return *resource.NewQuantity((value+mebibyte-1)/mebibyte*mebibyte, resource.BinarySI)
}

// highestMemory is the cap of the policy, or what the LimitRanges of the namespace allow if that is less: a container at most, all
// containers of a pod together, and so many times what the container requests. The request stays as it is.
func highestMemory(in Input, template *corev1.PodTemplateSpec, container *corev1.Container) resource.Quantity {
	highest := in.Policy.MemoryRaise.Max
	lower := func(allowed resource.Quantity) {
		if allowed.Cmp(highest) < 0 {
			highest = allowed
		}
	}
	request := container.Resources.Requests.Memory()
	for _, limits := range in.Snapshot.LimitRanges() {
		for _, item := range limits.Spec.Limits {
			allowed, bounded := item.Max[corev1.ResourceMemory]
			ratio, related := item.MaxLimitRequestRatio[corev1.ResourceMemory]
			switch {
			case item.Type == corev1.LimitTypePod && bounded:
				lower(*resource.NewQuantity(allowed.Value()-othersMemory(template, container), resource.BinarySI))
			case item.Type == corev1.LimitTypeContainer && bounded:
				lower(allowed)
			}
			if item.Type == corev1.LimitTypeContainer && related && !request.IsZero() {
				lower(*resource.NewQuantity(request.Value()*ratio.MilliValue()/1000, resource.BinarySI))
			}
		}
	}
	return highest
}

// othersMemory is what the limits of the other containers of a pod add up to, in bytes.
func othersMemory(template *corev1.PodTemplateSpec, container *corev1.Container) int64 {
	var sum int64
	for i := range template.Spec.Containers {
		if one := &template.Spec.Containers[i]; one.Name != container.Name {
			sum += one.Resources.Limits.Memory().Value()
		}
	}
	return sum
}

func raiseMemoryLimit(object client.Object, action v1alpha1.PlannedAction) error {
	container := containerNamed(templateOf(object), action.Container)
	if container == nil || action.MemoryLimit == nil {
		return unfit("%s %s has no container %q", action.Object.Kind, action.Object.Name, action.Container)
	}
	if container.Resources.Limits == nil {
		container.Resources.Limits = corev1.ResourceList{}
	}
	container.Resources.Limits[corev1.ResourceMemory] = *action.MemoryLimit
	return nil
}

// containerNamed finds a container in a template, sidecars among the init containers included; nil if there is none.
func containerNamed(template *corev1.PodTemplateSpec, name string) *corev1.Container {
	if template == nil {
		return nil
	}
	for _, list := range [][]corev1.Container{template.Spec.Containers, template.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
