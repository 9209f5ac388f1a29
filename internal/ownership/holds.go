// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Hold says whether Git holds a field, so that a change of it in the cluster alone does not last.
type Hold int

// The holds.
const (
	// NotHeld: the field may be changed without Git.
	NotHeld Hold = iota
	// MayHold: Git may hold it, and the object does not tell.
	MayHold
	// Holds: Git holds it.
	Holds
)

// HoldsField tells whether the GitOps tool of an object, if it has one, holds a field.
//
// What was applied from the client's side stands in the annotation of kubectl apply, which Argo CD writes too. What was
// applied on the server's side stands in the managed fields, but only until somebody else writes another value: then the
// ownership is lost and the tool takes it back when it next applies
// (https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership). So a field that the tool does
// not own may still be in Git. Only of an annotation, such as that of a restart, the absence is taken as
// told: nobody declares that beforehand.
func HoldsField(object metav1.Object, path ...string) (Keeper, Hold) {
	keeper, kept := GitOps(object)
	if !kept || keeper.Tool == FluxKustomize && leftAlone(object) {
		return keeper, NotHeld
	}
	manifest, whole := lastApplied(object, keeper)
	switch {
	case declares(manifest, path) || owns(object, keeper.Manager(), path):
		return keeper, Holds
	case whole || slices.Contains(path, "annotations"):
		return keeper, NotHeld
	default:
		return keeper, MayHold
	}
}

// leftAlone reports whether a Kustomization is told, by a label or an annotation, to leave an object as it is
// (https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources).
func leftAlone(object metav1.Object) bool {
	_, apply, _ := markOf(object, fluxKustomizeGroup+"ssa")
	_, reconcile, _ := markOf(object, fluxKustomizeGroup+"reconcile")
	return strings.EqualFold(apply, "ignore") || strings.EqualFold(apply, "ifnotpresent") || strings.EqualFold(reconcile, "disabled")
}

func owns(object metav1.Object, manager string, path []string) bool {
	return slices.ContainsFunc(owners(object, path), func(owner Owner) bool { return owner.Manager == manager })
}

// lastApplied is the manifest that Argo CD applied last from the client's side, and whether it is the whole of what it
// declares: after a change to server-side apply the annotation stays, and is old. Flux applies on the server's side only.
func lastApplied(object metav1.Object, keeper Keeper) (manifest any, whole bool) {
	text := object.GetAnnotations()[corev1.LastAppliedConfigAnnotation]
	if keeper.Tool != ArgoCD || text == "" || json.Unmarshal([]byte(text), &manifest) != nil {
		return nil, false
	}
	return manifest, !slices.ContainsFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Manager == managers[ArgoCD] && entry.Operation == metav1.ManagedFieldsOperationApply
	})
}

// declares reports whether a manifest sets the field, or something below it.
func declares(manifest any, path []string) bool {
	for _, name := range path {
		switch at := manifest.(type) {
		case map[string]any:
			manifest = at[name]
		case []any:
			manifest = item(at, name)
		default:
			return false
		}
	}
	return manifest != nil
}

// item is that of a list which has the keys of a path element.
func item(list []any, element string) any {
	var keys map[string]any
	if json.Unmarshal([]byte(strings.TrimPrefix(element, itemPrefix)), &keys) != nil {
		return nil
	}
	for _, one := range list {
		fields, _ := one.(map[string]any)
		matches := len(keys) > 0
		for key, value := range keys {
			matches = matches && fields[key] == value
		}
		if matches {
			return one
		}
	}
	return nil
}
