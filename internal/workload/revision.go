// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// RevisionTemplate is the pod template that a ControllerRevision keeps: a strategic merge patch that replaces spec.template
// (pkg/controller/statefulset and pkg/controller/daemon of Kubernetes, getPatch).
func RevisionTemplate(revision *appsv1.ControllerRevision) (*corev1.PodTemplateSpec, error) {
	var patch struct {
		Spec struct {
			Template *corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(revision.Data.Raw, &patch); err != nil {
		return nil, fmt.Errorf("reading ControllerRevision %s: %w", revision.Name, err)
	}
	if patch.Spec.Template == nil {
		return nil, fmt.Errorf("reading ControllerRevision %s: it holds no template", revision.Name)
	}
	return patch.Spec.Template, nil
}

// WithoutHash is a copy of a ReplicaSet's template without the label that its Deployment has added.
func WithoutHash(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	template = template.DeepCopy()
	delete(template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	return template
}
