// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// Writer is who last wrote a field, as the managed fields of its object tell it.
type Writer struct {
	manager, subresource string
	operation            metav1.ManagedFieldsOperationType
	at                   time.Time
}

// WriterOf finds who last wrote a field. Several managers may own a field that they agreed on; the newest is told.
func WriterOf(object metav1.Object, path ...string) (Writer, bool) {
	var last Writer
	var known bool
	for _, entry := range object.GetManagedFields() {
		if entry.Time == nil || entry.FieldsV1 == nil || !owns(entry.FieldsV1.GetRawBytes(), path) {
			continue
		}
		if !known || entry.Time.After(last.at) {
			last, known = Writer{entry.Manager, entry.Subresource, entry.Operation, entry.Time.Time}, true
		}
	}
	return last, known
}

// owns reports whether a set of managed fields holds the path ("f:" before each name, KEP-555).
func owns(fields json.RawMessage, path []string) bool {
	if len(path) == 0 {
		return true
	}
	var children map[string]json.RawMessage
	if err := json.Unmarshal(fields, &children); err != nil {
		return false
	}
	child, ok := children["f:"+path[0]]
	return ok && owns(child, path[1:])
}

// In tells the writer in a sentence. The time may be that of a later write to another field.
func (w Writer) In(now time.Time) string {
	return fmt.Sprintf("by %s, which last wrote at %s", w.manager, words.TimeOfDay(w.at, now))
}

// Evidence tells the writer as proof, with the way it wrote.
func (w Writer) Evidence(field string) string {
	via := ""
	if w.subresource != "" {
		via = " of the " + w.subresource + " subresource"
	}
	return fmt.Sprintf("managed fields: %s was set by %s (%s%s, %s)", field, w.manager, w.operation, via, w.at.UTC().Format(time.RFC3339))
}
