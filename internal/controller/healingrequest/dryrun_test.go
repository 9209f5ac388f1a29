// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// versions are the resourceVersions of all that is in the namespace of a world, without one object.
func (w *world) versions(ctx context.Context, without client.Object) map[string]string {
	versions := map[string]string{}
	for _, list := range []client.ObjectList{
		&corev1.ServiceList{}, &corev1.PodList{}, &appsv1.DeploymentList{}, &appsv1.ReplicaSetList{}, &discoveryv1.EndpointSliceList{},
		&corev1.ConfigMapList{}, &eventsv1.EventList{}, &v1alpha1.HealingRequestList{}, &v1alpha1.HealingPolicyList{},
	} {
		Expect(w.List(ctx, list, client.InNamespace(w.namespace))).To(Succeed())
		Expect(meta.EachListItem(list, func(item runtime.Object) error {
			object, _ := item.(client.Object)
			event, isEvent := item.(*eventsv1.Event)
			if object.GetUID() != without.GetUID() && (!isEvent || ours(event)) {
				versions[string(object.GetUID())+" "+object.GetName()] = object.GetResourceVersion()
			}
			return nil
		})).To(Succeed())
	}
	return versions
}

// ours reports whether an Event is the operator's. An API server tells of the address of a Service that it has not read yet (the
// repair of addresses, which reads Services and addresses by two watches).
func ours(event *eventsv1.Event) bool { return event.ReportingController == v1alpha1.FieldManager }

var _ = Describe("A dry run", func() {
	for _, flow := range workflows() {
		It("shows the plan and changes nothing but its own status: "+flow.name, func(ctx context.Context) {
			w := newWorld(ctx)
			flow.mess(ctx, w)
			request := w.request(ctx, func(spec *v1alpha1.HealingRequestSpec) { spec.Mode = v1alpha1.ModeDryRun })
			before := w.versions(ctx, request)
			operator := w.operator(w.Client)
			recorder := events.NewFakeRecorder(10)
			operator.Recorder = recorder
			for range 6 {
				_, err := operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})
				Expect(err).NotTo(HaveOccurred())
			}
			Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
			Expect(request.Done()).To(BeTrue())
			Expect(w.versions(ctx, request)).To(Equal(before))
			if request.Status.Cause != v1alpha1.CauseHealthy {
				Expect(request.Status.Plan.Actions).NotTo(BeEmpty())
				Expect(recorder.Events).NotTo(Receive(), "an Event is an object too")
			}
		})
	}
})
