// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/proxy"
	"github.com/ry-ops/cortex/internal/recovery"
)

// reverse is the reverse proxy of Go's library, as it comes.
func reverse(address, upstream string) error {
	target, err := url.Parse("http://" + upstream)
	if err != nil {
		return err
	}
	return listen(address, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1})
}

// cortex is the gateway, without a cluster: the server is told to it, and a stand-in heals.
func cortex(address, upstream string) error {
	host, port, err := net.SplitHostPort(upstream)
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		return err
	}
	servers := mcp.NewRegistry(mcp.Options{Version: "bench"})
	servers.OnAdd(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "bench", Name: "bench", Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{ClusterIP: host, Ports: []corev1.ServicePort{{Port: int32(number)}}},
	}, false)
	metrics := prometheus.NewRegistry()
	recoverer := recovery.New(recovery.Options{
		Healer: standIn{upstream}, Metrics: recovery.NewMetrics(metrics), Clock: clock.RealClock{}, Log: logr.Discard(),
	})
	tools := proxy.New(proxy.Options{Servers: servers, Recoverer: recoverer, Registry: metrics, Version: "bench", Clock: clock.RealClock{}, Log: logr.Discard()})
	server := gateway.New(gateway.Options{MCP: tools, Ready: func() bool { return true }, Registry: metrics, Clock: clock.RealClock{}, Log: logr.Discard()})
	return listen(address, server.Handler())
}

// standIn stands in for the operator, whose time is measured elsewhere (test/bench/heal): it says that the server is healed as soon as
// it accepts connections again.
type standIn struct{ upstream string }

// Heal implements recovery.Healer.
func (s standIn) Heal(ctx context.Context, _ healing.Failure, _ func(v1alpha1.ProgressEntry)) (healing.Outcome, error) {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.upstream)
		if err == nil {
			_ = conn.Close()
			return healing.Outcome{Result: healing.Result{Success: true}, Request: "bench-1", UID: types.UID("bench")}, nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return healing.Outcome{}, context.Cause(ctx)
		}
	}
}
