// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 is the API of Cortex: the HealingRequest and HealingPolicy kinds, and the labels, annotations, causes,
// actions, conditions and reasons that the gateway, the operator and people share.
//
// It imports apimachinery only, so that other programs can import it cheaply.
//
// +kubebuilder:object:generate=true
// +groupName=healing.cortex.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "healing.cortex.dev", Version: "v1alpha1"}

// AddToScheme adds the kinds of this package to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &HealingRequest{}, &HealingRequestList{}, &HealingPolicy{}, &HealingPolicyList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
