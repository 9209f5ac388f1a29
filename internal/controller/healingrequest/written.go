// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// written is what this process has written of requests that the cache does not show yet. What wakes a request in between shows it as
// it was: all that follows from that was done already, and would only be refused.
type written struct {
	mutex    sync.Mutex
	versions map[types.NamespacedName]string
	// unanswered are the heals whose last write ended without an answer. It may have been committed, and then nobody has told of it.
	unanswered map[types.NamespacedName]*heal
}

// note remembers a request as it was just written.
func (w *written) note(request *v1alpha1.HealingRequest) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.versions == nil {
		w.versions = map[types.NamespacedName]string{}
	}
	key := client.ObjectKeyFromObject(request)
	w.versions[key] = request.ResourceVersion
	delete(w.unanswered, key)
}

// doubt remembers a heal whose write ended without an answer.
func (w *written) doubt(h *heal) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.unanswered == nil {
		w.unanswered = map[types.NamespacedName]*heal{}
	}
	w.unanswered[client.ObjectKeyFromObject(h.request)] = h
}

// madeAfterAll gives back the heal whose write failed, once the cache shows that it was made.
func (w *written) madeAfterAll(key types.NamespacedName, cached *v1alpha1.HealingRequest) *heal {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	h := w.unanswered[key]
	if h == nil || h.stored.ResourceVersion == cached.ResourceVersion {
		return nil
	}
	delete(w.unanswered, key)
	// Times may differ: the write may have been tried more than once.
	was, is := h.request.Status, cached.Status
	if h.request.UID != cached.UID || was.Phase != is.Phase || len(was.Progress) != len(is.Progress) || len(was.Actions) != len(is.Actions) {
		return nil
	}
	h.request = cached
	return h
}

// ahead reports whether the request was written after it was as the cache shows it. The cache wakes it again when it is there.
func (w *written) ahead(key types.NamespacedName, cached *v1alpha1.HealingRequest) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	version, ok := w.versions[key]
	if !ok {
		return false
	}
	if order, err := resourceversion.CompareResourceVersion(cached.ResourceVersion, version); err == nil && order < 0 {
		return true
	}
	delete(w.versions, key)
	return false
}

// forget a request that is gone.
func (w *written) forget(key types.NamespacedName) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	delete(w.versions, key)
	delete(w.unanswered, key)
}
