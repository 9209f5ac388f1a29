// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ownership_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/ownership"
)

var testNow = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

// wrote is an entry of a manager that wrote so many minutes ago.
func wrote(manager string, minutes int, fields string) metav1.ManagedFieldsEntry {
	at := metav1.NewTime(testNow.Add(-time.Duration(minutes) * time.Minute))
	return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Time: &at, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
}

// applied is an entry of a manager that applied on the server's side.
func applied(manager string, minutes int, fields string) metav1.ManagedFieldsEntry {
	entry := wrote(manager, minutes, fields)
	entry.Operation = metav1.ManagedFieldsOperationApply
	return entry
}

const (
	replicas  = `{"f:spec":{"f:replicas":{}}}`
	image     = `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"server\"}":{".":{},"f:name":{},"f:image":{},"f:resources":{"f:limits":{"f:memory":{}}}}}}}}}`
	restarted = `{"f:spec":{"f:template":{"f:metadata":{"f:annotations":{".":{},"f:kubectl.kubernetes.io/restartedAt":{}}}}}}`
)

var memory = []string{"spec", "template", "spec", "containers", ownership.Item("server"), "resources", "limits", "memory"}

func TestFieldOwner(t *testing.T) {
	for name, test := range map[string]struct {
		fields []metav1.ManagedFieldsEntry
		path   []string
		want   string
	}{
		"a field":                       {[]metav1.ManagedFieldsEntry{wrote("helm", 9, replicas)}, []string{"spec", "replicas"}, "helm"},
		"beside others":                 {[]metav1.ManagedFieldsEntry{wrote("helm", 9, `{"f:metadata":{},"f:spec":{"f:template":{},"f:replicas":{}}}`)}, []string{"spec", "replicas"}, "helm"},
		"another field":                 {[]metav1.ManagedFieldsEntry{wrote("helm", 9, `{"f:spec":{"f:template":{"f:replicas":{}}}}`)}, []string{"spec", "replicas"}, ""},
		"the status":                    {[]metav1.ManagedFieldsEntry{wrote("helm", 9, `{"f:status":{"f:replicas":{}}}`)}, []string{"spec", "replicas"}, ""},
		"no JSON":                       {[]metav1.ManagedFieldsEntry{wrote("helm", 9, `{"f:spec":`)}, []string{"spec", "replicas"}, ""},
		"a list":                        {[]metav1.ManagedFieldsEntry{wrote("helm", 9, `{"f:spec":[]}`)}, []string{"spec", "replicas"}, ""},
		"empty":                         {[]metav1.ManagedFieldsEntry{wrote("helm", 9, ``)}, []string{"spec", "replicas"}, ""},
		"no fields":                     {[]metav1.ManagedFieldsEntry{{Manager: "broken"}}, []string{"spec", "replicas"}, ""},
		"an item of a list":             {[]metav1.ManagedFieldsEntry{applied("me", 9, image)}, memory, "me apply"},
		"another item":                  {[]metav1.ManagedFieldsEntry{applied("me", 9, image)}, []string{"spec", "template", "spec", "containers", ownership.Item("sidecar"), "image"}, ""},
		"an item that is none":          {[]metav1.ManagedFieldsEntry{applied("me", 9, image)}, []string{"spec", "template", "spec", "containers", `k:{"name"`}, ""},
		"all of what is below":          {[]metav1.ManagedFieldsEntry{applied("me", 9, image)}, []string{"spec", "template"}, "me apply"},
		"beside what is below":          {[]metav1.ManagedFieldsEntry{applied("me", 9, image)}, []string{"spec", "paused"}, ""},
		"an annotation":                 {[]metav1.ManagedFieldsEntry{wrote("kubectl-rollout", 9, restarted)}, []string{"spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"}, "kubectl-rollout"},
		"another annotation":            {[]metav1.ManagedFieldsEntry{wrote("kubectl-rollout", 9, restarted)}, []string{"spec", "template", "metadata", "annotations", "prometheus.io/scrape"}, ""},
		"a map with nothing in it":      {[]metav1.ManagedFieldsEntry{applied("me", 9, `{"f:metadata":{"f:annotations":{}}}`)}, []string{"metadata", "annotations", "x"}, ""},
		"within an atomic map":          {[]metav1.ManagedFieldsEntry{applied("me", 9, `{"f:spec":{"f:selector":{}}}`)}, []string{"spec", "selector", "app"}, "me apply"},
		"the intent before the newest":  {[]metav1.ManagedFieldsEntry{wrote("kubectl", 1, replicas), applied("me", 9, replicas)}, []string{"spec", "replicas"}, "me apply"},
		"the newest of two that wrote":  {[]metav1.ManagedFieldsEntry{wrote("helm", 9, replicas), wrote("kubectl", 1, replicas)}, []string{"spec", "replicas"}, "kubectl"},
		"a manager without a time also": {[]metav1.ManagedFieldsEntry{{Manager: "old", Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(replicas)}}, []string{"spec", "replicas"}, "old apply"},
	} {
		t.Run(name, func(t *testing.T) {
			owner, ok := ownership.FieldOwner(&metav1.ObjectMeta{ManagedFields: test.fields}, test.path...)
			got := owner.Manager
			if owner.Applied {
				got += " apply"
			}
			if got != test.want || ok != (test.want != "") {
				t.Errorf("%q %t, want %q", got, ok, test.want)
			}
		})
	}
}

func TestWriterOfTellsTheNewest(t *testing.T) {
	object := &metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
		applied("helm", 90, replicas), wrote("kubectl", 2, replicas), wrote("kube-controller-manager", 1, `{"f:status":{}}`), {Manager: "broken"},
	}}
	if by, ok := ownership.WriterOf(object, "spec", "replicas"); !ok || by.Manager != "kubectl" {
		t.Errorf("%+v %t", by, ok)
	}
	if _, ok := ownership.WriterOf(&metav1.ObjectMeta{}, "spec", "replicas"); ok {
		t.Error("nobody wrote it, and somebody is told")
	}
	undated := &metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "old", FieldsV1: metav1.NewFieldsV1(replicas)}}}
	if by, ok := ownership.WriterOf(undated, "spec", "replicas"); ok {
		t.Errorf("nobody knows when, and %+v is told", by)
	}
}

func TestOwnerInWords(t *testing.T) {
	entry := wrote("kube-controller-manager", 5, replicas)
	entry.Subresource = "scale"
	by, _ := ownership.FieldOwner(&metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{entry}}, "spec", "replicas")
	if got := by.Evidence("spec.replicas"); got != "managed fields: spec.replicas was set by kube-controller-manager (Update of the scale subresource, 2026-11-23T14:00:00Z)" {
		t.Error(got)
	}
	if got := by.In(testNow); got != "by kube-controller-manager, which last wrote at 14:00:00 UTC" {
		t.Error(got)
	}
}

// FuzzManagedFields reads managed fields, paths and manifests that a file may hold.
func FuzzManagedFields(f *testing.F) {
	for _, fields := range []string{replicas, image, restarted, `{"f:spec":`, `{"k:{}":{".":{}}}`, `{"v:1":{},"i:2":{},".":{}}`, ``} {
		f.Add(fields, `k:{"name":"server"}`, `{"spec":{"replicas":1}}`, "app:apps/Deployment:n/d")
	}
	f.Fuzz(func(_ *testing.T, fields, element, manifest, id string) {
		object := &metav1.ObjectMeta{
			Namespace: "n", Name: "d",
			Annotations:   map[string]string{"kubectl.kubernetes.io/last-applied-configuration": manifest, "argocd.argoproj.io/tracking-id": id},
			ManagedFields: []metav1.ManagedFieldsEntry{wrote("argocd-controller", 1, fields)},
		}
		path := append(strings.Split("spec.template.spec.containers", "."), element)
		ownership.FieldOwner(object, path...)
		ownership.HoldsField(object, path...)
	})
}
