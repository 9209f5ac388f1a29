// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/test/standalone"
)

const simpleText = "This is a simple text response for testing."

// clients: what people use lists the tools and calls one, before and after a restart of the server; in one session, if its version has any.
func (w *world) clients(t *testing.T) {
	for path, prefix := range map[string]string{"/mcp": server + "__", "/mcp/" + server: ""} {
		for _, one := range []struct{ sdk, can, version string }{
			{"@modelcontextprotocol/sdk", `{}`, "2025-11-25"},
			{"@modelcontextprotocol/client", `{}`, "2026-07-28"},
			{"@modelcontextprotocol/client", `{"elicitation":{}}`, "2025-11-25"},
		} {
			t.Run(one.sdk+" that can "+one.can+" at "+path, func(t *testing.T) {
				w.typescript(t, one.version, one.sdk, w.gateway.URL(path), prefix+"test_simple_text", one.can)
			})
		}
	}
	for _, name := range []string{"@modelcontextprotocol/sdk", "@modelcontextprotocol/client", "@modelcontextprotocol/conformance"} {
		if text := name + "` " + installed(t, name); !strings.Contains(docs(t), text) {
			t.Errorf("docs/mcp.md does not say %q", text)
		}
	}
}

func (w *world) typescript(t *testing.T, version, sdk, url, tool, can string) {
	type step struct {
		Session, Version, Text string
		Tools                  []string
	}
	client, err := filepath.Abs("client.mjs")
	standalone.Must(t, err)
	command := node(t, client, sdk, url, tool, can)
	again, err := command.StdinPipe()
	standalone.Must(t, err)
	out, err := command.StdoutPipe()
	standalone.Must(t, err)
	var complaints strings.Builder
	command.Stderr = &complaints
	standalone.Must(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill() })
	lines := bufio.NewReader(out)
	next := func() (seen step) {
		t.Helper()
		line, err := lines.ReadBytes('\n')
		if err != nil {
			_ = command.Wait()
			t.Fatalf("%v: the client says: %s", err, complaints.String())
		}
		standalone.Must(t, json.Unmarshal(line, &seen))
		return seen
	}
	before := next()
	if sessions := version < "2026"; (before.Session != "") != sessions || before.Version != version || before.Text != simpleText || !slices.Contains(before.Tools, tool) {
		t.Errorf("before the restart: %+v", before)
	}
	w.backend.restart(t)
	_, err = io.WriteString(again, "again\n")
	standalone.Must(t, err)
	if after := next(); after.Session != before.Session || after.Text != simpleText {
		t.Errorf("after the restart: %+v, before: %+v", after, before)
	}
	standalone.Must(t, again.Close())
	standalone.Must(t, command.Wait())
}

// installed is the version of a package.
func installed(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("node_modules", name, "package.json"))
	standalone.Must(t, err)
	var about struct{ Version string }
	standalone.Must(t, json.Unmarshal(raw, &about))
	return about.Version
}
