// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/ry-ops/cortex/hack/localkube/internal/cgroup"
)

// enterRoot gives the node a root of its own: the host's files, with whatever the node
// changes kept in memory (/etc/cni, /var/lib/kubelet, /run and whatever a component
// has no setting for). Only the state folder and the programs are the host's own.
//
// The changes are not kept on disk since overlayfs refuses an upper folder inside of
// its lower one; what is large (images, volumes, logs of pods) is in the state folder.
func enterRoot(spec Spec) error {
	root := spec.Cluster.Layout.Mountpoint()
	if err := overlay(root); err != nil {
		return err
	}
	state := spec.Cluster.Layout.State
	podLogs := spec.Cluster.Layout.Data("pods")
	hierarchies, err := cgroup.Hierarchies()
	if err != nil {
		return err
	}
	steps := []func() error{
		func() error { return bind("/dev", root+"/dev") },
		func() error { return mountNew("tmpfs", root+"/dev/shm") },
		func() error { return mountNew("tmpfs", root+"/run") },
		func() error { return mountNew("proc", root+"/proc") },
		func() error { return mountNew("sysfs", root+"/sys") },
		func() error { return bindCgroups(root, hierarchies) },
		func() error { return bind(state, root+state) },
		func() error { return bind(podLogs, root+"/var/log/pods") },
		func() error { return bindAll(root, spec.Bins) },
		func() error { return pivot(root) },
		func() error { return resolve(spec) },
		shieldSysctls,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// overlay mounts the host's root with a writable layer in memory at root.
func overlay(root string) error {
	// Nothing of this must reach the host's mount namespace.
	if err := mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	layers := root + "/layers"
	if err := mountNew("tmpfs", root); err != nil {
		return err
	}
	for _, dir := range []string{"upper", "work"} {
		if err := os.MkdirAll(filepath.Join(layers, dir), 0o755); err != nil {
			return fmt.Errorf("preparing the node's root: %w", err)
		}
	}
	options := fmt.Sprintf("lowerdir=/,upperdir=%s/upper,workdir=%s/work", layers, layers)
	return mount("overlay", root, "overlay", 0, options)
}

// bindCgroups shows the cgroup hierarchies where the host has them. Where there are
// several, their folder is a tmpfs, for /sys has no room for them.
func bindCgroups(root string, hierarchies []string) error {
	const folder = "/sys/fs/cgroup"
	if !slices.Contains(hierarchies, folder) {
		if err := mountNew("tmpfs", root+folder); err != nil {
			return err
		}
	}
	return bindAll(root, hierarchies)
}

func bindAll(root string, paths []string) error {
	for _, path := range paths {
		if err := bind(path, root+path); err != nil {
			return err
		}
	}
	return nil
}

// bind makes a folder of the host appear in the node's root, with the mounts below.
func bind(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("making a mount point: %w", err)
	}
	return mount(from, to, "", syscall.MS_BIND|syscall.MS_REC, "")
}

func mountNew(kind, at string) error {
	if err := os.MkdirAll(at, 0o755); err != nil {
		return fmt.Errorf("making a mount point: %w", err)
	}
	return mount(kind, at, kind, 0, "")
}

// pivot makes root the root, and lets go of the old one.
func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return fmt.Errorf("entering the node's root: %w", err)
	}
	// With the same folder twice the old root is stacked on the new one: see
	// pivot_root(2), which says that no folder for it is needed then.
	if err := syscall.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := syscall.Unmount(".", syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("letting go of the host's root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return fmt.Errorf("entering the node's root: %w", err)
	}
	// Volumes that the kubelet mounts must appear in containers that run already.
	return mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, "")
}

// resolve gives the node its own name server. The host's file may be a link to what the
// node does not see.
func resolve(spec Spec) error {
	const path = "/etc/resolv.conf"
	content, err := os.ReadFile(spec.Cluster.Layout.Config("resolv.conf"))
	if err != nil {
		return fmt.Errorf("reading the node's resolv.conf: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing %s in the node: %w", path, err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return fmt.Errorf("replacing %s in the node: %w", path, err)
	}
	return nil
}

// shieldSysctls hides the settings that a kubelet changes for the whole machine behind
// files: it finds what it wants to find, and the machine keeps its own.
func shieldSysctls() error {
	for _, name := range []string{
		"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
		"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	} {
		path := filepath.Join("/proc/sys", name)
		value, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading a kernel setting: %w", err)
		}
		shield := filepath.Join("/run/localkube-sysctl", name)
		if err := os.MkdirAll(filepath.Dir(shield), 0o755); err != nil {
			return fmt.Errorf("shielding kernel settings: %w", err)
		}
		if err := os.WriteFile(shield, value, 0o644); err != nil {
			return fmt.Errorf("shielding kernel settings: %w", err)
		}
		if err := mount(shield, path, "", syscall.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr, options string) error {
	if err := syscall.Mount(source, target, kind, flags, options); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", kind, target, err)
	}
	return nil
}
