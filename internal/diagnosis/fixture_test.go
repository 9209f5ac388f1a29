// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const testNamespace = "cortex-system"

var (
	testNow       = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	sandflyTarget = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}
)

// A fixture is a folder testdata/<cause>/<case>: objects.yaml is a v1 List as `kubectl get -o yaml` gives it, case.yaml
// says what else was seen and what the diagnosis must be. A case whose name begins with "near-miss" looks like the cause
// and is not.
type fixture struct {
	Target    v1alpha1.TargetReference `json:"target"`
	Error     *v1alpha1.ObservedError  `json:"error"`
	Handshake *struct {
		Verdict  v1alpha1.Verdict    `json:"verdict"`
		Class    v1alpha1.ErrorClass `json:"class"`
		Accepted bool                `json:"accepted"`
		Message  string              `json:"message"`
	} `json:"handshake"`
	Logs map[string]struct {
		Current  string `json:"current"`
		Previous string `json:"previous"`
	} `json:"logs"`
	Unprobed bool     `json:"unprobed"`
	Unread   []string `json:"unread"`
	Gaps     []string `json:"gaps"`
	Want     want     `json:"want"`

	path    string
	objects *snapshot.Objects
}

// want is what is expected of the diagnosis, and of its first finding. Texts need only be contained.
type want struct {
	Cause          v1alpha1.Cause      `json:"cause"`
	Detail         string              `json:"detail"`
	Object         string              `json:"object"` // "Kind name", of the first finding
	Findings       []v1alpha1.Cause    `json:"findings"`
	Confidence     v1alpha1.Confidence `json:"confidence"`
	Replicas       int32               `json:"replicas"`
	Message        string              `json:"message"`
	Evidence       []string            `json:"evidence"`
	Recommendation []string            `json:"recommendation"`
	Patch          *string             `json:"patch"`
	Summary        string              `json:"summary"`
	Steps          []string            `json:"steps"`
	Absent         []string            `json:"absent"` // from everything that is told
}

func loadFixtures(t *testing.T) []fixture {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*/case.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var all []fixture
	for _, path := range paths {
		f := fixture{path: filepath.Dir(path), Target: sandflyTarget}
		decode(t, path, &f)
		f.objects = loadObjects(t, filepath.Join(f.path, "objects.yaml"))
		f.objects.Unread, f.objects.Gaps = f.Unread, f.Gaps
		all = append(all, f)
	}
	return all
}

// decode is strict, so that a misspelt field of a fixture is an error and not a test that tests nothing.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func loadObjects(t *testing.T, path string) *snapshot.Objects {
	t.Helper()
	reader := dump.Reader{Strict: true}
	if err := reader.ReadPath(path, nil); err != nil {
		t.Fatal(err)
	}
	return reader.Objects()
}

func (f *fixture) snapshot() *snapshot.Snapshot {
	s := snapshot.Assemble(testNamespace, f.Target, f.objects)
	s.Now, s.Error, s.Unprobed = testNow, f.Error, f.Unprobed
	if h := f.Handshake; h != nil {
		s.Handshake = &mcpserver.Result{Verdict: h.Verdict, Class: h.Class, Accepted: h.Accepted, Message: h.Message}
	}
	for key, log := range f.Logs {
		pod, container, _ := strings.Cut(key, "/")
		if s.Logs == nil {
			s.Logs = map[snapshot.ContainerKey]snapshot.ContainerLog{}
		}
		s.Logs[snapshot.ContainerKey{Pod: pod, Container: container}] = snapshot.ContainerLog{Current: foreign.Log(log.Current, 16<<10), Previous: foreign.Log(log.Previous, 16<<10)}
	}
	return s
}

func TestFixtures(t *testing.T) {
	for _, f := range loadFixtures(t) {
		t.Run(strings.TrimPrefix(f.path, "testdata/"), func(t *testing.T) {
			d := Diagnose(f.snapshot())
			checkDiagnosis(t, d, f.Want)
			checkBounds(t, d)
			if t.Failed() {
				out, _ := yaml.Marshal(d)
				t.Logf("the diagnosis:\n%s", out)
			}
		})
	}
}

func checkDiagnosis(t *testing.T, d Diagnosis, want want) {
	t.Helper()
	causes := []v1alpha1.Cause{}
	var root finding.Finding
	for _, f := range d.Findings {
		causes = append(causes, f.Cause)
	}
	if len(d.Findings) > 0 {
		root = d.Findings[0]
	}
	if d.Cause != want.Cause {
		t.Errorf("cause %s, want %s", d.Cause, want.Cause)
	}
	if diff := cmp.Diff(want.Findings, causes); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if want.Detail != "" && root.Detail != want.Detail {
		t.Errorf("detail %q, want %q", root.Detail, want.Detail)
	}
	if object := root.Object.Kind + " " + root.Object.Name; want.Object != "" && object != want.Object {
		t.Errorf("object %q, want %q", object, want.Object)
	}
	if want.Confidence != "" && root.Confidence != want.Confidence {
		t.Errorf("confidence %s, want %s", root.Confidence, want.Confidence)
	}
	if want.Replicas != 0 && root.Replicas != want.Replicas {
		t.Errorf("replicas %d, want %d", root.Replicas, want.Replicas)
	}
	if want.Patch != nil && root.SuggestedPatch != *want.Patch {
		t.Errorf("patch %q, want %q", root.SuggestedPatch, *want.Patch)
	}
	contains(t, "message", root.Message, want.Message)
	contains(t, "evidence", strings.Join(root.Evidence, "\n"), want.Evidence...)
	contains(t, "recommendation", root.Recommendation, want.Recommendation...)
	contains(t, "summary", d.Summary, want.Summary)
	contains(t, "steps", strings.Join(d.Steps, "\n"), want.Steps...)
	for _, text := range want.Absent {
		if strings.Contains(fmt.Sprint(d), text) {
			t.Errorf("%q is told", text)
		}
	}
}

func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s %q, want %q in it", what, text, part)
		}
	}
}

// checkBounds holds a diagnosis to the bounds of the fields of the status that it is copied to.
func checkBounds(t *testing.T, d Diagnosis) {
	t.Helper()
	bound := func(what, text string, limit int) {
		if n := utf8.RuneCountInString(text); n > limit {
			t.Errorf("%s has %d characters, more than %d", what, n, limit)
		}
		if text != foreign.Visible(text) || strings.Contains(text, "\n") {
			t.Errorf("%s holds what nobody sees: %q", what, text)
		}
	}
	bound("summary", d.Summary, 4096)
	if len(d.Findings) > 16 {
		t.Errorf("%d findings", len(d.Findings))
	}
	for _, f := range d.Findings {
		bound("message", f.Message, 1024)
		bound("recommendation", f.Recommendation, 2048)
		bound("patch", f.SuggestedPatch, 1024)
		if f.Patch != nil {
			bound("data of the patch", f.Patch.Data, 1024)
			if f.Patch.Shown != f.SuggestedPatch || f.SuggestedPatch == "" {
				t.Errorf("%q is suggested, and %q is in the patch", f.SuggestedPatch, f.Patch.Shown)
			}
		}
		if len(f.Evidence) > 10 {
			t.Errorf("%d items of evidence", len(f.Evidence))
		}
		for _, e := range f.Evidence {
			bound("evidence", e, 512)
		}
		if f.Message == "" || f.Object.Kind == "" || f.Object.Name == "" || f.Recommendation == "" {
			t.Errorf("a finding says too little: %+v", f)
		}
	}
	for _, step := range d.Steps {
		bound("step", step, 512)
	}
}

// TestEveryCauseHasFixtures holds the rule that a cause comes with a case that shows it and one that only looks like it.
func TestEveryCauseHasFixtures(t *testing.T) {
	hits, misses := map[v1alpha1.Cause]int{v1alpha1.CauseHealthy: 0}, map[v1alpha1.Cause]int{}
	for _, row := range Catalogue() {
		hits[row.Cause] = 0
	}
	for _, f := range loadFixtures(t) {
		cause := v1alpha1.Cause(filepath.Base(filepath.Dir(f.path)))
		if _, known := hits[cause]; !known {
			t.Errorf("%s is in the folder of no cause", f.path)
		}
		nearMiss := strings.HasPrefix(filepath.Base(f.path), "near-miss")
		hint := f.Want.Cause == v1alpha1.CauseHealthy && len(f.Want.Findings) > 0 && f.Want.Findings[0] == cause
		if nearMiss == (f.Want.Cause == cause || hint) {
			t.Errorf("%s wants %s", f.path, f.Want.Cause)
		}
		if nearMiss {
			misses[cause]++
		} else {
			hits[cause]++
		}
	}
	for cause := range hits {
		if hits[cause] == 0 || misses[cause] == 0 {
			t.Errorf("%s has %d cases and %d near misses", cause, hits[cause], misses[cause])
		}
	}
}

// TestDeterminism shuffles what the API server gives in no promised order.
func TestDeterminism(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, f := range loadFixtures(t) {
		first := Diagnose(f.snapshot())
		for range 5 {
			shuffle(random, f.objects.Services)
			shuffle(random, f.objects.EndpointSlices)
			shuffle(random, f.objects.Deployments)
			shuffle(random, f.objects.ReplicaSets)
			shuffle(random, f.objects.Pods)
			shuffle(random, f.objects.Events)
			if diff := cmp.Diff(first, Diagnose(f.snapshot())); diff != "" {
				t.Fatalf("%s: another order, another diagnosis (-first +now):\n%s", f.path, diff)
			}
		}
	}
}

func shuffle[T any](random *rand.Rand, all []T) {
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
}
