// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import "github.com/ry-ops/cortex/api/v1alpha1"

// Reason says what went wrong more finely than the class does, which is what is recorded. Each reason has one class, and each
// failure has one reason: internal/mcp tells what follows from it.
type Reason string

// The reasons, by class.
const (
	// ConnectionRefused: nobody is there.
	Refused    Reason = "Refused"
	NoRoute    Reason = "NoRoute"
	DialFailed Reason = "DialFailed"
	// DNS.
	NoSuchName Reason = "NoSuchName"
	NoResolver Reason = "NoResolver"
	// Timeout.
	DialTimeout      Reason = "DialTimeout"
	SessionTimeout   Reason = "SessionTimeout"
	FirstByteTimeout Reason = "FirstByteTimeout"
	AnswerTimeout    Reason = "AnswerTimeout"
	// TLS.
	BadTLS    Reason = "BadTLS"
	TLSWanted Reason = "TLSWanted"
	// Unavailable.
	ServerError Reason = "ServerError"
	Dropped     Reason = "Dropped"
	// One reason each.
	RateLimited    Reason = "RateLimited"
	SessionLost    Reason = "SessionLost"
	StreamCut      Reason = "StreamCut"
	Unauthorized   Reason = "Unauthorized"
	ToolError      Reason = "ToolError"
	DependencyDown Reason = "DependencyDown"
	Canceled       Reason = "Canceled"
	AddressRefused Reason = "AddressRefused"
	// Protocol: the server answered, and the answer is no MCP.
	NotMCP     Reason = "NotMCP"
	Redirected Reason = "Redirected"
	BadStatus  Reason = "BadStatus"
	RPCError   Reason = "RPCError"
	// Unexplained is what none of the others explains.
	Unexplained Reason = "Unexplained"
	// TooLarge.
	RequestTooLarge Reason = "RequestTooLarge"
	AnswerTooLarge  Reason = "AnswerTooLarge"
	// Internal: the fault is the gateway's own.
	Exhausted Reason = "Exhausted"
	Panicked  Reason = "Panicked"
)

// Class is the class of failures of this reason.
func (r Reason) Class() v1alpha1.ErrorClass {
	switch r {
	case Refused, NoRoute, DialFailed:
		return v1alpha1.ErrorConnectionRefused
	case NoSuchName, NoResolver:
		return v1alpha1.ErrorDNS
	case DialTimeout, SessionTimeout, FirstByteTimeout, AnswerTimeout:
		return v1alpha1.ErrorTimeout
	case BadTLS, TLSWanted:
		return v1alpha1.ErrorTLS
	case ServerError, Dropped:
		return v1alpha1.ErrorUnavailable
	case NotMCP, Redirected, BadStatus, RPCError, Unexplained:
		return v1alpha1.ErrorProtocol
	case RequestTooLarge, AnswerTooLarge:
		return v1alpha1.ErrorTooLarge
	case Exhausted, Panicked:
		return v1alpha1.ErrorInternal
	default:
		// A class of one reason has its name.
		return v1alpha1.ErrorClass(r)
	}
}
