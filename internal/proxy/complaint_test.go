// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/recovery"
)

// TestComplaints: what a tool says of its dependency has its server looked at, whatever way it says it, and is the answer where that
// changes nothing. What only looks like it is data.
func TestComplaints(t *testing.T) {
	const said = "connect ECONNREFUSED 10.96.0.12:5432"
	result := func(flag, text string) string {
		return `{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"` + text + `"}],` + flag + `}}`
	}
	long := strings.Repeat("x", 2<<10)
	for name, tc := range map[string]struct {
		tool, kind, answer string
		status             int
		class              v1alpha1.ErrorClass
	}{
		"a result":                   {"list_hosts", "application/json", result(`"isError":true`, said), 200, v1alpha1.ErrorDependencyDown},
		"with a space":               {"list_hosts", "application/json", result(`"isError" : false,"isError": true`, said), 200, v1alpha1.ErrorDependencyDown},
		"in a stream":                {"list_hosts", "text/event-stream", "id: 1\ndata: " + result(`"isError":true`, said) + "\n\n", 200, v1alpha1.ErrorDependencyDown},
		"not to be called twice":     {"start_scan", "application/json", result(`"isError":true`, said), 200, v1alpha1.ErrorDependencyDown},
		"a JSON-RPC error":           {"list_hosts", "application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":7,"message":"` + said + `"}}`, 200, v1alpha1.ErrorDependencyDown},
		"one with an HTTP status":    {"list_hosts", "application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":7,"message":"` + said + `"}}`, 400, v1alpha1.ErrorDependencyDown},
		"in the middle":              {"list_hosts", "application/json", result(`"structuredContent":{"x":"`+long+`"},"isError" : true,"_meta":{"x":"`+long+`"}`, said), 200, v1alpha1.ErrorDependencyDown},
		"another error":              {"list_hosts", "application/json", result(`"isError":true`, "no such host: web-1"), 200, ""},
		"no error":                   {"list_hosts", "application/json", result(`"isError":false`, said), 200, ""},
		"data that has the words":    {"list_hosts", "application/json", result(`"structuredContent":{"isError":true}`, said), 200, ""},
		"text that has the words":    {"list_hosts", "application/json", result(`"isError":false`, said+` \"isError\":true`), 200, ""},
		"a question to the user":     {"list_hosts", "application/json", `{"jsonrpc":"2.0","id":%s,"error":{"code":-32042,"message":"` + said + `","data":{"elicitations":[]}}}`, 200, ""},
		"a result that is too large": {"list_hosts", "application/json", result(`"isError":true`, said+strings.Repeat(" ", maxComplaint)), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "a question to the user" {
				tc.answer = strings.Replace(tc.answer, said, "sign in first", 1)
			}
			sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
			w := newWorld(t, []*mcptest.Backend{sandfly})
			w.healer.failed = "nothing is wrong with it"
			close(w.healer.well)
			toolNames(t, w.connect("/mcp", nil))
			sandfly.Break(func(w http.ResponseWriter, _ *http.Request, body string, _ http.HandlerFunc) bool {
				var message struct{ ID json.RawMessage }
				if json.Unmarshal([]byte(body), &message) != nil || !strings.Contains(body, "tools/call") {
					return false
				}
				w.Header().Set("Content-Type", tc.kind)
				w.WriteHeader(tc.status)
				_, _ = fmt.Fprintf(w, tc.answer, message.ID)
				return true
			})
			opened := w.sessions("sandfly")
			_, got := w.raw("/mcp", newSession(versions[0], 0).id, `{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"name":"sandfly__`+tc.tool+`"}}`)
			if want := strings.Trim(strings.TrimPrefix(fmt.Sprintf(tc.answer, `"mine"`), "id: 1\ndata: "), "\n"); !strings.Contains(got, want) &&
				tc.status == 200 || !strings.Contains(got, `"mine"`) || !strings.Contains(got, said) && tc.class != "" {
				t.Errorf("got %.300s\nwant %.300s", got, want)
			}
			var failure healing.Failure
			if tc.class != "" {
				mcptest.Eventually(t, "a heal is asked for", func() bool { return w.healer.count() > 0 })
				failure = <-w.healer.began
			}
			if failure.Error.Class != tc.class || tc.class == "" && w.healer.count() != 0 {
				t.Errorf("recorded %+v", failure)
			}
			if w.sessions("sandfly") != opened {
				t.Error("the session of a server that works was dropped")
			}
		})
	}
}

// TestAPanicIsOfItsCallAlone: and its client is told.
func TestAPanicIsOfItsCallAlone(t *testing.T) {
	sandfly := server(t, "sandfly", sdk.StreamableHTTPOptions{}, nil)
	w := newWorld(t, []*mcptest.Backend{sandfly})
	toolNames(t, w.connect("/mcp", nil))
	b, err := w.proxy.backends.find("sandfly")
	if err != nil {
		t.Fatal(err)
	}
	c := &call{backend: b, proxy: w.proxy, request: &request{}, make: func(*session) error { panic("boom") }}
	err = w.proxy.Recoverer.Do(t.Context(), recovery.Call{Server: b.server, Make: c.try}, c)
	if err == nil || c.failure == nil || c.failure.Class != v1alpha1.ErrorInternal || w.healer.count() != 0 {
		t.Errorf("%v: %+v", err, c.failure)
	}
}

func TestSaysError(t *testing.T) {
	for text, want := range map[string]bool{
		``: false, `{}`: false, `{"isError":true}`: true, `{"isError": true}`: true, `{"isError" : true}`: true, `{"isError"}`: false, `{"isError"`: false, `{"Error":true}`: false, `{"isError":false}`: false, `{"isError":`: false,
		`{"isError":false,"x":{"isError":true}}`: true, `{"text":"\"isError\":true"}`: false,
	} {
		if got := saysError([]byte(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

var _ recovery.Listener = (*call)(nil)

// BenchmarkSaysError is what a healthy answer pays: nothing beside the call.
func BenchmarkSaysError(b *testing.B) {
	for _, size := range []int{64, maxComplaint} {
		data := []byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"` + strings.Repeat("x", size) + `"}],"isError":false}}`)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				saysError(data)
			}
		})
	}
	rows := []byte(strings.Repeat(`{"id":1,"NAME":"E1","text":"\\"Error\\""},`, maxComplaint/40))
	b.Run("rows", func(b *testing.B) {
		b.SetBytes(int64(len(rows)))
		for b.Loop() {
			saysError(rows)
		}
	})
}
