// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package integration_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// service is one that no selector but the empty one matches.
func service(namespace string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sandfly-mcp-server"}}
}

// manifests are the objects of a file, but for kustomize's own.
func manifests(file string) []*unstructured.Unstructured {
	data, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	var objects []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		Expect(err).NotTo(HaveOccurred(), file)
		if object.Object != nil && object.GetKind() != "Kustomization" {
			objects = append(objects, object)
		}
	}
}

var _ = Describe("The samples", Ordered, func() {
	const namespace = "cortex-system"
	files, err := filepath.Glob(filepath.Join("..", "..", "config", "samples", "*.yaml"))

	BeforeAll(func(ctx context.Context) {
		Expect(err).NotTo(HaveOccurred())
		Expect(len(files)).To(BeNumerically(">", 5))
		Expect(client.IgnoreAlreadyExists(api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))).To(Succeed())
	})

	for _, file := range files {
		It("hold what the API server takes: "+filepath.Base(file), func(ctx context.Context) {
			for _, object := range manifests(file) {
				if object.GetNamespace() == "" { // kustomize sets it
					object.SetNamespace(namespace)
				}
				err := client.WithFieldValidation(api, metav1.FieldValidationStrict).Create(ctx, object)
				Expect(err).NotTo(HaveOccurred(), "%s %s", object.GetKind(), object.GetName())
			}
		})
	}

	// What each sample is for: the comment in it says so, and this holds it to that.
	DescribeTable("do what they say",
		func(file string, want func(policy.Effective)) {
			var policies []v1alpha1.HealingPolicy
			for _, object := range manifests(filepath.Join("..", "..", "config", "samples", file)) {
				var p v1alpha1.HealingPolicy
				Expect(runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &p)).To(Succeed())
				policies = append(policies, p)
			}
			effective, err := policy.For(service(namespace), policies)
			Expect(err).NotTo(HaveOccurred())
			Expect(effective.Names).To(HaveLen(1))
			want(effective)
		},
		Entry("change nothing", "healing_v1alpha1_healingpolicy_dryrun.yaml", func(e policy.Effective) {
			Expect(e.ModeOf(v1alpha1.ModeAuto)).To(Equal(v1alpha1.ModeDryRun))
		}),
		Entry("ask first", "healing_v1alpha1_healingpolicy_approval.yaml", func(e policy.Effective) {
			Expect(e.ModeOf(v1alpha1.ModeAuto)).To(Equal(v1alpha1.ModeApproval))
		}),
		Entry("leave to Git what is Git's", "healing_v1alpha1_healingpolicy_gitops.yaml", func(e policy.Effective) {
			Expect(e.GitOps).To(Equal(v1alpha1.PermissionNever))
			Expect(e.Permission(v1alpha1.ActionRestart)).To(Equal(v1alpha1.PermissionAuto))
			Expect(e.Permission(v1alpha1.ActionPatch)).To(Equal(v1alpha1.PermissionNever))
		}),
		Entry("roll back without asking", "healing_v1alpha1_healingpolicy_rollback.yaml", func(e policy.Effective) {
			Expect(e.Permission(v1alpha1.ActionRollback)).To(Equal(v1alpha1.PermissionAuto))
			Expect(e.Permission(v1alpha1.ActionResume)).To(Equal(v1alpha1.PermissionApproval))
			Expect(e.Timeouts.Stability).To(BeNumerically(">", 0))
		}),
		Entry("raise memory within bounds", "healing_v1alpha1_healingpolicy_memory.yaml", func(e policy.Effective) {
			Expect(e.Permission(v1alpha1.ActionRaiseMemoryLimit)).To(Equal(v1alpha1.PermissionAuto))
			Expect(e.MemoryRaise.StepPercent).To(Equal(25))
			Expect(e.MemoryRaise.Max.String()).To(Equal("2Gi"))
			Expect(e.Limits.MaxAttempts).To(Equal(2))
			Expect(e.Limits.Window).To(Equal(24 * time.Hour))
			Expect(e.Permission(v1alpha1.ActionPatch)).To(Equal(v1alpha1.PermissionApproval))
		}),
	)
})

var _ = Describe("Rights of people", func() {
	// Who may edit a namespace must not be able to loosen what guards it.
	It("let only an admin write policies, and everybody who may view read them", func() {
		files, err := filepath.Glob(filepath.Join("..", "..", "config", "rbac", "users", "*_role.yaml"))
		Expect(err).NotTo(HaveOccurred())
		writers, readers := map[string]bool{}, map[string]bool{}
		for _, file := range files {
			for _, role := range manifests(file) {
				rules, _, err := unstructured.NestedSlice(role.Object, "rules")
				Expect(err).NotTo(HaveOccurred())
				for _, raw := range rules {
					rule, _ := raw.(map[string]any)
					resources, _, _ := unstructured.NestedStringSlice(rule, "resources")
					verbs, _, _ := unstructured.NestedStringSlice(rule, "verbs")
					Expect(append(resources, verbs...)).NotTo(ContainElement("*"))
					for label := range role.GetLabels() {
						for _, verb := range verbs {
							into := writers
							if verb == "get" || verb == "list" || verb == "watch" {
								into = readers
							}
							for _, resource := range resources {
								into[resource+" "+label] = true
							}
						}
					}
				}
			}
		}
		const aggregate = "rbac.authorization.k8s.io/aggregate-to-"
		Expect(writers).To(Equal(map[string]bool{
			"healingrequests " + aggregate + "edit": true, "healingrequests " + aggregate + "admin": true, "healingpolicies " + aggregate + "admin": true,
			"mcpservers " + aggregate + "edit": true, "mcpservers " + aggregate + "admin": true,
		}))
		Expect(readers).To(Equal(map[string]bool{"healingrequests " + aggregate + "view": true, "healingpolicies " + aggregate + "view": true}))
	})
})
