// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/workload"
)

// ScalerKind is a kind of program that sets the replica count of a workload.
type ScalerKind string

// The scalers.
const (
	HPA            ScalerKind = "HorizontalPodAutoscaler"
	KEDA           ScalerKind = "KEDA ScaledObject"
	KubeDownscaler ScalerKind = "kube-downscaler"
)

// Marks of the scalers.
const (
	// https://keda.sh/docs/latest/reference/scaledobject-spec/: KEDA makes an HPA of this name, and labels what it makes.
	kedaName   = "scaledobject.keda.sh/name"
	kedaPrefix = "keda-hpa-"
	// kube-downscaler and its successors (https://github.com/caas-team/GoKubeDownscaler) keep the count before the downtime in it.
	downscalerReplicas = "downscaler/original-replicas"
)

// kedaManagers are the field managers of KEDA, which scales through the subresource and gives no name of its own: client-go
// then takes that of the program, which is /keda in its image, and keda-operator where somebody named it like its Deployment.
var kedaManagers = []string{"keda", "keda-operator"}

// Scaler is the program that sets the replica count of a workload.
type Scaler struct {
	Kind ScalerKind
	// Name of its object, if it has one that is known.
	Name string
	// Autoscaler is the name of the HorizontalPodAutoscaler, which KEDA has too; empty where there is none.
	Autoscaler string
	// Min and Max are the bounds of the HorizontalPodAutoscaler.
	Min, Max int32
	// Wants is what the HorizontalPodAutoscaler wants now.
	Wants int32
	// Disabled: it says that it does not act, since the workload is at 0.
	Disabled bool
	// Mark tells it, for evidence.
	Mark string
}

// String names the scaler for people: "HorizontalPodAutoscaler sandfly".
func (s Scaler) String() string {
	if s.Name == "" {
		return string(s.Kind)
	}
	return string(s.Kind) + " " + s.Name
}

// LeavesZero reports whether a workload at 0 stays there as far as the scaler is concerned, so that somebody else may scale it
// up. A HorizontalPodAutoscaler that may not go to 0 does not act on a workload at 0: "scaling is disabled since the replica
// count of the target is zero", with the reason ScalingDisabled of its condition ScalingActive
// (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#implicit-maintenance-mode-deactivation). KEDA
// and kube-downscaler go to 0 by design.
func (s Scaler) LeavesZero() bool { return s.Kind == HPA && s.Min > 0 }

// ScalerOf tells what scales a workload, if anything does: its HorizontalPodAutoscaler, which may be nil, or what the workload
// itself shows. While a ScaledObject of KEDA is paused it has no HorizontalPodAutoscaler
// (https://github.com/kedacore/keda/discussions/6800).
func ScalerOf(w *workload.Workload, autoscaler *autoscalingv2.HorizontalPodAutoscaler) (Scaler, bool) {
	if w == nil || !w.Scalable() {
		return Scaler{}, false
	}
	if autoscaler != nil {
		return fromAutoscaler(autoscaler), true
	}
	if key, name, ok := markOf(w.Object, kedaName); ok {
		return Scaler{Kind: KEDA, Name: name, Mark: fmt.Sprintf("%s %s=%s of %s: KEDA keeps it", key, kedaName, name, w)}, true
	}
	if owner, ok := FieldOwner(w.Object, "spec", "replicas"); ok && owner.Subresource == "scale" && slices.Contains(kedaManagers, owner.Manager) {
		return Scaler{Kind: KEDA, Mark: owner.Evidence("spec.replicas of " + w.String())}, true
	}
	if key, before, ok := markOf(w.Object, downscalerReplicas); ok && w.Replicas == 0 {
		return Scaler{Kind: KubeDownscaler, Mark: fmt.Sprintf("%s %s=%s of %s: kube-downscaler keeps it", key, downscalerReplicas, before, w)}, true
	}
	return Scaler{}, false
}

func fromAutoscaler(h *autoscalingv2.HorizontalPodAutoscaler) Scaler {
	s := Scaler{Kind: HPA, Name: h.Name, Autoscaler: h.Name, Min: 1, Max: h.Spec.MaxReplicas, Wants: h.Status.DesiredReplicas}
	if h.Spec.MinReplicas != nil {
		s.Min = *h.Spec.MinReplicas
	}
	s.Disabled = slices.ContainsFunc(h.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && c.Reason == "ScalingDisabled"
	})
	if object, ok := scaledObjectOf(h); ok {
		s.Kind, s.Name = KEDA, object
		s.Mark = fmt.Sprintf("%s %s scales it for ScaledObject %s of KEDA", HPA, h.Name, object)
	}
	return s
}

// scaledObjectOf names the ScaledObject that a HorizontalPodAutoscaler was made for.
func scaledObjectOf(h *autoscalingv2.HorizontalPodAutoscaler) (string, bool) {
	if name := h.Labels[kedaName]; name != "" {
		return name, true
	}
	for _, owner := range h.OwnerReferences {
		if owner.Kind == "ScaledObject" {
			return owner.Name, true
		}
	}
	return strings.CutPrefix(h.Name, kedaPrefix)
}

// markOf finds a label or an annotation, and which of the two it is.
func markOf(object metav1.Object, key string) (kind, value string, ok bool) {
	if value, ok = object.GetLabels()[key]; ok {
		return "label", value, true
	}
	value, ok = object.GetAnnotations()[key]
	return "annotation", value, ok
}
