// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/component"
	"github.com/ry-ops/cortex/hack/localkube/internal/config"
	"github.com/ry-ops/cortex/hack/localkube/internal/debian"
	"github.com/ry-ops/cortex/hack/localkube/internal/network"
	"github.com/ry-ops/cortex/hack/localkube/internal/pki"
	"github.com/ry-ops/cortex/hack/localkube/internal/provide"
)

// upWithin bounds everything after the programs are there: a start takes a thirtieth of
// it on two cores that have nothing else to do.
const upWithin = 10 * time.Minute

// Up starts the cluster, unless it runs already, and returns when it is of use. The
// provider is asked for only where programs are needed.
func (c Cluster) Up(ctx context.Context, provider func() (provide.Provider, error)) error {
	if err := requireMachine(); err != nil {
		return err
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	switch status, err := c.Status(ctx); {
	case err == nil && status.Healthy():
		c.Progress.Say("the cluster is running already")
		return nil
	case err == nil:
		c.Progress.Say("the cluster is running but broken; starting it afresh")
	case !errors.Is(err, ErrNotRunning):
		return err
	}
	programs, err := c.gather(ctx, provider)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, upWithin)
	defer cancel()
	started := time.Now()
	if err := c.start(ctx, programs); err != nil {
		// What is left of it would only look like a cluster; its logs stay.
		return errors.Join(err, c.stop(context.WithoutCancel(ctx)))
	}
	c.Progress.Say("the cluster is up after %s; export KUBECONFIG=%s",
		time.Since(started).Round(100*time.Millisecond), c.Layout.Kubeconfig())
	return nil
}

// programs are the folders of the programs of a node, and their versions.
type programs struct {
	folders  map[string]string
	versions map[string]string
}

// gather installs, downloads or builds all that a node needs.
func (c Cluster) gather(ctx context.Context, newProvider func() (provide.Provider, error)) (programs, error) {
	found := programs{folders: map[string]string{}, versions: map[string]string{}}
	provider, err := newProvider()
	if err != nil {
		return found, err
	}
	if err := debian.Install(ctx, c.Progress); err != nil {
		return found, err
	}
	for _, wanted := range []component.Component{
		component.Kubernetes(), component.Containerd(), component.CoreDNS(),
		component.MetricsServer(), component.Pause(),
	} {
		folder, err := provider.Bin(ctx, wanted)
		if err != nil {
			return found, err
		}
		version, err := provider.Source.VersionOf(wanted)
		if err != nil {
			return found, err
		}
		found.folders[wanted.Name], found.versions[wanted.Name] = folder, version
	}
	return found, nil
}

// start starts a node afresh and waits until it works.
func (c Cluster) start(ctx context.Context, programs programs) error {
	if err := c.stop(ctx); err != nil {
		return err
	}
	if err := c.clear(); err != nil {
		return err
	}
	loadModules(ctx)
	routes, err := network.Routes(ctx)
	if err != nil {
		return err
	}
	plan, err := network.Choose(routes)
	if err != nil {
		return err
	}
	cluster := config.Cluster{
		Layout:       c.Layout,
		Plan:         plan,
		CNI:          debian.CNI,
		SandboxImage: addonImage(programs, "pause"),
	}
	if err := c.prepare(cluster); err != nil {
		return err
	}
	if err := c.launch(ctx, cluster, programs); err != nil {
		return err
	}
	return c.settle(ctx, programs)
}

// loadModules loads the two kernel modules that nothing loads on demand. A machine
// that has them built in, or no modprobe, needs nothing here.
func loadModules(ctx context.Context) {
	for _, module := range []string{"overlay", "br_netfilter"} {
		_ = exec.CommandContext(ctx, "modprobe", "--quiet", module).Run()
	}
}

// clear empties the state folder but for the lock, which is held.
func (c Cluster) clear() error {
	entries, err := os.ReadDir(c.Layout.State)
	if err != nil {
		return fmt.Errorf("clearing the state folder: %w", err)
	}
	for _, entry := range entries {
		path := filepath.Join(c.Layout.State, entry.Name())
		if path == c.Layout.Lock() {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("clearing the state folder: %w", err)
		}
	}
	return nil
}

// prepare fills the state folder.
func (c Cluster) prepare(cluster config.Cluster) error {
	certificates, err := pki.Cluster{
		NodeName:   config.NodeName,
		NodeIP:     cluster.Plan.Node.Addr(),
		APIService: network.APIService,
	}.Files()
	if err != nil {
		return err
	}
	files, err := cluster.Files()
	if err != nil {
		return err
	}
	content := map[string][]byte{}
	for name, file := range files {
		content[c.Layout.Config(name)] = file
	}
	for name, file := range certificates {
		content[c.Layout.PKI(name)] = file
	}
	for _, user := range []string{"controller-manager", "scheduler", "proxy", "kubelet", "admin"} {
		pair := pki.Pair{Certificate: certificates[user+".crt"], Key: certificates[user+".key"]}
		content[c.Layout.Config(user+".kubeconfig")] = cluster.Kubeconfig(user, certificates["ca.crt"], pair)
	}
	content[c.Layout.Kubeconfig()] = content[c.Layout.Config("admin.kubeconfig")]
	for _, folder := range []string{
		c.Layout.Logs(), c.Layout.Mountpoint(), c.Layout.Data("pods"), filepath.Dir(c.Layout.SupervisorSocket()),
	} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("preparing the state folder: %w", err)
		}
	}
	return writeAll(content)
}

// writeAll writes files that only root may read: there are keys among them.
func writeAll(files map[string][]byte) error {
	for path, content := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("preparing the state folder: %w", err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("preparing the state folder: %w", err)
		}
	}
	return nil
}
