// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
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
		Message:  foreign.Line(observed.Message, maxMessage),
		Endpoint: foreign.Line(observed.Endpoint, maxEndpoint),
		Tool:     foreign.Line(observed.Tool, maxTool),
	}
}
