// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func TestSuite(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test`, which builds etcd and kube-apiserver and sets it")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "healing: recording and following, on a real API server")
}

var (
	config *rest.Config
	kinds  = runtime.NewScheme()
	// api is the test's own client: it plays the operator, and the people with kubectl.
	api client.Client
)

var _ = BeforeSuite(func() {
	Expect(scheme.AddToScheme(kinds)).To(Succeed())
	Expect(v1alpha1.AddToScheme(kinds)).To(Succeed())
	server := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true,
		CRDInstallOptions: envtest.CRDInstallOptions{MaxTime: 3 * time.Minute}}
	var err error
	config, err = server.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Stop)
	api, err = client.New(config, client.Options{Scheme: kinds})
	Expect(err).NotTo(HaveOccurred())
})
