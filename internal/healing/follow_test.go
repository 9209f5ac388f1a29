// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

// state is one written state of a request.
func state(uid types.UID, version string, options ...requestOption) *v1alpha1.HealingRequest {
	r := request("sandfly-001", options...)
	r.UID, r.ResourceVersion = uid, version
	return &r
}

func step(messages ...string) requestOption {
	return func(r *v1alpha1.HealingRequest) {
		for _, message := range messages {
			r.Status.Progress = append(r.Status.Progress, v1alpha1.ProgressEntry{Message: message})
		}
	}
}

// showing shows one state, or none.
type showing struct{ state *v1alpha1.HealingRequest }

func (s showing) Get(_ context.Context, key types.NamespacedName) (*v1alpha1.HealingRequest, error) {
	if s.state == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: Resource}, key.Name)
	}
	return s.state.DeepCopy(), nil
}

func TestWhatAWaiterSees(t *testing.T) {
	for name, tc := range map[string]struct {
		event   *v1alpha1.HealingRequest
		deleted bool
		version string
		gone    bool
	}{
		"a newer state":                     {state("a", "11"), false, "11", false},
		"an echo of an older state":         {state("a", "9"), false, "10", false},
		"its deletion":                      {state("a", "11"), true, "11", true},
		"its deletion, told late":           {state("a", "9"), true, "10", true},
		"a newer object of its name":        {state("b", "11"), false, "10", true},
		"an echo of an older one":           {state("b", "9"), false, "10", false},
		"the deletion of an older one":      {state("b", "9"), true, "10", false},
		"a version with another digit":      {state("a", "100"), false, "100", false},
		"a version that cannot be compared": {state("a", ""), false, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := &waiter{wake: make(chan struct{}, 1), latest: state("a", "10")}
			w.see(tc.event, tc.deleted)
			if w.latest.ResourceVersion != tc.version || w.gone != tc.gone {
				t.Errorf("sees version %s, gone %v", w.latest.ResourceVersion, w.gone)
			}
			if len(w.wake) != 1 {
				t.Error("is not woken")
			}
		})
	}
}

// The request moved on after it was claimed and before its changes were listened to.
func TestNothingFallsBetweenClaimingAndFollowing(t *testing.T) {
	ended := state("a", "12", step("one", "two"), ended(time.Second, v1alpha1.ReasonHealed))
	f := newFollower(showing{}, showing{ended}, testclock.NewFakeClock(began), time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var told []string
	got, err := f.follow(ctx, state("a", "11", step("one")), func(entry v1alpha1.ProgressEntry) { told = append(told, entry.Message) })
	if err != nil || !got.Done() || len(told) != 2 {
		t.Errorf("told %v: %v", told, err)
	}
	if len(f.waiters) != 0 {
		t.Error("the waiter was left behind")
	}
}

// Before a heal is given up, the API server itself is asked: the watch may be what is late.
func TestGivingUp(t *testing.T) {
	started := func(r *v1alpha1.HealingRequest) { now := metav1.NewMicroTime(began); r.Status.StartedAt = &now }
	done := state("a", "12", step("one"), ended(time.Second, v1alpha1.ReasonHealed))
	for name, tc := range map[string]struct {
		first, live *v1alpha1.HealingRequest
		after       time.Duration
		want        string
	}{
		"not taken up":                   {state("a", "10"), state("a", "10"), 10 * time.Second, "the Cortex operator has not taken up the request sandfly-001 within 10s"},
		"deleted":                        {state("a", "10"), nil, 10 * time.Second, "the request sandfly-001 was deleted before the heal ended"},
		"over, and the watch is late":    {state("a", "10"), done, 10 * time.Second, ""},
		"taken up and never ended":       {state("a", "10", started), state("a", "11", started), 130 * time.Second, "the heal sandfly-001 did not end within 2m10s"},
		"taken up, ended, watch is late": {state("a", "10", started), done, 130 * time.Second, ""},
		"the policy's own deadline":      {state("a", "10", started, deadline(5*time.Minute)), state("a", "11", started, deadline(5*time.Minute)), 310 * time.Second, "the heal sandfly-001 did not end within 5m10s"},
		"held back, and the watch is late": {state("a", "10", started), state("a", "11", planned(v1alpha1.ReasonStormBrake, "half of them fail")), 130 * time.Second,
			"Unable to fix automatically: Container server keeps crashing. The heal sandfly-001 is held back (StormBrake): half of them fail"},
		"its turn never comes": {state("a", "10", planned(v1alpha1.ReasonConcurrencyLimited, "4 others are at work")), state("a", "11", planned(v1alpha1.ReasonConcurrencyLimited, "4 others are at work")), 130 * time.Second,
			"Unable to fix automatically: Container server keeps crashing. The heal sandfly-001 is held back (ConcurrencyLimited): 4 others are at work"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := testclock.NewFakeClock(began)
			f := newFollower(showing{tc.live}, showing{}, clock, 10*time.Second)
			result := make(chan error, 1)
			go func() {
				_, err := f.follow(t.Context(), tc.first, func(v1alpha1.ProgressEntry) {})
				result <- err
			}()
			for {
				select {
				case err := <-result:
					var known *Error
					if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, &known) || known.Message != tc.want) {
						t.Errorf("got %v", err)
					}
					if waited := clock.Since(began); waited < tc.after {
						t.Errorf("after %s", waited)
					}
					return
				case <-time.After(time.Millisecond):
					if clock.HasWaiters() {
						clock.Step(tc.after)
					}
				}
			}
		})
	}
}

// planned is taken up, and its plan may not run for a reason.
func planned(reason, message string, more ...requestOption) requestOption {
	return func(r *v1alpha1.HealingRequest) {
		r.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionFalse, Reason: reason, Message: message}}
		r.Status.Diagnosis = "Container server keeps crashing"
		r.Status.Recommendation, r.Status.SuggestedPatch = "Look at its log", "kubectl logs deploy/sandfly"
		for _, option := range more {
			option(r)
		}
	}
}

func deadline(after time.Duration) requestOption {
	return func(r *v1alpha1.HealingRequest) {
		at := metav1.NewMicroTime(began.Add(after))
		r.Status.Deadline = &at
	}
}

func blockedUntil(r *v1alpha1.HealingRequest) {
	at := metav1.NewTime(began.Add(4 * time.Minute))
	r.Status.BlockedUntil = &at
}

// What goes on only once a person says so, or much time has passed, holds nobody who has asked a question: they are told at once
// what is wrong, what it waits for, until when, and what to do.
func TestAHealThatIsHeldHoldsNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		reason  string
		more    []requestOption
		message string
		answer  string
	}{
		"approval": {v1alpha1.ReasonAwaitingApproval, []requestOption{deadline(30 * time.Minute)},
			"waits for a person's approval until 2026-11-23T11:00:00Z (AwaitingApproval)", "Look at the plan and approve it, then ask again"},
		"cooldown": {v1alpha1.ReasonCooldownActive, []requestOption{blockedUntil},
			"is held back until 2026-11-23T10:34:00Z (CooldownActive)", "To let it go ahead nevertheless"},
		"attempts": {v1alpha1.ReasonAttemptsExhausted, nil, "is held back (AttemptsExhausted)", "To let it go ahead nevertheless"},
		"storm":    {v1alpha1.ReasonStormBrake, nil, "is held back (StormBrake)", "To let it go ahead nevertheless"},
	} {
		t.Run(name, func(t *testing.T) {
			waits := state("a", "11", step("one"), planned(tc.reason, "what it means", tc.more...))
			f := newFollower(showing{}, showing{waits}, testclock.NewFakeClock(began), time.Minute)
			told := 0
			_, err := f.follow(t.Context(), waits, func(v1alpha1.ProgressEntry) { told++ })
			var known *Error
			if !errors.As(err, &known) || told != 1 {
				t.Fatalf("told %d steps: %v", told, err)
			}
			if want := "Unable to fix automatically: Container server keeps crashing. The heal sandfly-001 " + tc.message + ": what it means"; known.Message != want {
				t.Errorf("says  %s\nwants %s", known.Message, want)
			}
			for _, part := range []string{tc.answer, "`kubectl cortex approve sandfly-001 -n cortex-system`", "Look at its log. Suggested command: `kubectl logs deploy/sandfly`."} {
				if !strings.Contains(known.Recommendation, part) {
					t.Errorf("%q is not in %q", part, known.Recommendation)
				}
			}
		})
	}
}

// A heal that waits for its turn, or was answered, is followed: its end is near.
func TestAHealThatWaitsForItsTurnIsFollowed(t *testing.T) {
	approved := func(r *v1alpha1.HealingRequest) { r.Spec.Approval = v1alpha1.ApprovalApproved }
	for name, waits := range map[string]requestOption{
		"another request": planned(v1alpha1.ReasonAnotherRequestActive, ""),
		"a place":         planned(v1alpha1.ReasonConcurrencyLimited, ""),
		"approved":        planned(v1alpha1.ReasonAwaitingApproval, "", approved),
		"let through":     planned(v1alpha1.ReasonCooldownActive, "", approved),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollower(showing{}, showing{}, testclock.NewFakeClock(began), time.Minute)
			f.cache = showing{state("a", "11", waits)}
			result := make(chan error, 1)
			go func() {
				_, err := f.follow(t.Context(), state("a", "10"), func(v1alpha1.ProgressEntry) {
					f.OnUpdate(nil, state("a", "13", step("at work"), ended(time.Second, v1alpha1.ReasonHealed)))
				})
				result <- err
			}()
			mcptest.Eventually(t, "somebody to follow", func() bool {
				f.mu.Lock()
				defer f.mu.Unlock()
				return len(f.waiters) == 1
			})
			f.OnUpdate(nil, state("a", "12", waits, step("at work")))
			if err := <-result; err != nil {
				t.Error(err)
			}
		})
	}
}
