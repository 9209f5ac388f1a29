// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"strings"
	"unicode"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// The API's bounds, in characters (api/v1alpha1, ObservedError and requestedBy).
const (
	maxMessage     = 1024
	maxEndpoint    = 512
	maxTool        = 128
	maxRequestedBy = 253
)

func cleanError(observed v1alpha1.ObservedError) v1alpha1.ObservedError {
	return v1alpha1.ObservedError{
		Class:    observed.Class,
		Message:  clean(observed.Message, maxMessage),
		Endpoint: clean(observed.Endpoint, maxEndpoint),
		Tool:     clean(observed.Tool, maxTool),
	}
}

// clean makes foreign text fit to store and to show: valid UTF-8 on one line, no control or formatting characters, at
// most limit characters.
func clean(text string, limit int) string {
	var out strings.Builder
	count := 0
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		if unicode.IsSpace(r) {
			r = ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			continue
		}
		if count == limit {
			break
		}
		out.WriteRune(r)
		count++
	}
	return strings.TrimSpace(out.String())
}
