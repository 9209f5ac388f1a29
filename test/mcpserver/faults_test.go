// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestHang: tool calls get no answer, and nothing else shows that anything is wrong.
func TestHang(t *testing.T) {
	s := newSample(t, "sandfly", false)
	if status, body := s.request(t, http.MethodPost, "/fault?mode=hang"); status != http.StatusOK {
		t.Fatalf("setting the fault: %d %s", status, body)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := s.session.CallTool(ctx, &mcp.CallToolParams{Name: "list_hosts"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call to a server that hangs gives %v", err)
	}
	if status, _ := s.request(t, http.MethodGet, "/health"); status != http.StatusOK {
		t.Errorf("health is %d", status)
	}
	if _, counts := s.request(t, http.MethodGet, "/fault/counts"); counts != "{}" {
		t.Errorf("a tool ran: %s", counts)
	}
	if status, _ := s.request(t, http.MethodPost, "/fault?mode=none"); status != http.StatusOK {
		t.Fatal("clearing the fault")
	}
	s.call(t, "list_hosts", nil)
}

// TestCrash: the server answers the admin and is gone, with a line in its log that names the reason.
func TestCrash(t *testing.T) {
	for _, mode := range []string{"crash", "crash-until-restarted"} {
		t.Run(mode, func(t *testing.T) {
			s := newSample(t, "sandfly", false)
			if status, body := s.request(t, http.MethodPost, "/fault?mode="+mode); status != http.StatusOK {
				t.Fatalf("setting the fault: %d %s", status, body)
			}
			err := <-s.faults.crashed
			if err == nil || !strings.HasSuffix(err.Error(), "state.db is corrupt") {
				t.Errorf("crashes with %v", err)
			}
			// The next container of the same pod, with the same scratch folder.
			err = newFaults(quiet, s.faults.scratch).atStart(t.Context(), fault{Mode: modeNone})
			if again := err != nil; again != (mode == "crash-until-restarted") {
				t.Errorf("the next start gives %v", err)
			}
			// A new pod has a new one.
			if err := newFaults(quiet, t.TempDir()).atStart(t.Context(), fault{Mode: modeNone}); err != nil {
				t.Errorf("a new pod crashes as well: %v", err)
			}
		})
	}
}

func TestCrashAtStart(t *testing.T) {
	scratch := t.TempDir()
	if err := newFaults(quiet, scratch).atStart(t.Context(), fault{Mode: modeCrash}); err == nil {
		t.Error("crash: started")
	}
	if err := newFaults(quiet, scratch).atStart(t.Context(), fault{Mode: modeNone}); err != nil {
		t.Errorf("crash left something behind: %v", err)
	}
	if err := newFaults(quiet, scratch).atStart(t.Context(), fault{Mode: modeCrashUntilRestarted}); err == nil {
		t.Error("crash-until-restarted: started")
	}
	if err := newFaults(quiet, scratch).atStart(t.Context(), fault{Mode: modeNone}); err == nil {
		t.Error("crash-until-restarted: the second start is well")
	}
	if err := newFaults(quiet, filepath.Join(scratch, "missing")).atStart(t.Context(), fault{Mode: modeCrashUntilRestarted}); err == nil {
		t.Error("a scratch folder that is not there goes unnoticed")
	}
}

// TestClear: none takes back what the scratch folder remembers.
func TestClear(t *testing.T) {
	s := newSample(t, "sandfly", false)
	for _, mode := range []string{"slow-start&delay=9m", "crash-until-restarted", "none"} {
		if status, body := s.request(t, http.MethodPost, "/fault?mode="+mode); status != http.StatusOK {
			t.Fatalf("%s: %d %s", mode, status, body)
		}
	}
	if left, _ := os.ReadDir(s.faults.scratch); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSlowStart(t *testing.T) {
	const delay = 150 * time.Millisecond
	s := newSample(t, "sandfly", false)
	if status, body := s.request(t, http.MethodPost, "/fault?mode=slow-start&delay=150ms"); status != http.StatusOK {
		t.Fatalf("setting the fault: %d %s", status, body)
	}
	s.call(t, "list_hosts", nil) // not slow before the next start
	starts := map[string]func() error{
		"by flag": func() error {
			return newFaults(quiet, t.TempDir()).atStart(t.Context(), fault{Mode: modeSlowStart, Delay: delay})
		},
		"from HTTP": func() error { return newFaults(quiet, s.faults.scratch).atStart(t.Context(), fault{Mode: modeNone}) },
	}
	for name, start := range starts {
		begun := time.Now()
		if err := start(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begun); took < delay {
			t.Errorf("%s: started in %s", name, took)
		}
	}
	within(t, "SIGTERM during a slow start", func(context.Context) {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_ = newFaults(quiet, t.TempDir()).atStart(over, fault{Mode: modeSlowStart, Delay: maxDelay})
	})
}

// TestLostAnswer: the fault meets so many calls of tools and nothing else, and the tool runs or does not, as it is told.
func TestLostAnswer(t *testing.T) {
	for runs, counted := range map[string]string{"true": `{"start_scan":3}`, "false": `{"start_scan":1}`} {
		s := newSample(t, "sandfly", false)
		if status, body := s.request(t, http.MethodPost, "/fault?mode=reset&times=2&runs="+runs); status != http.StatusOK {
			t.Fatalf("setting the fault: %d %s", status, body)
		}
		for lost := range 3 {
			if _, err := s.session.ListTools(t.Context(), nil); err != nil {
				t.Fatalf("it meets what is no call: %v", err)
			}
			_, err := s.session.CallTool(t.Context(), &mcp.CallToolParams{Name: "start_scan", Arguments: map[string]any{"host_id": "hst-1001"}})
			if (err != nil) != (lost < 2) {
				t.Errorf("call %d gives %v", lost, err)
			}
		}
		if _, counts := s.request(t, http.MethodGet, "/fault/counts"); counts != counted {
			t.Errorf("runs=%s: counts are %s, want %s", runs, counts, counted)
		}
	}
}

// TestDeaf: whoever connects waits.
func TestDeaf(t *testing.T) {
	listener, err := deaf(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := (&net.Dialer{Timeout: 300 * time.Millisecond}).DialContext(t.Context(), "tcp", listener.Addr().String())
	var waited net.Error
	if !errors.As(err, &waited) || !waited.Timeout() {
		t.Errorf("got %v, %v", conn, err)
	}
}

// TestSlowTool: the call counts from its beginning, and runs on when its caller gives up.
func TestSlowTool(t *testing.T) {
	s := newSample(t, "sandfly", true)
	if status, body := s.request(t, http.MethodPost, "/fault?mode=slow-tool&delay=300ms"); status != http.StatusOK {
		t.Fatalf("setting the fault: %d %s", status, body)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	arguments, left := map[string]any{"host_id": "hst-1001"}, make(chan error, 1)
	go func() {
		_, err := s.session.CallTool(ctx, &mcp.CallToolParams{Name: "start_scan", Arguments: arguments})
		left <- err
	}()
	within(t, "the call to count", func(ctx context.Context) {
		for counts := ""; counts != `{"start_scan":1}` && ctx.Err() == nil; {
			_, counts = s.request(t, http.MethodGet, "/fault/counts")
		}
	})
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who leaves gets %v", err)
	}
	within(t, "the scan of the caller who has left", func(ctx context.Context) {
		for others := 1; ctx.Err() == nil; others++ {
			begun := time.Now()
			scan := structured[startScanOutput](t, s.call(t, "start_scan", arguments))
			if took := time.Since(begun); took < 300*time.Millisecond {
				t.Errorf("took %s", took)
			}
			if scan.ScanID == fmt.Sprintf("scn-%04d", others+1) {
				return
			}
		}
	})
}

func TestAllocate(t *testing.T) {
	s := newSample(t, "sandfly", false)
	if status, body := s.request(t, http.MethodPost, "/fault?mode=allocate&mib=24"); status != http.StatusOK {
		t.Fatalf("setting the fault: %d %s", status, body)
	}
	held := func() int {
		s.faults.mu.Lock()
		defer s.faults.mu.Unlock()
		return len(s.faults.held) * chunk >> 20
	}
	within(t, "allocating 24 MiB", func(ctx context.Context) {
		for held() < 24 && ctx.Err() == nil {
			<-time.After(time.Millisecond)
		}
	})
	s.call(t, "list_hosts", nil)
	s.request(t, http.MethodPost, "/fault?mode=none")
	if got := held(); got != 0 {
		t.Errorf("%d MiB are still held", got)
	}
}

func TestFaultRefuses(t *testing.T) {
	s := newSample(t, "sandfly", false)
	cases := map[string]string{
		"mode=explode":              "write one of none, hang, crash",
		"mode=slow-tool&delay=soon": "such as 5s",
		"mode=slow-tool&delay=-1s":  "such as 5s",
		"mode=slow-tool&delay=24h":  "such as 5s",
		"mode=allocate&mib=lots":    "whole number",
		"mode=allocate&mib=-1":      "whole number",
		"mode=reset&times=-1":       "whole number",
		"mode=reset&runs=perhaps":   "true or false",
	}
	for query, says := range cases {
		if status, body := s.request(t, http.MethodPost, "/fault?"+query); status != http.StatusBadRequest || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
	if status, body := s.request(t, http.MethodGet, "/fault"); status != http.StatusOK || body != `{"mode":"none"}` {
		t.Errorf("the fault is %d %s", status, body)
	}
}
