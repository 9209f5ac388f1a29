// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryCauseHasItsSection holds that the handbook tells every cause, in the page of its family.
func TestEveryCauseHasItsSection(t *testing.T) {
	for _, row := range Catalogue() {
		if row.Family == "" {
			continue // Unknown: it lists what was ruled out
		}
		path := filepath.Join("..", "..", "docs", "causes", string(row.Family)+".md")
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "\n## "+string(row.Cause)+"\n") {
			t.Errorf("%s has no section on %s", path, row.Cause)
		}
	}
}
