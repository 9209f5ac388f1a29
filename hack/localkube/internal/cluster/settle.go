package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/ry-ops/cortex/hack/localkube/internal/addon"
	"github.com/ry-ops/cortex/hack/localkube/internal/config"
	"github.com/ry-ops/cortex/hack/localkube/internal/image"
	"github.com/ry-ops/cortex/hack/localkube/internal/kubectl"
)

// addonImage is the name of an image of ours. There is no such registry, so a node that
// lost the image says so instead of getting another one somewhere.
func addonImage(programs programs, name string) string {
	return "localkube.invalid/" + name + ":" + programs.versions[name]
}

// settle turns running programs into a cluster: it loads the images of the add-ons,
// applies them and waits until they work.
func (c Cluster) settle(ctx context.Context, programs programs) error {
	runtime := image.Runtime{Bin: programs.folders["containerd"], Socket: c.Layout.ContainerdSocket()}
	images := map[string]string{}
	step := c.Progress.Start("loading the images of CoreDNS and metrics-server")
	for _, name := range []string{"pause", "coredns", "metrics-server"} {
		images[name] = addonImage(programs, name)
		err := runtime.Load(ctx, image.Image{
			Name:       images[name],
			Files:      []image.File{{Source: filepath.Join(programs.folders[name], name), Dest: "/" + name, Mode: 0o755}},
			Entrypoint: []string{"/" + name},
			User:       image.NonRoot,
		})
		if err != nil {
			step.Failed()
			return fmt.Errorf("loading %s: %w", images[name], err)
		}
	}
	step.Done()
	client := kubectl.Client{Program: filepath.Join(programs.folders["kubernetes"], "kubectl"), Kubeconfig: c.Layout.Kubeconfig()}
	manifests, err := addon.Manifests(images)
	if err != nil {
		return err
	}
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
