// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/test/steady"
)

func registry(t *testing.T, o mcp.Options, services ...*corev1.Service) *mcp.Registry {
	t.Helper()
	o.Log = testr.New(t)
	r := mcp.NewRegistry(o)
	t.Cleanup(r.Close)
	for _, service := range services {
		r.OnAdd(service, true)
	}
	return r
}

func named(t *testing.T, server *mcp.Server, name string) mcp.Tool {
	t.Helper()
	mcptest.Eventually(t, "tools of "+server.Key().Name, func() bool { _, listed := server.Tools(); return listed })
	tools, _ := server.Tools()
	for _, tool := range tools {
		if tool.Name == name {
			return tool
		}
	}
	t.Fatalf("no tool %s in %v", name, tools)
	return mcp.Tool{}
}

func class(t *testing.T, err error) (v1alpha1.ErrorClass, bool) {
	t.Helper()
	var failure *mcp.CallError
	if !errors.As(err, &failure) {
		t.Fatalf("no CallError: %v", err)
	}
	return failure.Class, failure.Sent
}

func TestToolsAreDiscovered(t *testing.T) {
	backend := mcptest.Start(t, "sandfly-mcp-server")
	server := registry(t, mcp.Options{}, backend.Service()).Servers()[0]
	hosts, scan := named(t, server, "list_hosts"), named(t, server, "start_scan")
	if hosts.Hints != (mcp.Hints{Given: true, ReadOnly: true}) || scan.Hints != (mcp.Hints{Given: true}) {
		t.Errorf("hints: %+v, %+v", hosts.Hints, scan.Hints)
	}
	if len(scan.Arguments) != 1 || scan.Arguments[0] != (mcp.Argument{Name: "host", Type: "string", Required: true}) {
		t.Errorf("arguments: %+v", scan.Arguments)
	}
}

func TestServersFollowTheirServices(t *testing.T) {
	backend := mcptest.Start(t, "sandfly-mcp-server")
	broken := backend.Service()
	broken.Name, broken.Spec.Ports = "broken", nil
	r := registry(t, mcp.Options{}, backend.Service(), broken)
	if servers := r.Servers(); len(servers) != 1 || servers[0].Key().Name != "sandfly-mcp-server" {
		t.Fatalf("servers: %v", servers)
	}
	named(t, r.Servers()[0], "list_hosts")

	// A down server keeps its tools; a Service that is gone takes its server along.
	backend.Down()
	if err := r.Servers()[0].List(context.Background()); err == nil {
		t.Fatal("a server that is down was listed")
	}
	named(t, r.Servers()[0], "list_hosts")
	r.OnDelete(backend.Service())
	if len(r.Servers()) != 0 {
		t.Error("the server outlives its Service")
	}
}

func TestFailuresAreClassified(t *testing.T) {
	for name, tc := range map[string]struct {
		tool   string
		damage func(b *mcptest.Backend, late func())
		class  v1alpha1.ErrorClass
		sent   bool
	}{
		"refused":                      {"start_scan", func(b *mcptest.Backend, _ func()) { b.Down() }, v1alpha1.ErrorConnectionRefused, false},
		"hung":                         {"start_scan", func(b *mcptest.Backend, late func()) { b.Break(mcptest.Outlast("tools/call", late)) }, v1alpha1.ErrorTimeout, true},
		"unavailable":                  {"start_scan", func(b *mcptest.Backend, _ func()) { b.Break(mcptest.Status(http.StatusServiceUnavailable)) }, v1alpha1.ErrorUnavailable, true},
		"the answer of a write is cut": {"start_scan", func(b *mcptest.Backend, _ func()) { b.Break(mcptest.LoseAnswer()) }, v1alpha1.ErrorUnavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			backend := mcptest.Start(t, "sandfly-mcp-server")
			server := registry(t, mcp.Options{}, backend.Service()).Servers()[0]
			tool := named(t, server, tc.tool)
			ctx, late := steady.Overdue(t.Context())
			tc.damage(backend, late)
			_, err := server.Call(ctx, tool, map[string]any{"host": "web-1"})
			if got, sent := class(t, err); got != tc.class || sent != tc.sent {
				t.Errorf("got %s, sent %v: %v", got, sent, err)
			}
			if runs := backend.Calls(tc.tool); runs > 1 {
				t.Errorf("%s ran %d times", tc.tool, runs)
			}
		})
	}
}

// A call that waited for a session that never came was never made, whatever the server did with the attempt.
func TestACallWithoutASessionIsNotSent(t *testing.T) {
	backend := mcptest.Start(t, "sandfly-mcp-server")
	backend.Break(mcptest.Hang(""))
	server := registry(t, mcp.Options{ConnectTimeout: 200 * time.Millisecond}, backend.Service()).Servers()[0]
	_, err := server.Call(context.Background(), mcp.Tool{Name: "start_scan"}, nil)
	if got, sent := class(t, err); got != v1alpha1.ErrorTimeout || sent {
		t.Errorf("got %s, sent %v: %v", got, sent, err)
	}
}

func TestAServerThatWasReplacedIsMetAnewWithoutAFailure(t *testing.T) {
	for name, fault := range map[string]mcptest.Fault{"with sessions": mcptest.Old(), "without": nil} {
		t.Run(name, func(t *testing.T) {
			backend := mcptest.Start(t, "sandfly-mcp-server")
			backend.Break(fault)
			server := registry(t, mcp.Options{}, backend.Service()).Servers()[0]
			tool := named(t, server, "start_scan")
			backend.Down()
			backend.Up()
			if _, err := server.Call(context.Background(), tool, map[string]any{"host": "web-1"}); err != nil {
				t.Fatal(err)
			}
			if runs := backend.Calls("start_scan"); runs != 1 {
				t.Errorf("ran %d times", runs)
			}
		})
	}
}

func TestAReadWhoseAnswerWasLostIsReadAgain(t *testing.T) {
	backend := mcptest.Start(t, "sandfly-mcp-server")
	server := registry(t, mcp.Options{}, backend.Service()).Servers()[0]
	tool := named(t, server, "list_hosts")
	backend.Break(mcptest.LoseAnswer())
	if _, err := server.Call(context.Background(), tool, nil); err != nil {
		t.Fatal(err)
	}
	if runs := backend.Calls("list_hosts"); runs != 2 {
		t.Errorf("ran %d times", runs)
	}
}

// What is lost on a kept connection may have run, so a call that must not run twice is made on a new one.
func TestACallThatMustNotRunTwiceTakesNoKeptConnection(t *testing.T) {
	backend := mcptest.Stopped(t, "sandfly-mcp-server")
	backend.Break(mcptest.CloseKept())
	backend.Up()
	server := registry(t, mcp.Options{}, backend.Service()).Servers()[0]
	tool := named(t, server, "start_scan")
	for range 3 {
		if _, err := server.Call(context.Background(), tool, map[string]any{"host": "web-1"}); err != nil {
			t.Fatal(err)
		}
	}
	if runs := backend.Calls("start_scan"); runs != 3 {
		t.Errorf("ran %d times", runs)
	}
}

func TestOneSessionForAll(t *testing.T) {
	backend := mcptest.Start(t, "sandfly-mcp-server")
	server := registry(t, mcp.Options{}, backend.Service()).Servers()[0]
	tool := named(t, server, "list_hosts")
	backend.Down()
	if _, err := server.Call(context.Background(), tool, nil); err == nil {
		t.Fatal("a server that is down answered")
	}
	backend.Up()
	before := backend.Opened()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			server.Renew("uid-1") // every waiter of one heal does
			if _, err := server.Call(context.Background(), tool, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if opened := backend.Opened() - before; opened != 1 {
		t.Errorf("%d sessions were opened", opened)
	}
}

func TestASlowServerDelaysNoOther(t *testing.T) {
	slow, quick := mcptest.Start(t, "slow"), mcptest.Start(t, "quick")
	slow.Break(mcptest.Hang(""))
	// Nobody who waited for the slow one would come back in this test.
	r := registry(t, mcp.Options{ConnectTimeout: time.Hour, CallTimeout: time.Hour}, slow.Service(), quick.Service())
	named(t, r.Servers()[0], "list_hosts")
	// And the caller of the slow one may leave when it likes.
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := r.Servers()[1].Call(ctx, mcp.Tool{Name: "list_hosts"}, nil)
	if got, sent := class(t, err); got != v1alpha1.ErrorTimeout || sent {
		t.Errorf("got %s, sent %v", got, sent)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	backend := mcptest.Start(t, "sandfly-mcp-server")
	backend.Break(mcptest.Old())
	r := mcp.NewRegistry(mcp.Options{Log: testr.New(t)})
	r.OnAdd(backend.Service(), true)
	named(t, r.Servers()[0], "list_hosts")
	r.Close()
	backend.Down()
	if err := steady.Left(before); err != nil {
		t.Error(err)
	}
}

// Behind a Service, a server of two pods knows a session on one of them only, and each connection reaches either.
func TestCallsOutliveConnectionsToAnotherPod(t *testing.T) {
	service := spread(t, mcptest.Start(t, "sandfly-mcp-server"), mcptest.Start(t, "sandfly-mcp-server"))
	server := registry(t, mcp.Options{}, service).Servers()[0]
	tool := named(t, server, "list_hosts")
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			for j := range 20 {
				server.Renew(types.UID(fmt.Sprint(i, j)))
				if _, err := server.Call(context.Background(), tool, nil); err != nil {
					t.Errorf("caller %d, call %d: %v", i, j, err)
				}
			}
		})
	}
	all.Wait()
}

// spread is a Service in front of backends that hands each new connection to the next one.
func spread(t *testing.T, backends ...*mcptest.Backend) *corev1.Service {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for i := 0; ; i++ {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			to := backends[i%len(backends)].Service()
			pod, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", net.JoinHostPort(to.Spec.ClusterIP, strconv.Itoa(int(to.Spec.Ports[0].Port))))
			if err != nil {
				_ = client.Close()
				continue
			}
			for _, pipe := range [][2]net.Conn{{client, pod}, {pod, client}} {
				go func() {
					_, _ = io.Copy(pipe[0], pipe[1])
					_ = pipe[0].Close()
				}()
			}
		}
	}()
	service := backends[0].Service()
	service.Spec.Ports[0].Port = int32(listener.Addr().(*net.TCPAddr).Port)
	return service
}
