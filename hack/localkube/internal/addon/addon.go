// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package addon holds what runs in the cluster itself: CoreDNS and metrics-server, as
// their own projects deploy them.
package addon

import (
	"bytes"
	"embed"
	"fmt"
	"text/template"

	"github.com/ry-ops/cortex/hack/localkube/internal/network"
)

//go:embed manifests
var manifests embed.FS

// Manifests are the add-ons, with the names of their images by component.
func Manifests(images map[string]string) ([]byte, error) {
	parsed, err := template.ParseFS(manifests, "manifests/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("parsing the add-ons: %w", err)
	}
	var out bytes.Buffer
	for _, name := range []string{"coredns.yaml", "metrics-server.yaml"} {
		fmt.Fprintln(&out, "---")
		err := parsed.ExecuteTemplate(&out, name, map[string]any{
			"DNS":           network.DNSService,
			"CoreDNS":       images["coredns"],
			"MetricsServer": images["metrics-server"],
		})
		if err != nil {
			return nil, fmt.Errorf("rendering %s: %w", name, err)
		}
	}
	return out.Bytes(), nil
}
