// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRightsOf(t *testing.T) {
	for name, test := range map[string]struct {
		comment string
		want    []string
		fails   string
	}{
		"one reason of two markers": {
			"// To look at it,\n// twice.\n// +kubebuilder:rbac:groups=\"\",resources=pods;services,verbs=get;list\n// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=list",
			[]string{"`pods` get list: To look at it, twice.", "`services` get list: To look at it, twice.", "`deployments.apps` list: To look at it, twice."}, ""},
		"a reason each": {
			"// To look.\n// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get\n// To act.\n// +kubebuilder:rbac:groups=apps,resources=deployments/scale,verbs=patch",
			[]string{"`deployments.apps` get: To look.", "`deployments.apps/scale` patch: To act."}, ""},
		"in one place, of one name": {
			"// To agree.\n// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=home,resources=leases,resourceNames=mine,verbs=update",
			[]string{"`leases.coordination.k8s.io` named `mine` in `home` update: To agree."}, ""},
		"no reason":    {"// +kubebuilder:rbac:groups=\"\",resources=pods,verbs=get", nil, "has no reason"},
		"no verbs":     {"// Why.\n// +kubebuilder:rbac:groups=\"\",resources=pods", nil, "names no groups, resources or verbs"},
		"another text": {"// Nothing of the kind.", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n\n"+test.comment+"\n", parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			rights, err := rightsOf(file.Comments[0])
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("error %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rights {
				got = append(got, r.on+" "+strings.Join(r.verbs, " ")+": "+r.why)
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// A marker without a reason gives a right that nobody can judge. One in a folder that make generate does not look into gives none.
func TestEveryMarkerHasAReasonAndIsInTheReference(t *testing.T) {
	t.Chdir("../..")
	page, err := os.ReadFile(filepath.Join("docs", "reference", "rbac.md"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, folder := range []string{"api", "cmd", "internal"} {
		rights, err := rightsIn(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rights {
			count++
			if row := r.row(); !strings.Contains(string(page), row) {
				t.Errorf("docs/reference/rbac.md lacks %s\nrun make generate; if it stays away, name its folder in the Makefile", row)
			}
		}
	}
	if count == 0 {
		t.Error("no marker was found")
	}
}
