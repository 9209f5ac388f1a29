// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import "github.com/ry-ops/cortex/internal/healing"

// A run tells the heals that it waits for as events: it is their recovery.Listener.

// HealingStarted tells healing_start.
func (r *run) HealingStarted(service, issue string) {
	r.tell(HealingStart{Service: service, Issue: issue})
}

// HealingProgress tells healing_progress.
func (r *run) HealingProgress(service, message string) {
	r.tell(HealingProgress{Service: service, Message: message})
}

// HealingSucceeded tells healing_complete.
func (r *run) HealingSucceeded(service, message string) {
	r.tell(HealingComplete{Service: service, Success: true, Message: message})
}

// HealingFailed tells healing_failed.
func (r *run) HealingFailed(service, message, recommendation string) {
	r.tell(HealingFailed{Service: service, Message: message, Recommendation: recommendation})
}

// HealingEnded keeps the result for the outcome of the query.
func (r *run) HealingEnded(result healing.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heals = append(r.heals, result)
}
