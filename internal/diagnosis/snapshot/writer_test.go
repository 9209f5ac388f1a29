// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestOwns(t *testing.T) {
	for name, test := range map[string]struct {
		fields string
		want   bool
	}{
		"the field":     {`{"f:spec":{"f:replicas":{}}}`, true},
		"beside others": {`{"f:metadata":{},"f:spec":{"f:template":{},"f:replicas":{}}}`, true},
		"another field": {`{"f:spec":{"f:template":{"f:replicas":{}}}}`, false},
		"the status":    {`{"f:status":{"f:replicas":{}}}`, false},
		"no JSON":       {`{"f:spec":`, false},
		"a list":        {`{"f:spec":[]}`, false},
		"empty":         {``, false},
	} {
		if got := owns([]byte(test.fields), []string{"spec", "replicas"}); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestWriterOfTellsTheNewest(t *testing.T) {
	entry := func(manager string, minute int, fields string) metav1.ManagedFieldsEntry {
		at := metav1.NewTime(testNow.Add(-time.Duration(minute) * time.Minute))
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Time: &at, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	const replicas = `{"f:spec":{"f:replicas":{}}}`
	object := &metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
		entry("helm", 90, replicas), entry("kubectl", 2, replicas), entry("kube-controller-manager", 1, `{"f:status":{}}`), {Manager: "broken"},
	}}
	if by, ok := WriterOf(object, "spec", "replicas"); !ok || by.manager != "kubectl" {
		t.Errorf("%+v %t", by, ok)
	}
	if _, ok := WriterOf(&metav1.ObjectMeta{}, "spec", "replicas"); ok {
		t.Error("nobody wrote it, and somebody is told")
	}
}
