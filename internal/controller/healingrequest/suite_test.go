// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/audit"
)

// patience bounds whatever is waited for on a busy machine: a list that failed is tried again after 1 to 60 s, longer each time
// (client-go's reflector), and an API server that was killed takes half a minute to come back there.
const patience = 3 * time.Minute

var (
	scheme     = runtime.NewScheme()
	env        *envtest.Environment
	restConfig *rest.Config
	k8sClient  client.Client
	// auditLog is what the API server writes down of the requests of the operator's own user.
	auditLog string
)

func TestHealingRequest(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "HealingRequest controller")
}

var _ = BeforeSuite(func() {
	Expect(os.Getenv("KUBEBUILDER_ASSETS")).NotTo(BeEmpty(), "KUBEBUILDER_ASSETS is not set: run `make test-unit`, which sets it")
	ctrl.SetLogger(zap.New(zap.WriteTo(GinkgoWriter), zap.UseDevMode(true)))
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	env = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		CRDInstallOptions:     envtest.CRDInstallOptions{MaxTime: patience},
	}
	var err error
	auditLog, err = audit.Envtest(env, GinkgoT().TempDir())
	Expect(err).NotTo(HaveOccurred())
	// Each world has a Service or more, and the default range holds 254.
	env.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", "10.0.0.0/16")
	restConfig, err = env.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(env.Stop)
	k8sClient, err = client.New(restConfig, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})

// An operator looks at all requests there are, for the limits of all namespaces: those of the specs before would slow it down.
var _ = AfterEach(func(ctx context.Context) {
	if slices.Contains(CurrentSpecReport().Labels(), "storm") {
		return // its specs go on with the requests of the one before
	}
	var all v1alpha1.HealingRequestList
	Expect(k8sClient.List(ctx, &all)).To(Succeed())
	namespaces := map[string]bool{}
	for i := range all.Items {
		namespaces[all.Items[i].Namespace] = true
	}
	for namespace := range namespaces {
		Expect(k8sClient.DeleteAllOf(ctx, &v1alpha1.HealingRequest{}, client.InNamespace(namespace))).To(Succeed())
	}
})

// inParallel does something for each of many, eight at once: what drives an operator waits for the API server more than it computes.
func inParallel[T any](all []T, do func(T)) {
	var workers errgroup.Group
	workers.SetLimit(8)
	for _, one := range all {
		workers.Go(func() error {
			defer GinkgoRecover()
			do(one)
			return nil
		})
	}
	_ = workers.Wait() // failures are the spec's, not the group's
}

// upTo are the numbers of so many writes.
func upTo(writes int) []int {
	numbers := make([]int, writes)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}
