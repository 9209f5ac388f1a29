// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// note is a Kubernetes Event to be recorded on the request and on the Service. Its reason is a condition's.
type note struct {
	kind, reason, message string
}

// reasonIneffective is of an Event about a change that did not help. There is no condition of that name.
const reasonIneffective = "Ineffective"

// maxEventNote is the API server's bound on an Event's note (events.k8s.io/v1), in bytes, where other bounds count
// characters.
const maxEventNote = 1024

// tell notes an event. It is recorded once the status that it speaks of is written.
func (h *heal) tell(reason, message string) {
	kind := corev1.EventTypeNormal
	switch {
	case h.asBefore:
		message = fmt.Sprintf("As before (%s): %s", h.asked, message)
	case h.phase() == v1alpha1.PhaseFailed:
		kind = corev1.EventTypeWarning
	}
	h.events = append(h.events, note{kind: kind, reason: reason, message: foreign.Head(foreign.Line(message, maxEventNote), maxEventNote)})
}

func (n note) record(recorder events.EventRecorder, request *v1alpha1.HealingRequest) {
	service := serviceOf(request)
	recorder.Eventf(request, service, n.kind, n.reason, "Heal", "%s", n.message)
	if service != nil {
		recorder.Eventf(service, request, n.kind, n.reason, "Heal", "%s", n.message)
	}
}

// serviceOf is the Service as an Event's subject. It is nil, and not an empty object, if none is known.
func serviceOf(request *v1alpha1.HealingRequest) runtime.Object {
	ref := request.Status.ServiceRef
	if ref == nil {
		return nil
	}
	return &corev1.ObjectReference{
		APIVersion: "v1", Kind: ref.Kind, Namespace: request.Namespace,
		Name: ref.Name, UID: ref.UID, ResourceVersion: ref.ResourceVersion,
	}
}
