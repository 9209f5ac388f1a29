// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package component knows the programs a local Kubernetes is made of: which version,
// how each is built, and where it may be downloaded instead.
package component

import (
	"fmt"
	"strings"
)

// Component is one folder of build/: a Go module of its own that pins a project whose
// dependencies agree with nobody else's.
type Component struct {
	// Name is the folder in build/ and in the cache.
	Name string
	// Module is the module whose version the component has. Without one it is our
	// own program, and its version is Version.
	Module  string
	Version string
	// Packages are its main packages.
	Packages []string
	Tags     []string
	// LDFlags are the linker's flags for a version.
	LDFlags func(version string) []string
	// Links are the names under which one multi-call program is called, and Program
	// that program's own.
	Program string
	Links   []string
	// Takes says how long a build takes, to whoever waits for it.
	Takes string
	// Released lists what to download instead of building, where anything is.
	Released func(versions Versions) []Download
}

// Kubernetes is etcd, the control plane, the node agents and kubectl.
func Kubernetes() Component {
	return Component{
		Name:     "kubernetes",
		Module:   "k8s.io/kubernetes",
		Packages: []string{"."},
		LDFlags:  kubernetesVersion,
		Program:  "kubernetes",
		Links: []string{
			"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
			"kubelet", "kube-proxy", "kubectl",
		},
		Takes:    "about 8 minutes on 2 cores, once",
		Released: kubernetesReleases,
	}
}

// Containerd is the container runtime, its runc shim and its client.
func Containerd() Component {
	const commands = "github.com/containerd/containerd/v2/cmd/"
	return Component{
		Name:     "containerd",
		Module:   "github.com/containerd/containerd/v2",
		Packages: []string{commands + "containerd", commands + "containerd-shim-runc-v2", commands + "ctr"},
		// Snapshotters that need C libraries or kernel modules; overlayfs stays.
		Tags: []string{"no_btrfs", "no_devmapper", "no_zfs"},
		LDFlags: func(version string) []string {
			return []string{"-X github.com/containerd/containerd/v2/version.Version=" + version}
		},
		Takes: "about 1 minute on 2 cores, once",
	}
}

// CoreDNS is the cluster's DNS server.
func CoreDNS() Component {
	return Component{
		Name:     "coredns",
		Module:   "github.com/coredns/coredns",
		Packages: []string{"github.com/coredns/coredns"},
		Takes:    "about 90 seconds on 2 cores, once",
	}
}

// MetricsServer answers the metrics.k8s.io API.
func MetricsServer() Component {
	return Component{
		Name:     "metrics-server",
		Module:   "sigs.k8s.io/metrics-server",
		Packages: []string{"sigs.k8s.io/metrics-server/cmd/metrics-server"},
		LDFlags: func(version string) []string {
			return []string{"-X sigs.k8s.io/metrics-server/pkg/version.gitVersion=" + version}
		},
		Takes: "about 90 seconds on 2 cores, once",
	}
}

// Pause is the first process of every pod.
func Pause() Component {
	return Component{Name: "pause", Version: "v1", Packages: []string{"."}, Takes: "a second"}
}

// kubernetesVersion stamps the version: without it the programs call themselves
// v0.0.0-master, and the API server's compatibility checks go by the wrong version.
func kubernetesVersion(version string) []string {
	const at = "-X k8s.io/component-base/version."
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return []string{
		fmt.Sprintf("%sgitVersion=%s", at, version),
		fmt.Sprintf("%sgitMajor=%s", at, major),
		fmt.Sprintf("%sgitMinor=%s", at, minor),
		fmt.Sprintf("%sgitTreeState=%s", at, "clean"),
		fmt.Sprintf("%sgitCommit=%s", at, "unknown"),
	}
}
