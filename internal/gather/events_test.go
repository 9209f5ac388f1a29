// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// noisy has a number of Events, of which each is a second younger than the one before.
type noisy struct {
	client.Reader
	events int
}

func (n noisy) List(_ context.Context, list client.ObjectList, opts ...client.ListOption) error {
	asked := (&client.ListOptions{}).ApplyOptions(opts)
	from, _ := strconv.Atoi(asked.Continue)
	to := min(from+int(asked.Limit), n.events)
	events := list.(*corev1.EventList)
	for i := from; i < to; i++ {
		events.Items = append(events.Items, corev1.Event{
			ObjectMeta:    metav1.ObjectMeta{Name: strconv.Itoa(i), ManagedFields: []metav1.ManagedFieldsEntry{{}}},
			LastTimestamp: metav1.NewTime(time.Unix(int64(i), 0)),
		})
	}
	if to < n.events {
		events.Continue = strconv.Itoa(to)
	}
	return nil
}

// TestEvents: of more Events than are kept, those are kept that tell of what fails now, wherever in the list they are.
func TestEvents(t *testing.T) {
	for _, test := range []struct {
		events, oldest, newest int
		whole                  bool
	}{
		{0, 0, 0, true},
		{maxEvents, 0, maxEvents - 1, true},
		{maxEvents + 700, 700, maxEvents + 699, false},
		{maxEventPages*pageSize + 1, maxEventPages*pageSize - maxEvents, maxEventPages*pageSize - 1, false}, // the last one is on no page that is read
	} {
		t.Run(fmt.Sprint(test.events), func(t *testing.T) {
			var kept []corev1.Event
			err := eventsInto(&kept, noisy{events: test.events}, testNamespace).run(t.Context())
			if errors.Is(err, errTruncated) == test.whole || (err == nil) != test.whole {
				t.Errorf("error %v", err)
			}
			oldest, newest := test.newest, test.oldest
			for _, event := range kept {
				i, _ := strconv.Atoi(event.Name)
				oldest, newest = min(oldest, i), max(newest, i)
				if event.ManagedFields != nil {
					t.Fatal("who wrote the fields is kept")
				}
			}
			if len(kept) != min(test.events, maxEvents) || oldest != test.oldest || newest != test.newest {
				t.Errorf("%d are kept, %d to %d", len(kept), oldest, newest)
			}
		})
	}
}
