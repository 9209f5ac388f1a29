// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/report"
)

// find tells which object a person means, and what of it keeps Cortex from changing anything, if something does. Where the
// user may not read, the name is taken as it is: the operator will look.
func (q *requests) find(ctx context.Context, named report.Named) (target v1alpha1.TargetReference, warning string, err error) {
	objects, err := q.objects(ctx)
	if apierrors.IsForbidden(err) {
		return named.Guess(), fmt.Sprintf("whether %s is there and opted in is not known: you may not read it", named.Guess().Name), nil
	}
	if err != nil {
		return target, "", q.explain(ctx, "list", err)
	}
	target, err = named.Find(objects, q.namespace)
	if err != nil {
		return target, "", err
	}
	s := snapshot.Assemble(q.namespace, target, objects)
	switch {
	case target.Kind == v1alpha1.KindService && s.Service == nil:
		return target, "", fmt.Errorf("there is no Service %s in namespace %s%s", target.Name, q.namespace, didYouMean(target.Name, serviceNames(s.Services)))
	case s.Service == nil:
		return target, fmt.Sprintf("no Service leads to %s %s, so nothing shows whether it answers: Cortex looks, and changes nothing", target.Kind, target.Name), nil
	case !mcpserver.OptedIn(s.Service):
		return target, fmt.Sprintf("Service %s is not opted in: Cortex looks, and changes nothing. To let it:\n\n    kubectl label service %s -n %s %s=true\n",
			s.Service.Name, s.Service.Name, q.namespace, v1alpha1.LabelMCPServer), nil
	}
	return target, "", nil
}

// objects are what a target may be, and what leads to it.
func (q *requests) objects(ctx context.Context) (*snapshot.Objects, error) {
	var services corev1.ServiceList
	var deployments appsv1.DeploymentList
	var statefulSets appsv1.StatefulSetList
	var daemonSets appsv1.DaemonSetList
	for _, list := range []client.ObjectList{&services, &deployments, &statefulSets, &daemonSets} {
		if err := q.client.List(ctx, list, client.InNamespace(q.namespace)); err != nil {
			return nil, err
		}
	}
	return &snapshot.Objects{Services: services.Items, Deployments: deployments.Items, StatefulSets: statefulSets.Items, DaemonSets: daemonSets.Items}, nil
}

func serviceNames(services []corev1.Service) []string {
	return words.Names(services, func(s *corev1.Service) string { return s.Name })
}

func didYouMean(name string, candidates []string) string {
	if near := words.Nearest(name, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// targetArg reads the one TARGET of a command line.
func targetArg(args []string) (report.Named, error) {
	if len(args) != 1 {
		return report.Named{}, errors.New("one TARGET is needed: the name of a Service, or kind/name, such as deployment/sandfly-mcp-server")
	}
	return report.ParseTarget(args[0])
}
