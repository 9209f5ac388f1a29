// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/record"
)

// nameArg reads the one NAME of a command line, with or without a kind before it.
func nameArg(args []string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", errors.New("one NAME is needed: of a HealingRequest, or of a service that one is under way for ('kubectl get heal')")
	}
	_, name, hasKind := strings.Cut(args[0], "/")
	if !hasKind {
		name = args[0]
	}
	return name, nil
}

// named finds the request that a person means: by its own name, or as the one that is under way for a service.
func (q *requests) named(ctx context.Context, name string) (*v1alpha1.HealingRequest, error) {
	var request v1alpha1.HealingRequest
	err := q.client.Get(ctx, types.NamespacedName{Namespace: q.namespace, Name: name}, &request)
	if err == nil {
		return &request, nil
	}
	if !apierrors.IsNotFound(err) {
		return nil, q.explain(ctx, "get", err)
	}
	all, err := q.list(ctx, q.namespace)
	if err != nil {
		return nil, err
	}
	return underWay(all, name, q.namespace)
}

// underWay picks the one request of a service that is not over.
func underWay(all []v1alpha1.HealingRequest, service, namespace string) (*v1alpha1.HealingRequest, error) {
	own := slices.DeleteFunc(slices.Clone(all), func(r v1alpha1.HealingRequest) bool { return !isOf(&r, service) })
	active := slices.DeleteFunc(slices.Clone(own), func(r v1alpha1.HealingRequest) bool { return r.Done() })
	names := words.Names(active, func(r *v1alpha1.HealingRequest) string { return r.Name })
	switch {
	case len(active) == 1:
		return &active[0], nil
	case len(active) > 1:
		return nil, fmt.Errorf("several heals of %s are under way; name one: %s", service, strings.Join(names, ", "))
	case len(own) > 0:
		last := slices.MaxFunc(own, func(a, b v1alpha1.HealingRequest) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
		return nil, fmt.Errorf("no heal of %s is under way: %s", service, ending(&last))
	}
	shown := foreign.Line(service, maxPerson)
	return nil, fmt.Errorf("there is no HealingRequest %s in namespace %s, and none for a service of that name%s", shown, namespace, didYouMean(service, known(all)))
}

func isOf(r *v1alpha1.HealingRequest, service string) bool {
	return r.Spec.TargetRef.Name == service || r.Status.ServiceRef != nil && r.Status.ServiceRef.Name == service
}

// known are the names that a person may have meant: of requests, and of what they are for.
func known(all []v1alpha1.HealingRequest) []string {
	var names []string
	for i := range all {
		names = append(names, all[i].Name, all[i].Spec.TargetRef.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ending says how a request that is over ended.
func ending(r *v1alpha1.HealingRequest) string {
	for _, c := range r.Status.Conditions {
		if c.Type == v1alpha1.ConditionComplete && r.Done() && r.Status.CompletedAt != nil {
			return fmt.Sprintf("%s ended at %s (%s)", r.Name, record.Timestamp(r.Status.CompletedAt.Time), c.Reason)
		}
	}
	return r.Name + " is over"
}
