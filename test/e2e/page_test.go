// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/browser"
	"github.com/ry-ops/cortex/test/harness"
)

// What a person sees who asks on the gateway's page. Screenshots are kept where SCREENSHOTS says.
var _ = Describe("The page", Ordered, func() {
	var chromium *browser.Browser

	BeforeAll(func() {
		var err error
		chromium, err = browser.Start()
		if errors.Is(err, browser.ErrNone) {
			Skip("the page is LEFT OUT: " + err.Error())
		}
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { chromium.Close() })
	})

	// open has the page opened by somebody who has given it their token before.
	open := func(ctx context.Context, view, name string) *browser.Page {
		GinkgoHelper()
		token, err := cluster.Token(ctx)
		Expect(err).NotTo(HaveOccurred())
		page, err := chromium.Open(gateway+"/", browser.Folder(GinkgoT().TempDir()), name, browser.Wide)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() {
			// It comes over plain HTTP, where the browser heeds no opener policy.
			Expect(page.Problems("Cross-Origin-Opener-Policy header has been ignored")).To(BeEmpty(), "the browser complains")
			page.Close()
		})
		Expect(page.Evaluate(fmt.Sprintf(`sessionStorage["cortex-token"] = %q; location.hash = %q`, token, view), nil)).To(Succeed())
		return page
	}

	It("shows a server being healed, and then the answer", func(ctx context.Context) {
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		page := open(ctx, "", "e2e-healed")
		Expect(page.Ask("list sandfly hosts")).To(Succeed())
		Expect(page.Says("h3", sandfly)).To(Succeed())
		Expect(page.Shot("begins")).To(Succeed())
		Expect(page.Says("h3", "Service restored: "+sandfly)).To(Succeed())
		Expect(page.Says(".ending", "Scaled deployment sandfly-mcp-server from 0 to 1")).To(Succeed())
		Expect(page.Says(".answer", "192.0.2.")).To(Succeed())
		Expect(page.Until(`document.querySelectorAll(".stages .done").length === 4`)).To(Succeed())
		Expect(page.Shot("restored")).To(Succeed())

		services := open(ctx, "#services", "e2e-services")
		Expect(services.Says(".service .badge", "Up")).To(Succeed())
		Expect(services.Says(".service", " succeeded")).To(Succeed())
		Expect(services.Shot("services")).To(Succeed())
		history := open(ctx, "#history", "e2e-history")
		Expect(history.Says("figure", sandfly+": ScaledToZero")).To(Succeed())
		Expect(history.Shot("history")).To(Succeed())
	})

	It("says what a person has to do, with the command where there is one", func(ctx context.Context) {
		// Made with it, so that there is nothing to go back to: a plan would wait for a person's approval.
		deployment := pristine.DeepCopy()
		removeSandfly(ctx)
		deployment.Spec.Template.Spec.Containers[0].Image = noImage
		Expect(cluster.Create(ctx, deployment)).To(Succeed())
		notPulled(ctx, noImage)
		page := open(ctx, "", "e2e-failed")
		Expect(page.Ask("list sandfly hosts")).To(Succeed())
		Expect(page.Says("h3", "Manual fix needed: "+sandfly)).To(Succeed())
		Expect(page.Says(".ending", "What to do:")).To(Succeed())
		Expect(page.Shot("failed")).To(Succeed())
	})

	It("lets the one who may answer a plan answer it", func(ctx context.Context) {
		editor := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: "cortex-demo-edits"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: harness.Namespace, Name: "cortex-demo"}},
		}
		Expect(cluster.Create(ctx, editor)).To(Succeed())
		DeferCleanup(func(ctx context.Context) error { return cluster.Delete(ctx, editor) })
		setImage(ctx, noImage)
		ask(ctx, "list sandfly hosts")
		// That somebody may not answer is believed for a while, by each replica.
		for _, pod := range gatewayPods(ctx) {
			Eventually(heals).WithContext(ctx).WithArguments(podURL(pod)).WithTimeout(harness.Patience).WithPolling(time.Second / 4).Should(ContainSubstring(`"mayAnswer":true`))
		}
		page := open(ctx, "", "e2e-approved")
		Expect(page.Ask("list sandfly hosts")).To(Succeed())
		Expect(page.Says("button", "Approve")).To(Succeed())
		Expect(page.Shot("asked")).To(Succeed())
		Expect(page.Click(".question-box button")).To(Succeed())
		request := endedRequest(ctx, sandfly)
		Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
		Expect(request.Spec.ApprovedBy).To(Equal("system:serviceaccount:" + harness.Namespace + ":cortex-demo"))
		Expect(page.Shot("approved")).To(Succeed())
	})
})

// heals is what a replica of the gateway tells of the heals of sandfly.
func heals(ctx context.Context, gateway string) (string, error) {
	token, err := cluster.Token(ctx)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway+"/api/heals?service="+sandfly, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
