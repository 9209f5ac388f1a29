// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/audit"
)

const (
	namespace = "cortex-system"
	// addresses of Services. All of them are this machine's loopback.
	addresses = "127.77.0.0/16"
	// patience bounds whatever is waited for.
	patience = 3 * time.Minute
)

// world is a kube-apiserver, and what a gateway needs of it: an account with the rights of the manifests, and a caller who may use
// every server. No operator runs: the benchmark plays it.
type world struct {
	server *envtest.Environment
	admin  client.Client
	config *rest.Config
	// program is the gateway, as it is shipped.
	program string
	folder  string
	// token of the caller.
	token string
}

func newWorld(ctx context.Context, program string) (*world, error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS is not set: run `make bench`, which builds etcd and kube-apiserver and sets it")
	}
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	w := &world{program: program, folder: folder}
	if err := w.begin(ctx); err != nil {
		w.end()
		return nil, err
	}
	return w, nil
}

func (w *world) end() {
	_ = w.server.Stop()
	_ = os.RemoveAll(w.folder)
}

func (w *world) begin(ctx context.Context) error {
	w.server = &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("config", "crd", "bases")}, ErrorIfCRDPathMissing: true,
		ControlPlaneStartTimeout: patience, ControlPlaneStopTimeout: patience}
	w.server.ControlPlane.GetAPIServer().Configure().Set("service-cluster-ip-range", addresses)
	config, err := w.server.Start()
	if err != nil {
		return err
	}
	w.config = rest.CopyConfig(config)
	w.config.QPS = -1
	kinds := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(kinds), v1alpha1.AddToScheme(kinds)); err != nil {
		return err
	}
	if w.admin, err = client.NewWithWatch(w.config, client.Options{Scheme: kinds}); err != nil {
		return err
	}
	account, err := audit.Account(ctx, w.server, w.admin, audit.Gateway, filepath.Join("config", "rbac", "gateway"))
	if err != nil {
		return err
	}
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"x": {Server: account.Host, CertificateAuthorityData: account.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"x": {ClientCertificateData: account.CertData, ClientKeyData: account.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "x", AuthInfo: "x"}},
		CurrentContext: "x",
	}, w.kubeconfig()); err != nil {
		return err
	}
	return w.addCaller(ctx)
}

func (w *world) kubeconfig() string { return filepath.Join(w.folder, "kubeconfig") }

// addCaller makes one who may use all servers, as a program that asks for many people.
func (w *world) addCaller(ctx context.Context) error {
	var may rbacv1.ClusterRole
	raw, err := os.ReadFile(filepath.Join("config", "rbac", "users", "mcp_user_role.yaml"))
	if err := errors.Join(err, yaml.UnmarshalStrict(raw, &may)); err != nil {
		return err
	}
	for _, object := range []client.Object{
		&may,
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "caller"}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "caller"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: may.Name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "caller"}},
		},
	} {
		if err := w.admin.Create(ctx, object); err != nil {
			return err
		}
	}
	clients, err := kubernetes.NewForConfig(w.config)
	if err != nil {
		return err
	}
	answer, err := clients.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, "caller",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"cortex"}}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	w.token = answer.Status.Token
	// The API server reads roles some time after they are written, and the gateway believes a no for seconds.
	return until(ctx, "the caller's right", func() bool {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:" + namespace + ":caller", Groups: []string{"system:serviceaccounts"},
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "use", Group: v1alpha1.GroupVersion.Group, Resource: "mcpservers"},
		}}
		return w.admin.Create(ctx, review) == nil && review.Status.Allowed
	})
}

// addServer makes a Service that is an MCP server at an address.
func (w *world) addServer(ctx context.Context, name, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return err
	}
	return w.admin.Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{ClusterIP: host, Ports: []corev1.ServicePort{{Name: "mcp", Port: int32(number)}}},
	})
}

// gateway starts the gateway and waits until it is ready, and tells how long that took. It has its defaults, but for the bound on
// what one caller may have, and asks the API server about every caller.
func (w *world) gateway(ctx context.Context, env ...string) (*process, time.Duration, error) {
	address, err := free(ctx)
	if err != nil {
		return nil, 0, err
	}
	log, err := os.Create(filepath.Join(w.folder, "gateway.log"))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(ctx, w.program, "--addr="+address, "--kubeconfig="+w.kubeconfig(), "--allow-loopback-servers",
		"--max-streams-per-caller=10000", "--takeup-timeout=10m")
	cmd.Stderr, cmd.Env = log, append(os.Environ(), env...)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	p := &process{address: address, cmd: cmd}
	if err := until(ctx, "the gateway to be ready", func() bool { return isReady(ctx, address) }); err != nil {
		p.kill()
		return nil, 0, w.said(err)
	}
	p.ready = time.Now()
	return p, p.ready.Sub(began), nil
}

// said adds the end of what the gateway logged to an error.
func (w *world) said(err error) error {
	text, _ := os.ReadFile(filepath.Join(w.folder, "gateway.log"))
	return fmt.Errorf("%w\nthe gateway said:\n%s", err, text[max(0, len(text)-4096):])
}

// free is an address that nobody listens on.
func free(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func isReady(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// until waits for something to be so. It looks every millisecond.
func until(ctx context.Context, what string, holds func() bool) error {
	again, limit := time.NewTicker(time.Millisecond), time.NewTimer(patience)
	defer again.Stop()
	defer limit.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-limit.C:
			return fmt.Errorf("waited in vain for %s", what)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// forget takes a server away, and the heals of it.
func (w *world) forget(ctx context.Context, name string) {
	ctx = context.WithoutCancel(ctx)
	_ = w.admin.Delete(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	_ = w.admin.DeleteAllOf(ctx, &v1alpha1.HealingRequest{}, client.InNamespace(namespace))
}
