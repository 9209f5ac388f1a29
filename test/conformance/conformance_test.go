// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package conformance runs the public MCP conformance suite, and clients that people use, against a real gateway process.
package conformance_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/test/standalone"
)

// addresses are the columns of the table in docs/mcp.md.
var addresses = []string{"/mcp/" + server, "/mcp"}

// TestConformance: what the suite finds is what docs/mcp.md says.
func TestConformance(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the server's Service has an address of 127.0.8.0/24, which is loopback on Linux alone")
	}
	w := start(t)
	t.Run("the suite", w.suite)
	t.Run("clients", w.clients)
}

func (w *world) suite(t *testing.T) {
	found := map[string]map[string]verdict{}
	for _, path := range addresses {
		url := w.gateway.URL(path)
		if path == "/mcp" {
			url = w.shortNames(t)
		}
		found[path] = run(t, url)
	}
	told := documented(t)
	for scenario := range listed(t) {
		cells, ok := told[scenario]
		if !ok {
			t.Errorf("%s is not in the table of docs/mcp.md", scenario)
			continue
		}
		delete(told, scenario)
		for column, path := range addresses {
			verdict, ran := found[path][scenario]
			_, leftOut := strings.CutPrefix(cells[column], "left out: ")
			switch passed := cells[column] == "passed"; {
			case !ran:
				t.Errorf("%s did not run at %s", scenario, path)
			case passed && !verdict.passed():
				t.Errorf("%s at %s does not pass: %s", scenario, path, verdict)
			case leftOut && verdict.passed():
				t.Errorf("%s at %s passes, and docs/mcp.md has it %q", scenario, path, cells[column])
			case !passed && !leftOut:
				t.Errorf("docs/mcp.md has %s at %s %q: it must be \"passed\" or \"left out: WHY\"", scenario, path, cells[column])
			}
		}
	}
	for scenario := range told {
		t.Errorf("docs/mcp.md has %s, and the suite has not", scenario)
	}
}

// shortNames is the address of all servers for a suite that knows the names of one: it puts the server's name before those of tools,
// and takes it off lists of them. Nothing else is touched.
func (w *world) shortNames(t *testing.T) string {
	t.Helper()
	call, list := []byte(`"method":"tools/call","params":{"name":"`), []byte(`"name":"`+server+`__`)
	next := pass(w.gateway.Address)
	rewrite := next.Rewrite
	next.Rewrite = func(r *httputil.ProxyRequest) {
		rewrite(r)
		r.Out.Host = r.In.Host // which the gateway is to judge
	}
	next.ModifyResponse = func(response *http.Response) error {
		if response.Header.Get("Content-Type") != "application/json" {
			return nil
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		body = bytes.ReplaceAll(body, list, []byte(`"name":"`))
		response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		response.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return nil
	}
	listener := listen(t, "127.0.0.1:0")
	serve(t, listener, http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		whole(r, func(body []byte) []byte { return bytes.Replace(body, call, []byte(string(call)+server+"__"), 1) })
		next.ServeHTTP(out, r)
	}))
	return "http://" + listener.Addr().String() + "/mcp"
}

// verdict is what the suite says of one scenario.
type verdict []struct{ ID, Status, ErrorMessage string }

// passed: something was found right, and nothing wrong.
func (v verdict) passed() bool {
	right := false
	for _, check := range v {
		switch check.Status {
		case "SUCCESS":
			right = true
		case "FAILURE":
			return false
		}
	}
	return right
}

func (v verdict) String() string {
	var text []string
	for _, check := range v {
		if check.Status == "FAILURE" || check.Status == "WARNING" {
			text = append(text, fmt.Sprintf("%s: %s: %s", check.Status, check.ID, check.ErrorMessage))
		}
	}
	return strings.Join(text, "; ")
}

// run runs all server scenarios against an address.
func run(t *testing.T, url string) map[string]verdict {
	t.Helper()
	folder := t.TempDir()
	said, err := node(t, "@modelcontextprotocol/conformance/dist/index.js", "server", "--url", url, "--suite", "all", "--output-dir", folder).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) { // it ends with 1 if anything fails
		t.Fatal(err)
	}
	folders, err := filepath.Glob(filepath.Join(folder, "server-*", "checks.json"))
	standalone.Must(t, err)
	if len(folders) == 0 {
		t.Fatalf("the suite says nothing of any scenario:\n%s", said)
	}
	scenario := regexp.MustCompile(`^server-(.+)-\d{4}-\d\d-\d\dT[-0-9]+Z$`)
	found := map[string]verdict{}
	for _, path := range folders {
		name := scenario.FindStringSubmatch(filepath.Base(filepath.Dir(path)))
		if name == nil {
			t.Fatalf("the suite writes to %s", path)
		}
		raw, err := os.ReadFile(path)
		standalone.Must(t, err)
		var checks verdict
		standalone.Must(t, json.Unmarshal(raw, &checks))
		found[name[1]] = checks
	}
	return found
}

// listed are the server scenarios that the suite has.
func listed(t *testing.T) map[string]bool {
	t.Helper()
	said, err := node(t, "@modelcontextprotocol/conformance/dist/index.js", "list", "--server").Output()
	standalone.Must(t, err)
	all := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^ +- (\S+)`).FindAllSubmatch(said, -1) {
		all[string(line[1])] = true
	}
	if len(all) < 30 {
		t.Fatalf("the suite lists %d server scenarios:\n%s", len(all), said)
	}
	return all
}

// documented is the table of docs/mcp.md: for each scenario what it says of each address.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	text := docs(t)
	told := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| (.+) \\| (.+) \\|$").FindAllStringSubmatch(text, -1) {
		told[row[1]] = row[2:]
	}
	return told
}

func docs(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs", "mcp.md"))
	standalone.Must(t, err)
	_, section, found := strings.Cut(string(raw), "\n## Conformance\n")
	if !found {
		t.Fatal("docs/mcp.md has no section Conformance")
	}
	return section
}

// node runs a program of node_modules, with the Node that hack/conformance.sh installs.
func node(t *testing.T, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	modules, err := filepath.Abs("node_modules")
	standalone.Must(t, err)
	platform := runtime.GOOS + "-" + strings.Replace(runtime.GOARCH, "amd64", "x64", 1)
	path := filepath.Join(modules, "node-"+platform, "bin", "node")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: run hack/conformance.sh, as `make conformance` and `make test` do", err)
	}
	if !filepath.IsAbs(program) {
		program = filepath.Join(modules, program)
	}
	command := exec.CommandContext(t.Context(), path, append([]string{program}, arguments...)...)
	command.Dir = t.TempDir() // where the suite leaves what it is not told to leave elsewhere
	return command
}
