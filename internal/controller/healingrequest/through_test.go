// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// through is a client whose every write goes through a function, which may make it fail before or after it is committed. The first
// argument says what is written: "status", "patch", "create", "delete", "eviction".
func through(write func(what string, write func() error) error) client.Client {
	withWatch, err := client.NewWithWatch(restConfig, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return interceptor.NewClient(withWatch, interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return write("patch", func() error { return c.Patch(ctx, obj, patch, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return write("create", func() error { return c.Create(ctx, obj, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return write("update", func() error { return c.Update(ctx, obj, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return write("delete", func() error { return c.Delete(ctx, obj, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return write(sub, func() error { return c.SubResource(sub).Patch(ctx, obj, patch, opts...) })
		},
		SubResourceCreate: func(ctx context.Context, c client.Client, sub string, obj, subObj client.Object, opts ...client.SubResourceCreateOption) error {
			return write(sub, func() error { return c.SubResource(sub).Create(ctx, obj, subObj, opts...) })
		},
	})
}

// refusing is a client whose changes of workloads the API server refuses.
func refusing(err error) client.Client {
	return through(func(what string, write func() error) error {
		if what == "status" {
			return write()
		}
		return err
	})
}

func now(w *world) metav1.MicroTime { return metav1.NewMicroTime(w.clock.Now()) }

func condition(conditionType string, status metav1.ConditionStatus, reason string, w *world) []metav1.Condition {
	return []metav1.Condition{{Type: conditionType, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(w.clock.Now())}}
}
