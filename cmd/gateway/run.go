// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/proxy"
	"github.com/ry-ops/cortex/internal/recovery"
	"github.com/ry-ops/cortex/internal/task"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// The gateway asks the API server for next to nothing: a create for each heal, and three watches. The bounds are for the
// day when everything fails at once: there is one create for each server, and some hundreds of them do not wait for each other.
const (
	qps   = 100
	burst = 400
)

// run wires the parts and serves until ctx ends.
func run(ctx context.Context, o options, log logr.Logger) error {
	if o.loopback {
		mcpserver.AllowLoopback()
	}
	tracer, err := telemetry.New(ctx, "cortex-gateway", version, log.WithName("telemetry"))
	if err != nil {
		return err
	}
	defer tracer.End(ctx, log)
	cluster, err := connect(o)
	if err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	caught := panics.New(metrics, log.WithName("panics"))
	servers, err := discover(ctx, cluster.cache, o, caught, log.WithName("mcp"))
	if err != nil {
		return err
	}
	defer servers.Close()
	healer, err := healing.New(ctx, healing.Options{
		Client: cluster.client, Cache: cluster.cache, Timeout: o.healTimeout, TakeUp: o.takeUp,
		Panics: caught, Clock: clock.RealClock{}, Log: log.WithName("healing"),
	})
	if err != nil {
		return fmt.Errorf("%w (is the CRD installed? `kubectl get crd healingrequests.%s`)", err, v1alpha1.GroupVersion.Group)
	}
	recoverer := recovery.New(recovery.Options{
		Healer: healer, Metrics: recovery.NewMetrics(metrics), Panics: caught, Tracer: tracer, Clock: clock.RealClock{}, Log: log.WithName("recovery"),
	})
	defer recoverer.Close()
	gate, err := o.auth.gate(cluster.config, servers.Servers, metrics, log.WithName("auth"))
	if err != nil {
		return err
	}
	usable := func(ctx context.Context) ([]*mcp.Server, error) { return auth.Usable(ctx, gate, servers.Servers()) }
	loop := chat.NewLoop(chat.Options{
		Planner: o.claude.planner(metrics, tracer, log.WithName("claude")), Servers: usable, Recoverer: recoverer,
		Metrics: chat.NewMetrics(metrics), Panics: caught, Tracer: tracer, Clock: clock.RealClock{}, Log: log.WithName("chat"),
	})
	tools := proxy.New(proxy.Options{
		Servers: servers, Recoverer: recoverer, Registry: metrics, Version: version, MayUse: gate.MayUse, Refused: gate.Refused, Caller: auth.Caller, Panics: caught, Tracer: tracer, Clock: clock.RealClock{}, Log: log.WithName("proxy"),
	})
	defer tools.Close()
	var synced atomic.Bool
	var accessLog *logr.Logger
	if o.accessLog {
		accessLog = new(log.WithName("access"))
	}
	server := gateway.New(gateway.Options{
		Tracer: tracer, AccessLog: accessLog,
		Loop: loop, Known: loop.Knows, Heals: healer, MCP: tools, Servers: usable, Approver: gate, Ready: synced.Load, Registry: metrics, ShutdownGrace: o.shutdownGrace,
		Streams: o.streams, StreamsEach: o.streamsEach, Tasks: task.Options{Running: o.streams, RunningEach: o.streamsEach},
		Guard: gate.Guard, Resource: gate.Resource(), LocalOnly: loopback(o.addr), Panics: caught, Clock: clock.RealClock{}, Log: log.WithName("http"),
	})
	return serve(ctx, o, log, cluster.cache, server, &synced)
}

// serve runs the cache longer than the server: streams that are finishing still follow their heals.
func serve(ctx context.Context, o options, log logr.Logger, informers cache.Cache, server *gateway.Server, synced *atomic.Bool) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	serving, fail := context.WithCancel(ctx)
	defer fail()
	watched := make(chan error, 1)
	go func() {
		defer fail()
		watched <- informers.Start(watching)
	}()
	go func() {
		if informers.WaitForCacheSync(watching) {
			synced.Store(true)
			log.Info("ready")
		}
	}()
	log.Info("the gateway starts", "addr", listener.Addr().String(), "version", version, "namespace", o.namespace, "auth", o.auth.mode,
		"healTimeout", o.healTimeout.String(), "toolCallTimeout", o.callTimeout.String())
	err = server.Serve(serving, listener)
	stop()
	return errors.Join(err, <-watched)
}

// cluster is how the gateway talks to the API server: a cache for what it watches, a client for what it writes.
type cluster struct {
	config *rest.Config
	client client.Client
	cache  cache.Cache
}

func connect(o options) (*cluster, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the cluster: %w", err)
	}
	config = rest.AddUserAgent(config, "cortex-gateway")
	config.QPS, config.Burst = qps, burst
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), discoveryv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("registering kinds: %w", err)
	}
	direct, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	labelled := labels.SelectorFromSet(labels.Set{v1alpha1.LabelMCPServer: "true"})
	watches := cache.Options{
		Scheme:           scheme,
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Service{}:            {Label: labelled},
			&discoveryv1.EndpointSlice{}: {Label: labelled},
		},
	}
	if o.namespace != "" {
		watches.DefaultNamespaces = map[string]cache.Config{o.namespace: {}}
	}
	informers, err := cache.New(config, watches)
	if err != nil {
		return nil, fmt.Errorf("making the cache: %w", err)
	}
	return &cluster{config: config, client: direct, cache: informers}, nil
}

func discover(ctx context.Context, informers cache.Cache, o options, caught *panics.Catcher, log logr.Logger) (*mcp.Registry, error) {
	servers := mcp.NewRegistry(mcp.Options{
		CallTimeout: o.callTimeout, Version: version, Credentials: mcp.NewCredentials(o.credentials, clock.RealClock{}), Panics: caught, Log: log,
	})
	for _, watch := range []struct {
		kind    client.Object
		handler toolscache.ResourceEventHandler
	}{
		{&corev1.Service{}, servers},
		{&discoveryv1.EndpointSlice{}, servers.Slices()},
	} {
		informer, err := informers.GetInformer(ctx, watch.kind, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watching %T: %w", watch.kind, err)
		}
		if _, err := informer.AddEventHandler(watch.handler); err != nil {
			return nil, fmt.Errorf("watching %T: %w", watch.kind, err)
		}
	}
	return servers, nil
}
