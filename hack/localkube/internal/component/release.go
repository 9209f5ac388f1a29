// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"fmt"
	"strings"
)

// Versions yields the version that a component's go.mod pins of a module.
type Versions func(module string) (string, error)

// Download is one released file.
type Download struct {
	// URL is the file; Checksum is a file that holds its SHA-256, alone or beside
	// its name as sha256sum writes it.
	URL      string
	Checksum string
	// Unpack names the one file to take out of a gzipped tar archive.
	Unpack string
	// Name is the program's name.
	Name string
}

// kubernetesReleases are the server binaries of a Kubernetes release, whose layout is
// https://kubernetes.io/releases/download/#binaries, and etcd's release archive.
func kubernetesReleases(versions Versions) []Download {
	const kubernetes = "https://dl.k8s.io/release/%s/bin/linux/%s/%s"
	const etcd = "https://github.com/etcd-io/etcd/releases/download/"
	version, err := versions("k8s.io/kubernetes")
	if err != nil {
		return nil
	}
	etcdVersion, err := versions("go.etcd.io/etcd/server/v3")
	if err != nil {
		return nil
	}
	folder := fmt.Sprintf("etcd-%s-linux-%s", etcdVersion, arch)
	downloads := []Download{{
		Name:     "etcd",
		URL:      etcd + etcdVersion + "/" + folder + ".tar.gz",
		Checksum: etcd + etcdVersion + "/SHA256SUMS",
		Unpack:   folder + "/etcd",
	}}
	for _, name := range Kubernetes().Links {
		if name == "etcd" {
			continue
		}
		url := fmt.Sprintf(kubernetes, version, arch, name)
		downloads = append(downloads, Download{Name: name, URL: url, Checksum: url + ".sha256"})
	}
	return downloads
}

// FileName is the last part of the download's address.
func (d Download) FileName() string {
	return d.URL[strings.LastIndex(d.URL, "/")+1:]
}
