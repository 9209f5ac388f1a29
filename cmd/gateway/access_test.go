// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

func TestTheAccessLogHasEveryLine(t *testing.T) {
	const n = 1000
	var out bytes.Buffer
	log := accessLogger(zap.Options{DestWriter: &out})
	for range n {
		log.Info("request")
	}
	if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != n {
		t.Errorf("got %d lines of %d", lines, n)
	}
}
