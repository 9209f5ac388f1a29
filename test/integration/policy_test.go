// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package integration_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// createPolicy creates a HealingPolicy as a person writes it.
func createPolicy(ctx context.Context, spec string) (*unstructured.Unstructured, error) {
	p := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte("apiVersion: healing.cortex.dev/v1alpha1\nkind: HealingPolicy\n"+
		"metadata: {namespace: default, generateName: p-}\nspec: "+spec), &p.Object)).To(Succeed())
	return p, client.WithFieldValidation(api, metav1.FieldValidationStrict).Create(ctx, p)
}

var _ = Describe("A HealingPolicy", func() {
	DescribeTable("may say",
		func(ctx context.Context, spec string) {
			_, err := createPolicy(ctx, spec)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("nothing", `{}`),
		Entry("the least", `{limits: {maxAttempts: 0, window: 1m, cooldown: {base: 0s, max: 0s}, maxConcurrent: 1, maxConcurrentPerNamespace: 1,
			stormBrake: {unhealthyPercent: 0, resumePercent: 0, minUnhealthy: 1}},
			timeouts: {total: 10s, rollout: 1s, connectivity: 1s, stability: 0s, approval: 1m}, retention: {maxAge: 1h, maxRequests: 1}, memoryRaise: {stepPercent: 10, max: 64Mi}}`),
		Entry("the most", `{limits: {maxAttempts: 100, window: 168h, cooldown: {base: 24h, max: 24h}, maxConcurrent: 1000, maxConcurrentPerNamespace: 1000,
			stormBrake: {unhealthyPercent: 100, resumePercent: 100, minUnhealthy: 10000}},
			timeouts: {total: 30m, rollout: 30m, connectivity: 30m, stability: 10m, approval: 168h}, retention: {maxAge: 8760h, maxRequests: 1000}, memoryRaise: {stepPercent: 100, max: 1Ti}}`),
		Entry("durations of several parts", `{limits: {window: 1h30m}, timeouts: {total: 1m30.5s, stability: 1500ms}}`),
		Entry("only one share of the brake", `{limits: {stormBrake: {resumePercent: 90}}}`),
	)

	DescribeTable("is refused with a message that says what to write instead",
		func(ctx context.Context, spec, message string) {
			_, err := createPolicy(ctx, spec)
			Expect(err).To(MatchError(ContainSubstring(message)))
		},
		Entry("a mode that is none", `{mode: Reckless}`, `supported values: "Auto", "DryRun", "Approval"`),
		Entry("a permission that is none", `{gitOps: Sometimes}`, `supported values: "Auto", "Approval", "Never"`),
		Entry("an action that is none", `{actions: [{type: Restrat, permission: Never}]}`, `supported values: "Scale", "Restart"`),
		Entry("an action without a permission", `{actions: [{type: Restart}]}`, "permission: Required value"),
		Entry("an action twice", `{actions: [{type: Restart, permission: Never}, {type: Restart, permission: Auto}]}`, "Duplicate value"),
		Entry("a field that is none", `{limits: {maxAttempt: 1}}`, `unknown field "spec.limits.maxAttempt"`),
		Entry("less than no attempts", `{limits: {maxAttempts: -1}}`, "should be greater than or equal to 0"),
		Entry("no room for a heal", `{limits: {maxConcurrent: 0}}`, "should be greater than or equal to 1"),
		Entry("a window without a unit", `{limits: {window: "60"}}`, "limits.window must be a duration from 1m to 168h, for example 1h"),
		Entry("a window that is too short", `{limits: {window: 59s}}`, "limits.window must be a duration from 1m to 168h"),
		Entry("a window that is too long", `{limits: {window: 169h}}`, "limits.window must be a duration from 1m to 168h"),
		Entry("a window in days", `{limits: {window: 7d}}`, "limits.window must be a duration from 1m to 168h"),
		Entry("a pause that goes back", `{limits: {cooldown: {base: -1s}}}`, "cooldown.base must be a duration from 0s to 24h, for example 30s"),
		Entry("a pause without end", `{limits: {cooldown: {max: 25h}}}`, "cooldown.max must be a duration from 0s to 24h, for example 15m"),
		Entry("a brake that lets go before it takes hold", `{limits: {stormBrake: {unhealthyPercent: 40, resumePercent: 41}}}`,
			"stormBrake.resumePercent must not be above stormBrake.unhealthyPercent"),
		Entry("more than all", `{limits: {stormBrake: {unhealthyPercent: 101}}}`, "should be less than or equal to 100"),
		Entry("no time", `{timeouts: {total: 9s}}`, "timeouts.total must be a duration from 10s to 30m, for example 120s"),
		Entry("no rollout", `{timeouts: {rollout: 0s}}`, "timeouts.rollout must be a duration from 1s to 30m, for example 60s"),
		Entry("a connection that takes too long", `{timeouts: {connectivity: 31m}}`, "timeouts.connectivity must be a duration from 1s to 30m, for example 30s"),
		Entry("too much stability", `{timeouts: {stability: 11m}}`, "timeouts.stability must be a duration from 0s to 10m, for example 10s"),
		Entry("a person who answers at once", `{timeouts: {approval: 59s}}`, "timeouts.approval must be a duration from 1m to 168h, for example 30m"),
		Entry("no memory of what was", `{retention: {maxAge: 59m}}`, "retention.maxAge must be a duration from 1h to 8760h, for example 168h"),
		Entry("no requests at all", `{retention: {maxRequests: 0}}`, "should be greater than or equal to 1"),
		Entry("a step that is none", `{memoryRaise: {stepPercent: 0}}`, "should be greater than or equal to 10"),
	)

	It("may name every action that there is", func(ctx context.Context) {
		var actions []string
		for _, action := range v1alpha1.ActionTypes() {
			actions = append(actions, "{type: "+string(action)+", permission: Never}")
		}
		_, err := createPolicy(ctx, `{actions: [`+strings.Join(actions, ", ")+`]}`)
		Expect(err).NotTo(HaveOccurred())
	})

	It("defaults nothing in the API server: what it leaves out is another policy's to say", func(ctx context.Context) {
		p, err := createPolicy(ctx, `{}`)
		Expect(err).NotTo(HaveOccurred())
		Expect(p.Object["spec"]).To(BeEmpty())
	})

	It("can hold a selector that cannot be read, which forbids every action", func(ctx context.Context) {
		p, err := createPolicy(ctx, `{selector: {matchExpressions: [{key: team, operator: Resembles, values: [red]}]}}`)
		Expect(err).NotTo(HaveOccurred())
		var stored v1alpha1.HealingPolicy
		Expect(api.Get(ctx, client.ObjectKeyFromObject(p), &stored)).To(Succeed())
		effective, err := policy.For(service("default"), []v1alpha1.HealingPolicy{stored})
		Expect(err).To(MatchError(ContainSubstring("HealingPolicy " + stored.Name)))
		Expect(effective.Permission(v1alpha1.ActionRestart)).To(Equal(v1alpha1.PermissionNever))
	})
})
