// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"context"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Heal is the span of a whole heal, below the one that the request's annotation names. Its id follows from the request's UID, so that
// every operator that works on the request, before and after a restart, has the same one above its steps. Only the one that ends it
// tells it.
func (t *Tracer) Heal(request *v1alpha1.HealingRequest) (context.Context, Span) {
	began := request.CreationTimestamp.Time
	if request.Status.StartedAt != nil {
		began = request.Status.StartedAt.Time
	}
	return t.StartAt(asked(request), "heal", request.Spec.TargetRef.Name, began, string(request.UID))
}

// PlaceOf is the traceparent for what a heal asks for; empty if it is in no trace. Without a Tracer it is the heal's own.
func (t *Tracer) PlaceOf(request *v1alpha1.HealingRequest) string {
	ctx := asked(request)
	if t != nil {
		ctx, _ = t.Heal(request)
	}
	return Traceparent(ctx)
}

func asked(request *v1alpha1.HealingRequest) context.Context {
	return Under(context.Background(), request.Annotations[v1alpha1.AnnotationTraceparent])
}
