// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// check compares how a command ended with what it should have told, in order.
func (w *world) check(e ended, code int, told ...string) {
	w.Helper()
	wrong := e.code != code
	if wrong {
		w.Errorf("exit code %d, want %d", e.code, code)
	}
	rest := e.out + "\x00" + e.told
	for _, part := range told {
		_, after, found := strings.Cut(rest, part)
		if !found {
			w.Errorf("%q is not told, or not in its place", part)
			wrong = true
			continue
		}
		rest = after
	}
	if wrong {
		w.Logf("stdout: %s\nstderr: %s", e.out, e.told)
	}
}

func TestHeal(t *testing.T) {
	w := newWorld(t)
	result := w.start("heal "+sandfly+" --timeout 90s --reason", "the chat\x1b[2J is silent")
	r := w.appears()
	spec := r.Spec
	if r.Name != sandfly+"-001" || spec.Trigger != v1alpha1.TriggerManual || spec.RequestedBy != "admin" || spec.Mode != "" || spec.Timeout.Duration != 90*time.Second {
		t.Errorf("asked for as %s: %+v", r.Name, spec)
	}
	if r.Labels[v1alpha1.LabelTarget] != sandfly || r.Annotations[v1alpha1.AnnotationReason] != "the chat is silent" {
		t.Errorf("with %v and %v", r.Labels, r.Annotations)
	}
	w.write(r, say("Starting", "Checking pods"))
	w.write(r, say("Scaled"), over(v1alpha1.ReasonHealed))
	e := w.await(result)
	w.check(e, 0, "HealingRequest "+sandfly+"-001 created in namespace "+w.namespace, "12:00:00Z  Starting", "12:00:01Z  Checking pods", "12:00:02Z  Scaled",
		"Healed in 8s: Service "+sandfly, "Scaled Deployment sandfly from 0 to 1")
	if e.told != "" {
		t.Errorf("complains: %s", e.told)
	}
}

// TestEnds: how it ended is told by words and by the exit code.
func TestEnds(t *testing.T) {
	type change = func(*v1alpha1.HealingRequestStatus)
	for name, tc := range map[string]struct {
		line   string
		writes [][]change
		code   int
		told   []string
	}{
		"not healed": {"", [][]change{{say("one"), over(v1alpha1.ReasonManualFixNeeded)}}, 1,
			[]string{"one", "Not healed (ManualFixNeeded)", "scaled to 0", "Scale it to 1.", "    kubectl scale deployment/sandfly"}},
		"a dry run": {"--dry-run", [][]change{{say("one"), scaleTo(2), over(v1alpha1.ReasonDryRun)}}, 0,
			[]string{"Dry run, nothing was changed", "1. Scale Deployment sandfly to 2 replicas", "risk medium · can be undone · needs approval"}},
		"its plan waits": {"--approval", [][]change{{say("one"), scaleTo(2), planned(v1alpha1.ReasonAwaitingApproval, "scale deployment sandfly to 2")}}, 3,
			[]string{"Waits for approval", "1. Scale Deployment sandfly to 2 replicas", "Nobody is there", "kubectl cortex approve " + sandfly + "-001 -n "}},
		"held back": {"", [][]change{{say("one"), planned(v1alpha1.ReasonCooldownActive, "the last heal failed")}}, 3,
			[]string{"Held back", "CooldownActive: the last heal failed", "kubectl cortex approve " + sandfly + "-001 -n "}},
		"its turn came": {"", [][]change{{planned(v1alpha1.ReasonAnotherRequestActive, "other")}, {planned(v1alpha1.ReasonConcurrencyLimited, "4 others")}, {say("one"), over(v1alpha1.ReasonHealed)}}, 0,
			[]string{"one", "Healed"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			result := w.start("heal " + sandfly + " " + tc.line)
			r := w.appears()
			for _, changes := range tc.writes {
				w.write(r, changes...)
			}
			w.check(w.await(result), tc.code, tc.told...)
		})
	}
}

// TestResult: a script gets the result alone, with exactly the names of the spec.
func TestResult(t *testing.T) {
	for format, want := range map[string]string{
		"json": "{\n  \"success\": false,\n  \"diagnosis\": \"Deployment sandfly is scaled to 0\",\n  \"fix_applied\": \"\",\n  \"timestamp\": \"2026-11-23T12:00:08Z\",\n  \"recommendation\": \"Scale it to 1.\"\n}\n",
		"yaml": "diagnosis: Deployment sandfly is scaled to 0\nfix_applied: \"\"\nrecommendation: Scale it to 1.\nsuccess: false\ntimestamp: \"2026-11-23T12:00:08Z\"\n",
	} {
		w := newWorld(t)
		result := w.start("heal " + sandfly + " -o " + format)
		w.write(w.appears(), say("one"), over(v1alpha1.ReasonManualFixNeeded))
		e := w.await(result)
		if e.code != 1 || e.out != want || !strings.Contains(e.told, "12:00:00Z  one") {
			t.Errorf("exit code %d: %s%s", e.code, e.out, e.told)
		}
	}
	w := newWorld(t)
	result := w.start("heal " + sandfly + " -o json")
	w.write(w.appears(), planned(v1alpha1.ReasonStormBrake, "half of them fail"))
	w.check(w.await(result), 3, `"success": false`, `It waits (StormBrake: half of them fail). To let it go on: kubectl cortex approve `+sandfly+"-001")
}

// TestTargets: what is wrong with a target is told before anything is asked for, or instead.
func TestTargets(t *testing.T) {
	w := newWorld(t)
	w.create(w.deployment(sandfly))
	for line, tc := range map[string]struct {
		code int
		told string
	}{
		"heal sandfly-mcp-serve":               {2, "there is no Service sandfly-mcp-serve in namespace " + w.namespace + "; did you mean " + sandfly + "?"},
		"heal deploy/sandfly-cach":             {2, "did you mean sandfly-cache?"},
		"heal pod/sandfly":                     {2, "is no kind that can be diagnosed"},
		"heal":                                 {2, "one TARGET is needed"},
		"heal a b":                             {2, "one TARGET is needed"},
		"heal a -o xml":                        {2, "--output is text, json or yaml"},
		"heal a --timeout 5s":                  {2, "--timeout is 5s: it must be from 10s to 30m0s"},
		"heal a --dry-run --approval":          {2, "a dry run changes nothing, so nobody has to approve it: give --dry-run to see the plan, or --approval to be asked"},
		"heal proxmox-mcp-server --wait=0":     {0, "Note: Service proxmox-mcp-server is not opted in: Cortex looks, and changes nothing. To let it:\n\n    kubectl label service proxmox-mcp-server -n " + w.namespace + " healing.cortex.dev/mcp-server=true"},
		"heal sandfly-cache --wait=0":          {0, "Note: no Service leads to Deployment sandfly-cache"},
		"heal deploy/" + sandfly + " --wait=0": {0, "HealingRequest " + sandfly + "-001 created"},
	} {
		w.check(w.run(line), tc.code, tc.told)
	}
}

// awaited tells when a text was written.
type awaited struct {
	text   strings.Builder
	wanted string
	seen   chan struct{}
}

func (s *awaited) Write(p []byte) (int, error) {
	s.text.Write(p)
	if s.wanted != "" && strings.Contains(s.text.String(), s.wanted) {
		s.wanted = ""
		close(s.seen)
	}
	return len(p), nil
}

// TestJoin: of a target that a heal is under way for no other is asked for, unless in a way of its own.
func TestJoin(t *testing.T) {
	w := newWorld(t)
	r := w.request("by-hand", with(say("one"), condition(v1alpha1.ConditionDiagnosed, metav1.ConditionTrue, "ScaledToZero", "")))
	out := &awaited{wanted: "following it", seen: make(chan struct{})}
	result := make(chan ended, 1)
	go func() {
		code := run(t.Context(), w.args("heal "+sandfly), streams{strings.NewReader(""), out, io.Discard}, clocktesting.NewFakeClock(noon))
		result <- ended{code: code, out: out.text.String()}
	}()
	<-out.seen
	w.write(r, say("two"), over(v1alpha1.ReasonHealed))
	w.check(w.await(result), 0, "by-hand is under way already, asked for by cortex-gateway: following it", "one", "two", "Healed")

	w.request(sandfly+"-004", with(say("one")))
	w.check(w.run("heal "+sandfly+" --dry-run --wait=false"), 0, "HealingRequest "+sandfly+"-005 created")
}

// TestRights: who may not is told which verb on which resource is missing, and which role has it.
func TestRights(t *testing.T) {
	w := newWorld(t)
	w.request(sandfly+"-001", with(say("one"), scaleTo(2), planned(v1alpha1.ReasonAwaitingApproval, "scale")))
	nobody := w.as("nobody")
	for line, verb := range map[string]string{"heal x": "list", "approve x": "get", "history": "list"} {
		e := w.run(line, "--kubeconfig", nobody)
		w.check(e, 2, "you may not "+verb+" healingrequests.healing.cortex.dev in namespace "+w.namespace+"; the role view of the namespace allows it")
		if strings.HasPrefix(line, "heal") {
			w.check(e, 2, "Note: whether x is there and opted in is not known")
		}
	}
}
