// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// limits asks whether the policy lets the request change something now. A person who has approved it answers for the pace, and
// not for how much happens at once.
func (r *Reconciler) limits(ctx context.Context, h *heal, effective policy.Effective) (*policy.Block, error) {
	mine, err := r.requests(ctx, r.Client, h.request.Namespace)
	if err != nil {
		return nil, err
	}
	if h.request.Spec.Approval != v1alpha1.ApprovalApproved {
		target := h.target()
		now := h.clock.Now()
		if block := effective.Attempts(now, target, mine); block != nil {
			return block, nil
		}
		if block := effective.Cooldown(now, target, mine); block != nil && !h.begun() {
			return block, nil
		}
		if block, err := r.brake(ctx, h, effective, mine); block != nil || err != nil {
			return block, err
		}
	}
	return r.turn(ctx, h, effective)
}

// target names what the limits count.
func (h *heal) target() policy.Target {
	target := policy.Target{Request: h.request.UID, Service: h.request.Spec.TargetRef.Name}
	if ref := h.status().ServiceRef; ref != nil {
		target.Service = ref.Name
	}
	if ref := h.status().WorkloadRef; ref != nil {
		target.Workload = *ref
	}
	return target
}

// begun reports whether the request has changed something before.
func (h *heal) begun() bool {
	return slices.ContainsFunc(h.status().Actions, func(a v1alpha1.ActionResult) bool { return policy.ChangesTarget(a.Type) })
}

// turn takes one of the places of those that change something at once.
func (r *Reconciler) turn(ctx context.Context, h *heal, effective policy.Effective) (*policy.Block, error) {
	all, err := r.requests(ctx, r.Client, "")
	if err != nil {
		return nil, err
	}
	var block *policy.Block
	r.slots.take(client.ObjectKeyFromObject(h.request), all, func(inNamespace, inCluster int) bool {
		block = effective.Concurrency(inNamespace, inCluster)
		return block != nil
	})
	return block, nil
}

// stillBlocked looks whether what a limit held back may go on now, and reports whether it has to wait on. What the request found
// is looked at again only then.
func (r *Reconciler) stillBlocked(ctx context.Context, h *heal) (bool, error) {
	reason := blockedBy(h.request)
	if reason == "" || reason == v1alpha1.ReasonAnotherRequestActive {
		return false, nil
	}
	effective, err := r.effective(ctx, h)
	if err != nil {
		return false, err
	}
	block, err := r.limits(ctx, h, effective)
	if err != nil || block == nil {
		return false, err
	}
	if moved, err := r.moved(ctx, h); moved || err != nil {
		return false, err
	}
	h.block(*block)
	return true, nil
}

// blockedBy is the reason for which a request is held back, if it is.
func blockedBy(request *v1alpha1.HealingRequest) string {
	if request.DerivePhase() != v1alpha1.PhaseBlocked {
		return ""
	}
	for _, condition := range request.Status.Conditions {
		if condition.Type == v1alpha1.ConditionPlanned {
			return condition.Reason
		}
	}
	return ""
}

// recheck is when a request that waits for others is looked at again, though nothing has woken it.
const recheck = 15 * time.Second

// block holds the request back. Its time does not run meanwhile.
func (h *heal) block(block policy.Block) {
	status := h.status()
	if held := blockedBy(h.request); !waitsOn(held, block.Reason) {
		if held != block.Reason {
			h.say("Waiting: " + block.Message)
		}
		h.set(v1alpha1.ConditionPlanned, metav1.ConditionFalse, block.Reason, block.Message)
	}
	status.Deadline, status.BlockedUntil = nil, nil
	if !h.begun() {
		status.StartedAt = nil
	}
	h.finished()
	if block.Reason == v1alpha1.ReasonStormBrake || block.Reason == v1alpha1.ReasonConcurrencyLimited {
		h.wake = h.clock.Now().Add(recheck)
	}
	if !block.Until.IsZero() {
		until := metav1.NewTime(block.Until).Rfc3339Copy()
		if until.Time.Before(block.Until) { // the API keeps seconds: never look again too early
			until = metav1.NewTime(until.Add(time.Second))
		}
		status.BlockedUntil = &until
		h.wake = until.Time
	}
	h.pause()
}

// waitsOn reports whether one that waits for its turn says what it has said already. In a storm, hundreds wait: that other heals
// are now ahead of it, or that the brake has let go and the places are taken, is not worth a write of each.
func waitsOn(before, now string) bool {
	switch now {
	case v1alpha1.ReasonConcurrencyLimited:
		return before == now || before == v1alpha1.ReasonStormBrake
	case v1alpha1.ReasonStormBrake:
		return before == now
	default:
		return false
	}
}

// effective is the policy of the target's Service.
func (r *Reconciler) effective(ctx context.Context, h *heal) (policy.Effective, error) {
	if h.policy != nil {
		return *h.policy, nil
	}
	ref := h.status().ServiceRef
	if ref == nil {
		return policy.Default(), nil
	}
	var service corev1.Service
	if err := r.Live.Get(ctx, types.NamespacedName{Namespace: h.request.Namespace, Name: ref.Name}, &service); err != nil {
		if ignoreNotFound(err) == nil {
			return policy.Default(), nil
		}
		return policy.Effective{}, fmt.Errorf("reading Service %s for its policy: %w", ref.Name, err)
	}
	return r.effectiveOf(ctx, h, &service)
}

// effectiveOf makes the policies of a Service one. One that cannot be read forbids every action, and says so.
func (r *Reconciler) effectiveOf(ctx context.Context, h *heal, service *corev1.Service) (policy.Effective, error) {
	var policies v1alpha1.HealingPolicyList
	if err := r.List(ctx, &policies, client.InNamespace(h.request.Namespace)); err != nil {
		return policy.Effective{}, fmt.Errorf("listing the policies: %w", err)
	}
	effective, err := policy.For(service, policies.Items)
	if err != nil {
		h.say(fmt.Sprintf("No action is allowed: %s", err))
	}
	h.policy = &effective
	return effective, nil
}
