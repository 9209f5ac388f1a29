// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/faults"
	"github.com/ry-ops/cortex/test/harness"
)

// Every fault stands in a namespace of its own, all at once, and is looked at by the plugin with a user's rights and by
// the operator with its own.
var _ = Describe("A diagnosis on a real cluster", Label(elsewhere), Ordered, ContinueOnFailure, func() {
	many := "fault-many"

	BeforeAll(func(ctx context.Context) {
		DeferCleanup(clearFaults)
		group, groupCtx := errgroup.WithContext(ctx)
		group.SetLimit(4)
		for _, fault := range append(faults.Healthy(), faults.All()...) {
			group.Go(func() error { return fault.Make(groupCtx, cluster) })
		}
		Expect(group.Wait()).To(Succeed())
		Expect(cluster.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: many, Labels: map[string]string{faults.LabelFault: "true"}}})).To(Succeed())
		for _, fault := range faults.Many() {
			Expect(fault.MakeBeside(ctx, cluster, many)).To(Succeed())
		}
	})

	for _, fault := range faults.Healthy() {
		It("finds nothing wrong with "+fault.Name, func(ctx context.Context) {
			Eventually(func(ctx context.Context) ([]harness.Finding, error) {
				return cluster.Diagnose(ctx, fault.Namespace(), "")
			}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second).Should(BeEmpty())
			eventuallySays(ctx, fault.Namespace(), v1alpha1.CauseHealthy)
		})
	}

	for _, fault := range faults.All() {
		It(fmt.Sprintf("names %s: %s", fault.Want[0], fault.Name), func(ctx context.Context) {
			var found []harness.Finding
			Eventually(func(g Gomega, ctx context.Context) {
				var err error
				found, err = cluster.Diagnose(ctx, fault.Namespace(), faults.Name)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(found).NotTo(BeEmpty())
				g.Expect(found[0].Cause).To(Equal(fault.Want[0]), "%+v", found)
				g.Expect(causesOf(found)).To(ContainElements(fault.Want))
				expectFinding(g, found[0], fault)
			}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second).Should(Succeed())
			GinkgoWriter.Printf("%s\n", found[0].Message)

			if !fault.Serves {
				eventuallySays(ctx, fault.Namespace(), fault.Want...)
			}
		})
	}

	It("names three faults that are there at once", func(ctx context.Context) {
		Eventually(func(g Gomega, ctx context.Context) {
			found, err := cluster.Diagnose(ctx, many, "")
			g.Expect(err).NotTo(HaveOccurred())
			named := map[string]v1alpha1.Cause{}
			for _, finding := range found {
				if named[finding.Service] == "" {
					named[finding.Service] = finding.Cause
				}
			}
			for _, fault := range faults.Many() {
				g.Expect(named[fault.Name]).To(Equal(fault.Want[0]), "%+v", found)
			}
			g.Expect(named).To(HaveLen(len(faults.Many())))
		}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second).Should(Succeed())
	})
})

// clearFaults waits until every fault is gone: the gateway finds their servers too.
func clearFaults(ctx context.Context) {
	Expect(cluster.Until(ctx, "the faults to be gone", func(ctx context.Context) (bool, error) {
		return faults.Clear(ctx, cluster)
	})).To(Succeed())
}

func causesOf(found []harness.Finding) []v1alpha1.Cause {
	var causes []v1alpha1.Cause
	for _, finding := range found {
		causes = append(causes, finding.Cause)
	}
	return causes
}

// expectFinding holds a finding to what a person needs of it.
func expectFinding(g Gomega, found harness.Finding, fault faults.Fault) {
	if fault.Detail != "" {
		g.Expect(found.Detail).To(Equal(fault.Detail))
	}
	if fault.Object != "" {
		g.Expect(found.Object.Kind + " " + found.Object.Name).To(Equal(fault.Object))
	}
	g.Expect(found.Recommendation).NotTo(BeEmpty())
	told := strings.Join(append([]string{found.Message, found.Recommendation, found.SuggestedPatch}, found.Evidence...), "\n")
	for _, part := range fault.Says {
		g.Expect(told).To(ContainSubstring(part))
	}
}

// eventuallySays has the operator look until it names one of the causes: a server that its probe ends again and again answers for some
// seconds each time, and is well then.
func eventuallySays(ctx context.Context, namespace string, causes ...v1alpha1.Cause) {
	GinkgoHelper()
	Eventually(func(g Gomega, ctx context.Context) {
		request := dryRun(ctx, namespace)
		g.Expect(causes).To(ContainElement(request.Status.Cause), request.Status.Diagnosis)
	}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second).Should(Succeed())
}

// dryRun has the operator look at the server of a namespace, and change nothing.
func dryRun(ctx context.Context, namespace string) *v1alpha1.HealingRequest {
	GinkgoHelper()
	request := &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "look-"},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: faults.Name}, Mode: v1alpha1.ModeDryRun},
	}
	Expect(cluster.Create(ctx, request)).To(Succeed())
	Expect(cluster.Until(ctx, "the operator's diagnosis in "+namespace, func(ctx context.Context) (bool, error) {
		err := cluster.Get(ctx, client.ObjectKeyFromObject(request), request)
		return request.Status.CompletedAt != nil, err
	})).To(Succeed())
	return request
}
