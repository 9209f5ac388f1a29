// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// Reach says what a failure proves about whether the call reached the server.
type Reach string

// The reaches.
const (
	// Never: the call provably did not reach the server, so it did not run.
	Never Reach = "never"
	// Perhaps: that depends on how far the request came.
	Perhaps Reach = "perhaps"
	// Always: the server answered, or took the whole request.
	Always Reach = "always"
)

// Failure is a row of the table of failures: what went wrong, and what follows from it.
type Failure struct {
	Reason mcpserver.Reason
	// When says what was seen.
	When string
	// Reach says whether the call may have run.
	Reach Reach
	// Heals: it is the infrastructure's fault, so that a heal may cure it.
	Heals bool
	// Issue names the failure in few words, as healing_start has it.
	Issue string
	// Advice says what a person does about one that is not healed; empty if it is.
	Advice string
}

// Class of the failure.
func (f Failure) Class() v1alpha1.ErrorClass { return f.Reason.Class() }

// failures has every failure once. What it says is what is done: Heals and the words of recovery are read from it, and
// docs/reference/failures.md is written from it.
var failures = []Failure{
	{Reason: mcpserver.Refused, When: "nobody listens, or no endpoint of the Service is ready", Reach: Never, Heals: true, Issue: "connect ECONNREFUSED"},
	{Reason: mcpserver.NoRoute, When: "the network turns the connection away (EHOSTUNREACH, ENETUNREACH)", Reach: Never, Heals: true, Issue: "connect EHOSTUNREACH"},
	{Reason: mcpserver.DialFailed, When: "the connection fails in another way", Reach: Never, Heals: true, Issue: "no connection"},
	{Reason: mcpserver.NoSuchName, When: "the Service's name does not exist (headless Services only: the others are dialled by ClusterIP)", Reach: Never, Heals: true, Issue: "getaddrinfo ENOTFOUND"},
	{Reason: mcpserver.NoResolver, When: "the cluster's DNS does not answer, or answers with an error", Reach: Never, Heals: true, Issue: "getaddrinfo EAI_AGAIN"},
	{Reason: mcpserver.DialTimeout, When: "no connection comes about in time: packets are dropped", Reach: Never, Heals: true, Issue: "connect ETIMEDOUT"},
	{Reason: mcpserver.SessionTimeout, When: "the server takes connections and opens no session in time", Reach: Never, Heals: true, Issue: "no session in time"},
	{Reason: mcpserver.FirstByteTimeout, When: "the call was sent, and not one byte of an answer came in time", Reach: Always, Heals: true, Issue: "no answer in time"},
	{Reason: mcpserver.AnswerTimeout, When: "the answer began and was not whole in time", Reach: Always, Heals: true, Issue: "no whole answer in time"},
	{Reason: mcpserver.BadTLS, When: "the TLS handshake fails, or the certificate does not hold", Reach: Never, Heals: true, Issue: "no connection by TLS"},
	{Reason: mcpserver.TLSWanted, When: "the server speaks TLS and was asked in plain HTTP", Reach: Always, Heals: true, Issue: "the server speaks TLS"},
	{Reason: mcpserver.ServerError, When: "HTTP 5xx", Reach: Perhaps, Heals: true, Issue: "HTTP 5xx"},
	{Reason: mcpserver.Dropped, When: "the connection was accepted, and closed or reset before any answer", Reach: Always, Heals: true, Issue: "connection closed without an answer"},
	{Reason: mcpserver.StreamCut, When: "the answer began, and its connection broke or its stream ended before the result", Reach: Always, Heals: true, Issue: "the answer broke off"},
	{Reason: mcpserver.SessionLost, When: "the server does not know the session any more, on a new session either", Reach: Perhaps, Heals: true, Issue: "session lost"},
	{Reason: mcpserver.NotMCP, When: "the answer is no MCP: a web page, malformed JSON, not HTTP at all", Reach: Always, Heals: true, Issue: "the answer is not MCP"},
	{Reason: mcpserver.Redirected, When: "HTTP 3xx, which is never followed", Reach: Always, Heals: true, Issue: "the answer is a redirect"},
	{Reason: mcpserver.BadStatus, When: "another HTTP 4xx", Reach: Always, Heals: true, Issue: "HTTP 4xx"},
	{Reason: mcpserver.RPCError, When: "an error of JSON-RPC itself: internal error, method not found, parse error", Reach: Always, Heals: true, Issue: "a JSON-RPC error"},
	{Reason: mcpserver.Unexplained, When: "an error that none of the others explains: the log has it, report it", Reach: Perhaps, Heals: true, Issue: "no answer that is understood"},
	{Reason: mcpserver.RateLimited, When: "HTTP 429: the server works, and asks for patience", Reach: Always, Issue: "HTTP 429 Too Many Requests",
		Advice: "Ask again later, or raise the limit of the server."},
	{Reason: mcpserver.Unauthorized, When: "HTTP 401 or 403: the server works, and wants credentials or gives no leave", Reach: Always, Issue: "the server wants credentials",
		Advice: "Give the gateway credentials for this server, or let the server take calls without."},
	{Reason: mcpserver.RequestTooLarge, When: "HTTP 413: the arguments are larger than the server takes", Reach: Always, Issue: "the request is too large",
		Advice: "Ask with less."},
	{Reason: mcpserver.AnswerTooLarge, When: "the answer is larger than the gateway reads (8 MiB)", Reach: Always, Issue: "the answer is too large",
		Advice: "Ask for less at once."},
	{Reason: mcpserver.AddressRefused, When: "the Service leads to an address where no MCP server may be: the node's own, the network's or the cloud's", Reach: Never, Issue: "the address is never dialled",
		Advice: "Give the Service a selector of pods."},
	{Reason: mcpserver.DependencyDown, When: "the tool's own error says that what it depends on cannot be reached", Reach: Always, Heals: true, Issue: "the tool cannot reach what it depends on"},
	{Reason: mcpserver.ToolError, When: "the tool itself says no", Reach: Always, Issue: "the tool answered with an error",
		Advice: "That is the answer."},
	{Reason: mcpserver.Canceled, When: "the caller left", Reach: Perhaps, Issue: "the caller left",
		Advice: "Nobody is there to read it."},
	{Reason: mcpserver.Exhausted, When: "the gateway itself has no descriptors, ports or memory left for a connection", Reach: Never, Issue: "the gateway has no connections left",
		Advice: "Give the gateway more replicas, or a higher limit of open files."},
	{Reason: mcpserver.Panicked, When: "the gateway's own code failed", Reach: Perhaps, Issue: "an internal error of the gateway",
		Advice: "The gateway's log has the stack: report it."},
}

// Failures is the table of failures, in the order in which people read it.
func Failures() []Failure { return append([]Failure(nil), failures...) }

// FailureOf is the row of a reason.
func FailureOf(reason mcpserver.Reason) Failure {
	for _, row := range failures {
		if row.Reason == reason {
			return row
		}
	}
	return Failure{Reason: reason, Reach: Perhaps}
}

// Heals reports whether a failure of this class is the infrastructure's fault, so that a heal may cure it. All reasons of a class
// agree on that, which a test holds.
func Heals(class v1alpha1.ErrorClass) bool {
	for _, row := range failures {
		if row.Class() == class {
			return row.Heals
		}
	}
	return false
}
