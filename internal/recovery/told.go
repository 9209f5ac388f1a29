// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package recovery

import "github.com/ry-ops/cortex/internal/healing"

// Told is how a heal ended, in the words that whoever waited for it heard.
func Told(outcome *healing.Outcome) string {
	if outcome.Success {
		return restored(outcome)
	}
	return unfixed(outcome, nil)
}
