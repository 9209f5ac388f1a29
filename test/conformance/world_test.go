// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/standalone"
)

const (
	namespace = "cortex-system"
	// server is the Service of the SDK's conformance server.
	server = "everything"
	// program is that server: the one which its makers run the suite against, of the version in go.mod.
	program = "github.com/modelcontextprotocol/go-sdk/conformance/everything-server"
	// address of the Service.
	address = "127.0.8.10"
	// own is the conformance server's own address: nobody calls from there, or listens.
	own = "127.0.8.11"
	// patience bounds whatever is waited for.
	patience = 2 * time.Minute
)

var root = filepath.Join("..", "..")

// world is a gateway process with the conformance server behind it.
type world struct {
	gateway *standalone.Gateway
	backend *backend
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{backend: startBackend(t)}
	api := standalone.StartAPI(t, root, standalone.Loopback)
	standalone.Must(t, api.Client.Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: server, Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{ClusterIP: address, Ports: []corev1.ServicePort{{Name: "mcp", Port: w.backend.port}}},
	}))
	w.gateway = standalone.Run(t, root, api.Gateway, "--auth=none", "--allow-loopback-servers", "--shutdown-grace=1s")
	return w
}

// backend is the conformance server, and what stands before it as its Service: on loopback the server wants to see a Host of loopback.
type backend struct {
	program string
	address string
	// port of the Service.
	port int32
	stop func()
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{program: filepath.Join(t.TempDir(), "everything")}
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", b.program, program).CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", program, err, said)
	}
	// A port that is free now, and kept over restarts. At 127.0.0.1 it could be somebody else's meanwhile: whoever calls from there has one.
	free := listen(t, own+":0")
	b.address = free.Addr().String()
	standalone.Must(t, free.Close())
	b.up(t)
	t.Cleanup(func() { b.stop() })

	service := listen(t, address+":0")
	_, port, err := net.SplitHostPort(service.Addr().String())
	standalone.Must(t, err)
	number, err := strconv.ParseInt(port, 10, 32)
	standalone.Must(t, err)
	b.port = int32(number)
	next := pass(b.address)
	serve(t, service, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole(r, nil)
		next.ServeHTTP(w, r)
	}))
	return b
}

// up starts the server, which remembers nothing.
func (b *backend) up(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	process := exec.CommandContext(ctx, b.program, "-http="+b.address, "-stateless=false")
	standalone.Must(t, process.Start())
	b.stop = func() {
		cancel()
		_ = process.Wait()
	}
	standalone.Eventually(t, "the conformance server to listen", func() error {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", b.address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// restart kills the server and starts it again.
func (b *backend) restart(t *testing.T) {
	t.Helper()
	b.stop()
	b.up(t)
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	standalone.Must(t, err)
	return listener
}

// serve serves until the end of the test.
func serve(t *testing.T, listener net.Listener, handler http.Handler) {
	t.Helper()
	serving := &http.Server{Handler: handler, ReadHeaderTimeout: patience}
	t.Cleanup(func() { _ = serving.Close() })
	go func() {
		if err := serving.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving at %s: %v", listener.Addr(), err)
		}
	}()
}

// pass passes requests on to an address, under its own name.
func pass(to string) *httputil.ReverseProxy {
	target := &url.URL{Scheme: "http", Host: to}
	return &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0), // a server that is restarted cuts its streams
	}
}

// whole reads a body before it is passed on, changed: net/http cuts a stream that begins while the request is still being passed.
func whole(r *http.Request, change func([]byte) []byte) {
	body, _ := io.ReadAll(r.Body) // of a caller who leaves, a part is as good as all
	if change != nil {
		body = change(body)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}
