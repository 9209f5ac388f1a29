// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func say(request *v1alpha1.HealingRequest, messages ...string) {
	for _, message := range messages {
		request.Status.Progress = append(request.Status.Progress, v1alpha1.ProgressEntry{Message: message})
	}
}

func TestRelay(t *testing.T) {
	parent := root("a")
	say(parent, "Starting self-healing for service: a", "Checking pod status... 0 pods")
	postgres := child(parent, "postgres")
	if got := Relay(parent, postgres); got != nil {
		t.Errorf("nothing was said, and %q is relayed", got)
	}
	say(postgres, "Starting self-healing for service: postgres", "Restarted deployment postgres")
	want := []string{"postgres: Starting self-healing for service: postgres", "postgres: Restarted deployment postgres"}
	if diff := cmp.Diff(want, Relay(parent, postgres)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	say(parent, want...)
	if got := Relay(parent, postgres); got != nil {
		t.Errorf("%q is relayed twice", got)
	}
	say(postgres, "redis: Scaled deployment redis from 0 to 1") // of what it needs itself
	if diff := cmp.Diff([]string{"postgres: redis: Scaled deployment redis from 0 to 1"}, Relay(parent, postgres)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whenever the parent looks, it shows the child's steps in order, each once, keeps room for itself, and in the end shows the end.
func TestRelayInAnyOrder(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		parent := root("a")
		for i := range random.IntN(maxRelayed) {
			say(parent, fmt.Sprintf("own step %d", i))
		}
		own := len(parent.Status.Progress)
		postgres := child(parent, "postgres")
		steps := 1 + random.IntN(v1alpha1.MaxProgress)
		for i := range steps {
			say(postgres, fmt.Sprintf("step %02d", i))
			if i == steps-1 {
				over(postgres, v1alpha1.ReasonHealed)
			}
			if i == steps-1 || random.IntN(3) == 0 {
				say(parent, Relay(parent, postgres)...)
			}
		}
		var told []string
		for _, entry := range parent.Status.Progress {
			if message, ok := strings.CutPrefix(entry.Message, "postgres: "); ok {
				told = append(told, message)
			}
		}
		switch last := fmt.Sprintf("step %02d", steps-1); {
		case len(parent.Status.Progress) > max(maxRelayed, own):
			t.Fatalf("seed %d: %d entries", seed, len(parent.Status.Progress))
		case !slices.IsSorted(told) || len(slices.Compact(slices.Clone(told))) != len(told):
			t.Fatalf("seed %d: told %q", seed, told)
		case len(told) == 0 || told[len(told)-1] != last:
			t.Fatalf("seed %d: the end %q is not told, but %q", seed, last, told)
		case len(told) < min(steps, maxRelayed-own):
			t.Fatalf("seed %d: %d of %d steps told with room for %d", seed, len(told), steps, maxRelayed-own)
		}
		if more := Relay(parent, postgres); more != nil {
			t.Fatalf("seed %d: %q after the end", seed, more)
		}
	}
}
