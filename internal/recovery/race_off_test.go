// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package recovery_test

// raceDetector is off.
const raceDetector = false
