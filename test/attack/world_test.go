// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package attack attacks a real gateway process over TCP, in front of a real kube-apiserver that knows its callers.
package attack_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
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
	server    = "sandfly-mcp-server"
	// patience bounds whatever is waited for.
	patience = 30 * time.Second
)

// gateway is the process that is attacked.
type gateway struct {
	address string
	env     *envtest.Environment
	admin   client.Client
	tokens  kubernetes.Interface
	// cut takes the API server away from the gateway.
	cut func()
	// alice may use the server; bob is known, and may use nothing.
	alice, bob string
}

func (g *gateway) url(path string) string { return "http://" + g.address + path }

// start starts a kube-apiserver and, as its ServiceAccount with its own rights, a gateway.
func start(t *testing.T) *gateway {
	t.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		t.Fatal("KUBEBUILDER_ASSETS is not set: run `make test`, which builds etcd and kube-apiserver and sets it")
	}
	config := filepath.Join("..", "..", "config")
	g := &gateway{env: &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join(config, "crd", "bases")}, ErrorIfCRDPathMissing: true}}
	admin, err := g.env.Start()
	must(t, err)
	t.Cleanup(func() { _ = g.env.Stop() })
	kinds := runtime.NewScheme()
	must(t, errors.Join(scheme.AddToScheme(kinds), v1alpha1.AddToScheme(kinds)))
	g.admin, err = client.New(admin, client.Options{Scheme: kinds})
	must(t, err)
	g.tokens, err = kubernetes.NewForConfig(admin)
	must(t, err)
	account, err := audit.Account(t.Context(), g.env, g.admin, audit.Gateway, filepath.Join(config, "rbac", "gateway"))
	must(t, err)
	g.populate(t, filepath.Join(config, "rbac", "users", "mcp_user_role.yaml"))
	g.run(t, account)
	return g
}

// populate makes a server that has nobody behind it, and its users.
func (g *gateway) populate(t *testing.T, role string) {
	t.Helper()
	labels := map[string]string{v1alpha1.LabelMCPServer: "true", discoveryv1.LabelServiceName: server}
	var may rbacv1.ClusterRole
	raw, err := os.ReadFile(role)
	must(t, err)
	must(t, yaml.UnmarshalStrict(raw, &may))
	for _, object := range []client.Object{
		&may,
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: server, Labels: labels},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "mcp", Port: 3000}}},
		},
		&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: server, Labels: labels}, AddressType: discoveryv1.AddressTypeIPv4},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "alice"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "bob"}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "alice"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: may.Name},
			Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "alice"}},
		},
	} {
		must(t, g.admin.Create(t.Context(), object))
	}
	g.alice, g.bob = g.token(t, namespace, "alice", "cortex"), g.token(t, "default", "bob", "cortex")
}

// token is what kubectl create token prints.
func (g *gateway) token(t *testing.T, namespace, name string, audiences ...string) string {
	t.Helper()
	answer, err := g.tokens.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}, metav1.CreateOptions{})
	must(t, err)
	return answer.Status.Token
}

// run builds the gateway and runs it until the end of the test.
func (g *gateway) run(t *testing.T, account *rest.Config) {
	t.Helper()
	folder, way := t.TempDir(), g.between(t, strings.Trim(strings.TrimPrefix(account.Host, "https:"), "/"))
	program, kubeconfig := filepath.Join(folder, "gateway"), filepath.Join(folder, "kubeconfig")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/gateway").CombinedOutput(); err != nil {
		t.Fatalf("building the gateway: %v\n%s", err, said)
	}
	must(t, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"x": {Server: "https://" + way, CertificateAuthorityData: account.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"x": {ClientCertificateData: account.CertData, ClientKeyData: account.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "x", AuthInfo: "x"}},
		CurrentContext: "x",
	}, kubeconfig))

	ctx, cancel := context.WithCancel(context.Background())
	process := exec.CommandContext(ctx, program, "--addr=127.0.0.1:0", "--kubeconfig="+kubeconfig, "--takeup-timeout=200ms", "--shutdown-grace=1s")
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = 10 * time.Second
	said, write, err := os.Pipe()
	must(t, err)
	process.Stderr = write
	must(t, process.Start())
	_ = write.Close()
	address, over := make(chan string, 1), make(chan struct{})
	var tail bytes.Buffer
	go func() {
		defer close(over)
		listening := regexp.MustCompile(`"addr":"([^"]+)"`)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				select {
				case address <- found[1]:
				default:
				}
			}
			if tail.Len() < 64<<10 {
				fmt.Fprintln(&tail, lines.Text())
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = process.Wait()
		<-over
		if t.Failed() {
			t.Log("the gateway said:\n", tail.String())
		}
		for _, secret := range []string{g.alice, g.bob} {
			if strings.Contains(tail.String(), secret) {
				t.Error("a token is in the gateway's log")
			}
		}
	})
	select {
	case g.address = <-address:
	case <-time.After(patience):
		t.Fatal("the gateway does not say where it listens")
	}
	eventually(t, "the gateway to be ready", func() error { return g.well(t) })
}

// between passes connections on to the API server, as a load balancer does, until it is cut.
func (g *gateway) between(t *testing.T, to string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cut := context.WithCancel(context.Background())
	g.cut = func() {
		_ = listener.Close()
		cut()
	}
	t.Cleanup(g.cut)
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			into, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
			if err != nil {
				_ = from.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = from.Close(), into.Close() })
			go func() { _, _ = io.Copy(into, from); _ = into.Close() }()
			go func() { _, _ = io.Copy(from, into); _ = from.Close() }()
		}
	}()
	return listener.Addr().String()
}

// ask puts a question as a caller. An empty token sends none.
func (g *gateway) ask(t *testing.T, token string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url("/api/tasks"), strings.NewReader(`{"query": "list sandfly hosts"}`))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(text)
}

// well reports whether the gateway answers a probe within the second that a kubelet gives it.
func (g *gateway) well(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url("/readyz"), nil)
	must(t, err)
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

// metric is a number of the gateway's own metrics.
func (g *gateway) metric(t *testing.T, name string) float64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url("/metrics"), nil)
	must(t, err)
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			number, err := strconv.ParseFloat(value, 64)
			must(t, err)
			return number
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// dial opens a connection that ends with the test, and before long.
func (g *gateway) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", g.address)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	must(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn
}

// send writes bytes as they are and gives the status of the answer, 0 if the connection was closed without one.
func (g *gateway) send(t *testing.T, request string) (int, http.Header) {
	t.Helper()
	conn := g.dial(t)
	_, _ = io.WriteString(conn, request) // the gateway may have closed it before the end
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, nil
	}
	_ = response.Body.Close()
	return response.StatusCode, response.Header
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, holds func() error) {
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
