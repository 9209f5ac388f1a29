// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/history"
)

// maxConflicts bounds how often an answer meets a write of the operator's.
const maxConflicts = 5

// answer is a person's word on a request that is under way.
type answer struct {
	output
	clock  clock.Clock
	config *genericclioptions.ConfigFlags

	says v1alpha1.Approval
	// fits says why a request cannot be answered so.
	fits func(*v1alpha1.HealingRequest) error
	// prepare shows what is answered, and asks whether it is meant.
	prepare func(context.Context, *v1alpha1.HealingRequest) error
	// finish tells what comes of it.
	finish func(context.Context, *requests, *v1alpha1.HealingRequest) error
	wait   bool
}

// command makes the command of an answer.
func (a *answer) command(use, short, long, example string, offer candidates) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Example: example,
		ValidArgsFunction: complete(a.config, a.clock, offer),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), args) },
	}
	cmd.Flags().BoolVar(&a.wait, "wait", true, "watch it to its end")
	return cmd
}

func (a *answer) run(ctx context.Context, args []string) error {
	name, err := nameArg(args)
	if err != nil {
		return err
	}
	if err := a.validate(); err != nil {
		return err
	}
	q, err := connectRequests(a.config, a.clock)
	if err != nil {
		return err
	}
	request, err := q.named(ctx, name)
	if err != nil {
		return err
	}
	if err := a.fits(request); err != nil {
		return err
	}
	if err := a.prepare(ctx, request); err != nil {
		return err
	}
	answered, err := a.give(ctx, q, request)
	if err != nil {
		return err
	}
	if !a.wait {
		return nil
	}
	return a.finish(ctx, q, answered)
}

// give writes the answer to just the state that was shown. Where the operator has written meanwhile, and nothing of what was
// shown is another, the answer still holds.
func (a *answer) give(ctx context.Context, q *requests, shown *v1alpha1.HealingRequest) (*v1alpha1.HealingRequest, error) {
	who, current := q.who(ctx), shown
	for range maxConflicts {
		answered := current.DeepCopy()
		answered.Spec.Approval, answered.Spec.ApprovedBy = a.says, who
		err := q.client.Patch(ctx, answered, client.MergeFromWithOptions(current, client.MergeFromWithOptimisticLock{}))
		if err == nil {
			fmt.Fprintf(a.steps(), "%s %s by %s\n", answered.Name, strings.ToLower(string(a.says)), cmp.Or(who, "somebody"))
			return answered, nil
		}
		if !apierrors.IsConflict(err) {
			return nil, q.explain(ctx, "patch", err)
		}
		current = &v1alpha1.HealingRequest{}
		if err := q.client.Get(ctx, client.ObjectKeyFromObject(shown), current); err != nil {
			return nil, q.explain(ctx, "get", err)
		}
		if current.UID != shown.UID {
			return nil, errDeleted
		}
		if err := a.fits(current); err != nil {
			return nil, err
		}
		if a.says == v1alpha1.ApprovalApproved && !same(shown, current) {
			return nil, fmt.Errorf("%s has changed since it was shown, and was not approved: look at it again", shown.Name)
		}
	}
	return nil, fmt.Errorf("%s keeps changing: try again", shown.Name)
}

// same reports whether two states of a request ask a person the same.
func same(a, b *v1alpha1.HealingRequest) bool {
	return equality.Semantic.DeepEqual(a.Status.Plan, b.Status.Plan) && a.Held() != nil && b.Held() != nil && a.Held().Reason == b.Held().Reason
}

// answerable says why no answer of any kind fits: the request is over, or has one.
func answerable(r *v1alpha1.HealingRequest) error {
	switch {
	case r.Done():
		return errors.New(ending(r) + ": nothing is left to answer")
	case r.Spec.Approval == v1alpha1.ApprovalDenied:
		return fmt.Errorf("%s was denied%s and is about to end", r.Name, by(r.Spec.ApprovedBy))
	default:
		return nil
	}
}

// waits says why a request does not wait for a person.
func waits(r *v1alpha1.HealingRequest) error {
	if err := answerable(r); err != nil {
		return err
	}
	switch phase := r.DerivePhase(); {
	case r.Spec.Approval == v1alpha1.ApprovalApproved:
		return fmt.Errorf("%s was approved%s already; to stop it: kubectl cortex cancel %s -n %s", r.Name, by(r.Spec.ApprovedBy), r.Name, r.Namespace)
	case r.Held() != nil:
		return nil
	case phase == v1alpha1.PhaseBlocked:
		return fmt.Errorf("%s waits for its turn and goes on by itself, no approval is needed; to stop it: kubectl cortex cancel %s -n %s", r.Name, r.Name, r.Namespace)
	default:
		return fmt.Errorf("%s does not wait for an answer: its phase is %s; to stop it: kubectl cortex cancel %s -n %s", r.Name, phase, r.Name, r.Namespace)
	}
}

// show writes what is answered.
func (a *answer) show(request *v1alpha1.HealingRequest) error {
	return history.Question(a.steps(), request, history.Style{Colour: colours(a.steps()), Now: a.clock.Now()})
}
