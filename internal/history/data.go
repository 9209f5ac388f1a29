// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// JSON writes a Story, an Overview or a result for scripts.
func JSON(to io.Writer, what any) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // a suggested command holds quotes and ampersands
	return encoder.Encode(what)
}

// YAML writes what JSON does.
func YAML(to io.Writer, what any) error {
	raw, err := yaml.Marshal(what)
	if err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	_, err = to.Write(raw)
	return err
}
