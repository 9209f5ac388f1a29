// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

func testMinutes(n int) time.Duration { return time.Duration(n) * time.Minute }

func TestErrorLine(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"Go panic":             {"starting\npanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d\nexit status 2", "panic: boom"},
		"Python":               {"Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    import y\nModuleNotFoundError: No module named 'y'", "ModuleNotFoundError: No module named 'y'"},
		"Node":                 {"node:internal/modules\nError: Cannot find module './x'\n    at Function._resolve (node:internal)\n\nNode.js v22.1.0", "Error: Cannot find module './x'"},
		"Java":                 {"Exception in thread \"main\" java.lang.IllegalStateException: no config\n\tat a.B.main(B.java:3)", `Exception in thread "main" java.lang.IllegalStateException: no config`},
		"log.Fatal":            {"2026/11/23 14:00:00 main.go:12: cannot listen: address already in use", "2026/11/23 14:00:00 main.go:12: cannot listen: address already in use"},
		"the last one counts":  {"error: one\nerror: two\nbye", "error: two"},
		"slog info":            {`level=info msg="retrying" error="x"` + "\nlistening", ""},
		"JSON info":            {`{"level":"info","msg":"error budget fine"}`, ""},
		"INFO prefix":          {"INFO no error so far", ""},
		"JSON error":           {`{"level":"error","msg":"no config"}`, "no config"},
		"slog error":           {`{"time":"2026-11-23T15:54:50Z","level":"ERROR","msg":"fatal: state file is corrupt","err":"EOF"}`, "fatal: state file is corrupt: EOF"},
		"JSON cut off":         {`{"level":"error","msg":"no con`, `{"level":"error","msg":"no con`},
		"JSON of another form": {`{"level":"error","text":"x"}`, `{"level":"error","text":"x"}`},
		"nothing":              {"listening on :3000", ""},
		"empty":                {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := errorLine(test.log); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if got := lastLine("starting\nlistening on :3000"); got != "listening on :3000" {
		t.Errorf("last line %q", got)
	}
}

func TestExitWords(t *testing.T) {
	for code, want := range map[int32]string{
		0:   "it ended by itself, without an error",
		1:   "an error of its own",
		2:   "an error of its own: a Go panic, or wrong arguments",
		126: "its command cannot be executed",
		127: "its command was not found",
		130: "signal 2",
		137: "SIGKILL: killed from outside, by a failed liveness probe or for want of memory",
		139: "SIGSEGV: it touched memory that is not its own",
		143: "SIGTERM: it was asked to stop",
		255: "an error of its own",
	} {
		if got := exitWords(&corev1.ContainerStateTerminated{ExitCode: code}); got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
	if got := exitWords(&corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}); got != "killed: out of memory" {
		t.Errorf("OOMKilled: %q", got)
	}
	if got := (crash{last: &corev1.ContainerStateTerminated{Signal: 9}}).ending(); got != "ended by signal 9" {
		t.Errorf("signal: %q", got)
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"grafana", "proxmox-mcp-server", "sandfly-mcp-server"}
	for name, want := range map[string]string{
		"sandfly-mcp-sever":  "sandfly-mcp-server",
		"sandfly":            "sandfly-mcp-server",
		"sandfly-mcp":        "sandfly-mcp-server",
		"graphana":           "grafana",
		"prometheus":         "",
		"mcp":                "",
		"x":                  "",
		"sandfly-mcp-server": "sandfly-mcp-server",
	} {
		if got := nearest(name, candidates); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	if got := quote(`a'; rm -rf /; '`); got != `'a'\''; rm -rf /; '\'''` {
		t.Error(got)
	}
}

func TestTimeOfDay(t *testing.T) {
	for at, want := range map[time.Time]string{
		testNow.Add(-time.Hour):                        "13:05:00 UTC",
		testNow.Add(-24 * time.Hour):                   "2026-11-22 14:05:00 UTC",
		testNow.AddDate(-1, 0, 0):                      "2025-11-23 14:05:00 UTC",
		testNow.In(time.FixedZone("", 3600)).Add(-1e9): "14:04:59 UTC",
	} {
		if got := timeOfDay(at, testNow); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWhole(t *testing.T) {
	long := make([]byte, maxPatch+1)
	for command, want := range map[string]string{"kubectl x": "kubectl x", "kubectl \u202ex": "", string(long): ""} {
		if got := whole(command); got != want {
			t.Errorf("%q: %q", command, got)
		}
	}
}

func TestAgeIsNeverNegative(t *testing.T) {
	s := &Snapshot{Now: testNow}
	if got := s.age(testNow.Add(time.Minute)); got != 0 {
		t.Errorf("what the clock of another machine puts into the future is %s old", got)
	}
}

func TestLastWarningIsRecent(t *testing.T) {
	warning := func(kind string, at time.Time) corev1.Event {
		return corev1.Event{Type: kind, Reason: "R", Message: "m", InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "p"}, LastTimestamp: metav1.NewTime(at)}
	}
	s := &Snapshot{Now: testNow, Events: []corev1.Event{warning("Normal", testNow), warning("Warning", testNow.Add(-time.Hour))}}
	if got := s.lastWarning(); got != "" {
		t.Errorf("an hour ago: %q", got)
	}
	s.Events[1].LastTimestamp = metav1.NewTime(testNow.Add(-time.Minute))
	if got := s.lastWarning(); got != "Event R of Pod p: m" {
		t.Errorf("a minute ago: %q", got)
	}
}

// TestBounded puts foreign text of every bad kind where checks put foreign text.
func TestBounded(t *testing.T) {
	bad := strings.Repeat("password=hunter2 \u202e\U000e0041\x1b[31m\n", 500)
	f := found("X", v1alpha1.ObjectReference{Kind: "Pod", Name: bad}, v1alpha1.Certain, bad)
	f.Recommendation, f.SuggestedPatch = bad, bad
	for range 20 {
		f.Evidence = append(f.Evidence, "", bad)
	}
	shown := bounded(slices.Repeat([]Finding{f}, 20))
	checkBounds(t, Diagnosis{Findings: shown})
	if len(shown) != maxFindings || len(shown[0].Evidence) != maxEvidenceItems {
		t.Errorf("%d findings with %d items", len(shown), len(shown[0].Evidence))
	}
	if text := fmt.Sprint(shown); strings.Contains(text, "hunter2") {
		t.Errorf("the secret is shown: %.200s", text)
	}
}
