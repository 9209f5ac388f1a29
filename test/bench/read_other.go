// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "errors"

func readAll(_, _, _, _ string) error { return errors.New("the benchmark needs Linux") }
