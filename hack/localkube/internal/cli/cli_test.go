// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/hack/localkube/internal/cluster"
	"github.com/ry-ops/cortex/hack/localkube/internal/image"
	"github.com/ry-ops/cortex/hack/localkube/internal/supervise"
)

func TestHelpTeachesEveryCommand(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}} {
		var out bytes.Buffer
		if err := (&app{stdout: &out}).main(context.Background(), args); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		for _, c := range commands() {
			if !strings.Contains(out.String(), "\n  "+c.name+" ") {
				t.Errorf("%v does not tell of %s", args, c.name)
			}
		}
	}
}

func TestUsageErrors(t *testing.T) {
	for _, args := range [][]string{
		nil, {"nonsense"}, {"--nonsense"}, {"up", "now"}, {"down", "--force"}, {"status", "x"},
		{"kubeconfig", "x"}, {"audit-log", "x"}, {"assets", "x"}, {"load"}, {"load", "a", "b"}, {"load", "no-such-archive.tar"},
	} {
		if err := (&app{}).main(context.Background(), args); !errors.Is(err, errUsage) {
			t.Errorf("%q: got %v, want a usage error", args, err)
		}
	}
}

func TestParseLoad(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(archive, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args  []string
		want  loadRequest
		fails string
	}{
		"an archive": {[]string{archive}, loadRequest{archive: archive}, ""},
		"one binary": {[]string{"x:dev", "--binary", "bin/server"}, built(image.Image{
			Name: "docker.io/library/x:dev", User: image.NonRoot, Entrypoint: []string{"/server"},
			Files: []image.File{{Source: "bin/server", Dest: "/server", Mode: 0o755}},
		}), ""},
		"all flags, before the name": {
			[]string{"--file", "c.yaml:/etc/c.yaml", "--binary=a:/bin/a", "--binary=b:/bin/b", "--entrypoint", "/bin/b", "--user", "1:1", "r.example/x:1"},
			built(image.Image{
				Name: "r.example/x:1", User: "1:1", Entrypoint: []string{"/bin/b"},
				Files: []image.File{
					{Source: "c.yaml", Dest: "/etc/c.yaml", Mode: 0o644},
					{Source: "a", Dest: "/bin/a", Mode: 0o755}, {Source: "b", Dest: "/bin/b", Mode: 0o755},
				},
			}), ""},
		"a relative place":  {[]string{"x", "--binary", "a:b"}, loadRequest{}, "absolute path"},
		"a file's place":    {[]string{"x", "--file", "a"}, loadRequest{}, "PATH:DEST"},
		"nothing to run":    {[]string{"x", "--file", "a:/a"}, loadRequest{}, "--entrypoint"},
		"a name in capital": {[]string{"X", "--binary", "a"}, loadRequest{}, "image name"},
		"an unknown flag":   {[]string{"x", "--bin", "a"}, loadRequest{}, "-bin"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseLoad(test.args)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || !errors.Is(err, errUsage) {
					t.Fatalf("got %v, want a usage error with %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.archive != test.want.archive || !equal(got.image, test.want.image) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func built(i image.Image) loadRequest { return loadRequest{image: i} }

func equal(a, b image.Image) bool {
	if a.Name != b.Name || a.User != b.User || strings.Join(a.Entrypoint, " ") != strings.Join(b.Entrypoint, " ") || len(a.Files) != len(b.Files) {
		return false
	}
	for i := range a.Files {
		if a.Files[i] != b.Files[i] {
			return false
		}
	}
	return true
}

func TestDescribeShowsWhatEnded(t *testing.T) {
	text := describe(cluster.Status{
		Version: "v1", PIDs: map[string]int{"etcd": 7},
		Status: supervise.Status{Programs: []supervise.ProgramStatus{
			{Name: "etcd", PID: 3, Healthy: true},
			{Name: "kubelet", PID: 4, Problem: "ended", Ended: "kubelet exited with code 1; its last lines:\nno disk"},
		}},
	})
	for _, wanted := range []string{"etcd        7     healthy", "kubelet     -     ended", "no disk"} {
		if !strings.Contains(text, wanted) {
			t.Errorf("the status lacks %q:\n%s", wanted, text)
		}
	}
}
