// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// fault is an answer of the API server to one write that is no success.
type fault struct {
	name string
	err  error
	// committed: the write was made all the same.
	committed bool
}

func apiFaults() []fault {
	resource := schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "healingrequests"}
	return []fault{
		// It begins to answer before it has read the roles.
		{name: "403 of an API server that has just started", err: apierrors.NewForbidden(resource, "x", errors.New("RBAC: no role is known yet"))},
		{name: "409", err: apierrors.NewConflict(resource, "x", errors.New("the object has been modified"))},
		{name: "429 with Retry-After", err: apierrors.NewTooManyRequests("slow down", 1)},
		{name: "500", err: apierrors.NewInternalError(errors.New("etcd is not well"))},
		{name: "timeout after the write was committed", err: apierrors.NewTimeoutError("no answer in time", 1), committed: true},
	}
}

// at answers the nth write with the fault, and lets all others through.
func (f fault) at(n int) func(string, func() error) error {
	writes := 0
	return func(_ string, write func() error) error {
		writes++
		if writes != n {
			return write()
		}
		if f.committed {
			Expect(write()).To(Succeed())
		}
		return f.err
	}
}

// The same operator goes on: what it keeps in memory must not mislead it.
var _ = Describe("An API server that fails", Ordered, ContinueOnFailure, func() {
	cases := 0
	AfterAll(func() { AddReportEntry("API faults", fmt.Sprintf("%d cases", cases)) })

	for _, flow := range workflows() {
		It("at any write of a heal changes nothing about how it ends: "+flow.name, func(ctx context.Context) {
			want, writes := undisturbed(ctx, flow)
			heal := func(fault fault, n int) (end, []string) {
				w := newWorld(ctx)
				flow.mess(ctx, w)
				generation := w.deployment(ctx).Generation
				request := w.request(ctx, flow.spec)
				operator := w.operator(through(fault.at(n)))
				recorder := events.NewFakeRecorder(100)
				operator.Recorder = recorder
				w.run(ctx, flow, request, func() reconciler { return operator })
				// What is over wakes the operator once more.
				Expect(operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})).To(BeZero())
				return w.end(ctx, request, generation), toldBy(recorder)
			}
			_, toTell := heal(fault{}, 0)
			cases += writes * len(apiFaults())
			inParallel(upTo(writes), func(n int) {
				for _, fault := range apiFaults() {
					at := fmt.Sprintf("write %d of %d: %s", n, writes, fault.name)
					end, told := heal(fault, n)
					Expect(end).To(Equal(want), at)
					Expect(told).To(Equal(toTell), at)
				}
			})
		})
	}
})

// toldBy are the Events that were recorded, by type and reason.
func toldBy(recorder *events.FakeRecorder) []string {
	close(recorder.Events)
	var told []string
	for event := range recorder.Events {
		words := strings.Fields(event)
		told = append(told, words[0]+" "+words[1])
	}
	return told
}

// undisturbed runs a workflow to its end, and counts the writes.
func undisturbed(ctx context.Context, flow workflow) (end, int) {
	GinkgoHelper()
	w := newWorld(ctx)
	flow.mess(ctx, w)
	generation := w.deployment(ctx).Generation
	request := w.request(ctx, flow.spec)
	counted := &counter{}
	operator := w.operator(through(counted.write))
	Expect(w.run(ctx, flow, request, func() reconciler { return operator })).To(BeEmpty())
	got := w.end(ctx, request, generation)
	Expect(got.Phase).To(Equal(flow.phase), "%+v", request.Status)
	Expect(got.Reason).To(Equal(flow.reason))
	Expect(got.Changed).To(Equal(flow.changed))
	return got, counted.writes
}
