// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"context"
	"errors"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// sink takes what a recorder of client-go writes, by verb.
type sink chan string

func (s sink) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	s <- "create"
	return event, nil
}

func (s sink) Update(context.Context, *eventsv1.Event) (*eventsv1.Event, error) {
	return nil, errors.New("nobody updates an Event")
}

func (s sink) Patch(_ context.Context, event *eventsv1.Event, _ []byte) (*eventsv1.Event, error) {
	s <- "patch"
	return event, nil
}

// TestEachEventIsItsOwn tells the same of one request after two writes of it: client-go must not take the second for the first
// told again, since the operator may not patch Events.
func TestEachEventIsItsOwn(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	written := make(sink, 4)
	broadcaster := events.NewBroadcaster(written)
	defer broadcaster.Shutdown()
	if err := broadcaster.StartRecordingToSinkWithContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorder := broadcaster.NewRecorder(scheme, "cortex")
	request := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: "sandfly-001", UID: "u"}}
	request.Status.ServiceRef = &v1alpha1.ObjectReference{Kind: "Service", Name: "sandfly", UID: "s", ResourceVersion: "7"}
	for _, request.ResourceVersion = range []string{"1", "2"} {
		note{kind: "Normal", reason: reasonIneffective, message: "it did not help"}.record(recorder, request)
	}
	for i := range 4 {
		select {
		case verb := <-written:
			if verb != "create" {
				t.Errorf("write %d is a %s", i, verb)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%d Events were written", i)
		}
	}
}
