// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// A watch coalesces writes, begins anew with everything, repeats itself and, right after it began anew, shows the past. Whatever
// it does, whoever follows hears every step once and in order, from the first to the last that a request may have.
func TestEveryStepIsHeardOnceWhateverTheWatchDoes(t *testing.T) {
	var want []string
	states := []*v1alpha1.HealingRequest{state("a", "100")}
	for i := range v1alpha1.MaxProgress {
		want = append(want, fmt.Sprint("step ", i))
		states = append(states, state("a", strconv.Itoa(101+i), step(want...)))
	}
	end := state("a", "200", step(want...), ended(time.Second, v1alpha1.ReasonHealed))

	rapid.Check(t, func(t *rapid.T) {
		f := newFollower(showing{}, showing{}, testclock.NewFakeClock(began), time.Hour)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		var followers sync.WaitGroup
		follow := func(from *v1alpha1.HealingRequest) {
			followers.Go(func() {
				var told []string
				_, err := f.follow(ctx, from, func(entry v1alpha1.ProgressEntry) { told = append(told, entry.Message) })
				if err != nil || !slices.Equal(told, want) {
					t.Errorf("heard %v: %v", told, err)
				}
			})
		}
		follow(states[0])
		at := 0
		for at < len(states)-1 {
			switch rapid.SampledFrom([]string{"writes", "writes", "again", "past", "join"}).Draw(t, "the watch") {
			case "writes":
				at = min(at+rapid.IntRange(1, 20).Draw(t, "that come as one"), len(states)-1)
				f.OnUpdate(nil, states[at])
			case "again":
				f.OnAdd(states[at], false)
			case "past":
				f.OnAdd(states[rapid.IntRange(0, at).Draw(t, "an old state")], false)
			case "join":
				follow(states[rapid.IntRange(0, at).Draw(t, "that a cache shows")])
			}
		}
		f.OnUpdate(nil, end)
		// Those who have joined this moment may not listen yet; a cache would show them the end.
		followed := make(chan struct{})
		go func() { followers.Wait(); close(followed) }()
		for {
			select {
			case <-followed:
				return
			case <-time.After(time.Millisecond):
				f.OnAdd(end, false)
			}
		}
	})
}
