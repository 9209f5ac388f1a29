// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package component

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func source(t *testing.T) Source {
	t.Helper()
	working, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	found, err := FindSource(working)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEveryComponentIsPinned(t *testing.T) {
	s := source(t)
	for _, c := range []Component{Kubernetes(), Containerd(), CoreDNS(), MetricsServer(), Pause()} {
		version, err := s.VersionOf(c)
		if err != nil || !strings.HasPrefix(version, "v") {
			t.Errorf("%s: %q, %v", c.Name, version, err)
		}
	}
}

func TestStagingModulesFollowKubernetes(t *testing.T) {
	version, err := source(t).VersionOf(Kubernetes())
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(source(t).Folder(Kubernetes()), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	wanted := "v0" + strings.TrimPrefix(version, "v1")
	for line := range strings.Lines(string(content)) {
		if _, to, ok := strings.Cut(line, " => "); ok && !strings.HasSuffix(strings.TrimSpace(to), " "+wanted) {
			t.Errorf("%s does not go with Kubernetes %s", strings.TrimSpace(line), version)
		}
	}
}

func TestKubernetesVersionFlags(t *testing.T) {
	flags := kubernetesVersion("v1.37.2")
	for _, wanted := range []string{"gitVersion=v1.37.2", "gitMajor=1", "gitMinor=37"} {
		if !slices.Contains(flags, "-X k8s.io/component-base/version."+wanted) {
			t.Errorf("no flag sets %s: %q", wanted, flags)
		}
	}
}

func TestKubernetesReleasesCoverEveryProgram(t *testing.T) {
	downloads := kubernetesReleases(source(t).Versions(Kubernetes()))
	for _, name := range Kubernetes().Links {
		if !slices.ContainsFunc(downloads, func(d Download) bool { return d.Name == name }) {
			t.Errorf("%s has no release", name)
		}
	}
}

func TestFindSourceOutsideOfACheckout(t *testing.T) {
	if found, err := FindSource(t.TempDir()); err == nil {
		t.Errorf("found %s", found.Dir)
	}
}
