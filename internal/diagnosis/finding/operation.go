// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"fmt"
	"strings"
)

// Operation is one step of a JSON patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Test fails the patch, and all of it, unless a field has a value. A nil one stands for a field that is not there: the API
// server takes null for that, where RFC 6902 leaves it open.
func Test(path string, value any) Operation { return Operation{"test", path, value} }

// Add sets a field, or inserts into a list before an index; "-" is its end.
func Add(path string, value any) Operation { return Operation{"add", path, value} }

// Set changes a field from one value to another, and nothing if it has a third by then. From nil it adds the field.
func Set(path string, from, to any) []Operation {
	if from == nil {
		return []Operation{Test(path, nil), Add(path, to)}
	}
	return []Operation{Test(path, from), {"replace", path, to}}
}

// Pointer makes a JSON pointer of its steps (RFC 6901).
func Pointer(steps ...any) string {
	var path strings.Builder
	for _, step := range steps {
		path.WriteString("/" + escaper.Replace(fmt.Sprint(step)))
	}
	return path.String()
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")
