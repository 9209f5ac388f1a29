// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// sessionless is the first protocol version without sessions, initialize and ping (SEP-2575, SEP-2567). Versions are
// dates, so they compare as strings.
const sessionless = "2026-07-28"

const (
	maxMessage = 256
	maxName    = 64
)

func hasPing(server *mcp.InitializeResult) bool { return server.ProtocolVersion < sessionless }

// describe gives the verdict of a handshake, and tells in people's words what was seen.
func describe(result Result, server *mcp.InitializeResult, err error) (v1alpha1.Verdict, string) {
	took := round(result.Took)
	switch {
	case err == nil:
		return v1alpha1.VerdictPassed, foreign.Line(fmt.Sprintf("answered %s as %s in %s", openedBy(server), nameOf(server), took), maxMessage)
	case result.Class == v1alpha1.ErrorCanceled:
		return v1alpha1.VerdictUnknown, "given up after " + took + ", before there was an answer"
	default:
		told := failure(result, err)
		if errors.As(err, new(listingError)) {
			told = "tools/list: " + told
		}
		return v1alpha1.VerdictFailed, foreign.Line(told, maxMessage)
	}
}

func failure(result Result, err error) string {
	switch result.Class {
	case v1alpha1.ErrorConnectionRefused:
		return dialFailure(err)
	case v1alpha1.ErrorDNS:
		return "the Service's name cannot be resolved: " + cause(err)
	case v1alpha1.ErrorTimeout:
		if result.Accepted {
			return "connection accepted, no answer in " + round(result.Took)
		}
		return "no connection in " + round(result.Took)
	case v1alpha1.ErrorUnavailable:
		return answeredStatus(err)
	case v1alpha1.ErrorSessionLost:
		return "opened a session and did not know it any more at the next request"
	case v1alpha1.ErrorToolError, v1alpha1.ErrorDependencyDown:
		return "answered with an error: " + cause(err)
	case v1alpha1.ErrorTLS:
		if ReasonOf(err) == TLSWanted {
			return "speaks TLS, and was asked in plain HTTP"
		}
		return "no connection by TLS: " + cause(err)
	case v1alpha1.ErrorStreamCut:
		return "began to answer and broke off"
	case v1alpha1.ErrorUnauthorized:
		return "asks for a credential: " + cause(err)
	case v1alpha1.ErrorRateLimited, v1alpha1.ErrorTooLarge:
		return answeredStatus(err)
	default:
		return "answered, but not as an MCP server: " + cause(err)
	}
}

func answeredStatus(err error) string {
	var request *RequestError
	switch {
	case errors.As(err, &request) && request.Status >= http.StatusBadRequest:
		return fmt.Sprintf("answered HTTP %d %s", request.Status, http.StatusText(request.Status))
	case request != nil && request.Answered:
		return "answered with more than is read"
	default:
		return "connection accepted and closed again without an answer"
	}
}

// noRoute reports whether the network turned a connection away, and nobody at its end.
func noRoute(err error) bool {
	return isDial(err) && (errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH))
}

func dialFailure(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to host"
	case errors.Is(err, syscall.ENETUNREACH):
		return "network unreachable"
	default:
		return "no connection: " + cause(err)
	}
}

// cause is the part of an error that says something to people: without the SDK's and net/http's account of who called
// whom, which the reader knows.
func cause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	var request *RequestError
	if errors.As(err, &request) {
		return request.Err.Error()
	}
	return err.Error()
}

func openedBy(server *mcp.InitializeResult) string {
	if hasPing(server) {
		return "initialize and ping"
	}
	return "server/discover"
}

func nameOf(server *mcp.InitializeResult) string {
	if server.ServerInfo == nil || server.ServerInfo.Name == "" {
		return "a server without a name"
	}
	return strings.TrimSpace(foreign.Line(server.ServerInfo.Name, maxName) + " " + foreign.Line(server.ServerInfo.Version, maxName))
}

// round shortens a duration to what people read: 12ms, 1.2s.
func round(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	default:
		return d.Round(100 * time.Millisecond).String()
	}
}
