// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"
	"testing"
)

func TestThePageIsOfThisTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/failures.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := write(&want); err != nil {
		t.Fatal(err)
	}
	if string(page) != want.String() {
		t.Error("docs/reference/failures.md is not what the table says: make generate")
	}
}
