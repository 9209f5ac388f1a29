// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// A language model needs the whole schema, and no server may make it carry a book.
func TestSchemasAreKeptWithinBounds(t *testing.T) {
	properties := map[string]any{"host": map[string]any{"type": "string", "enum": []string{"a"}}}
	for name, tc := range map[string]struct {
		schema any
		kept   bool
	}{
		"an object": {map[string]any{"type": "object", "properties": properties}, true},
		"none":      {nil, false},
		"no object": {[]string{"x"}, false},
		"too large": {map[string]any{"type": "object", "properties": properties, "x": strings.Repeat("x", maxSchema)}, false},
	} {
		tool := toolOf(&sdk.Tool{Name: "t", InputSchema: tc.schema})
		if got := tool.Schema != nil; got != tc.kept || got && !strings.Contains(string(tool.Schema), `"enum":["a"]`) {
			t.Errorf("%s: %s", name, tool.Schema)
		}
		if name == "too large" && len(tool.Arguments) != 1 {
			t.Errorf("its arguments are known all the same: %+v", tool.Arguments)
		}
	}
}
