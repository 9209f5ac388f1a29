// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
	"github.com/ry-ops/cortex/internal/gather"
	"github.com/ry-ops/cortex/test/audit"
)

// manifests of the operator's user and of its rights, as they are installed.
var manifests = filepath.Join("..", "..", "..", "config", "rbac", "operator")

// seen counts the looks at requests, with each of which a reconcile begins.
type seen struct {
	client.Client
	looks atomic.Int64
}

func (s *seen) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, ok := obj.(*v1alpha1.HealingRequest); ok {
		s.looks.Add(1)
	}
	return s.Client.Get(ctx, key, obj, opts...)
}

// startAs runs a manager whose every request is the operator's user's: reads, the fix, statuses and Events. The world that it gives is
// the same one as the operator sees it.
func startAs(ctx context.Context, w *world, config *rest.Config) (*world, *seen) {
	direct, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	own := &world{Client: direct, namespace: w.namespace, clock: w.clock, server: w.server}
	counted := &seen{}
	manage(ctx, config, []string{w.namespace}, func(mgr ctrl.Manager) *healingrequest.Reconciler {
		counted.Client = mgr.GetClient()
		operator := own.operator(counted)
		operator.Recorder = mgr.GetEventRecorder(v1alpha1.FieldManager)
		return operator
	})
	return own, counted
}

// asked is what the API server was asked by the operator's user.
func asked() audit.Entries {
	GinkgoHelper()
	entries, err := audit.Read(auditLog)
	Expect(err).NotTo(HaveOccurred())
	return entries.Of(audit.Operator)
}

// told is how many Events were written after the last status.
func (w *world) told() int {
	entries := asked().In(w.namespace)
	last := 0
	for i, entry := range entries {
		if entry.Subresource == "status" {
			last = i
		}
	}
	return entries[last:].Writes()["create events.events.k8s.io"]
}

var _ = Describe("What a heal costs, by the API server's own audit log", Ordered, func() {
	var config *rest.Config

	BeforeAll(func(ctx context.Context) {
		var err error
		config, err = audit.Account(ctx, env, k8sClient, audit.Operator, manifests)
		Expect(err).NotTo(HaveOccurred())
	})

	DescribeTable("is a few writes, all of them within the operator's rights, and none once it is over",
		func(ctx context.Context, mess func(context.Context, *world)) {
			w := newWorld(ctx)
			mess(ctx, w)
			own, operator := startAs(ctx, w, config)
			request := w.request(ctx, nil)
			phase := func() v1alpha1.Phase {
				Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
				return request.Status.Phase
			}
			Eventually(phase).WithTimeout(patience).Should(Equal(v1alpha1.PhaseVerifying))
			w.settle(ctx)
			own.serve(answers)
			Eventually(phase).WithTimeout(patience).Should(Equal(v1alpha1.PhaseSucceeded))

			By("telling of the end on the request and on the Service")
			Eventually(w.told).WithTimeout(patience).Should(Equal(2))
			read, err := (&gather.Gatherer{Reader: w, Clock: w.clock}).Gather(ctx, w.namespace, request.Spec.TargetRef, nil)
			Expect(err).NotTo(HaveOccurred())
			told := HaveField("ReportingController", v1alpha1.FieldManager)
			Expect(read.All.Events).To(ContainElement(told))
			Expect(read.Events).NotTo(ContainElement(told), "what Cortex tells is no evidence for its next diagnosis")
			writes := asked().In(w.namespace).Writes()
			AddReportEntry("writes", writes.String())
			Expect(writes.Total()).To(BeNumerically("<=", audit.MaxWrites), writes.String())

			By("writing nothing when the finished request is touched")
			before := operator.looks.Load()
			touched := request.DeepCopy()
			touched.Annotations = map[string]string{"somebody": "was here"}
			Expect(w.Patch(ctx, touched, client.MergeFrom(request))).To(Succeed())
			Eventually(operator.looks.Load).WithTimeout(patience).Should(BeNumerically(">", before))
			Consistently(func() audit.Count { return asked().In(w.namespace).Writes() }).WithTimeout(time.Second).Should(Equal(writes))

			By("being refused nothing, and asking for nothing but what its roles grant")
			rights, err := audit.Rights(manifests)
			Expect(err).NotTo(HaveOccurred())
			usage := audit.Hold(rights, asked())
			Expect(usage.Missing).To(BeEmpty(), usage.String())
		},
		Entry("scaled to zero", func(ctx context.Context, w *world) { w.scale(ctx, 0) }),
		Entry("hung", func(_ context.Context, w *world) { w.serve(hangs) }),
	)
})
