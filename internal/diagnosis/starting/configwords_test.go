// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

const (
	configMap = snapshot.KindConfigMap
	secret    = snapshot.KindSecret
)

func TestWantings(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []wanting
	}{
		"variable":            {`configmap "sandfly-config" not found`, []wanting{{kind: configMap, name: "sandfly-config"}}},
		"event":               {`Error: secret "sandfly-token" not found`, []wanting{{kind: secret, name: "sandfly-token"}}},
		"of the API":          {`configmaps "sandfly-config" not found`, []wanting{{kind: configMap, name: "sandfly-config"}}},
		"key":                 {`couldn't find key token in Secret cortex-system/sandfly-token`, []wanting{{kind: secret, name: "sandfly-token", key: "token"}}},
		"key, old kubelet":    {`Couldn't find key url in ConfigMap cortex-system/sandfly-config`, []wanting{{kind: configMap, name: "sandfly-config", key: "url"}}},
		"name with a dot":     {`couldn't find key a.b in ConfigMap ns/kube-root-ca.crt`, []wanting{{kind: configMap, name: "kube-root-ca.crt", key: "a.b"}}},
		"volume":              {`MountVolume.SetUp failed for volume "tls" : secret "sandfly-tls" not found`, []wanting{{kind: secret, name: "sandfly-tls", volume: "tls"}}},
		"item":                {`MountVolume.SetUp failed for volume "config" : references non-existent config key: x.yaml`, []wanting{{kind: configMap, key: "x.yaml", volume: "config"}}},
		"item of a Secret":    {`MountVolume.SetUp failed for volume "tls" : references non-existent secret key: tls.crt`, []wanting{{kind: secret, key: "tls.crt", volume: "tls"}}},
		"projected":           {`MountVolume.SetUp failed for volume "all" : [secret "a" not found, references non-existent config key: k]`, []wanting{{kind: secret, name: "a", volume: "all"}, {kind: configMap, key: "k", volume: "all"}}},
		"item without volume": {`references non-existent config key: x.yaml`, nil},
		"service account":     {`error looking up service account ns/x: serviceaccount "x" not found`, nil},
		"not registered":      {`MountVolume.SetUp failed for volume "x" : object "ns"/"x" not registered`, nil},
		"cache":               {`failed to sync configmap cache: timed out waiting for the condition`, nil},
		"nothing":             {``, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, wantings(test.text), cmp.AllowUnexported(wanting{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzWantings holds that what is found stands in the text, and that nothing is found without a name or a place.
func FuzzWantings(f *testing.F) {
	f.Add(`MountVolume.SetUp failed for volume "all" : [secret "a" not found, configmap references non-existent config key: k]`)
	f.Add(`couldn't find key token in Secret cortex-system/sandfly-token`)
	f.Add(`configmap "` + strings.Repeat("x", 1000) + `" not found`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range wantings(text) {
			if w.name == "" && (w.key == "" || w.volume == "") || w.kind != configMap && w.kind != secret {
				t.Errorf("%+v of %q", w, text)
			}
			for _, part := range []string{w.name, w.key, w.volume} {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in %q", part, text)
				}
			}
		}
	})
}
