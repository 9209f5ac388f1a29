// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package routing finds out what is wrong on the way from a caller to the pods.
package routing

import "github.com/ry-ops/cortex/internal/diagnosis/finding"

// Checks are the checks of this family, in the order of the catalogue.
func Checks() []finding.Check {
	return []finding.Check{
		serviceNotFound,
		selectorMismatch,
		routeMismatch,
		dnsFailure,
		networkPolicyBlocked,
		protocolMismatch,
		targetPortMismatch,
		servicePortMismatch,
		upstreamAddressMismatch,
		noReadyEndpoints,
		unresponsive,
	}
}
