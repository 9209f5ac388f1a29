// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package foreign

import (
	"testing"
	"time"
)

var began = time.Now()

// spent is the time since the start.
func spent(testing.TB) time.Duration { return time.Since(began) }
