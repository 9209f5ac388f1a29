// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package addon

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestManifestsParse(t *testing.T) {
	content, err := Manifests(map[string]string{"coredns": "x/coredns:v1", "metrics-server": "x/metrics-server:v1"})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for decoder := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var object struct {
			Kind     string `yaml:"kind"`
			Metadata struct {
				Name string `yaml:"name"`
			} `yaml:"metadata"`
		}
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if object.Kind == "" || object.Metadata.Name == "" {
			t.Errorf("an object without a kind or name: %+v", object)
		}
		kinds[object.Kind]++
	}
	for _, kind := range []string{"Deployment", "Service", "ServiceAccount"} {
		if kinds[kind] != 2 {
			t.Errorf("%d of %s, want 2", kinds[kind], kind)
		}
	}
	for _, wanted := range []string{"image: x/coredns:v1", "image: x/metrics-server:v1", "clusterIP: 10.96.0.10"} {
		if !bytes.Contains(content, []byte(wanted)) {
			t.Errorf("the manifests lack %q", wanted)
		}
	}
}
