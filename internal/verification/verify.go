// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package verification proves that a target works: its rollout is complete, its endpoints are published, and an MCP
// handshake through the Service is answered. It never asks the fix itself.
package verification

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/workload"
)

// handshakeTimeout bounds one handshake, so that no reconcile is held longer.
const handshakeTimeout = 5 * time.Second

// Names of the checks, in the order in which they are made.
const (
	CheckRollout   = "Rollout"
	CheckEndpoints = "Endpoints"
	CheckHandshake = "Handshake"
)

// Target is what is verified.
type Target struct {
	Namespace string
	// Service through which the handshake is made.
	Service string
	// Workload behind it.
	Workload v1alpha1.ObjectReference
	// Since is when the change was made: pods created before it do not speak for it.
	Since time.Time
}

// Verifier verifies from the live state of the cluster.
type Verifier struct {
	Reader client.Reader
	Prober mcpserver.Prober
}

// Verify makes the checks in order and stops at the first that does not pass. Its verdict is Passed if all passed,
// Failed if waiting cannot help, and Unknown if more time may. An error means that the cluster could not be read.
func (v *Verifier) Verify(ctx context.Context, target Target) (v1alpha1.Verification, error) {
	checks := []func(context.Context, Target) (v1alpha1.CheckResult, error){v.rollout, v.endpoints, v.handshake}
	verification := v1alpha1.Verification{Verdict: v1alpha1.VerdictPassed}
	for _, check := range checks {
		result, err := check(ctx, target)
		if err != nil {
			return v1alpha1.Verification{Verdict: v1alpha1.VerdictUnknown}, err
		}
		verification.Checks = append(verification.Checks, result)
		if result.Verdict != v1alpha1.VerdictPassed {
			verification.Verdict = result.Verdict
			break
		}
	}
	return verification, nil
}

func (v *Verifier) rollout(ctx context.Context, target Target) (v1alpha1.CheckResult, error) {
	live, err := workload.Get(ctx, v.Reader, target.Workload.Kind, types.NamespacedName{Namespace: target.Namespace, Name: target.Workload.Name})
	if apierrors.IsNotFound(err) {
		return failed(CheckRollout, fmt.Sprintf("%s %s is gone", target.Workload.Kind, target.Workload.Name)), nil
	}
	if err != nil {
		return v1alpha1.CheckResult{}, err
	}
	if live.Object.GetUID() != target.Workload.UID {
		return failed(CheckRollout, fmt.Sprintf("%s was deleted and created anew", live)), nil
	}
	if live.Rollout.Complete && live.Replicas > 0 {
		return passed(CheckRollout, "rollout complete, "+live.Rollout.Message), nil
	}
	stuck, err := v.stuckPod(ctx, live, target)
	if err != nil {
		return v1alpha1.CheckResult{}, err
	}
	if stuck != "" {
		return failed(CheckRollout, stuck), nil
	}
	return pending(CheckRollout, live.Rollout.Message), nil
}

func (v *Verifier) endpoints(ctx context.Context, target Target) (v1alpha1.CheckResult, error) {
	var slices discoveryv1.EndpointSliceList
	err := v.Reader.List(ctx, &slices, client.InNamespace(target.Namespace), client.MatchingLabels{discoveryv1.LabelServiceName: target.Service})
	if err != nil {
		return v1alpha1.CheckResult{}, fmt.Errorf("listing the endpoint slices of Service %s: %w", target.Service, err)
	}
	ready := 0
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			// nil means ready (EndpointSlice API, EndpointConditions.Ready).
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				ready += len(endpoint.Addresses)
			}
		}
	}
	if ready == 0 {
		return pending(CheckEndpoints, "no ready endpoint is published yet"), nil
	}
	return passed(CheckEndpoints, fmt.Sprintf("%d ready", ready)), nil
}

func (v *Verifier) handshake(ctx context.Context, target Target) (v1alpha1.CheckResult, error) {
	var service corev1.Service
	err := v.Reader.Get(ctx, types.NamespacedName{Namespace: target.Namespace, Name: target.Service}, &service)
	if apierrors.IsNotFound(err) {
		return failed(CheckHandshake, fmt.Sprintf("Service %s is gone", target.Service)), nil
	}
	if err != nil {
		return v1alpha1.CheckResult{}, fmt.Errorf("reading Service %s: %w", target.Service, err)
	}
	endpoint, err := mcpserver.EndpointOf(&service)
	if err != nil {
		return failed(CheckHandshake, err.Error()), nil
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	result := v.Prober.Probe(ctx, endpoint)
	if result.Verdict != v1alpha1.VerdictPassed {
		// The data plane may lag behind the published endpoints, so only time tells that the server is at fault.
		return pending(CheckHandshake, result.Message), nil
	}
	return passed(CheckHandshake, result.Message), nil
}

func passed(name, message string) v1alpha1.CheckResult {
	return v1alpha1.CheckResult{Name: name, Verdict: v1alpha1.VerdictPassed, Message: message}
}

func failed(name, message string) v1alpha1.CheckResult {
	return v1alpha1.CheckResult{Name: name, Verdict: v1alpha1.VerdictFailed, Message: message}
}

func pending(name, message string) v1alpha1.CheckResult {
	return v1alpha1.CheckResult{Name: name, Verdict: v1alpha1.VerdictUnknown, Message: message}
}
