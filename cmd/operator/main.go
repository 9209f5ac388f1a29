// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command operator heals MCP servers: it works on HealingRequests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	goruntime "runtime"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
	"github.com/ry-ops/cortex/internal/controller/retention"
	"github.com/ry-ops/cortex/internal/gather"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/telemetry"
	"github.com/ry-ops/cortex/internal/verification"
)

// A leader that dies is replaced after at most leaseDuration, which is a small part of the 120 s that a heal may take.
// The price is a lease renewal each retryPeriod.
const (
	leaseDuration = 10 * time.Second
	renewDeadline = 7 * time.Second
	retryPeriod   = 2 * time.Second
)

// Bounds on the operator's own requests. Heals come in bursts and each is a dozen requests that must not queue.
const (
	clientQPS   = 50
	clientBurst = 200
)

// version is set by the linker (Makefile, go-build).
var version = "dev"

func main() {
	opts, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "operator: %v\nSee 'operator --help'.\n", err)
		os.Exit(2)
	case opts.version:
		fmt.Fprintln(os.Stdout, "operator", version, goruntime.Version(), goruntime.GOOS+"/"+goruntime.GOARCH)
		return
	}
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&opts.logging)))
	if err := run(ctrl.SetupSignalHandler(), opts); err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, opts options) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return fmt.Errorf("building the scheme: %w", err)
		}
	}
	ctrl.Log.Info("the operator starts", "version", version, "namespace", opts.namespace, "leaderElect", opts.leaderElect)
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding a cluster: %w", err)
	}
	config.QPS, config.Burst = clientQPS, clientBurst
	mgr, err := ctrl.NewManager(config, managerOptions(scheme, opts))
	if err != nil {
		return fmt.Errorf("building the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("caches", cachesSynced(mgr)); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	tracer, err := telemetry.New(ctx, "cortex-operator", version, ctrl.Log.WithName("telemetry"))
	if err != nil {
		return err
	}
	defer tracer.End(ctx, ctrl.Log)
	if err := wire(ctx, mgr, tracer); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func managerOptions(scheme *runtime.Scheme, opts options) ctrl.Options {
	options := ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metricsserver.Options{BindAddress: opts.metricsAddr},
		HealthProbeBindAddress:        opts.probeAddr,
		LeaderElection:                opts.leaderElect,
		LeaderElectionID:              "operator.healing.cortex.dev",
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 new(leaseDuration),
		RenewDeadline:                 new(renewDeadline),
		RetryPeriod:                   new(retryPeriod),
	}
	options.Cache.DefaultTransform = wakeOnly
	if opts.namespace != "" {
		options.Cache.DefaultNamespaces = map[string]cache.Config{opts.namespace: {}}
	}
	return options
}

// wakeOnly drops what no cached read uses: of pods, workloads and endpoint slices the cache only has to tell that they
// changed, and their annotations hold whole manifests.
func wakeOnly(obj any) (any, error) {
	if meta, ok := obj.(*metav1.PartialObjectMetadata); ok {
		meta.Annotations = nil
	}
	return cache.TransformStripManagedFields()(obj)
}

func wire(ctx context.Context, mgr ctrl.Manager, tracer *telemetry.Tracer) error {
	clientset, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("building the log client: %w", err)
	}
	live := mgr.GetAPIReader()
	prober := mcpserver.MCPProber{}
	reconciler := &healingrequest.Reconciler{
		Client:   mgr.GetClient(),
		Live:     live,
		Gatherer: &gather.Gatherer{Reader: live, Logs: gather.KubeLogs{Client: clientset}, Prober: prober, Clock: clock.RealClock{}},
		Applier:  &remediation.Applier{Client: mgr.GetClient(), Reader: live, Tracer: tracer, Clock: clock.RealClock{}},
		Verifier: &verification.Verifier{Reader: live, Prober: prober, Self: self()},
		Recorder: mgr.GetEventRecorder(v1alpha1.FieldManager),
		Metrics:  healingrequest.NewMetrics(metrics.Registry),
		Tracer:   tracer,
		Clock:    clock.RealClock{},
	}
	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	keeper := &retention.Reconciler{Client: mgr.GetClient(), Live: live, Clock: clock.RealClock{}}
	if err := keeper.SetupWithManager(mgr); err != nil {
		return fmt.Errorf("setting up the retention of requests: %w", err)
	}
	return nil
}
