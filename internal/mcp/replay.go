// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import "github.com/ry-ops/cortex/api/v1alpha1"

// Hints are what a tool says of itself (MCP, tool annotations).
type Hints struct {
	// Given: the server annotated the tool at all.
	Given bool
	// ReadOnly: the tool changes nothing.
	ReadOnly bool
	// Idempotent: calling it again with the same arguments changes nothing more.
	Idempotent bool
}

// Verdict says whether a failed call may be made again, and why, in words for people.
type Verdict struct {
	Replay bool
	Reason string
}

// Replay is the replay rule: a call is made again only if it provably did not run, or if running it twice does no harm.
func Replay(class v1alpha1.ErrorClass, sent bool, hints Hints) Verdict {
	switch {
	case class == v1alpha1.ErrorCanceled:
		return Verdict{false, "the caller gave up"}
	case class == v1alpha1.ErrorToolError:
		return Verdict{false, "the tool itself answered with an error"}
	case class == v1alpha1.ErrorUnauthorized:
		return Verdict{false, "the server wants credentials"}
	case class == v1alpha1.ErrorTooLarge:
		return Verdict{false, "it would be too large again"}
	case class == v1alpha1.ErrorAddressRefused:
		return Verdict{false, "its address is never dialled"}
	case class == v1alpha1.ErrorInternal:
		return Verdict{false, "the gateway itself failed"}
	case !sent:
		return Verdict{true, "the call did not reach the server"}
	case hints.ReadOnly:
		return Verdict{true, "the tool only reads"}
	case hints.Idempotent:
		return Verdict{true, "the tool may be called twice without harm"}
	default:
		return Verdict{false, "the call may have run, and the tool is marked neither read-only nor idempotent"}
	}
}
