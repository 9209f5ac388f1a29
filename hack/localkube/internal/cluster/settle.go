// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/ry-ops/cortex/hack/localkube/internal/addon"
	"github.com/ry-ops/cortex/hack/localkube/internal/config"
	"github.com/ry-ops/cortex/hack/localkube/internal/image"
	"github.com/ry-ops/cortex/hack/localkube/internal/kubectl"
	"github.com/ry-ops/cortex/hack/localkube/internal/supervise"
)

// addonImage is the name of an image of ours. There is no such registry, so a node that
// lost the image says so instead of getting another one somewhere.
func addonImage(programs programs, name string) string {
	return "localkube.invalid/" + name + ":" + programs.versions[name]
}

// addonNames are the components that run as containers.
func addonNames() []string {
	return []string{"pause", "coredns", "metrics-server"}
}

// loadAddons loads the images of the add-ons as soon as containerd takes them.
func (c Cluster) loadAddons(ctx context.Context, programs programs, exited <-chan struct{}) error {
	if err := c.watch(ctx, exited, hasContainerd); err != nil {
		return err
	}
	runtime := image.Runtime{Bin: programs.folders["containerd"], Socket: c.Layout.ContainerdSocket()}
	for _, name := range addonNames() {
		err := runtime.Load(ctx, image.Image{
			Name:       addonImage(programs, name),
			Files:      []image.File{{Source: filepath.Join(programs.folders[name], name), Dest: "/" + name, Mode: 0o755}},
			Entrypoint: []string{"/" + name},
			User:       image.NonRoot,
		})
		if err != nil {
			return fmt.Errorf("loading the image of %s: %w", name, err)
		}
	}
	return nil
}

func hasContainerd(status supervise.Status) bool {
	return slices.ContainsFunc(status.Programs, func(p supervise.ProgramStatus) bool {
		return p.Name == "containerd" && p.Healthy
	})
}

// settle turns running programs into a cluster: it applies the add-ons and waits until
// they work.
func (c Cluster) settle(ctx context.Context, programs programs) error {
	images := map[string]string{}
	for _, name := range addonNames() {
		images[name] = addonImage(programs, name)
	}
	manifests, err := addon.Manifests(images)
	if err != nil {
		return err
	}
	client := kubectl.Client{Program: filepath.Join(programs.folders["kubernetes"], "kubectl"), Kubeconfig: c.Layout.Kubeconfig()}
	if err := client.Apply(ctx, manifests); err != nil {
		return err
	}
	return c.await(ctx, client)
}

// await waits for what a cluster is expected to have.
func (c Cluster) await(ctx context.Context, client kubectl.Client) error {
	for _, wanted := range []struct {
		label     string
		condition string
		object    []string
	}{
		{"waiting for the node", "Ready", []string{"node/" + config.NodeName}},
		{"waiting for CoreDNS", "Available", []string{"--namespace=kube-system", "deployment/coredns"}},
		{"waiting for metrics-server", "Available", []string{"apiservice/v1beta1.metrics.k8s.io"}},
	} {
		step := c.Progress.Start("%s", wanted.label)
		if err := client.Wait(ctx, wanted.condition, wanted.object...); err != nil {
			step.Failed()
			return fmt.Errorf("%s: %w\n%s", wanted.label, err, client.Explain(context.WithoutCancel(ctx)))
		}
		step.Done()
	}
	return nil
}
