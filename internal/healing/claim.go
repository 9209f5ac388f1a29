// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/record"
)

// maxNames bounds the search for a free name: each refusal is one step.
const maxNames = 20

// claimed is the request that answers a failure. live says that the API server itself has just shown it to
// be under way, and not the cache.
type claimed struct {
	request *v1alpha1.HealingRequest
	live    bool
}

// record returns the request that answers the failure, creating it if there is none. The name is the lock: whoever
// looks at the same requests computes the same next name, the API server refuses all creators but one, and the others
// read what that one wrote.
func (h *Healer) record(ctx context.Context, failure Failure) (claimed, error) {
	known, live := h.watched.by(byTarget, failure.Service.String()), map[string]bool{}
	for range maxNames {
		if answer := answering(known, failure.Service.Name, failure.CallStarted); answer != nil {
			return claimed{answer, live[answer.Name]}, nil
		}
		request := h.newRequest(failure, record.NextName(known, failure.Service.Name))
		created, err := h.requests.Create(ctx, request)
		if err == nil {
			h.log.Info("[HEAL] recorded", "request", created.Name, "service", failure.Service, "class", failure.Error.Class)
			return claimed{created, true}, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return claimed{}, fmt.Errorf("creating healing request %s: %w", request.Name, err)
		}
		taken, err := h.taken(ctx, request)
		if err != nil {
			return claimed{}, err
		}
		known, live[taken.Name] = append(known, *taken), !taken.Done()
	}
	return claimed{}, fmt.Errorf("no free name for a healing request of %s after %d attempts", failure.Service, maxNames)
}

// taken reads the request that was there first, past the cache, which may not have heard of it yet. One that was
// deleted in between still takes its name for this search.
func (h *Healer) taken(ctx context.Context, refused *v1alpha1.HealingRequest) (*v1alpha1.HealingRequest, error) {
	existing, err := h.requests.Get(ctx, refused.Key())
	if apierrors.IsNotFound(err) {
		return &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Name: refused.Name, Namespace: refused.Namespace}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading healing request %s: %w", refused.Name, err)
	}
	return existing, nil
}

func (h *Healer) newRequest(failure Failure, name string) *v1alpha1.HealingRequest {
	observed := cleanError(failure.Error)
	request := &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: failure.Service.Namespace,
			Name:      name,
			// A Service's name is an RFC 1035 label, at most 63 characters, so it always fits a label value.
			Labels: map[string]string{v1alpha1.LabelTarget: failure.Service.Name},
		},
		Spec: v1alpha1.HealingRequestSpec{
			TargetRef:   v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: failure.Service.Name},
			Trigger:     v1alpha1.TriggerMCPFailure,
			Error:       &observed,
			RequestedBy: foreign.Line(failure.RequestedBy, maxRequestedBy),
			Timeout:     &metav1.Duration{Duration: h.timeout},

			ExpectedTools: mcpserver.ToolNames(failure.Tools),
		},
	}
	for key, value := range map[string]string{v1alpha1.AnnotationTask: failure.Task, v1alpha1.AnnotationTraceparent: failure.Traceparent} {
		if value != "" {
			metav1.SetMetaDataAnnotation(&request.ObjectMeta, key, value)
		}
	}
	return request
}

// answering picks the request that answers a failure of a call that began at callStarted: one that is under way, else
// the last one that ended after the call began. It returns nil if a new one is needed. A dry run answers nothing, since
// it changes nothing.
func answering(requests []v1alpha1.HealingRequest, service string, callStarted time.Time) *v1alpha1.HealingRequest {
	var active, ended *v1alpha1.HealingRequest
	for i := range requests {
		request := &requests[i]
		switch {
		case !targets(request, service) || request.Spec.Mode == v1alpha1.ModeDryRun:
		case !request.Done():
			if active == nil || record.Number(request.Name, service) > record.Number(active.Name, service) {
				active = request
			}
		case endedAfter(request, callStarted):
			if ended == nil || endedAfter(request, ended.Status.CompletedAt.Time) {
				ended = request
			}
		}
	}
	if active != nil {
		return active
	}
	return ended
}

func targets(request *v1alpha1.HealingRequest, service string) bool {
	ref := request.Spec.TargetRef
	return ref.Name == service && (ref.Kind == v1alpha1.KindService || ref.Kind == "")
}

// endedAfter reports whether the request is over and ended later than moment.
func endedAfter(request *v1alpha1.HealingRequest, moment time.Time) bool {
	return request.Done() && request.Status.CompletedAt != nil && request.Status.CompletedAt.After(moment)
}
