// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ry-ops/cortex/hack/localkube/internal/config"
)

// TestRun has one test only: a Reaper waits for every child of the process.
func TestRun(t *testing.T) {
	healthy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer healthy.Close()
	sick := httptest.NewServer(http.NotFoundHandler())
	defer sick.Close()
	dir := t.TempDir()
	supervisor := New([]config.Program{
		{Name: "good", Args: []string{"sleep 600"}, Health: healthy.URL},
		{Name: "ends", Args: []string{"echo no disk; exit 3"}, Health: sick.URL, After: []string{"good"}},
		{Name: "waits", Args: []string{"sleep 600"}, Health: healthy.URL, After: []string{"ends"}},
	}, func(name string) string { return filepath.Join(dir, name+".log") })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	socket := filepath.Join(dir, "s")
	if err := supervisor.Serve(ctx, socket); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		supervisor.Run(ctx, NewReaper(), func(p config.Program) *exec.Cmd {
			return exec.CommandContext(ctx, "sh", append([]string{"-c"}, p.Args...)...)
		})
	}()
	status := awaitEnd(t, socket)
	if status.Healthy() {
		t.Error("the node is healthy although a program ended")
	}
	ended, _ := status.Ended()
	if ended.Name != "ends" || !strings.Contains(ended.Ended, "exited with code 3") || !strings.Contains(ended.Ended, "no disk") {
		t.Errorf("got %+v, want the code and the log", ended)
	}
	for _, p := range status.Programs {
		if p.Name == "good" && (!p.Healthy || p.PID == 0) {
			t.Errorf("got %+v, want it healthy", p)
		}
		if p.Name == "waits" && p.PID != 0 {
			t.Errorf("got %+v, want it to wait for the one that never was healthy", p)
		}
	}
	cancel()
	<-done
}

func awaitEnd(t *testing.T, socket string) Status {
	t.Helper()
	var err error
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		var status Status
		if status, err = Ask(context.Background(), socket); err == nil {
			if _, ok := status.Ended(); ok {
				return status
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("no program ended", err)
	return Status{}
}
