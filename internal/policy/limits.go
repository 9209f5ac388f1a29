// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// The limits are computed from the HealingRequests of the target's namespace alone, the asking one among them, and change none of
// them. What they answer is the same after a restart of the operator, and to another replica of it.

// Attempts blocks a target that has seen as many changes within the window as it may. The message says what was tried, and how
// it ended. Until is when one more may be made; it is zero where the policy allows none at all.
func (e Effective) Attempts(now time.Time, target Target, requests []v1alpha1.HealingRequest) *Block {
	counted := e.counted(now, target, requests)
	allowed := e.Limits.MaxAttempts
	switch {
	case len(counted) < allowed:
		return nil
	case allowed <= 0:
		return &Block{Reason: v1alpha1.ReasonAttemptsExhausted, Message: "The policy allows no change (limits.maxAttempts is 0)"}
	}
	return &Block{
		Reason: v1alpha1.ReasonAttemptsExhausted,
		Message: fmt.Sprintf("%s within %s: no more than %d may be made without a person. %s",
			count(len(counted), "change"), short(e.Limits.Window), allowed, told(counted)),
		Until: counted[len(counted)-allowed].at.Add(e.Limits.Window),
	}
}

// counted are the changes of the target within the window, oldest first.
func (e Effective) counted(now time.Time, target Target, requests []v1alpha1.HealingRequest) []step {
	return slices.DeleteFunc(target.steps(requests), func(s step) bool {
		return !ChangesTarget(s.Type) || !within(now, s.at, e.Limits.Window)
	})
}

// maxTold bounds how many changes a message tells of, and maxDetail how much of each, so that it fits into a condition.
const (
	maxTold   = 5
	maxDetail = 96
)

// told says what was tried, the newest last, and how it ended.
func told(steps []step) string {
	var words []string
	if more := len(steps) - maxTold; more > 0 {
		words = append(words, count(more, "earlier change"))
		steps = steps[more:]
	}
	for _, s := range steps {
		what := foreign.Line(s.Detail, maxDetail)
		if what == "" {
			what = string(s.Type)
		}
		words = append(words, fmt.Sprintf("%s at %s (%s)", what, s.at.UTC().Format(time.TimeOnly), outcomes[s.State]))
	}
	return "Tried: " + strings.Join(words, "; ")
}

var outcomes = map[v1alpha1.ActionState]string{
	v1alpha1.ActionApplied:     "not known whether it helped",
	v1alpha1.ActionVerified:    "it helped, and did not last",
	v1alpha1.ActionIneffective: "it did not help",
}

// Concurrency blocks a heal while as many others change something as may. Both counts are of the others.
func (e Effective) Concurrency(inNamespace, inCluster int) *Block {
	running, allowed, where := inNamespace, e.Limits.MaxConcurrentPerNamespace, "this namespace"
	if running < allowed {
		running, allowed, where = inCluster, e.Limits.MaxConcurrent, "all namespaces"
	}
	if running < allowed {
		return nil
	}
	return &Block{
		Reason:  v1alpha1.ReasonConcurrencyLimited,
		Message: fmt.Sprintf("%s at work in %s, and %d may be at once; this one goes on when one of them ends", are(running, "heal"), where, allowed),
	}
}

// Brake blocks a heal while too much of its namespace is unhealthy at once. It takes hold above UnhealthyPercent, and once it is
// engaged it lets go at ResumePercent, so that a namespace at the edge is not halted and let go by turns. It neither takes nor
// keeps hold of less than MinUnhealthy Services.
func (e Effective) Brake(unhealthy, total int, engaged bool) *Block {
	limits := e.Limits
	if unhealthy < limits.MinUnhealthy || limits.UnhealthyPercent >= 100 {
		return nil
	}
	above, what := limits.UnhealthyPercent, "halt above"
	if engaged {
		above, what = limits.ResumePercent, "go on at"
	}
	// In whole numbers: a share of exactly the limit is not above it.
	if total = max(total, unhealthy); unhealthy*100 <= above*total {
		return nil
	}
	return &Block{ // it is written once, however the count goes on: hundreds may wait
		Reason: v1alpha1.ReasonStormBrake,
		Message: fmt.Sprintf("%d of %d opted-in Services of this namespace were unhealthy (%d%%) when this was held back, and heals %s %d%%: look for a common cause",
			unhealthy, total, unhealthy*100/total, what, above),
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func are(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return count(n, what) + " are"
}

// short writes a duration without the zeros at its end: 1h and not 1h0m0s.
func short(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
