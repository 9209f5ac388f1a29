// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func TestPatched(t *testing.T) {
	for name, test := range map[string]struct {
		patch v1alpha1.Patch
		want  []string
	}{
		"strategic":       {v1alpha1.Patch{Type: v1alpha1.PatchStrategic, Data: `{"spec":{"template":{"spec":{"containers":[{"name":"server","image":"x","env":[{"name":"A","value":"1"}]}]}}}}`}, []string{"spec.template.spec.containers[server].env[A].value", "spec.template.spec.containers[server].image"}},
		"a directive":     {v1alpha1.Patch{Type: v1alpha1.PatchStrategic, Data: `{"spec":{"selector":{"$patch":"replace"}}}`}, []string{"spec.selector"}},
		"merge":           {v1alpha1.Patch{Type: v1alpha1.PatchMerge, Data: `{"spec":{"selector":{"app":"x"},"ports":[{"name":"mcp"}],"paused":null}}`}, []string{"spec.paused", "spec.ports", "spec.selector.app"}},
		"json":            {v1alpha1.Patch{Type: v1alpha1.PatchJSON, Data: `[{"op":"test","path":"/spec/x"},{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"x"},{"op":"add","path":"/metadata/annotations/a~1b"}]`}, []string{"spec.template.spec.containers", "metadata.annotations.a/b"}},
		"what is none":    {v1alpha1.Patch{Type: v1alpha1.PatchMerge, Data: `{`}, nil},
		"another of none": {v1alpha1.Patch{Type: v1alpha1.PatchJSON, Data: `{"spec":1}`}, nil},
	} {
		var got []string
		for _, field := range patched(test.patch) {
			got = append(got, field.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
