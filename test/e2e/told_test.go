// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// healedBy holds a heal that succeeded by one change against the cluster: the object bears the stamp of this request, the server
// serves, and the progress tells it from the beginning to the end.
func (s server) healedBy(ctx context.Context, request *v1alpha1.HealingRequest, object client.Object, fix string) {
	GinkgoHelper()
	status := request.Status
	Expect(status.FixApplied).To(ContainSubstring(fix))
	Expect(status.Actions).To(HaveExactElements(HaveField("State", v1alpha1.ActionVerified)), "%+v", status.Progress)
	Expect(status.Verification.Verdict).To(Equal(v1alpha1.VerdictPassed))
	Expect(s.stamp(ctx, object)).To(Equal(fmt.Sprintf("%s/0", request.UID)))
	Expect(s.ready(ctx)).To(BeTrue())
	said := s.told(request)
	Expect(said[0]).To(Equal("Starting self-healing for service: " + s.name))
	Expect(said).To(ContainElements(HavePrefix("Diagnosis: "), status.Actions[0].Detail, HavePrefix("Verifying connectivity... answered initialize")))
	Expect(said[len(said)-1]).To(Equal("Service restored: " + s.name + " answers"))
}

// untouchedBy holds a request that changed nothing against the cluster: the spec of the object is as it was, and it bears no stamp.
func (s server) untouchedBy(ctx context.Context, request *v1alpha1.HealingRequest, before client.Object) {
	GinkgoHelper()
	Expect(request.Status.FixApplied).To(BeEmpty())
	Expect(request.Status.Actions).To(BeEmpty())
	now, ok := before.DeepCopyObject().(client.Object)
	Expect(ok).To(BeTrue())
	Expect(s.stamp(ctx, now)).To(BeEmpty())
	Expect(now.GetUID()).To(Equal(before.GetUID()))
	Expect(now.GetGeneration()).To(Equal(before.GetGeneration()))
}

// stamp is what the last heal has left on the server's object of this kind.
func (s server) stamp(ctx context.Context, object client.Object) string {
	GinkgoHelper()
	Expect(cluster.Get(ctx, s.key(), object)).To(Succeed())
	return object.GetAnnotations()[v1alpha1.AnnotationAppliedBy]
}

// told is the progress of a request, in the words that people read.
func (s server) told(request *v1alpha1.HealingRequest) []string {
	said := make([]string, 0, len(request.Status.Progress))
	for _, entry := range request.Status.Progress {
		said = append(said, entry.Message)
	}
	GinkgoWriter.Printf("%s in %s:\n  %s\n", s.name, request.Status.Duration, strings.Join(said, "\n  "))
	return said
}

// asks waits until a request waits for a person's answer to one action, and gives that.
func (s server) asks(ctx context.Context, request *v1alpha1.HealingRequest, action v1alpha1.ActionType) v1alpha1.PlannedAction {
	GinkgoHelper()
	s.reaches(ctx, request, v1alpha1.PhaseAwaitingApproval)
	Expect(request.Status.FixApplied).To(BeEmpty())
	Expect(request.Status.Plan.Actions[0].Type).To(Equal(action))
	Expect(s.told(request)).To(ContainElement(HavePrefix("Waiting for approval to ")))
	return request.Status.Plan.Actions[0]
}

// held is the reason and the message for which a request may not run.
func held(request *v1alpha1.HealingRequest) (reason, message string) {
	for _, condition := range request.Status.Conditions {
		if condition.Type == v1alpha1.ConditionPlanned {
			return condition.Reason, condition.Message
		}
	}
	return "", ""
}
