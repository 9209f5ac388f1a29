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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
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

// reader shows one state, or none.
type reader struct {
	client.Reader
	shown *v1alpha1.HealingRequest
}

func (r reader) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	if r.shown == nil {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "healingrequests"}, key.Name)
	}
	r.shown.DeepCopyInto(into.(*v1alpha1.HealingRequest))
	return nil
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
	f := newFollower(reader{}, reader{shown: ended}, testclock.NewFakeClock(began), time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
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
	} {
		t.Run(name, func(t *testing.T) {
			clock := testclock.NewFakeClock(began)
			f := newFollower(reader{shown: tc.live}, reader{}, clock, 10*time.Second)
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

// A person may take half an hour to answer a plan: who asked a question is told so at once, and how to answer.
func TestAPlanThatWaitsForAPersonHoldsNobody(t *testing.T) {
	waits := state("a", "11", step("one"), func(r *v1alpha1.HealingRequest) {
		now := metav1.NewMicroTime(began)
		r.Status.StartedAt = &now
		r.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingApproval}}
	})
	f := newFollower(reader{}, reader{shown: waits}, testclock.NewFakeClock(began), time.Minute)
	_, err := f.follow(t.Context(), waits, func(v1alpha1.ProgressEntry) {})
	var known *Error
	if !errors.As(err, &known) || known.Message != "the heal sandfly-001 waits for a person's approval" || !strings.Contains(known.Recommendation, "kubectl patch heal sandfly-001") {
		t.Errorf("got %v", err)
	}
}
