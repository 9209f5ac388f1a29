// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	clientconfig "sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/kube"
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
	// connectTimeout bounds the first question to the API server.
	connectTimeout = 30 * time.Second
	// settled is how long after its start a gateway has met its servers. What that took is then given back: an idle gateway would not
	// grow into it again, and the runtime would keep some 2 MiB of it.
	settled = 10 * time.Second
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
	cluster, err := connect(ctx, o)
	if err != nil {
		return err
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	caught := panics.New(metrics, log.WithName("panics"))
	servers, err := discover(cluster, o, caught, log.WithName("mcp"))
	if err != nil {
		return err
	}
	defer servers.Close()
	healer, err := healing.New(healing.Options{
		Requests: cluster.requests, Watch: cluster.heals, Timeout: o.healTimeout, TakeUp: o.takeUp,
		Panics: caught, Clock: clock.RealClock{}, Log: log.WithName("healing"),
	})
	if err != nil {
		return err
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
		accessLog = new(accessLogger(o.log))
	}
	server := gateway.New(gateway.Options{
		Tracer: tracer, AccessLog: accessLog,
		Loop: loop, Known: loop.Knows, Heals: healer, MCP: tools, Servers: usable, Approver: gate, Ready: synced.Load, Registry: metrics, ShutdownGrace: o.shutdownGrace,
		Streams: o.streams, StreamsEach: o.streamsEach, Tasks: task.Options{Running: o.streams, RunningEach: o.streamsEach},
		Guard: gate.Guard, Resource: gate.Resource(), LocalOnly: loopback(o.addr), Panics: caught, Clock: clock.RealClock{}, Log: log.WithName("http"),
	})
	return serve(ctx, o, log, cluster.watches(), server, &synced)
}

// accessLogger leaves out no line, whatever the level of the log: from level 2 on zap does not sample. Else it would keep each hundredth
// of the lines of a second that say the same, and all of them say "request".
func accessLogger(o zap.Options) logr.Logger {
	return zap.New(zap.UseFlagOptions(&o), zap.Level(zapcore.Level(-2))).WithName("access")
}

// serve runs the watches longer than the server: streams that are finishing still follow their heals.
func serve(ctx context.Context, o options, log logr.Logger, watches []toolscache.SharedIndexInformer, server *gateway.Server, synced *atomic.Bool) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.addr)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	watching, stop := context.WithCancel(logr.NewContext(context.WithoutCancel(ctx), log.WithName("watch")))
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	var listed []toolscache.DoneChecker
	for _, watch := range watches {
		running.Go(func() { watch.RunWithContext(watching) })
		listed = append(listed, watch.HasSyncedChecker())
	}
	running.Go(func() {
		if !toolscache.WaitFor(watching, "", listed...) {
			return
		}
		synced.Store(true)
		log.Info("ready")
		select {
		case <-time.After(settled):
			debug.FreeOSMemory()
		case <-watching.Done():
		}
	})
	log.Info("the gateway starts", "addr", listener.Addr().String(), "version", version, "namespace", o.namespace, "auth", o.auth.mode,
		"healTimeout", o.healTimeout.String(), "toolCallTimeout", o.callTimeout.String())
	return server.Serve(ctx, listener)
}

// cluster is how the gateway talks to the API server: three watches, and requests that are written.
type cluster struct {
	config                  *rest.Config
	requests                healing.Requests
	heals, services, slices toolscache.SharedIndexInformer
}

func (c *cluster) watches() []toolscache.SharedIndexInformer {
	return []toolscache.SharedIndexInformer{c.heals, c.services, c.slices}
}

// connect makes sure that the API server answers and knows HealingRequests: the watches would wait for both for ever.
func connect(ctx context.Context, o options) (*cluster, error) {
	config, err := clientconfig.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the cluster: %w", err)
	}
	config = rest.AddUserAgent(config, "cortex-gateway")
	config.QPS, config.Burst = qps, burst
	healings, err := kube.Client(config, v1alpha1.GroupVersion, &v1alpha1.HealingRequest{}, &v1alpha1.HealingRequestList{})
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	core, err := kube.Client(config, corev1.SchemeGroupVersion, &corev1.Service{}, &corev1.ServiceList{})
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	discovery, err := kube.Client(config, discoveryv1.SchemeGroupVersion, &discoveryv1.EndpointSlice{}, &discoveryv1.EndpointSliceList{})
	if err != nil {
		return nil, fmt.Errorf("connecting to the API server: %w", err)
	}
	switch err := healings.Get().Timeout(connectTimeout).Do(ctx).Error(); {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("the API server knows no HealingRequests: is the CRD installed? `kubectl get crd %s.%s`", healing.Resource, v1alpha1.GroupVersion.Group)
	case err != nil:
		return nil, fmt.Errorf("asking the API server for HealingRequests: %w", err)
	}
	servers := labels.Set{v1alpha1.LabelMCPServer: "true"}
	return &cluster{
		config:   config,
		requests: healing.At(healings),
		heals:    kube.Informer(healings, healing.Resource, &v1alpha1.HealingRequest{}, o.namespace, nil),
		services: kube.Informer(core, "services", &corev1.Service{}, o.namespace, servers),
		slices:   kube.Informer(discovery, "endpointslices", &discoveryv1.EndpointSlice{}, o.namespace, servers),
	}, nil
}

func discover(cluster *cluster, o options, caught *panics.Catcher, log logr.Logger) (*mcp.Registry, error) {
	servers := mcp.NewRegistry(mcp.Options{
		CallTimeout: o.callTimeout, Version: version, Credentials: mcp.NewCredentials(o.credentials, clock.RealClock{}), Panics: caught, Log: log,
	})
	_, services := cluster.services.AddEventHandler(servers)
	_, slices := cluster.slices.AddEventHandler(servers.Slices())
	if err := errors.Join(services, slices); err != nil {
		return nil, fmt.Errorf("watching MCP servers: %w", err)
	}
	return servers, nil
}
