// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standalone runs a gateway process as its users have it, in front of a kube-apiserver of its own, for tests that need a
// real process and no cluster.
package standalone

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/audit"
)

// patience bounds whatever is waited for.
const patience = 2 * time.Minute

// held is how long a probe may take: less than an attack that holds a gateway up lasts, and more than the second of a kubelet, which a
// busy machine may take by itself.
const held = 5 * time.Second

// API is a kube-apiserver that ends with the test.
type API struct {
	Config *rest.Config
	Client client.Client
	// Gateway is the gateway's own ServiceAccount, with its own rights.
	Gateway *rest.Config
}

// Loopback are addresses for Services that a test can listen on itself. A gateway dials them with --allow-loopback-servers.
const Loopback = "127.0.8.0/24"

// StartAPI starts one. root is the way to the top of the repository; services is the range of the addresses of Services, or empty.
func StartAPI(t *testing.T, root, services string) *API {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test`, which builds etcd and kube-apiserver and sets it")
	}
	config := filepath.Join(root, "config")
	env := &envtest.Environment{
		CRDDirectoryPaths: []string{filepath.Join(config, "crd", "bases")}, ErrorIfCRDPathMissing: true,
		CRDInstallOptions: envtest.CRDInstallOptions{MaxTime: patience},
	}
	if services != "" {
		env.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", services)
	}
	admin, err := env.Start()
	Must(t, err)
	t.Cleanup(func() { _ = env.Stop() })
	api := &API{Config: admin}
	kinds := runtime.NewScheme()
	Must(t, errors.Join(scheme.AddToScheme(kinds), v1alpha1.AddToScheme(kinds)))
	api.Client, err = client.New(admin, client.Options{Scheme: kinds})
	Must(t, err)
	api.Gateway, err = audit.Account(t.Context(), env, api.Client, audit.Gateway, filepath.Join(config, "rbac", "gateway"))
	Must(t, err)
	return api
}

// Gateway is a process that listens on loopback. It ends with the test.
type Gateway struct {
	// Address is its host and port.
	Address string
	over    chan struct{}
	tail    bytes.Buffer
}

// URL of a path.
func (g *Gateway) URL(path string) string { return "http://" + g.Address + path }

// Said is what the process has logged, up to 64 KiB. Call it when the process has ended: from a cleanup that was set before Run.
func (g *Gateway) Said() string {
	<-g.over
	return g.tail.String()
}

// Run builds the gateway of the repository at root, runs it with an account until the end of the test, and waits until it is ready.
func Run(t *testing.T, root string, account *rest.Config, flags ...string) *Gateway {
	t.Helper()
	folder := t.TempDir()
	program, kubeconfig := filepath.Join(folder, "gateway"), filepath.Join(folder, "kubeconfig")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, filepath.Join(root, "cmd", "gateway")).CombinedOutput(); err != nil {
		t.Fatalf("building the gateway: %v\n%s", err, said)
	}
	Must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"x": {Server: account.Host, CertificateAuthorityData: account.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"x": {ClientCertificateData: account.CertData, ClientKeyData: account.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "x", AuthInfo: "x"}},
		CurrentContext: "x",
	}, kubeconfig))

	ctx, cancel := context.WithCancel(context.Background())
	process := exec.CommandContext(ctx, program, append([]string{"--addr=127.0.0.1:0", "--kubeconfig=" + kubeconfig}, flags...)...)
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = patience
	said, write, err := os.Pipe()
	Must(t, err)
	process.Stderr = write
	Must(t, process.Start())
	_ = write.Close()
	g := &Gateway{over: make(chan struct{})}
	address := make(chan string, 1)
	go g.listen(said, address)
	t.Cleanup(func() {
		cancel()
		_ = process.Wait()
		if text := g.Said(); t.Failed() {
			t.Log("the gateway said:\n", text)
		}
	})
	select {
	case g.Address = <-address:
	case <-time.After(patience):
		t.Fatal("the gateway does not say where it listens")
	}
	Eventually(t, "the gateway to be ready", func() error { return g.Ready(t.Context()) })
	return g
}

// listen reads the log to its end.
func (g *Gateway) listen(said *os.File, address chan<- string) {
	defer close(g.over)
	listening := regexp.MustCompile(`"addr":"([^"]+)"`)
	for lines := bufio.NewReaderSize(said, 64<<10); ; {
		line, _, err := lines.ReadLine() // what is longer comes in parts: whatever the process says, it is not held up
		if err != nil {
			return
		}
		if found := listening.FindSubmatch(line); found != nil {
			select {
			case address <- string(found[1]):
			default:
			}
		}
		if g.tail.Len() < 64<<10 {
			fmt.Fprintf(&g.tail, "%s\n", line)
		}
	}
}

// Ready reports whether the gateway answers a probe, and is not held up.
func (g *Gateway) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, held)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL("/readyz"), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

// Must ends the test if there is an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Eventually waits until something holds, with the patience of a busy machine; if it does not come to that, the test ends.
func Eventually(t *testing.T, what string, holds func() error) {
	t.Helper()
	again, limit := time.NewTicker(50*time.Millisecond), time.NewTimer(patience)
	defer again.Stop()
	defer limit.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-limit.C:
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
}
