// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/mcp"
)

// BenchmarkToolbox is what every request to the model costs before it is sent: 200 tools, each with a page about itself.
func BenchmarkToolbox(b *testing.B) {
	s := server("a", "sandfly")
	schema := `{"type":"object","properties":{` + strings.Repeat(`"a":{"type":"string","description":"the name of a host as the list of hosts has it"},`, 10) + `"z":{"type":"string"}}}`
	for i := range 200 {
		s.Tools = append(s.Tools, mcp.Tool{Name: fmt.Sprintf("tool_%d", i), Description: strings.Repeat("It lists what there is. ", 40), Schema: json.RawMessage(schema)})
	}
	b.ReportAllocs()
	for b.Loop() {
		toolboxOf([]chat.Server{s}, nil)
	}
}
