// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/gather"
	"github.com/ry-ops/cortex/internal/report"
)

// Bounds on the requests of one run, which are a few dozen at once.
const (
	clientQPS   = 100
	clientBurst = 200
)

// nowhere is where client-go looks for a cluster if it is told of none.
const nowhere = "http://localhost:8080"

// gatherer reads snapshots from a cluster.
type gatherer interface {
	Gather(ctx context.Context, namespace string, target v1alpha1.TargetReference, observed *v1alpha1.ObservedError) (*snapshot.Snapshot, error)
	Namespace(ctx context.Context, namespace string) ([]*snapshot.Snapshot, error)
}

// cluster is what the user's kubeconfig leads to.
type cluster struct {
	gatherer  gatherer
	namespace string
	// where is the address, for errors.
	where string
}

// settingsOf reads the user's kubeconfig and flags: how to reach the cluster, and in which namespace to look. It makes no request.
func settingsOf(config *genericclioptions.ConfigFlags) (*rest.Config, string, error) {
	namespace, _, err := config.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w (see --kubeconfig and --context)", err)
	}
	settings, err := config.ToRESTConfig()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w (see --kubeconfig and --context)", err)
	}
	if raw, err := config.ToRawKubeConfigLoader().RawConfig(); err == nil && clientcmdapi.IsConfigEmpty(&raw) && settings.Host == nowhere {
		return nil, "", errors.New("no kubeconfig was found: set KUBECONFIG or --kubeconfig")
	}
	settings.QPS, settings.Burst = clientQPS, clientBurst
	return settings, namespace, nil
}

// connect makes what reads a namespace. It makes no request.
func connect(config *genericclioptions.ConfigFlags, clock clock.PassiveClock) (*cluster, error) {
	settings, namespace, err := settingsOf(config)
	if err != nil {
		return nil, fmt.Errorf("%w (a file needs no cluster: diagnose --filename)", err)
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	reader, err := client.New(settings, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("building the client: %w", err)
	}
	clientset, err := kubernetes.NewForConfig(settings)
	if err != nil {
		return nil, fmt.Errorf("building the log client: %w", err)
	}
	return &cluster{
		// Secrets are read where the user may: of these only the names of the keys are kept. A handshake is not possible from
		// outside of the cluster's network.
		gatherer:  &gather.Gatherer{Reader: reader, Logs: gather.KubeLogs{Client: clientset}, Clock: clock, Secrets: true},
		namespace: namespace,
		where:     settings.Host,
	}, nil
}

// failed tells what to do about a cluster that could not be read.
func (c *cluster) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w\nIs the cluster at %s the right one (--context), does it answer ('kubectl get svc -n %s'), and may you read there?", firstOf(err), c.where, c.namespace)
}

// firstOf takes one of the errors of parallel reads: a cluster that is away says the same in each.
func firstOf(err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
		return joined.Unwrap()[0]
	}
	return err
}

// live looks at the cluster of the user's kubeconfig.
func (d *diagnose) live(ctx context.Context, named *report.Named) (*report.Report, error) {
	c, err := connect(d.config, d.clock)
	if err != nil {
		return nil, err
	}
	defer progress(d.io.err, "reading namespace "+c.namespace)()
	snapshots, look, err := c.snapshots(ctx, named)
	if err != nil {
		return nil, err
	}
	return report.New(c.namespace, snapshots, look), nil
}

// snapshots reads one target, or all of the namespace. A bare name is resolved by what is read.
func (c *cluster) snapshots(ctx context.Context, named *report.Named) ([]*snapshot.Snapshot, report.Look, error) {
	look := func(target v1alpha1.TargetReference) (*snapshot.Snapshot, error) {
		return c.gatherer.Gather(ctx, c.namespace, target, nil)
	}
	if named == nil {
		all, err := c.gatherer.Namespace(ctx, c.namespace)
		if err != nil {
			return nil, nil, c.failed(ctx, err)
		}
		return all, look, nil
	}
	s, err := look(named.Guess())
	if err != nil {
		return nil, nil, c.failed(ctx, err)
	}
	target, err := named.Find(s.All, c.namespace)
	if err != nil {
		return nil, nil, err
	}
	if target != s.Target {
		if s, err = look(target); err != nil {
			return nil, nil, c.failed(ctx, err)
		}
	}
	return []*snapshot.Snapshot{s}, look, nil
}
