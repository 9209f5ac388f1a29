// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/report"
)

// fake is a cluster that holds what a file does.
type fake struct {
	objects *snapshot.Objects
	asked   []v1alpha1.TargetReference
}

func (f *fake) Gather(_ context.Context, namespace string, target v1alpha1.TargetReference, _ *v1alpha1.ObservedError) (*snapshot.Snapshot, error) {
	if f.objects == nil {
		return nil, errors.Join(errors.New("services is forbidden"), errors.New("deployments is forbidden"))
	}
	f.asked = append(f.asked, target)
	s := snapshot.Assemble(namespace, target, f.objects)
	s.Now, s.Unprobed = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC), true
	s.Logs = map[snapshot.ContainerKey]snapshot.ContainerLog{{Pod: target.Name, Container: "server"}: {Current: "said by " + target.Name}}
	return s, nil
}

func (f *fake) Namespace(ctx context.Context, namespace string) ([]*snapshot.Snapshot, error) {
	if f.objects == nil {
		_, err := f.Gather(ctx, namespace, v1alpha1.TargetReference{}, nil)
		return nil, err
	}
	var all []*snapshot.Snapshot
	for _, target := range f.objects.Targets(namespace) {
		s, _ := f.Gather(ctx, namespace, target, nil)
		all = append(all, s)
	}
	return all, nil
}

func fakeCluster(t *testing.T) (*cluster, *fake) {
	t.Helper()
	var reader dump.Reader
	if err := reader.ReadPath("../../internal/report/testdata/dependency/objects.yaml", nil); err != nil {
		t.Fatal(err)
	}
	f := &fake{objects: reader.Objects()}
	return &cluster{gatherer: f, namespace: "mcp", where: "https://a"}, f
}

func TestBareNames(t *testing.T) {
	for name, test := range map[string]struct {
		want  string
		reads int
		err   string
	}{
		"sandfly-mcp-server":   {"Service sandfly-mcp-server", 1, ""},
		"deploy/sandfly-cache": {"Deployment sandfly-cache", 1, ""},
		"nobody":               {"Service nobody", 1, ""},
		"deploy/nobody":        {"", 1, "there is no Deployment nobody in namespace mcp"},
	} {
		t.Run(name, func(t *testing.T) {
			c, f := fakeCluster(t)
			named, err := report.ParseTarget(name)
			if err != nil {
				t.Fatal(err)
			}
			found, _, err := c.snapshots(t.Context(), &named)
			switch {
			case test.err != "":
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want %s", err, test.err)
				}
			case err != nil:
				t.Fatal(err)
			case string(found[0].Target.Kind)+" "+found[0].Target.Name != test.want || len(f.asked) != test.reads:
				t.Errorf("%v in %d reads", found[0].Target, len(f.asked))
			}
		})
	}
}

// TestForbidden: of errors that say the same one is told, and what to do.
func TestForbidden(t *testing.T) {
	c := &cluster{gatherer: &fake{}, namespace: "mcp", where: "https://a"}
	_, _, err := c.snapshots(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "services is forbidden") || strings.Contains(err.Error(), "deployments") || !strings.Contains(err.Error(), "kubectl get svc -n mcp") {
		t.Errorf("%v", err)
	}
}

// TestDump: the file holds the namespace and the logs of the targets that were asked for.
func TestDump(t *testing.T) {
	c, _ := fakeCluster(t)
	path := filepath.Join(t.TempDir(), "dump.json")
	var out, told bytes.Buffer
	if err := c.dump(t.Context(), streams{nil, &out, &told}, []string{"sandfly-mcp-server"}, path); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(told.String(), "1 log of namespace mcp") || out.Len() > 0 {
		t.Errorf("told %q, wrote %q", told.String(), out.String())
	}
	written := contentOf(t, path)
	if !strings.Contains(written, "said by sandfly-mcp-server") || strings.Contains(written, "said by proxmox") {
		t.Error("not the logs of the target alone")
	}
	code, report, complaint := execute(t, "", "diagnose", "--filename", path)
	if code != exitFindings || !strings.HasPrefix(report, "ScaledToZero: Deployment sandfly-cache") {
		t.Errorf("exit code %d: %s%s", code, report, complaint)
	}
	if err := c.dump(t.Context(), streams{nil, &out, &told}, []string{"deploy/nobody"}, "-"); err == nil || out.Len() > 0 {
		t.Errorf("an unknown target: %v, %d bytes", err, out.Len())
	}
}
