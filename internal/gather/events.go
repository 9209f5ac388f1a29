// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

const (
	// maxEventPages bounds the Events that are looked at to 10 000, and maxEvents those that are kept. Every pod that fails leaves
	// some seven, so that a storm makes more of them than of anything else.
	maxEventPages = 20
	maxEvents     = maxPages * pageSize
)

// eventsInto returns a read of the Events of a namespace. They come by name, and so by the object that they are about: a part of them
// would tell all of some objects and nothing of others. So all are looked at, and the newest kept, which tell of what fails now.
func eventsInto(dst *[]corev1.Event, reader client.Reader, namespace string) read {
	return read{snapshot.KindEvent, func(ctx context.Context) error {
		dropped := false
		err := pages(ctx, reader, maxEventPages, func() *corev1.EventList { return &corev1.EventList{} }, func(page *corev1.EventList) {
			for _, event := range page.Items {
				light(&event)
				*dst = append(*dst, event)
			}
			if len(*dst) > maxEvents {
				slices.SortStableFunc(*dst, func(a, b corev1.Event) int { return snapshot.EventTime(&b).Compare(snapshot.EventTime(&a)) })
				*dst, dropped = slices.Delete(*dst, maxEvents, len(*dst)), true
			}
		}, client.InNamespace(namespace))
		if err == nil && dropped {
			err = errTruncated
		}
		if dropped {
			err = fmt.Errorf("only the newest %d were read: %w", len(*dst), err)
		}
		return err
	}}
}
