// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package recovery_test

// raceDetector costs some ten times the memory and the time, and bounds goroutines to 8128.
const raceDetector = true
