// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/ry-ops/cortex/hack/localkube/internal/layout"
	"github.com/ry-ops/cortex/hack/localkube/internal/network"
	"github.com/ry-ops/cortex/hack/localkube/internal/pki"
)

func example() Cluster {
	return Cluster{
		// A path that needs quoting in every format.
		Layout:       layout.Layout{State: `/var/lib/a "state": #1`},
		Plan:         network.Plan{Host: netip.MustParsePrefix("100.64.1.1/30"), Node: netip.MustParsePrefix("100.64.1.2/30")},
		CNI:          "/usr/lib/cni",
		SandboxImage: "localkube.invalid/pause:v1",
	}
}

func TestFilesParse(t *testing.T) {
	files, err := example().Files()
	if err != nil {
		t.Fatal(err)
	}
	parsers := map[string]func([]byte, any) error{"yaml": yaml.Unmarshal, "toml": toml.Unmarshal, "conflist": json.Unmarshal}
	for name, content := range files {
		kind := name[strings.LastIndex(name, ".")+1:]
		parse, ok := parsers[kind]
		if !ok {
			if name != "resolv.conf" {
				t.Errorf("%s: nothing parses it", name)
			}
			continue
		}
		var parsed map[string]any
		if err := parse(content, &parsed); err != nil || len(parsed) == 0 {
			t.Errorf("%s: %v\n%s", name, err, content)
		}
	}
}

func TestFilesSayWhatTheyMust(t *testing.T) {
	files, err := example().Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, wanted := range map[string][]string{
		"containerd.toml":   {"restrict_oom_score_adj = true", `sandbox = "localkube.invalid/pause:v1"`, "SystemdCgroup = false"},
		"kubelet.yaml":      {"cgroupDriver: cgroupfs", "failCgroupV1: false", "oomScoreAdj: 0", "cgroupRoot: /cortex-localkube"},
		"kube-proxy.yaml":   {"mode: iptables", "maxPerCore: 0", "minSyncPeriod: 1ms"},
		"audit-policy.yaml": {`userGroups: ["system:serviceaccounts:cortex-system"]`, "level: None"},
		"cni.conflist":      {`"isGateway": true`, `"hairpinMode": true`, `"subnet": "10.244.0.0/24"`},
		"resolv.conf":       {"nameserver 10.96.0.10"},
	} {
		for _, line := range wanted {
			if !strings.Contains(string(files[name]), line) {
				t.Errorf("%s lacks %q", name, line)
			}
		}
	}
}

func TestKubeconfigParses(t *testing.T) {
	content := example().Kubeconfig("admin", []byte("ca"), pki.Pair{Certificate: []byte("c"), Key: []byte("k")})
	var parsed struct {
		Clusters []struct {
			Cluster struct {
				Server string `yaml:"server"`
			} `yaml:"cluster"`
		} `yaml:"clusters"`
		CurrentContext string `yaml:"current-context"`
	}
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		t.Fatal(err)
	}
	if len(parsed.Clusters) != 1 || parsed.Clusters[0].Cluster.Server != "https://100.64.1.2:6443" {
		t.Errorf("got %+v", parsed)
	}
}

func TestProgramsStartAfterOnesThatExist(t *testing.T) {
	var earlier []string
	for _, p := range example().Programs() {
		for _, needed := range p.After {
			if !slices.Contains(earlier, needed) {
				t.Errorf("%s comes after %s, which is not listed before it", p.Name, needed)
			}
		}
		if p.Health == "" {
			t.Errorf("%s has no health endpoint", p.Name)
		}
		for _, arg := range p.Args {
			if !strings.HasPrefix(arg, "--") || !strings.Contains(arg, "=") {
				t.Errorf("%s has the argument %q, want --flag=value", p.Name, arg)
			}
		}
		earlier = append(earlier, p.Name)
	}
}
