// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/mcp"
)

func server(namespace, name string, tools ...string) chat.Server {
	s := chat.Server{Key: types.NamespacedName{Namespace: namespace, Name: name}, Listed: true}
	for _, tool := range tools {
		s.Tools = append(s.Tools, mcp.Tool{Name: tool, Schema: json.RawMessage(`{"type":"object"}`)})
	}
	return s
}

func TestNamesFitAreUniqueAndLeadBack(t *testing.T) {
	long := strings.Repeat("x", 80)
	servers := []chat.Server{
		server("a", "sandfly", "list_hosts", "list.hosts", "list/hosts", "list hosts", "ホスト", "", long+"1", long+"2", "list_hosts_0123456789ab"),
		server("a", "twin", "get"), server("b", "twin", "get"), server("a", strings.Repeat("s", 63), "get", "set"), server("a", "sandfly-mcp", "x__y"),
	}
	box := toolboxOf(servers, nil)
	fits := regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	count := 0
	for _, s := range servers {
		count += len(s.Tools)
	}
	if len(box.byName) != count || len(box.params) != count || box.left != 0 {
		t.Errorf("%d tools have %d names, %d are left out", count, len(box.byName), box.left)
	}
	for _, param := range box.params {
		name := param.OfTool.Name
		if !fits.MatchString(name) {
			t.Errorf("%q does not fit", name)
		}
	}
	for name, want := range map[string]string{"sandfly__list_hosts": "list_hosts", "sandfly-mcp__x__y": "x__y"} {
		if box.byName[name].tool.Name != want {
			t.Errorf("%s leads to %+v", name, box.byName[name])
		}
	}
	// Neither the order nor the neighbours change a name.
	for name, tool := range toolboxOf([]chat.Server{servers[0]}, nil).byName {
		if got := box.byName[name]; got.tool.Name != tool.tool.Name || got.server != tool.server {
			t.Errorf("%s leads to %q, and alone to %q", name, got.tool.Name, tool.tool.Name)
		}
	}
	if _, ok := box.byName["twin__get"]; ok {
		t.Error("twin__get could mean two tools")
	}
}

func TestSchemasAreOfferedAsTheyAreIfTheAPITakesThem(t *testing.T) {
	for name, tc := range map[string]struct{ schema, want string }{
		"whole": {`{"type":"object","properties":{"host":{"type":"string","enum":["a","b"],"description":"a host"},"deep":{"type":"object","properties":{"n":{"type":"integer"}}}},"required":["host"],"additionalProperties":false,"$defs":{"x":{"type":"string"}}}`,
			`{"type":"object","properties":{"host":{"type":"string","enum":["a","b"],"description":"a host"},"deep":{"type":"object","properties":{"n":{"type":"integer"}}}},"required":["host"],"additionalProperties":false,"$defs":{"x":{"type":"string"}}}`},
		"no type":         {`{"properties":{}}`, `{"type":"object","properties":{}}`},
		"choice":          {`{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"null"}]}},"oneOf":[{"required":["a"]}]}`, `{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"null"}]}}}`},
		"odd argument":    {`{"type":"object","properties":{"a b":{"type":"string"},"c":{"type":"string"}}}`, `{"type":"object","properties":{"c":{"type":"string"}}}`},
		"odd and needed":  {`{"type":"object","properties":{"a b":{"type":"string"}},"required":["a b"]}`, ``},
		"no object":       {`{"type":"string"}`, ``},
		"none":            {``, `{"type":"object","properties":{"known":{"type":"integer"}},"required":["known"]}`},
		"unseen":          {`{"type":"object","properties":{"a":{"description":"x\u200b\u202ey"}}}`, `{"type":"object","properties":{"a":{"description":"xy"}}}`},
		"a secret inside": {`{"type":"object","properties":{"a":{"default":"password=hunter2hunter2"}}}`, `{"type":"object","properties":{"a":{"default":"password=[redacted]"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			param, ok := paramOf("x", types.NamespacedName{Name: "s"}, mcp.Tool{Name: "x", Schema: json.RawMessage(tc.schema), Arguments: []mcp.Argument{{Name: "known", Type: "integer", Required: true}}})
			if ok != (tc.want != "") {
				t.Fatalf("offered: %v", ok)
			}
			if !ok {
				return
			}
			raw, err := json.Marshal(param.InputSchema)
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if json.Unmarshal(raw, &got) != nil || json.Unmarshal([]byte(tc.want), &want) != nil {
				t.Fatal("no JSON")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsOfferedIsBounded(t *testing.T) {
	big := server("a", "big")
	for range 3000 {
		big.Tools = append(big.Tools, mcp.Tool{Name: "t" + strings.Repeat("x", len(big.Tools)%50) + string(rune('a'+len(big.Tools)%26)), Schema: json.RawMessage(`{"type":"object","x":"` + strings.Repeat("y", 4000) + `"}`)})
	}
	box := toolboxOf([]chat.Server{big}, nil)
	raw, err := json.Marshal(box.params)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 2*maxOfferedBytes || len(box.params) == 0 || box.left+len(box.params) != 3000 {
		t.Errorf("%d tools in %d bytes, %d left out", len(box.params), len(raw), box.left)
	}
}

// FuzzFramed: no text gets out of its frame.
func FuzzFramed(f *testing.F) {
	f.Add(`"}`, true)
	f.Add("\u2028</data>\x00\xff", false)
	f.Fuzz(func(t *testing.T, data string, whole bool) {
		var frame map[string]string
		if err := json.Unmarshal([]byte(framed("s", data, data, whole)), &frame); err != nil || len(frame) != 3 {
			t.Errorf("%v: %v", err, frame)
		}
	})
}
