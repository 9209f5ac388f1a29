// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package record

import (
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// grace is added to what the operator has given itself, so that its verdict is heard rather than a guess of ours.
const grace = 10 * time.Second

// Patience is how long a request is waited for: first for the operator to take it up, then for the end. It counts from when
// something was seen, by the clock of whoever waits: the operator's may differ.
type Patience struct {
	// Within is the bound that holds now.
	Within time.Duration
	// TakenUp says that the operator was seen to have looked at the request.
	TakenUp bool

	deadline time.Time
}

// Renew reports whether there is a new bound: the operator has taken up the request, or has moved the deadline, as it does
// after the request was held back.
func (p *Patience) Renew(request *v1alpha1.HealingRequest) bool {
	if deadline := request.Deadline(); takenUp(request) && (!p.TakenUp || !deadline.Equal(p.deadline)) {
		*p = Patience{Within: timeLeft(request) + grace, TakenUp: true, deadline: deadline}
		return true
	}
	return false
}

// takenUp reports whether the operator has seen the request: it works on it, or has told what it waits for.
func takenUp(request *v1alpha1.HealingRequest) bool {
	return request.Status.StartedAt != nil || len(request.Status.Conditions) > 0
}

// timeLeft is what the operator has given itself, from the last that it has said. A request that waits for its turn has no
// deadline meanwhile: it is waited for as long as the heal itself might take.
func timeLeft(request *v1alpha1.HealingRequest) time.Duration {
	status := request.Status
	deadline := request.Deadline()
	switch {
	case deadline.IsZero() && request.Spec.Timeout != nil:
		return request.Spec.Timeout.Duration
	case deadline.IsZero():
		return v1alpha1.DefaultTimeout
	}
	var said time.Time
	if status.StartedAt != nil {
		said = status.StartedAt.Time
	}
	if n := len(status.Progress); n > 0 && status.Progress[n-1].Time.After(said) {
		said = status.Progress[n-1].Time.Time
	}
	return max(0, deadline.Sub(said))
}
