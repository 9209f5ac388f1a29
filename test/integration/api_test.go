// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package integration tests what the API server itself must hold, against a real one.
package integration_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

var (
	api    client.Client
	config *rest.Config
)

func TestAPI(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "API validation")
}

var _ = BeforeSuite(func() {
	Expect(os.Getenv("KUBEBUILDER_ASSETS")).NotTo(BeEmpty(), "KUBEBUILDER_ASSETS is not set: run `make test-unit`, which sets it")
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	env := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		CRDInstallOptions:     envtest.CRDInstallOptions{MaxTime: 3 * time.Minute}, // of a busy machine
	}
	var err error
	config, err = env.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(env.Stop)
	api, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})

func request(change func(*v1alpha1.HealingRequest)) *v1alpha1.HealingRequest {
	r := &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "sandfly-"},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}},
	}
	if change != nil {
		change(r)
	}
	return r
}

var _ = Describe("A HealingRequest", func() {
	It("gets the defaults that the design names", func(ctx context.Context) {
		r := &unstructured.Unstructured{}
		Expect(yaml.Unmarshal([]byte(`{apiVersion: healing.cortex.dev/v1alpha1, kind: HealingRequest,
			metadata: {namespace: default, name: bare}, spec: {targetRef: {name: sandfly-mcp-server}}}`), &r.Object)).To(Succeed())
		Expect(api.Create(ctx, r)).To(Succeed())
		var stored v1alpha1.HealingRequest
		Expect(api.Get(ctx, client.ObjectKeyFromObject(r), &stored)).To(Succeed())
		Expect(stored.Spec.TargetRef.Kind).To(Equal(v1alpha1.KindService))
		Expect(stored.Spec.Trigger).To(Equal(v1alpha1.TriggerManual))
		// What the policy names is not fixed at creation.
		Expect(stored.Spec.Timeout).To(BeNil())
		Expect(stored.Spec.Mode).To(BeEmpty())
	})

	DescribeTable("is refused with a message that says what to write instead",
		func(ctx context.Context, change func(*v1alpha1.HealingRequest), message string) {
			Expect(api.Create(ctx, request(change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("shell in the name", func(r *v1alpha1.HealingRequest) { r.Spec.TargetRef.Name = "sandfly; rm -rf /" },
			"targetRef.name must be the name of an object in this namespace: lower-case letters, digits"),
		Entry("command substitution in the name", func(r *v1alpha1.HealingRequest) { r.Spec.TargetRef.Name = "$(reboot)" },
			"for example sandfly-mcp-server"),
		Entry("path in the name", func(r *v1alpha1.HealingRequest) { r.Spec.TargetRef.Name = "../secrets" }, "targetRef.name must be"),
		Entry("no name", func(r *v1alpha1.HealingRequest) { r.Spec.TargetRef.Name = "" }, "targetRef.name"),
		Entry("a kind that cannot be healed", func(r *v1alpha1.HealingRequest) { r.Spec.TargetRef.Kind = "Node" },
			`supported values: "Service", "Deployment", "StatefulSet", "DaemonSet"`),
		Entry("an unknown trigger", func(r *v1alpha1.HealingRequest) { r.Spec.Trigger = "Boredom" }, `supported values: "MCPFailure"`),
		Entry("an unknown mode", func(r *v1alpha1.HealingRequest) { r.Spec.Mode = "Force" }, `supported values: "Auto", "DryRun", "Approval"`),
		Entry("a timeout that is too short", func(r *v1alpha1.HealingRequest) { r.Spec.Timeout = &metav1.Duration{Duration: time.Second} },
			"spec.timeout must be a duration from 10s to 30m"),
		Entry("a timeout that is too long", func(r *v1alpha1.HealingRequest) { r.Spec.Timeout = &metav1.Duration{Duration: time.Hour} },
			"spec.timeout must be a duration from 10s to 30m"),
		Entry("an error message without end", func(r *v1alpha1.HealingRequest) {
			r.Spec.Error = &v1alpha1.ObservedError{Message: strings.Repeat("x", 1025)}
		}, "may not be more than 1024"),
	)

	It("refuses a timeout that is no duration", func(ctx context.Context) {
		r := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "healing.cortex.dev/v1alpha1", "kind": "HealingRequest",
			"metadata": map[string]any{"namespace": "default", "name": "soon"},
			"spec":     map[string]any{"targetRef": map[string]any{"name": "sandfly-mcp-server"}, "timeout": "soon"},
		}}
		Expect(api.Create(ctx, r)).To(MatchError(ContainSubstring("spec.timeout must be a duration from 10s to 30m, for example 120s")))
	})

	DescribeTable("keeps its spec",
		func(ctx context.Context, change func(*v1alpha1.HealingRequest), message string) {
			r := request(func(r *v1alpha1.HealingRequest) { r.Spec.Error = &v1alpha1.ObservedError{Class: v1alpha1.ErrorTimeout} })
			Expect(api.Create(ctx, r)).To(Succeed())
			change(r)
			Expect(api.Update(ctx, r)).To(MatchError(ContainSubstring(message)))
		},
		Entry("target", func(r *v1alpha1.HealingRequest) { r.Spec.TargetRef.Name = "proxmox-mcp-server" }, "spec.targetRef cannot be changed"),
		Entry("trigger", func(r *v1alpha1.HealingRequest) { r.Spec.Trigger = v1alpha1.TriggerProactive }, "spec.trigger cannot be changed"),
		Entry("error", func(r *v1alpha1.HealingRequest) { r.Spec.Error = nil }, "spec.error cannot be changed"),
		Entry("requestedBy", func(r *v1alpha1.HealingRequest) { r.Spec.RequestedBy = "someone" }, "spec.requestedBy cannot be changed"),
		Entry("mode", func(r *v1alpha1.HealingRequest) { r.Spec.Mode = v1alpha1.ModeAuto }, "spec.mode cannot be changed"),
		Entry("timeout", func(r *v1alpha1.HealingRequest) { r.Spec.Timeout = &metav1.Duration{Duration: time.Minute} }, "spec.timeout cannot be changed"),
		Entry("expectedTools", func(r *v1alpha1.HealingRequest) { r.Spec.ExpectedTools = []string{"scan"} }, "spec.expectedTools cannot be changed"),
	)

	It("takes the same timeout in other words", func(ctx context.Context) {
		r := request(func(r *v1alpha1.HealingRequest) { r.Spec.Timeout = &metav1.Duration{Duration: 2 * time.Minute} })
		Expect(api.Create(ctx, r)).To(Succeed())
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"timeout":"120s"}}`))
		Expect(api.Patch(ctx, r, patch)).To(Succeed())
	})

	type answer struct {
		approval v1alpha1.Approval
		by       string
	}
	DescribeTable("takes a person's answer once, and a no at any time",
		func(ctx context.Context, first, second answer, message string) {
			r := request(nil)
			Expect(api.Create(ctx, r)).To(Succeed())
			r.Spec.Approval, r.Spec.ApprovedBy = first.approval, first.by
			Expect(api.Update(ctx, r)).To(Succeed())
			r.Spec.Approval, r.Spec.ApprovedBy = second.approval, second.by
			if message == "" {
				Expect(api.Update(ctx, r)).To(Succeed())
				return
			}
			Expect(api.Update(ctx, r)).To(MatchError(ContainSubstring(message)))
		},
		Entry("yes, then no", answer{v1alpha1.ApprovalApproved, "ann"}, answer{v1alpha1.ApprovalDenied, "bob"}, ""),
		Entry("no, then yes", answer{v1alpha1.ApprovalDenied, ""}, answer{v1alpha1.ApprovalApproved, ""}, "spec.approval cannot be taken back once it is given"),
		Entry("yes, taken back", answer{v1alpha1.ApprovalApproved, ""}, answer{"", ""}, "spec.approval cannot be taken back once it is given"),
		Entry("no, taken back", answer{v1alpha1.ApprovalDenied, ""}, answer{"", ""}, "spec.approval cannot be taken back once it is given"),
		Entry("somebody else's yes", answer{v1alpha1.ApprovalApproved, "ann"}, answer{v1alpha1.ApprovalApproved, "bob"}, "spec.approvedBy cannot be changed without spec.approval"),
		Entry("nobody's yes", answer{v1alpha1.ApprovalApproved, "ann"}, answer{v1alpha1.ApprovalApproved, ""}, "spec.approvedBy cannot be changed without spec.approval"),
		Entry("a name before the answer", answer{"", "ann"}, answer{v1alpha1.ApprovalApproved, "bob"}, ""),
	)

	It("takes no answer but yes and no", func(ctx context.Context) {
		Expect(api.Create(ctx, request(func(r *v1alpha1.HealingRequest) { r.Spec.Approval = "Perhaps" }))).
			To(MatchError(ContainSubstring(`supported values: "Approved", "Denied"`)))
	})
})
