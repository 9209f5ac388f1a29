// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Make creates a fault in its namespace, and breaks it.
func (f Fault) Make(ctx context.Context, cluster client.Client) error {
	w := healthy(f.Namespace())
	f.Break(w)
	if err := cluster.Create(ctx, w.namespace); err != nil {
		return fmt.Errorf("making %s: %w", f.Name, err)
	}
	return w.create(ctx, cluster)
}

// MakeBeside creates a fault in a namespace that others are in, with names of its own.
func (f Fault) MakeBeside(ctx context.Context, cluster client.Client, namespace string) error {
	w := healthy(namespace)
	f.Break(w)
	w.service.Name, w.deployment.Name = f.Name, f.Name
	for _, labels := range []map[string]string{w.deployment.Spec.Selector.MatchLabels, w.deployment.Spec.Template.Labels} {
		labels["server"] = f.Name
	}
	w.service.Spec.Selector["server"] = f.Name
	return w.create(ctx, cluster)
}

// Worsen breaks what was rolled out.
func (f Fault) Worsen(ctx context.Context, cluster client.Client) error {
	w := healthy(f.Namespace())
	key := client.ObjectKeyFromObject(w.deployment)
	if err := cluster.Get(ctx, key, w.deployment); err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	before := w.deployment.DeepCopy()
	f.Then(w)
	return cluster.Patch(ctx, w.deployment, client.MergeFrom(before))
}

func (w *World) create(ctx context.Context, cluster client.Client) error {
	objects := slices.Clone(w.extras)
	if w.service != nil {
		objects = append(objects, w.service)
	}
	if w.deployment != nil {
		objects = append(objects, w.deployment)
	}
	for _, object := range objects {
		if err := cluster.Create(ctx, object); err != nil {
			return fmt.Errorf("creating %T %s in %s: %w", object, object.GetName(), w.namespace.Name, err)
		}
	}
	return nil
}

// Clear removes every fault, without waiting for it.
func Clear(ctx context.Context, cluster client.Client) error {
	labelled := client.HasLabels{LabelFault}
	var namespaces corev1.NamespaceList
	if err := cluster.List(ctx, &namespaces, labelled); err != nil {
		return fmt.Errorf("listing the namespaces of faults: %w", err)
	}
	for i := range namespaces.Items {
		if err := client.IgnoreNotFound(cluster.Delete(ctx, &namespaces.Items[i])); err != nil {
			return fmt.Errorf("deleting namespace %s: %w", namespaces.Items[i].Name, err)
		}
	}
	return cluster.DeleteAllOf(ctx, &corev1.PersistentVolume{}, labelled)
}
