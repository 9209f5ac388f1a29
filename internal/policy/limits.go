// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Block says why a heal may not change anything now.
type Block struct {
	// Reason is one of condition Planned.
	Reason string
	// Message says it to people, with the figures.
	Message string
	// Until is when it is over. It is zero where no clock tells.
	Until time.Time
}

// Target is what limits are counted of.
type Target struct {
	// Request that is to be let through.
	Request types.UID
	// Service and Workload that it heals; the Workload is empty if there is none.
	Service  string
	Workload v1alpha1.ObjectReference
}

// Attempts blocks a target that has seen as many changes within the window as it may, of whatever request. The requests are all of
// the namespace.
func (e Effective) Attempts(now time.Time, target Target, requests []v1alpha1.HealingRequest) *Block {
	changes := e.changes(now, target, requests)
	if len(changes) < e.Limits.MaxAttempts {
		return nil
	}
	block := &Block{Reason: v1alpha1.ReasonAttemptsExhausted, Message: fmt.Sprintf(
		"%s has been changed %d times within %s, and the policy allows %d", target.Service, len(changes), brief(e.Limits.Window), e.Limits.MaxAttempts)}
	if e.Limits.MaxAttempts > 0 {
		// As many have to fall out of the window as leave room for one.
		block.Until = changes[len(changes)-e.Limits.MaxAttempts].AppliedAt.Add(e.Limits.Window)
	}
	var told []string
	for _, change := range changes[max(0, len(changes)-3):] {
		told = append(told, fmt.Sprintf("%s (%s)", change.Detail, strings.ToLower(string(change.State))))
	}
	if len(told) > 0 {
		block.Message += ": " + strings.Join(told, "; ")
	}
	return block
}

// changes of a target within the window, oldest first.
func (e Effective) changes(now time.Time, target Target, requests []v1alpha1.HealingRequest) []v1alpha1.ActionResult {
	var changes []v1alpha1.ActionResult
	for i := range requests {
		for _, action := range requests[i].Status.Actions {
			if !made(action) || now.Sub(action.AppliedAt.Time) >= e.Limits.Window {
				continue
			}
			if target.is(&requests[i]) || action.Object.UID == target.Workload.UID && action.Object.UID != "" {
				changes = append(changes, action)
			}
		}
	}
	slices.SortFunc(changes, func(a, b v1alpha1.ActionResult) int { return a.AppliedAt.Compare(b.AppliedAt.Time) })
	return changes
}

// Cooldown blocks a target whose last heals failed after they had changed something: for the base after the first, twice as long
// after each further one, up to the bound. A success ends the row. What was denied, stopped, only shown or not allowed does not count.
func (e Effective) Cooldown(now time.Time, target Target, requests []v1alpha1.HealingRequest) *Block {
	failures, last := 0, time.Time{}
	for _, request := range ended(target, requests) {
		if request.Succeeded() && reasonOf(request) != v1alpha1.ReasonDryRun {
			break
		}
		if !failedAfterChange(request) {
			continue
		}
		if failures == 0 {
			last = request.Status.CompletedAt.Time
		}
		failures++
	}
	if failures == 0 {
		return nil
	}
	until := last.Add(e.pause(failures))
	if !now.Before(until) {
		return nil
	}
	return &Block{Reason: v1alpha1.ReasonCooldownActive, Until: until, Message: fmt.Sprintf(
		"the last %s of %s failed, so the next change waits until %s", count(failures, "heal"), target.Service, until.UTC().Format(time.TimeOnly+" MST"))}
}

// pause after failures in a row.
func (e Effective) pause(failures int) time.Duration {
	pause := e.Limits.CooldownBase
	for range failures - 1 {
		if pause >= e.Limits.CooldownMax {
			break
		}
		pause *= 2
	}
	return min(pause, e.Limits.CooldownMax)
}

// InVain are the actions that must not be tried on a target, for a cause: those that did not help and after which nobody but Cortex
// has changed the workload, and those that helped twice within the window and did not last. It looks at other requests only.
func (e Effective) InVain(now time.Time, target Target, cause v1alpha1.Cause, requests []v1alpha1.HealingRequest) []v1alpha1.ActionResult {
	changes := e.changes(now, target, requests)
	var tried []v1alpha1.ActionResult
	helped := map[v1alpha1.ActionType][]v1alpha1.ActionResult{}
	for i := range requests {
		request := &requests[i]
		if request.UID == target.Request {
			continue
		}
		for _, action := range request.Status.Actions {
			recent := made(action) && now.Sub(action.AppliedAt.Time) < e.Limits.Window && action.Object.UID == target.Workload.UID
			switch {
			case !recent:
			case action.State == v1alpha1.ActionIneffective && target.Workload.Generation <= action.Object.Generation+since(action, changes):
				tried = append(tried, action)
			case action.State == v1alpha1.ActionVerified && request.Status.Cause == cause:
				helped[action.Type] = append(helped[action.Type], action)
			}
		}
	}
	for _, actionType := range v1alpha1.ActionTypes() {
		if fixes := helped[actionType]; len(fixes) >= maxRepeats {
			tried = append(tried, fixes...)
		}
	}
	return tried
}

// maxRepeats is how often a fix that does not last is made within the window.
const maxRepeats = 2

// since counts the changes that Cortex made of an object from an action on, itself included: each made a generation at most.
func since(action v1alpha1.ActionResult, changes []v1alpha1.ActionResult) int64 {
	count := int64(0)
	for _, change := range changes {
		if change.Object.UID == action.Object.UID && change.Object.Generation >= action.Object.Generation {
			count++
		}
	}
	return max(count, 1)
}

// Brake blocks every heal of a namespace while too many of its Services are unhealthy at once. Once it is engaged it stays so until
// the share has fallen to where heals resume.
func (e Effective) Brake(unhealthy, total int, engaged bool) *Block {
	if unhealthy < e.Limits.MinUnhealthy || total == 0 {
		return nil
	}
	limit := e.Limits.UnhealthyPercent
	if engaged {
		limit = e.Limits.ResumePercent
	}
	if unhealthy*100 <= limit*total {
		return nil
	}
	return &Block{Reason: v1alpha1.ReasonStormBrake, Message: fmt.Sprintf(
		"%d of the %d MCP servers of the namespace are unhealthy at once (more than %d%%), so the cause is likely a common one; heals go on when no more than %d%% are",
		unhealthy, total, e.Limits.UnhealthyPercent, e.Limits.ResumePercent)}
}

// Concurrency blocks a heal while as many others as may be are changing something, in its namespace or in all.
func (e Effective) Concurrency(inNamespace, inCluster int) *Block {
	switch {
	case inNamespace >= e.Limits.MaxConcurrentPerNamespace:
		return &Block{Reason: v1alpha1.ReasonConcurrencyLimited, Message: fmt.Sprintf(
			"%s may be under way at once in the namespace, and as many are", count(e.Limits.MaxConcurrentPerNamespace, "heal"))}
	case inCluster >= e.Limits.MaxConcurrent:
		return &Block{Reason: v1alpha1.ReasonConcurrencyLimited, Message: fmt.Sprintf(
			"%s may be under way at once in the cluster, and as many are", count(e.Limits.MaxConcurrent, "heal"))}
	default:
		return nil
	}
}

// Expired are the requests of one target that retention lets go: those that ended too long ago, and the oldest of too many. The
// newest is always kept, and so is what the limits still count.
func (e Effective) Expired(now time.Time, requests []v1alpha1.HealingRequest) []*v1alpha1.HealingRequest {
	var over []*v1alpha1.HealingRequest
	for i := range requests {
		if requests[i].Done() && requests[i].Status.CompletedAt != nil {
			over = append(over, &requests[i])
		}
	}
	slices.SortFunc(over, newestFirst)
	counted := max(e.Limits.Window, e.Limits.CooldownMax)
	var expired []*v1alpha1.HealingRequest
	for i, request := range over {
		age := now.Sub(request.Status.CompletedAt.Time)
		if i > 0 && age >= counted && (age >= e.Retention.MaxAge || i >= e.Retention.MaxRequests) {
			expired = append(expired, request)
		}
	}
	return expired
}

// is reports whether a request is about the target.
func (t Target) is(request *v1alpha1.HealingRequest) bool {
	if ref := request.Status.WorkloadRef; ref != nil && ref.UID != "" && ref.UID == t.Workload.UID {
		return true
	}
	if ref := request.Status.ServiceRef; ref != nil {
		return ref.Name == t.Service
	}
	return request.Spec.TargetRef.Name == t.Service && cmp.Or(request.Spec.TargetRef.Kind, v1alpha1.KindService) == v1alpha1.KindService
}

// ended are the requests about a target that are over, newest first.
func ended(target Target, requests []v1alpha1.HealingRequest) []*v1alpha1.HealingRequest {
	var over []*v1alpha1.HealingRequest
	for i := range requests {
		if requests[i].Done() && requests[i].Status.CompletedAt != nil && target.is(&requests[i]) {
			over = append(over, &requests[i])
		}
	}
	slices.SortFunc(over, newestFirst)
	return over
}

func newestFirst(a, b *v1alpha1.HealingRequest) int {
	return b.Status.CompletedAt.Compare(a.Status.CompletedAt.Time)
}

// made reports whether an action changed something. To wait changes nothing, and the heal of a dependency is that one's.
func made(action v1alpha1.ActionResult) bool {
	switch action.Type {
	case v1alpha1.ActionWait, v1alpha1.ActionHealDependency:
		return false
	default:
		return action.AppliedAt != nil
	}
}

func failedAfterChange(request *v1alpha1.HealingRequest) bool {
	switch reasonOf(request) {
	case v1alpha1.ReasonDenied, v1alpha1.ReasonCanceled:
		return false
	default:
		return !request.Succeeded() && slices.ContainsFunc(request.Status.Actions, made)
	}
}

func reasonOf(request *v1alpha1.HealingRequest) string {
	for _, condition := range request.Status.Conditions {
		if condition.Type == v1alpha1.ConditionComplete {
			return condition.Reason
		}
	}
	return ""
}

// count says how many of something there are.
func count(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// brief is a duration without the units that are zero: 1h rather than 1h0m0s.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
