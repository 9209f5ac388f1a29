// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config renders the configuration of every component. Where a value differs
// from the component's default, the line says why.
package config

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"strconv"
	"text/template"

	"github.com/ry-ops/cortex/hack/localkube/internal/layout"
	"github.com/ry-ops/cortex/hack/localkube/internal/network"
	"github.com/ry-ops/cortex/hack/localkube/internal/pki"
)

const (
	// NodeName is the one node's name.
	NodeName = "cortex-localkube"
	// CgroupRoot is above every pod's cgroup, in each cgroup hierarchy.
	CgroupRoot = "/cortex-localkube"
	// apiServerPort is the API server's port by convention.
	apiServerPort = 6443
)

//go:embed templates
var templates embed.FS

// Cluster is what configuration is rendered from.
type Cluster struct {
	Layout layout.Layout
	Plan   network.Plan
	// CNI is the folder of the CNI plugins.
	CNI string
	// SandboxImage is the image of every pod's first process.
	SandboxImage string
}

// Files renders the files of the config folder, by name.
func (c Cluster) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range []string{
		"audit-policy.yaml", "containerd.toml", "cni.conflist", "kubelet.yaml", "kube-proxy.yaml", "resolv.conf",
	} {
		content, err := c.render(name)
		if err != nil {
			return nil, err
		}
		files[name] = content
	}
	return files, nil
}

func (c Cluster) render(name string) ([]byte, error) {
	parsed, err := template.New(name).
		Funcs(template.FuncMap{"quote": strconv.Quote}).
		ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, fmt.Errorf("parsing the template of %s: %w", name, err)
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, map[string]any{
		"CgroupRoot":   CgroupRoot,
		"CNI":          c.CNI,
		"DNS":          network.DNSService,
		"Layout":       c.Layout,
		"NodeIP":       c.Plan.Node.Addr(),
		"NodePods":     network.NodePods,
		"Pods":         network.Pods,
		"SandboxImage": c.SandboxImage,
	})
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// Server is the address of the API server, for the host and for the node.
func (c Cluster) Server() string {
	return fmt.Sprintf("https://%s:%d", c.Plan.Node.Addr(), apiServerPort)
}

// Kubeconfig is the kubeconfig of a user; it holds the certificates themselves, so
// that the file can be copied.
func (c Cluster) Kubeconfig(user string, ca []byte, pair pki.Pair) []byte {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: cortex-localkube
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %s
  user:
    client-certificate-data: %s
    client-key-data: %s
contexts:
- name: cortex-localkube
  context:
    cluster: cortex-localkube
    user: %s
current-context: cortex-localkube
`, c.Server(), encode(ca), strconv.Quote(user), encode(pair.Certificate), encode(pair.Key), strconv.Quote(user))
}
