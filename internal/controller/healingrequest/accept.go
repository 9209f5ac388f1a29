// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// accept takes up a request that is new, or that was held back and need not be any longer.
func (r *Reconciler) accept(ctx context.Context, h *heal) error {
	if held, err := r.held(ctx, h, r.Client); held || err != nil {
		return err
	}
	if still, err := r.stillBlocked(ctx, h); still || err != nil {
		return err
	}
	h.begin()
	return nil
}

// begin starts the clock of a request.
func (h *heal) begin() {
	again := h.status().StartedAt != nil
	h.lookAgain()
	if !again {
		h.status().StartedAt = ptr.To(metav1.NewMicroTime(h.clock.Now()))
		h.say(fmt.Sprintf("Starting self-healing for %s: %s", strings.ToLower(string(h.request.Spec.TargetRef.Kind)), h.request.Spec.TargetRef.Name))
	}
	h.within(h.timeout())
}

// within sets the deadline, from now.
func (h *heal) within(timeout time.Duration) {
	h.started = true
	h.status().Deadline = ptr.To(metav1.NewMicroTime(h.clock.Now().Add(timeout)))
	h.wake = h.request.Deadline()
}

// timeout is how long the heal may take, as far as is known before its policy is.
func (h *heal) timeout() time.Duration {
	if timeout := h.request.Spec.Timeout; timeout != nil {
		return timeout.Duration
	}
	return v1alpha1.DefaultTimeout
}
