// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"testing"
	"time"

	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/verification"
)

type verifierFunc func(context.Context, verification.Target) (verification.Outcome, error)

func (v verifierFunc) Verify(ctx context.Context, target verification.Target) (verification.Outcome, error) {
	return v(ctx, target)
}

// TestAGlanceIsOfTheServer: however slow the API server is, a heal gets to its change.
func TestAGlanceIsOfTheServer(t *testing.T) {
	request := &v1alpha1.HealingRequest{Status: v1alpha1.HealingRequestStatus{ServiceRef: &v1alpha1.ObjectReference{}, WorkloadRef: &v1alpha1.ObjectReference{}}}
	looked := false
	r := &Reconciler{Verifier: verifierFunc(func(ctx context.Context, target verification.Target) (verification.Outcome, error) {
		looked = true
		if deadline, bounded := ctx.Deadline(); bounded {
			t.Errorf("all that is read has to be read within %s", time.Until(deadline))
		}
		if target.Handshake != glance {
			t.Errorf("the handshake may take %s", target.Handshake)
		}
		return verification.Outcome{}, nil
	})}
	if works, err := r.works(t.Context(), newHeal(request, clock.RealClock{})); works != nil || err != nil || !looked {
		t.Errorf("looked: %t, works: %+v, %v", looked, works, err)
	}
}
