// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

// load gives the targets of a file, and a look at any other.
func load(t *testing.T, path string) ([]*snapshot.Snapshot, report.Look) {
	t.Helper()
	reader := dump.Reader{Strict: true}
	if err := reader.ReadPath(path, nil); err != nil {
		t.Fatal(err)
	}
	o := reader.Objects()
	look := func(target v1alpha1.TargetReference) (*snapshot.Snapshot, error) {
		s := snapshot.Assemble("mcp", target, o)
		s.Now, s.Unprobed = now, true
		return s, nil
	}
	var all []*snapshot.Snapshot
	for _, target := range o.Targets("mcp") {
		s, _ := look(target)
		all = append(all, s)
	}
	return all, look
}

// TestGolden holds what people and scripts see. Run it with -update after a change, and read the difference.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/objects.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		folder := filepath.Dir(path)
		targets, look := load(t, path)
		r := report.New("mcp", targets, look)
		for name, write := range map[string]func(*bytes.Buffer) error{
			"text":    func(b *bytes.Buffer) error { return r.Text(b, report.Style{}) },
			"verbose": func(b *bytes.Buffer) error { return r.Text(b, report.Style{Colour: true, Verbose: true}) },
			"json":    func(b *bytes.Buffer) error { return r.JSON(b) },
			"yaml":    func(b *bytes.Buffer) error { return r.YAML(b) },
		} {
			t.Run(filepath.Base(folder)+"/"+name, func(t *testing.T) {
				var got bytes.Buffer
				if err := write(&got); err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join(folder, name+".golden"), got.String())
				unseen(t, got.String(), name == "verbose")
			})
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got; go test -update writes it anew):\n%s", diff)
	}
}

// unseen fails for what a terminal obeys and a person does not see, but the colours that are wanted.
func unseen(t *testing.T, text string, coloured bool) {
	t.Helper()
	if coloured {
		for _, colour := range []string{"31;1", "32", "1", "2", "0"} {
			text = strings.ReplaceAll(text, "\x1b["+colour+"m", "")
		}
	}
	for _, r := range text {
		if r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)) {
			t.Fatalf("%U is shown in %q", r, text)
		}
	}
}

// TestOrder holds that neither the order of the targets nor that of the objects chooses what is told first.
func TestOrder(t *testing.T) {
	targets, look := load(t, "testdata/dependency/objects.yaml")
	var want, got bytes.Buffer
	_ = report.New("mcp", targets, look).JSON(&want)
	slices.Reverse(targets)
	_ = report.New("mcp", targets, look).JSON(&got)
	findings := func(b *bytes.Buffer) string {
		text, _, _ := strings.Cut(b.String(), `"namespace": "mcp",\n  "time"`)
		return text
	}
	if diff := cmp.Diff(findings(&want), findings(&got)); diff != "" {
		t.Errorf("(-forth +back):\n%s", diff)
	}
}

// TestOneTarget: of a single target its dependency is looked at only where a finding blames it.
func TestOneTarget(t *testing.T) {
	targets, look := load(t, "testdata/dependency/objects.yaml")
	for _, s := range targets {
		r := report.New("mcp", []*snapshot.Snapshot{s}, look)
		if got, want := len(r.Healthy) == 1, s.Target.Name == "proxmox-mcp-server"; got != want {
			t.Errorf("%s is healthy: %v", s.Target.Name, got)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for text, want := range map[string]v1alpha1.TargetReference{
		"sandfly":                  {Kind: "Service", Name: "sandfly"},
		"svc/sandfly":              {Kind: "Service", Name: "sandfly"},
		"service/sandfly":          {Kind: "Service", Name: "sandfly"},
		"deploy/sandfly":           {Kind: "Deployment", Name: "sandfly"},
		"Deployment/sandfly":       {Kind: "Deployment", Name: "sandfly"},
		"deployment.apps/sandfly":  {Kind: "Deployment", Name: "sandfly"},
		"sts/sandfly":              {Kind: "StatefulSet", Name: "sandfly"},
		"daemonsets/sandfly":       {Kind: "DaemonSet", Name: "sandfly"},
		"deployments.v1.apps/sand": {Kind: "Deployment", Name: "sand"},
	} {
		named, err := report.ParseTarget(text)
		if err != nil || named.Guess() != want {
			t.Errorf("%s is %v, want %v (%v)", text, named.Guess(), want, err)
		}
	}
	for _, text := range []string{"", "svc/", "pod/sandfly-1", "a/b/c", "deploy sandfly"} {
		if named, err := report.ParseTarget(text); err == nil {
			t.Errorf("%q is taken for %v", text, named.Guess())
		}
	}
}

func TestFind(t *testing.T) {
	targets, _ := load(t, "testdata/dependency/objects.yaml")
	o := targets[0].All
	o.Services = slices.DeleteFunc(slices.Clone(o.Services), func(s corev1.Service) bool { return s.Name == "sandfly-cache" })
	for text, want := range map[string]string{
		"sandfly-mcp-server":    "Service sandfly-mcp-server",
		"sandfly-cache":         "Deployment sandfly-cache",
		"deploy/sandfly-cache":  "Deployment sandfly-cache",
		"nobody":                "Service nobody",
		"svc/sandfly-cache":     "Service sandfly-cache",
		"deploy/sandfly-cach":   "there is no Deployment sandfly-cach in namespace mcp; did you mean sandfly-cache?",
		"sts/sandfly-cache":     "there is no StatefulSet sandfly-cache in namespace mcp",
		"deploy/something-else": "there is no Deployment something-else in namespace mcp; there are proxmox-mcp-server, sandfly-cache, sandfly-mcp-server",
	} {
		named, err := report.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		target, err := named.Find(o, "mcp")
		got := string(target.Kind) + " " + target.Name
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}
