// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// A diagnosis that quoted what an earlier one has said would prove itself.
func TestOwnEventsAreNoEvidence(t *testing.T) {
	event := func(name, controller string) corev1.Event {
		return corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: "mcp", Name: name}, Type: corev1.EventTypeWarning, ReportingController: controller,
			InvolvedObject: corev1.ObjectReference{Kind: KindService, Namespace: "mcp", Name: "sandfly", UID: "service"},
		}
	}
	o := &Objects{
		Services: []corev1.Service{{ObjectMeta: metav1.ObjectMeta{Namespace: "mcp", Name: "sandfly", UID: "service"}}},
		Events:   []corev1.Event{event("own", v1alpha1.FieldManager), event("another's", "endpoint-slice-controller"), event("of before", "")},
	}
	s := Assemble("mcp", v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly"}, o)
	if len(s.Events) != 2 || s.Events[0].Name != "another's" || s.Events[1].Name != "of before" {
		t.Errorf("%+v", s.Events)
	}
	if len(o.Events) != 3 {
		t.Error("what was read was changed")
	}
}
