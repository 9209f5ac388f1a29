// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// slots are the heals that this process has let go ahead and that the cache may not show yet: without them, workers that look
// at one cache at one moment would let too many go. What outlives the process is in the requests themselves.
type slots struct {
	mutex sync.Mutex
	taken map[types.NamespacedName]bool
}

// take lets a request go ahead unless refuse, which is given how many others do in its namespace and in all, says why not.
func (s *slots) take(key types.NamespacedName, requests []v1alpha1.HealingRequest, refuse func(inNamespace, inCluster int) bool) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	ahead := map[types.NamespacedName]bool{}
	for i := range requests {
		if occupies(&requests[i]) {
			ahead[client.ObjectKeyFromObject(&requests[i])] = true
		}
	}
	for other := range s.taken {
		ahead[other] = true
	}
	delete(ahead, key)
	inNamespace := 0
	for other := range ahead {
		if other.Namespace == key.Namespace {
			inNamespace++
		}
	}
	if refuse(inNamespace, len(ahead)) {
		return false
	}
	if s.taken == nil {
		s.taken = map[types.NamespacedName]bool{}
	}
	s.taken[key] = true
	return true
}

// free gives up the place of a request that is over, or held back.
func (s *slots) free(key types.NamespacedName) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.taken, key)
}

// occupies reports whether a request is about to change something, or has, and is not over. It keeps its place between two
// attempts. To wait is no change, and to heal a dependency is that one's.
func occupies(request *v1alpha1.HealingRequest) bool {
	if request.Done() || !request.DeletionTimestamp.IsZero() {
		return false
	}
	actions := request.Status.Actions
	if n := len(actions); n > 0 && actions[n-1].Type == v1alpha1.ActionHealDependency && request.DerivePhase() == v1alpha1.PhaseVerifying {
		return false // the heal that it waits for may need its place
	}
	for _, action := range actions {
		if policy.ChangesTarget(action.Type) {
			return true
		}
	}
	plan := request.Status.Plan
	return request.DerivePhase() == v1alpha1.PhaseRemediating && len(plan.Actions) > 0 && policy.ChangesTarget(plan.Actions[0].Type)
}
