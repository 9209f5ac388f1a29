// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/history"
)

var (
	update  = flag.Bool("update", false, "write the golden files anew")
	now     = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)
	service = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}
)

func load(t *testing.T, path string) []v1alpha1.HealingRequest {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list v1alpha1.HealingRequestList
	if err := yaml.UnmarshalStrict(raw, &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func in(requests []v1alpha1.HealingRequest, namespace string) []v1alpha1.HealingRequest {
	var own []v1alpha1.HealingRequest
	for _, r := range requests {
		if r.Namespace == namespace {
			own = append(own, r)
		}
	}
	return own
}

// TestGolden holds what is told of each case. Run it with -update after a change, and read the difference.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/requests.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		folder, requests := filepath.Dir(path), load(t, path)
		story := history.Of(service, "mcp", in(requests, "mcp"), 0, now)
		plain, coloured := history.Style{Now: now}, history.Style{Now: now, Colour: true}
		for name, write := range map[string]func(*bytes.Buffer) error{
			"story":    func(b *bytes.Buffer) error { return story.Text(b, plain) },
			"colour":   func(b *bytes.Buffer) error { return story.Text(b, coloured) },
			"json":     func(b *bytes.Buffer) error { return history.JSON(b, story) },
			"yaml":     func(b *bytes.Buffer) error { return history.YAML(b, story) },
			"overview": func(b *bytes.Buffer) error { return history.Over(requests, now).Text(b, plain) },
			"endings": func(b *bytes.Buffer) error {
				for i := range requests {
					b.WriteString("---\n")
					if err := history.Ending(b, &requests[i], plain); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			t.Run(filepath.Base(folder)+"/"+name, func(t *testing.T) {
				var got bytes.Buffer
				if err := write(&got); err != nil {
					t.Fatal(err)
				}
				golden(t, filepath.Join(folder, name+".golden"), got.String())
				unseen(t, got.String())
				if strings.Contains(got.String(), "hunter2") {
					t.Error("a secret is shown")
				}
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

var colour = regexp.MustCompile("\x1b\\[(31;1|32|33|1|2|0)m")

// unseen fails for what a terminal obeys and a person does not see, but the colours that are wanted, and for a line that a
// field has made.
func unseen(t *testing.T, text string) {
	t.Helper()
	for _, r := range colour.ReplaceAllString(text, "") {
		if r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)) {
			t.Fatalf("%U is shown in %q", r, text)
		}
	}
	if strings.Contains(text, "\nerror: FAKE") {
		t.Error("a field makes a line of its own")
	}
}

func TestExact(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"b c"}`:       `{"a":"b c"}`,
		"a\u202eb":          `a\u202eb`,
		"a\nb\tc":           `a\u000ab\u0009c`,
		"a\U000e0041b":      `a\udb40\udc41b`,
		"Größe 漢字":          "Größe 漢字",
		"password=hunter22": "password=hunter22", // what is approved is what is done: nothing is hidden of it
	} {
		if got := history.Exact(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
}

// TestLimit: the newest are told, and how many are not.
func TestLimit(t *testing.T) {
	requests := in(load(t, "testdata/sandfly/requests.yaml"), "mcp")
	story := history.Of(service, "mcp", requests, 2, now)
	if len(story.Heals) != 2 || story.Older != 5 || story.Heals[0].Name != "sandfly-mcp-server-007" {
		t.Errorf("%d heals from %s, %d older", len(story.Heals), story.Heals[0].Name, story.Older)
	}
	if all := history.Of(service, "mcp", requests, 0, now); story.Summary != all.Summary {
		t.Error("the summary is not of all")
	}
}

// TestOfWorkload: a workload has the heals that name it and those that were found to lead to it.
func TestOfWorkload(t *testing.T) {
	requests := in(load(t, "testdata/sandfly/requests.yaml"), "mcp")
	story := history.Of(v1alpha1.TargetReference{Kind: v1alpha1.KindDeployment, Name: "sandfly-mcp-server"}, "mcp", requests, 0, now)
	if len(story.Heals) != 2 {
		t.Errorf("%d heals", len(story.Heals))
	}
	// Of a dependency its own heals are told, though another's heal has asked for them.
	if story := history.Of(v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-db"}, "mcp", requests, 0, now); len(story.Heals) != 1 {
		t.Errorf("%d heals", len(story.Heals))
	}
}

func TestSummary(t *testing.T) {
	ended := func(reason string, before, took time.Duration, cause v1alpha1.Cause) v1alpha1.HealingRequest {
		var r v1alpha1.HealingRequest
		r.Spec.TargetRef = service
		end, start := metav1.NewMicroTime(now.Add(-before)), metav1.NewMicroTime(now.Add(-before-took))
		r.CreationTimestamp = metav1.NewTime(start.Time)
		r.Status.StartedAt, r.Status.CompletedAt, r.Status.Cause = &start, &end, cause
		r.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason}}
		return r
	}
	const day = 24 * time.Hour
	healed := func(took time.Duration) v1alpha1.HealingRequest {
		return ended(v1alpha1.ReasonHealed, time.Hour, took, v1alpha1.CauseScaledToZero)
	}
	for name, tc := range map[string]struct {
		requests []v1alpha1.HealingRequest
		want     string
	}{
		"none":                   {nil, "no heals in 7 days"},
		"one":                    {[]v1alpha1.HealingRequest{healed(2 * time.Second)}, "1 heal in 7 days, 1 succeeded (100 %), 2s to heal in the median, most often ScaledToZero (1)"},
		"the middle of three":    {[]v1alpha1.HealingRequest{healed(9 * time.Second), healed(time.Second), healed(time.Minute)}, "3 heals in 7 days, 3 succeeded (100 %), 9s to heal in the median, most often ScaledToZero (3)"},
		"between the middle two": {[]v1alpha1.HealingRequest{healed(4 * time.Second), healed(time.Second)}, "2 heals in 7 days, 2 succeeded (100 %), 2.5s to heal in the median, most often ScaledToZero (2)"},
		"a failure":              {[]v1alpha1.HealingRequest{ended(v1alpha1.ReasonManualFixNeeded, day, time.Second, v1alpha1.CauseOOMKilled)}, "1 heal in 7 days, 0 succeeded (0 %), most often OOMKilled (1)"},
		"as frequent":            {[]v1alpha1.HealingRequest{ended(v1alpha1.ReasonUnapproved, day, time.Second, v1alpha1.CauseOOMKilled), ended(v1alpha1.ReasonDeadlineExceeded, day, time.Second, v1alpha1.CauseCrashLoop)}, "2 heals in 7 days, 0 succeeded (0 %), most often CrashLoop (1)"},
		"nothing was wrong":      {[]v1alpha1.HealingRequest{ended(v1alpha1.ReasonHealthy, day, time.Second, v1alpha1.CauseHealthy)}, "1 heal in 7 days, 1 succeeded (100 %)"},
		"not a heal":             {[]v1alpha1.HealingRequest{ended(v1alpha1.ReasonDryRun, day, 1, ""), ended(v1alpha1.ReasonDenied, day, 1, ""), ended(v1alpha1.ReasonCanceled, day, 1, ""), {Spec: v1alpha1.HealingRequestSpec{TargetRef: service}}}, "no heals in 7 days"},
		"the window":             {[]v1alpha1.HealingRequest{ended(v1alpha1.ReasonHealed, 7*day, time.Second, ""), ended(v1alpha1.ReasonHealed, 7*day+1000, time.Second, "")}, "1 heal in 7 days, 1 succeeded (100 %), 1s to heal in the median"},
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			if err := history.Of(service, "mcp", tc.requests, 0, now).Text(&text, history.Style{Now: now}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Split(text.String(), "\n")[1]; got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestNesting: each heal is told once, under the one that has asked for it.
func TestNesting(t *testing.T) {
	made := func(name, target, owner string) v1alpha1.HealingRequest {
		r := v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}}
		r.Spec.TargetRef = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: target}
		if owner != "" {
			r.OwnerReferences = []metav1.OwnerReference{{Kind: "HealingRequest", Name: owner, UID: types.UID(owner)}}
		}
		return r
	}
	var shape func(heals []history.Heal) string
	shape = func(heals []history.Heal) string {
		text := ""
		for _, h := range heals {
			text += h.Name + "(" + shape(h.Children) + ")"
		}
		return text
	}
	const own = "sandfly-mcp-server"
	for name, tc := range map[string]struct {
		requests []v1alpha1.HealingRequest
		want     string
	}{
		"back to the target":    {[]v1alpha1.HealingRequest{made("c", own, "b"), made("b", "other", "a"), made("a", own, "")}, "a(b(c()))"},
		"an owner that is gone": {[]v1alpha1.HealingRequest{made("a", own, "gone")}, "a()"},
		"for another target":    {[]v1alpha1.HealingRequest{made("b", own, "a"), made("a", "other", "")}, "b()"},
		"itself":                {[]v1alpha1.HealingRequest{made("a", own, "a")}, "a()"},
		"each other":            {[]v1alpha1.HealingRequest{made("a", own, "b"), made("b", own, "a")}, "a(b())"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := shape(history.Of(service, "mcp", tc.requests, 0, now).Heals); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestEndingOfWhatWasChangedInVain: what was changed went with its workload, and the one that was created anew is well by itself.
func TestEndingOfWhatWasChangedInVain(t *testing.T) {
	for name, test := range map[string]struct {
		actions []v1alpha1.ActionResult
		want    string
	}{
		"nothing was changed": {nil, "Healthy, nothing was changed: "},
		"it was waited for":   {[]v1alpha1.ActionResult{{Type: v1alpha1.ActionWait, State: v1alpha1.ActionVerified}}, "Healthy, nothing was changed: "},
		"a change that could not be made": {
			[]v1alpha1.ActionResult{{Type: v1alpha1.ActionRestart, State: v1alpha1.ActionSkipped}}, "Healthy, nothing was changed: ",
		},
		"what was changed is gone": {[]v1alpha1.ActionResult{{Type: v1alpha1.ActionRestart, State: v1alpha1.ActionApplied}}, "Healthy by itself: "},
	} {
		t.Run(name, func(t *testing.T) {
			at := metav1.NewMicroTime(now)
			request := v1alpha1.HealingRequest{Spec: v1alpha1.HealingRequestSpec{TargetRef: service}, Status: v1alpha1.HealingRequestStatus{
				StartedAt: &at, CompletedAt: &at, Actions: test.actions,
				Conditions: []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonHealthy}},
			}}
			var told bytes.Buffer
			if err := history.Ending(&told, &request, history.Style{Now: now}); err != nil || !strings.HasPrefix(told.String(), test.want) {
				t.Errorf("%q, %v", told.String(), err)
			}
		})
	}
}
