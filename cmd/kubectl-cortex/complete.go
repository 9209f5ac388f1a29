// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// completeWithin is how long a shell waits for its completions.
const completeWithin = 3 * time.Second

// candidates are what may stand where the cursor is.
type candidates func(context.Context, *requests) []cobra.Completion

// complete offers the first argument of a command. A cluster that does not answer in time offers nothing.
func complete(config *genericclioptions.ConfigFlags, clock clock.Clock, offer candidates) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		q, err := connectRequests(config, clock)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		return offer(ctx, q), cobra.ShellCompDirectiveNoFileComp
	}
}

// offerServices offers all Services, and offerTargets those that are opted in.
func offerServices(ctx context.Context, q *requests) []cobra.Completion {
	var services corev1.ServiceList
	_ = q.client.List(ctx, &services, client.InNamespace(q.namespace))
	return serviceNames(services.Items)
}

func offerTargets(ctx context.Context, q *requests) []cobra.Completion {
	var services corev1.ServiceList
	_ = q.client.List(ctx, &services, client.InNamespace(q.namespace), client.MatchingLabels{v1alpha1.LabelMCPServer: "true"})
	return serviceNames(services.Items)
}

// offerWaiting offers the requests that wait for a person, and offerActive all that are not over.
func offerWaiting(ctx context.Context, q *requests) []cobra.Completion {
	return offered(ctx, q, func(r *v1alpha1.HealingRequest) bool { return r.Held() != nil })
}

func offerActive(ctx context.Context, q *requests) []cobra.Completion {
	return offered(ctx, q, func(r *v1alpha1.HealingRequest) bool { return !r.Done() })
}

func offered(ctx context.Context, q *requests, fits func(*v1alpha1.HealingRequest) bool) []cobra.Completion {
	all, _ := q.list(ctx, q.namespace)
	var names []cobra.Completion
	for i := range all {
		if r := &all[i]; fits(r) {
			names = append(names, cobra.CompletionWithDesc(r.Name, string(r.DerivePhase())+" "+string(r.Status.Cause)))
		}
	}
	return names
}

// offerTold offers what a story can be told of.
func offerTold(ctx context.Context, q *requests) []cobra.Completion {
	all, _ := q.list(ctx, q.namespace)
	seen := map[string]bool{}
	var names []cobra.Completion
	for i := range all {
		if name := all[i].Spec.TargetRef.Name; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
