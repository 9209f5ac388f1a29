// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/test/steady"
)

const (
	fixtures = "../../internal/diagnosis/testdata/"
	sick     = fixtures + "OOMKilled/over-the-limit/objects.yaml"
	well     = fixtures + "Healthy/offline-looks-well/objects.yaml"
)

// execute runs a command line as a shell would.
func execute(t *testing.T, stdin string, args ...string) (code int, out, complaint string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	clock := clocktesting.NewFakeClock(time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC))
	code = run(t.Context(), args, streams{strings.NewReader(stdin), &stdout, &stderr}, clock)
	return code, stdout.String(), stderr.String()
}

func file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// asJSON is what kubectl would have written with -o json.
func asJSON(t *testing.T) string {
	t.Helper()
	list := `{"apiVersion": "v1", "items": [`
	for i, name := range []string{"deployments", "services", "pods", "replicasets"} {
		raw := contentOf(t, "testdata/cluster-info/cortex-system/"+name+".json")
		if i > 0 {
			list += ","
		}
		list += raw
	}
	return list + `], "kind": "List"}`
}

// standardOutput is what `kubectl cluster-info dump` prints where it is given no directory: lists, and logs among them.
func standardOutput(t *testing.T) string {
	t.Helper()
	text := ""
	for _, name := range []string{"nodes.json", "cortex-system/services.json", "cortex-system/deployments.json", "cortex-system/replicasets.json", "cortex-system/pods.json", "cortex-system/sandfly-mcp-server-7d9c-aaaaa/logs.txt"} {
		text += contentOf(t, "testdata/cluster-info/"+name)
	}
	return text + contentOf(t, "testdata/cluster-info/cortex-system/events.json")
}

// windows is how a shell of Windows redirects: UTF-16 with a byte order mark, and its line ends.
func windows(text string) []byte {
	raw := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(strings.ReplaceAll(text, "\n", "\r\n"))) {
		raw = append(raw, byte(unit), byte(unit>>8))
	}
	return raw
}

// Manifests may have no names yet. What nobody looks at in any case is not complained of.
func TestManifestsWithoutNames(t *testing.T) {
	t.Setenv("KUBECONFIG", "/nonexistent")
	text := contentOf(t, well) + "---\nkind: HealingRequest\nmetadata: {generateName: sandfly-}\n---\nkind: Pod\nmetadata: {generateName: debug-}\n"
	_, out, complaint := execute(t, text, "diagnose", "-f", "-", "--verbose")
	if told := out + complaint; strings.Contains(told, "HealingRequest") || !strings.Contains(told, "reading a Pod (generateName debug-): it has no name") {
		t.Error(told)
	}
}

func TestExitCodes(t *testing.T) {
	t.Setenv("KUBECONFIG", "/nonexistent")
	list := asJSON(t)
	two := contentOf(t, sick) + "---\n" + strings.ReplaceAll(contentOf(t, well), "namespace: cortex-system", "namespace: other")
	for name, test := range map[string]struct {
		args  []string
		stdin string
		code  int
		want  string // in the output, or in what is complained of
	}{
		"a finding":              {[]string{"-f", sick}, "", 1, "OOMKilled (Limit): "},
		"healthy":                {[]string{"-f", well}, "", 0, "Healthy: Service sandfly-mcp-server looks well"},
		"a target":               {[]string{"sandfly-mcp-server", "-f", sick}, "", 1, "OOMKilled (Limit): "},
		"a workload":             {[]string{"deploy/sandfly-mcp-server", "-f", sick, "-n", "cortex-system"}, "", 1, "OOMKilled (Limit): "},
		"stdin":                  {[]string{"-f", "-"}, list, 1, "OOMKilled (Limit): "},
		"JSON":                   {[]string{"-f", file(t, "x", []byte(list))}, "", 1, "OOMKilled (Limit): "},
		"UTF-16 of Windows":      {[]string{"-f", file(t, "x", windows(list))}, "", 1, "OOMKilled (Limit): "},
		"UTF-8 with a mark":      {[]string{"-f", file(t, "x", []byte("\xef\xbb\xbf"+list))}, "", 1, "OOMKilled (Limit): "},
		"a directory":            {[]string{"-f", "testdata/cluster-info"}, "", 1, "last error in its log: ERROR: cannot hold all hosts in memory"},
		"cluster-info dump":      {[]string{"-f", "-"}, standardOutput(t), 1, "last error in its log: ERROR: cannot hold all hosts in memory"},
		"two files":              {[]string{"-f", "testdata/cluster-info/cortex-system/services.json", "-f", "testdata/cluster-info/cortex-system"}, "", 1, "OOMKilled (Limit): "},
		"logs":                   {[]string{"-f", sick, "--logs", "-"}, `{"logs": {"sandfly-mcp-server-7d9c-aaaaa/mcp": "ERROR: too many hosts"}}`, 1, "too many hosts"},
		"another moment":         {[]string{"-f", well, "--now", "2026-11-23T14:05:00Z", "-o", "json"}, "", 0, `"time": "2026-11-23T14:05:00Z"`},
		"YAML":                   {[]string{"-f", sick, "-o", "yaml"}, "", 1, "- cause: OOMKilled"},
		"one object":             {[]string{"-f", "-"}, "kind: Deployment\nmetadata: {name: a, namespace: b}\nspec: {replicas: 1}\nstatus: {readyReplicas: 1}\n", 0, "1 of 1 replica is ready"},
		"no such Service":        {[]string{"svc/sandfly", "-f", sick}, "", 1, "ServiceNotFound"},
		"a namespace of two":     {[]string{"-f", "-", "-n", "other"}, two, 0, "Healthy"},
		"which namespace":        {[]string{"-f", "-"}, two, 2, "several namespaces; choose one with -n: cortex-system, other"},
		"no such namespace":      {[]string{"-f", sick, "-n", "mcp"}, "", 2, "nothing of namespace mcp; it has cortex-system"},
		"no such workload":       {[]string{"deploy/sandfly-mcp-servr", "-f", sick}, "", 2, "did you mean sandfly-mcp-server?"},
		"no such file":           {[]string{"-f", "/nonexistent"}, "", 2, "no such file"},
		"no such log file":       {[]string{"-f", sick, "--logs", "/nonexistent"}, "", 2, "no such file"},
		"logs of another form":   {[]string{"-f", sick, "--logs", "-"}, `["a"]`, 2, `expected {"logs": {"pod/container": "text"}}`},
		"an empty file":          {[]string{"-f", "-"}, "", 2, "nothing to look at: give what"},
		"manifests":              {[]string{"-f", "../../config/samples", "--verbose"}, "", 2, "too little is known to judge"},
		"no object":              {[]string{"-f", "-"}, "hello\n", 2, "no API object (a text or a number)"},
		"a list of its own":      {[]string{"-f", "-"}, "[{}]", 2, "no API object (a list without a kind)"},
		"no kind":                {[]string{"-f", "-"}, "{}", 2, "an object has no kind (expected API objects"},
		"no text":                {[]string{"-f", file(t, "x", bytes.Repeat([]byte{0, 0xff, 3}, 999))}, "", 2, "expected API objects"},
		"JSON that was cut off":  {[]string{"-f", "-"}, list[:2000], 2, "after 2000 bytes"},
		"YAML that was cut off":  {[]string{"-f", "-"}, "apiVersion: v1\nitems:\n- kind: Pod\n  metadata: {name: a}\n", 2, "it was cut off"},
		"objects of no interest": {[]string{"-f", "-"}, "kind: Widget\nmetadata: {name: a}\n", 2, "no Service and no workload"},
		"too little":             {[]string{"-f", "-"}, "kind: Service\nmetadata: {name: a, namespace: b}\nspec: {selector: {app: a}, ports: [{port: 1}]}\n", 2, "too little is known to judge"},
		"an output of its own":   {[]string{"-f", sick, "-o", "xml"}, "", 2, "--output is text, json or yaml"},
		"a moment of its own":    {[]string{"-f", sick, "--now", "today"}, "", 2, "--now is a time as"},
		"a kind of its own":      {[]string{"pod/x", "-f", sick}, "", 2, "looked at through what owns it"},
		"two targets":            {[]string{"a", "b"}, "", 2, "one TARGET at most"},
		"a flag of its own":      {[]string{"--colour"}, "", 2, "See 'kubectl cortex diagnose --help'"},
		"stdin twice":            {[]string{"-f", "-", "--logs", "-"}, "", 2, "not both"},
		"logs of a cluster":      {[]string{"--logs", "x"}, "", 2, "--logs goes with --filename"},
		"a moment of a cluster":  {[]string{"--now", "x"}, "", 2, "--now goes with --filename"},
		"no kubeconfig":          {nil, "", 2, "no kubeconfig was found"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, complaint := execute(t, test.stdin, append([]string{"diagnose"}, test.args...)...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(out+complaint, test.want) {
				t.Errorf("%q is not told", test.want)
			}
			if (code == exitFailed) != (complaint != "") || code == exitFailed && strings.Contains(complaint, "Usage:") {
				t.Errorf("the complaint is %q", complaint)
			}
			if t.Failed() {
				t.Logf("stdout: %s\nstderr: %s", out, complaint)
			}
		})
	}
}

// TestFields holds the form that scripts rely on: every field is there, if only empty.
func TestFields(t *testing.T) {
	for _, path := range []string{sick, well, fixtures + "NodeNotReady"} {
		if found, _ := filepath.Glob(path + "/*/objects.yaml"); len(found) > 0 {
			path = found[0]
		}
		_, out, _ := execute(t, "", "diagnose", "-f", path, "-o", "json", "-n", "cortex-system")
		var told struct {
			Findings []map[string]any
		}
		if err := json.Unmarshal([]byte(out), &told); err != nil || told.Findings == nil {
			t.Fatalf("%s: %v in %s", path, err, out)
		}
		for _, f := range told.Findings {
			for _, field := range []string{"cause", "detail", "object", "service", "message", "evidence", "confidence", "recommendation", "suggestedPatch"} {
				if f[field] == nil {
					t.Errorf("%s: no %s in %v", path, field, f)
				}
			}
			object, _ := f["object"].(map[string]any)
			for _, field := range []string{"kind", "name", "namespace"} {
				if _, ok := object[field].(string); !ok {
					t.Errorf("%s: no %s in %v", path, field, object)
				}
			}
		}
	}
}

// TestUnreachable: a cluster that is away is told as such, at once, with what to do.
func TestUnreachable(t *testing.T) {
	address := steady.Port(t)
	config := file(t, "config", []byte("apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: 'http://"+address+"'}}]\ncontexts: [{name: a, context: {cluster: a, user: a, namespace: mcp}}]\nusers: [{name: a}]\ncurrent-context: a\n"))
	for _, args := range [][]string{{"diagnose"}, {"diagnose", "sandfly"}, {"dump"}} {
		code, _, complaint := execute(t, "", append(args, "--kubeconfig", config)...)
		if code != exitFailed || !strings.Contains(complaint, "connection refused") || !strings.Contains(complaint, "kubectl get svc -n mcp") {
			t.Errorf("%v: exit code %d: %s", args, code, complaint)
		}
	}
	if code, _, complaint := execute(t, "", "diagnose", "--kubeconfig", config, "--context", "b"); code != exitFailed || !strings.Contains(complaint, "--context") {
		t.Errorf("exit code %d: %s", code, complaint)
	}
}

func TestOtherCommands(t *testing.T) {
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"version", 0, "kubectl-cortex "},
		{"explain", 0, "SelectorMismatch "},
		{"explain selectormismatch", 0, "NoReadyEndpoints"},
		{"explain SelectorMissmatch", 2, "did you mean SelectorMismatch?"},
		{"explain OOMKilled -o markdown", 2, "leave CAUSE out"},
		{"explain -o markdown", 0, "| `OOMKilled` |"},
		{"explain -o xml", 2, "text or markdown"},
		{"", 0, "Available Commands:"},
		{"--help", 0, "kubectl cortex diagnose -n cortex-system"},
		{"diagnose --help", 0, "Exit code: 0 nothing wrong was found"},
		{"dump --help", 0, "It is a net and not a proof"},
		{"diagnos", 2, "unknown command"},
		{"completion bash", 0, "kubectl-cortex"},
		{"__complete explain Sel", 0, "SelectorMismatch"},
	} {
		code, out, complaint := execute(t, "", strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(out+complaint, test.want) {
			t.Errorf("%q: exit code %d: %s%s", test.args, code, out, complaint)
		}
	}
}
