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
	w := healthy(f.Namespace(), Name)
	f.Break(w)
	if err := cluster.Create(ctx, w.namespace); err != nil {
		return fmt.Errorf("making %s: %w", f.Name, err)
	}
	return w.create(ctx, cluster)
}

// MakeBeside creates a fault in a namespace that others are in, of which no Service selects its pods.
func (f Fault) MakeBeside(ctx context.Context, cluster client.Client, namespace string) error {
	w := healthy(namespace, f.Name)
	f.Break(w)
	return w.create(ctx, cluster)
}

// MakeWorkload creates the Deployment of a healthy server and no Service: whoever makes it writes one that is broken. The server gets
// more arguments.
func MakeWorkload(ctx context.Context, cluster client.Client, namespace, name string, args ...string) error {
	w := healthy(namespace, name)
	w.service = nil
	w.args(args...)
	return w.create(ctx, cluster)
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

// Clear begins to remove every fault, and reports whether all are gone.
func Clear(ctx context.Context, cluster client.Client) (gone bool, err error) {
	labelled := client.HasLabels{LabelFault}
	var namespaces corev1.NamespaceList
	if err := cluster.List(ctx, &namespaces, labelled); err != nil {
		return false, fmt.Errorf("listing the namespaces of faults: %w", err)
	}
	for i := range namespaces.Items {
		if namespaces.Items[i].DeletionTimestamp != nil {
			continue
		}
		if err := client.IgnoreNotFound(cluster.Delete(ctx, &namespaces.Items[i])); err != nil {
			return false, fmt.Errorf("deleting namespace %s: %w", namespaces.Items[i].Name, err)
		}
	}
	if len(namespaces.Items) > 0 {
		return false, nil
	}
	return true, cluster.DeleteAllOf(ctx, &corev1.PersistentVolume{}, labelled)
}
