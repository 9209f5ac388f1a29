// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// A dependency is healed by a request of its own. It is read past the cache: after a crash the name tells whether it was made.
// +kubebuilder:rbac:groups=healing.cortex.dev,resources=healingrequests,verbs=get;list;create

// planDependency has a dependency healed, if that is the root cause and Cortex may. The diagnosis has seen in the dependency's
// own objects that it is not well; that the target needs it must be said by an object as well, a declaration or the pods'
// configuration. A name that only a log tells is reported: whoever writes into a log must not choose what is changed.
func planDependency(in Input) (v1alpha1.PlannedAction, bool) {
	s, none := in.Snapshot, v1alpha1.PlannedAction{}
	if in.Diagnosis.Cause != v1alpha1.CauseDependencyUnavailable || in.Diagnosis.Workload == nil || len(in.Diagnosis.Findings) == 0 || s == nil {
		return none, false
	}
	root := in.Diagnosis.Findings[0]
	permission := in.Policy.Permission(v1alpha1.ActionHealDependency)
	if root.Confidence == v1alpha1.Possible || permission == v1alpha1.PermissionNever ||
		root.Object.Kind != snapshot.KindService || root.Object.Namespace != "" && root.Object.Namespace != s.Namespace {
		return none, false
	}
	service := snapshot.ServiceNamed(s.Services, root.Object.Name)
	if service == nil || !mcpserver.OptedIn(service) || samePods(s, service.Name) {
		return none, false
	}
	named := slices.ContainsFunc(dependency.Needs(s), func(n dependency.Need) bool { return n.Service == service.Name })
	object := snapshot.Reference(snapshot.KindService, service)
	if !named || ineffective(v1alpha1.PlannedAction{Type: v1alpha1.ActionHealDependency, Object: object}, in.Tried) {
		return none, false
	}
	return v1alpha1.PlannedAction{
		Type: v1alpha1.ActionHealDependency, Object: object, Dependency: service.Name, Permission: permission,
		// What the heal of the dependency itself does has a plan, and a risk, of its own.
		Risk: v1alpha1.RiskLow, Reason: foreign.Line(root.Message, 512),
	}, true
}

// samePods reports whether a Service leads to the target's own workload: that is the target itself, by another name.
func samePods(s *snapshot.Snapshot, service string) bool {
	other := s.Sibling(service)
	return other == nil || other.Workload != nil && s.Workload != nil && other.Workload.Object == s.Workload.Object
}

// HealDependency makes the request that heals a dependency, at most once for an attempt of the parent. The result's state is
// Applied if the request is there, Skipped if the dependency is no longer the Service that the plan was made for, Failed if to
// wait for it would never end. An error means that the call should be made again.
func (a *Applier) HealDependency(ctx context.Context, parent *v1alpha1.HealingRequest, attempt int, action v1alpha1.PlannedAction) (v1alpha1.ActionResult, error) {
	if applied, err := a.DependencyHealed(ctx, parent, attempt, action); applied != nil || err != nil {
		return orNothing(applied), err
	}
	var service corev1.Service
	err := a.Reader.Get(ctx, types.NamespacedName{Namespace: parent.Namespace, Name: action.Dependency}, &service)
	switch {
	case apierrors.IsNotFound(err):
		return a.result(action, v1alpha1.ActionSkipped, fmt.Sprintf("Service %s is gone", action.Dependency)), nil
	case err != nil:
		return v1alpha1.ActionResult{}, fmt.Errorf("reading Service %s: %w", action.Dependency, err)
	case service.UID != action.Object.UID:
		return a.result(action, v1alpha1.ActionSkipped, fmt.Sprintf("Service %s was deleted and created anew since the plan was made", action.Dependency)), nil
	case !mcpserver.OptedIn(&service):
		return a.result(action, v1alpha1.ActionSkipped, fmt.Sprintf("Service %s is no longer opted in", action.Dependency)), nil
	}
	var requests v1alpha1.HealingRequestList
	if err := a.Reader.List(ctx, &requests, client.InNamespace(parent.Namespace)); err != nil {
		return v1alpha1.ActionResult{}, fmt.Errorf("listing the requests: %w", err)
	}
	if refusal := dependency.Refusal(parent, action.Dependency, requests.Items, a.Clock.Now()); refusal != "" {
		return a.result(action, v1alpha1.ActionFailed, refusal), nil
	}
	child := dependency.New(parent, attempt, action.Dependency, a.Clock.Now())
	if at := a.Tracer.PlaceOf(parent); at != "" { //nolint:contextcheck // the place is in the request
		metav1.SetMetaDataAnnotation(&child.ObjectMeta, v1alpha1.AnnotationTraceparent, at)
	}
	err = a.Client.Create(ctx, child, client.FieldOwner(v1alpha1.FieldManager))
	if apierrors.IsAlreadyExists(err) { // a second leader was quicker
		applied, err := a.DependencyHealed(ctx, parent, attempt, action)
		if applied == nil && err == nil {
			err = fmt.Errorf("HealingRequest %s was there and is gone again", child.Name)
		}
		return orNothing(applied), err
	}
	if err != nil {
		return v1alpha1.ActionResult{}, fmt.Errorf("creating the request for Service %s: %w", action.Dependency, err)
	}
	return a.asked(action, child), nil
}

// DependencyHealed tells whether the request that an attempt makes is in the cluster, and changes nothing. The result's state
// is Failed if another's request has its name.
func (a *Applier) DependencyHealed(ctx context.Context, parent *v1alpha1.HealingRequest, attempt int, action v1alpha1.PlannedAction) (*v1alpha1.ActionResult, error) {
	child := &v1alpha1.HealingRequest{}
	name := dependency.Name(parent.UID, attempt, action.Dependency)
	err := a.Reader.Get(ctx, types.NamespacedName{Namespace: parent.Namespace, Name: name}, child)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading HealingRequest %s: %w", name, err)
	}
	result := a.asked(action, child)
	if !dependency.IsChild(child, parent) {
		result = a.result(action, v1alpha1.ActionFailed, fmt.Sprintf("HealingRequest %s is there and belongs to somebody else", name))
	}
	return &result, nil
}

func (a *Applier) asked(action v1alpha1.PlannedAction, child *v1alpha1.HealingRequest) v1alpha1.ActionResult {
	return a.result(action, v1alpha1.ActionApplied, fmt.Sprintf("Healing Service %s first: HealingRequest %s", action.Dependency, child.Name))
}

func (a *Applier) result(action v1alpha1.PlannedAction, state v1alpha1.ActionState, detail string) v1alpha1.ActionResult {
	if state == v1alpha1.ActionApplied {
		action.Detail = detail
		return applied(action, a.Clock.Now())
	}
	return v1alpha1.ActionResult{Type: action.Type, Object: action.Object, State: state, Detail: detail}
}

func orNothing(result *v1alpha1.ActionResult) v1alpha1.ActionResult {
	if result == nil {
		return v1alpha1.ActionResult{}
	}
	return *result
}
