// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package attack attacks a real gateway process over TCP, in front of a real kube-apiserver that knows its callers.
package attack_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/standalone"
)

const (
	namespace = "cortex-system"
	server    = "sandfly-mcp-server"
	// patience bounds whatever is waited for.
	patience = 2 * time.Minute
)

// gateway is the process that is attacked.
type gateway struct {
	*standalone.Gateway
	admin  client.Client
	tokens kubernetes.Interface
	// cut takes the API server away from the gateway.
	cut func()
	// alice and carol may use the server; bob is known, and may use nothing.
	alice, bob, carol string
}

// start starts a kube-apiserver and, as its ServiceAccount with its own rights, a gateway.
func start(t *testing.T) *gateway {
	t.Helper()
	root := filepath.Join("..", "..")
	api := standalone.StartAPI(t, root, "")
	g := &gateway{admin: api.Client}
	var err error
	g.tokens, err = kubernetes.NewForConfig(api.Config)
	standalone.Must(t, err)
	t.Cleanup(func() { g.noTokenIsLogged(t) })
	g.populate(t, filepath.Join(root, "config", "rbac", "users", "mcp_user_role.yaml"))
	account := rest.CopyConfig(api.Gateway)
	account.Host = "https://" + g.between(t, strings.Trim(strings.TrimPrefix(account.Host, "https:"), "/"))
	g.Gateway = standalone.Run(t, root, account, "--takeup-timeout=200ms", "--shutdown-grace=1s")
	return g
}

// noTokenIsLogged is run when the gateway has ended.
func (g *gateway) noTokenIsLogged(t *testing.T) {
	if g.Gateway == nil {
		return
	}
	for _, secret := range []string{g.alice, g.bob, g.carol} {
		if strings.Contains(g.Said(), secret) {
			t.Error("a token is in the gateway's log")
		}
	}
}

// populate makes a server that has nobody behind it, and its users.
func (g *gateway) populate(t *testing.T, role string) {
	t.Helper()
	labels := map[string]string{v1alpha1.LabelMCPServer: "true", discoveryv1.LabelServiceName: server}
	var may rbacv1.ClusterRole
	raw, err := os.ReadFile(role)
	standalone.Must(t, err)
	standalone.Must(t, yaml.UnmarshalStrict(raw, &may))
	for _, object := range []client.Object{
		&may,
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: server, Labels: labels},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "mcp", Port: 3000}}},
		},
		&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: server, Labels: labels}, AddressType: discoveryv1.AddressTypeIPv4},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "alice"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "carol"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "bob"}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "users"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: may.Name},
			Subjects: []rbacv1.Subject{
				{Kind: "ServiceAccount", Namespace: namespace, Name: "alice"}, {Kind: "ServiceAccount", Namespace: namespace, Name: "carol"},
			},
		},
	} {
		standalone.Must(t, g.admin.Create(t.Context(), object))
	}
	g.alice, g.bob, g.carol = g.token(t, namespace, "alice", "cortex"), g.token(t, "default", "bob", "cortex"), g.token(t, namespace, "carol", "cortex")
	g.granted(t)
}

// granted waits until the API server has read the roles: the gateway remembers a no for a while.
func (g *gateway) granted(t *testing.T) {
	t.Helper()
	standalone.Eventually(t, "the users to be allowed what they may", func() error {
		review, err := g.tokens.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User:               "system:serviceaccount:" + namespace + ":alice",
				ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "use", Group: v1alpha1.GroupVersion.Group, Resource: "mcpservers", Name: server},
			},
		}, metav1.CreateOptions{})
		if err == nil && !review.Status.Allowed {
			err = errors.New(review.Status.Reason)
		}
		return err
	})
}

// token is what kubectl create token prints.
func (g *gateway) token(t *testing.T, namespace, name string, audiences ...string) string {
	t.Helper()
	answer, err := g.tokens.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: audiences}}, metav1.CreateOptions{})
	standalone.Must(t, err)
	return answer.Status.Token
}

// between passes connections on to the API server, as a load balancer does, until it is cut.
func (g *gateway) between(t *testing.T, to string) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	standalone.Must(t, err)
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
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL("/api/tasks"), strings.NewReader(`{"query": "list sandfly hosts"}`))
	standalone.Must(t, err)
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	standalone.Must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	standalone.Must(t, err)
	return response.StatusCode, string(text)
}

// metric is a number of the gateway's own metrics.
func (g *gateway) metric(t *testing.T, name string) float64 {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL("/metrics"), nil)
	standalone.Must(t, err)
	response, err := http.DefaultClient.Do(request)
	standalone.Must(t, err)
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			number, err := strconv.ParseFloat(value, 64)
			standalone.Must(t, err)
			return number
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// dial opens a connection that ends with the test, and before long.
func (g *gateway) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", g.Address)
	standalone.Must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	standalone.Must(t, conn.SetDeadline(time.Now().Add(patience)))
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
