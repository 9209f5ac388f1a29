// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const namespace = "cortex-system"

var now = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

// fixture is the part of a diagnosis fixture (internal/diagnosis/fixture_test.go) that makes a snapshot.
type fixture struct {
	Target    v1alpha1.TargetReference `json:"target"`
	Error     *v1alpha1.ObservedError  `json:"error"`
	Handshake *mcpserver.Result        `json:"handshake"`
	Logs      map[string]struct {
		Current  string `json:"current"`
		Previous string `json:"previous"`
	} `json:"logs"`
	Unprobed bool     `json:"unprobed"`
	Unread   []string `json:"unread"`
	Gaps     []string `json:"gaps"`
}

func (f *fixture) logs() map[snapshot.ContainerKey]snapshot.ContainerLog {
	logs := map[snapshot.ContainerKey]snapshot.ContainerLog{}
	for key, log := range f.Logs {
		pod, container, _ := strings.Cut(key, "/")
		logs[snapshot.ContainerKey{Pod: pod, Container: container}] = snapshot.ContainerLog{Current: log.Current, Previous: log.Previous}
	}
	return logs
}

func (f *fixture) diagnose(o *snapshot.Objects, logs map[snapshot.ContainerKey]snapshot.ContainerLog) diagnosis.Diagnosis {
	s := snapshot.Assemble(namespace, f.Target, o)
	s.Now, s.Error, s.Handshake, s.Unprobed, s.Logs = now, f.Error, f.Handshake, f.Unprobed, logs
	return diagnosis.Diagnose(s)
}

// TestSameDiagnosis holds that what is left out of a dump and hidden in it is nothing that a check looks at: every fixture of
// every cause is written and read again.
func TestSameDiagnosis(t *testing.T) {
	paths, err := filepath.Glob("../diagnosis/testdata/*/*/case.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		folder := filepath.Dir(path)
		t.Run(strings.TrimPrefix(folder, "../diagnosis/testdata/"), func(t *testing.T) {
			f := fixture{Target: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			live := read(t, filepath.Join(folder, "objects.yaml"))
			live.Unread, live.Gaps = f.Unread, f.Gaps
			logs := f.logs()

			var file bytes.Buffer
			if _, err := dump.Write(&file, dump.Dump{Namespace: namespace, Objects: live, Logs: logs, Gaps: live.Gaps, Time: now}); err != nil {
				t.Fatal(err)
			}
			reader := dump.Reader{Strict: true}
			if err := reader.Read(&file); err != nil {
				t.Fatal(err)
			}
			if !reader.Time().Equal(now) || reader.Namespace() != namespace {
				t.Errorf("the dump is of %s at %s", reader.Namespace(), reader.Time())
			}
			want, got := f.diagnose(live, logs), f.diagnose(reader.Objects(), reader.Logs(namespace))
			if diff := cmp.Diff(told(want), told(got)); diff != "" {
				t.Errorf("(-live +dump):\n%s", diff)
			}
		})
	}
}

// told is what must not differ.
func told(d diagnosis.Diagnosis) any {
	var first finding.Finding
	if len(d.Findings) > 0 {
		first = d.Findings[0]
		first.Evidence = nil
	}
	return struct {
		Cause   v1alpha1.Cause
		Finding finding.Finding
		Count   int
	}{d.Cause, first, len(d.Findings)}
}

func read(t *testing.T, path string) *snapshot.Objects {
	t.Helper()
	reader := dump.Reader{Strict: true}
	if err := reader.ReadPath(path, nil); err != nil {
		t.Fatal(err)
	}
	return reader.Objects()
}
