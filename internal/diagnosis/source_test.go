// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// ours are the commands that change what Cortex may change.
var ours = regexp.MustCompile(`^kubectl (?:patch|set \w+|scale) (?:deployment|statefulset|daemonset|service)\b`)

// TestPatchesForPeopleAlone lists the fixtures whose command may be right, and that no program applies.
func TestPatchesForPeopleAlone(t *testing.T) {
	want := []string{
		"DNSFailure/cluster-dns-at-zero", // of another namespace than the target's
		// What the answer to a probe was is told by an event, and no other probe shows the right one.
		"ReadinessProbeMisconfigured/protocol-no-grpc-health",
		"ReadinessProbeMisconfigured/scheme-http-of-tls",
		"ReadinessProbeMisconfigured/scheme-https-of-http",
		// That a file is refused is told by a log.
		"VolumePermissionDenied/fs-group-not-set",
		"VolumePermissionDenied/near-miss-relative-path-on-an-empty-dir",
		"VolumePermissionDenied/no-path-and-a-user-without-group",
	}
	var got []string
	for _, f := range loadFixtures(t) {
		for _, found := range Diagnose(f.snapshot()).Findings {
			if found.Patch == nil && ours.MatchString(found.SuggestedPatch) {
				got = append(got, strings.TrimPrefix(f.path, "testdata/"))
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestALogAloneIsNoPatch has a server say that it listens at a port which no object knows.
func TestALogAloneIsNoPatch(t *testing.T) {
	for port, patched := range map[string]bool{"3000": true, "4000": false} { // the Service sends its callers to 3000
		for _, f := range loadFixtures(t) {
			if f.path != "testdata/ReadinessProbeMisconfigured/port-told-by-the-log" {
				continue
			}
			s := f.snapshot()
			for key := range s.Logs {
				s.Logs[key] = snapshot.ContainerLog{Current: foreign.Log("sandfly 1.4 listening on :"+port+"\n", 1<<10)}
			}
			found := Diagnose(s).Findings[0]
			if !strings.Contains(found.SuggestedPatch, port) || (found.Patch != nil) != patched {
				t.Errorf("listening on %s: %s, as data: %v", port, found.SuggestedPatch, found.Patch)
			}
		}
	}
}

// TestPatchesComeFromObjects holds that what a patch writes stands in an object, or in none of the texts either: in no log
// and in no event.
func TestPatchesComeFromObjects(t *testing.T) {
	patched(t, func(t *testing.T, f *fixture, found finding.Finding, _ client.Object) {
		texts := foreignTexts(f)
		objects := f.objectTexts(t)
		for _, value := range leaves(t, found.Patch.Data) {
			if strings.Contains(texts, value) && !strings.Contains(objects, value) {
				t.Errorf("%s: %q stands only in a log or an event", found.SuggestedPatch, value)
			}
		}
	})
}

// foreignTexts are all that programs and the cluster say in words.
func foreignTexts(f *fixture) string {
	var all strings.Builder
	for _, log := range f.Logs {
		all.WriteString(log.Current + "\n" + log.Previous + "\n")
	}
	for i := range f.objects.Events {
		all.WriteString(f.objects.Events[i].Message + "\n")
	}
	return all.String()
}

// objectTexts are the specs and the metadata of the objects.
func (f *fixture) objectTexts(t *testing.T) string {
	t.Helper()
	o := *f.objects
	o.Events = nil
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	raw, err = json.Marshal(without(tree, "status"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func without(tree any, field string) any {
	switch node := tree.(type) {
	case map[string]any:
		delete(node, field)
		for key := range node {
			node[key] = without(node[key], field)
		}
	case []any:
		for i := range node {
			node[i] = without(node[i], field)
		}
	}
	return tree
}

// leaves are the texts and numbers that a patch writes.
func leaves(t *testing.T, data string) []string {
	t.Helper()
	var tree any
	decoder := json.NewDecoder(strings.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	var all []string
	var walk func(any)
	walk = func(node any) {
		switch value := node.(type) {
		case string:
			all = append(all, value)
		case json.Number:
			all = append(all, value.String())
		case []any:
			for _, child := range value {
				walk(child)
			}
		case map[string]any:
			for _, child := range value {
				walk(child)
			}
		}
	}
	walk(tree)
	return all
}
