// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"net/url"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// connectOnly opens a connection and closes it: more cannot be asked of a server whose protocol is not known. That it can do
// its work is for its own readiness probe to say.
func connectOnly(ctx context.Context, endpoint Endpoint) Result {
	start := time.Now()
	address, err := url.Parse(endpoint.URL)
	if err != nil {
		return Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorProtocol, Message: "its address cannot be read"}
	}
	conn, err := insistent(dialer().DialContext)(ctx, "tcp", address.Host)
	result := Result{Class: Classify(err), Took: time.Since(start)}
	switch {
	case err == nil:
		_ = conn.Close()
		result.Accepted, result.Verdict, result.Message = true, v1alpha1.VerdictPassed, "accepted a connection in "+round(result.Took)
	case result.Class == v1alpha1.ErrorCanceled:
		result.Verdict, result.Message = v1alpha1.VerdictUnknown, "given up after "+round(result.Took)+", before there was an answer"
	default:
		result.Verdict, result.Message = v1alpha1.VerdictFailed, foreign.Line(failure(result, err), maxMessage)
	}
	return result
}
