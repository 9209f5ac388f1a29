// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Story is what is told of one target: its heals, the newest first, each with those of what it depends on.
type Story struct {
	Namespace string  `json:"namespace"`
	Target    string  `json:"target"`
	Summary   Summary `json:"summary"`
	Heals     []Heal  `json:"heals"`
	// Older is how many heals are not told.
	Older int `json:"older"`
}

// Of tells the story of a target out of the requests of its namespace: at most limit heals, or all if that is 0.
func Of(target v1alpha1.TargetReference, namespace string, requests []v1alpha1.HealingRequest, limit int, now time.Time) Story {
	f, seen := familyOf(requests), map[types.UID]bool{}
	roots, own := []Heal{}, []Heal{}
	// One that another heal of the same target has asked for is told there. Those that own each other in a circle, by error or by
	// malice, are told all the same: by the second round.
	for _, descendants := range []bool{false, true} {
		for i := range requests {
			r := &requests[i]
			if About(r, target) && f.within(r, target) == descendants {
				own = append(own, HealOf(r))
				if !seen[r.UID] {
					roots = append(roots, f.tree(r, seen))
				}
			}
		}
	}
	slices.SortFunc(roots, newest)
	s := Story{Namespace: line(namespace, maxName), Target: targetOf(target), Summary: summarize(own, now), Heals: roots}
	if limit > 0 && len(roots) > limit {
		s.Heals, s.Older = roots[:limit], len(roots)-limit
	}
	return s
}

// About reports whether a request is about a target: it names it, or was found to lead to it.
func About(r *v1alpha1.HealingRequest, target v1alpha1.TargetReference) bool {
	ref := r.Spec.TargetRef
	if ref.Kind == "" {
		ref.Kind = v1alpha1.KindService
	}
	if ref == target {
		return true
	}
	found := r.Status.WorkloadRef
	if target.Kind == v1alpha1.KindService {
		found = r.Status.ServiceRef
	}
	return found != nil && found.Kind == string(target.Kind) && found.Name == target.Name
}

// family knows whose heal asked for whose.
type family struct {
	byUID    map[types.UID]*v1alpha1.HealingRequest
	children map[types.UID][]*v1alpha1.HealingRequest
}

func familyOf(requests []v1alpha1.HealingRequest) family {
	f := family{map[types.UID]*v1alpha1.HealingRequest{}, map[types.UID][]*v1alpha1.HealingRequest{}}
	for i := range requests {
		r := &requests[i]
		f.byUID[r.UID] = r
		if owner := ownerOf(r); owner != "" {
			f.children[owner] = append(f.children[owner], r)
		}
	}
	return f
}

// ownerOf is the request that asked for this one, if one did.
func ownerOf(r *v1alpha1.HealingRequest) types.UID {
	for _, owner := range r.OwnerReferences {
		if owner.Kind == "HealingRequest" {
			return owner.UID
		}
	}
	return ""
}

// within reports whether a request is a descendant of another one about the target.
func (f family) within(r *v1alpha1.HealingRequest, target v1alpha1.TargetReference) bool {
	seen := map[types.UID]bool{r.UID: true}
	for parent := f.byUID[ownerOf(r)]; parent != nil && !seen[parent.UID]; parent = f.byUID[ownerOf(parent)] {
		if About(parent, target) {
			return true
		}
		seen[parent.UID] = true
	}
	return false
}

// tree is a heal with those that it asked for, in the order in which it did.
func (f family) tree(r *v1alpha1.HealingRequest, seen map[types.UID]bool) Heal {
	seen[r.UID] = true
	h := HealOf(r)
	for _, child := range f.children[r.UID] {
		if !seen[child.UID] {
			h.Children = append(h.Children, f.tree(child, seen))
		}
	}
	slices.SortFunc(h.Children, func(a, b Heal) int { return newest(b, a) })
	return h
}
