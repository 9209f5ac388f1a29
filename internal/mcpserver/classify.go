// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Classify tells the class of an error that a session of Connect or a client of NewHTTPClient returned. No error has no
// class. The classes, and the borderline cases:
//
//   - Canceled: the caller gave up. It comes first, since everything else is then a consequence.
//   - SessionLost: 404 to a request with a session ID, or the session was closed before the call.
//   - Unavailable: HTTP 5xx or 429, or the connection was accepted and then closed or reset without one byte of an
//     answer, for which a proxy in between would have said 502.
//   - DNS: the name could not be resolved, for whatever reason.
//   - Timeout: of the dial, or of the answer.
//   - ConnectionRefused: any other failed dial (refused, no route to host, network unreachable): nobody is there.
//   - ToolError: a JSON-RPC error that the server's own handler made. See isToolError.
//   - Protocol: the rest. The server answered and the answer was no MCP: other HTTP statuses and content types, an
//     answer that is malformed or breaks off, JSON-RPC's own errors.
func Classify(err error) v1alpha1.ErrorClass {
	var request *RequestError
	errors.As(err, &request)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return v1alpha1.ErrorCanceled
	case request != nil && request.Status == http.StatusNotFound && request.Session:
		return v1alpha1.ErrorSessionLost
	case request != nil && unavailable(request.Status):
		return v1alpha1.ErrorUnavailable
	case errors.Is(err, mcp.ErrSessionMissing), errors.Is(err, mcp.ErrConnectionClosed):
		return v1alpha1.ErrorSessionLost
	case isDNS(err):
		return v1alpha1.ErrorDNS
	case isTimeout(err):
		return v1alpha1.ErrorTimeout
	case isDial(err):
		return v1alpha1.ErrorConnectionRefused
	case request != nil && request.Connected && !request.Answered:
		return v1alpha1.ErrorUnavailable
	case isToolError(err):
		return v1alpha1.ErrorToolError
	default:
		return v1alpha1.ErrorProtocol
	}
}

// Sent reports whether the request that failed with err may have reached the server. It is false only where the error
// proves that it did not (see Exchange.Sent); in doubt it is true.
func Sent(err error) bool {
	var request *RequestError
	if errors.As(err, &request) {
		return request.Sent()
	}
	return !isDNS(err) && !isDial(err)
}

// StatusError turns an HTTP answer that is a fault of the infrastructure (5xx, 429, a lost session) into an error with
// its facts, and any other answer into nil. It is for callers that pass answers on as they are; it does not touch the
// body.
func StatusError(response *http.Response) error {
	session := response.Request.Header.Get(sessionHeader) != ""
	if !unavailable(response.StatusCode) && (response.StatusCode != http.StatusNotFound || !session) {
		return nil
	}
	exchange := Exchange{Connected: true, Written: true, Answered: true, Status: response.StatusCode, Session: session}
	return &RequestError{Exchange: exchange, Err: errors.New("HTTP " + response.Status)}
}

func unavailable(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

func isDNS(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// isToolError tells an error of the called tool from one of the protocol. JSON-RPC 2.0 §5.1 reserves -32768 to -32000
// for itself and for implementations; of those only "invalid params" is the caller's matter (the SDKs also use it for
// an unknown tool). Codes outside are the server's own.
func isToolError(err error) bool {
	var wire *jsonrpc.Error
	if !errors.As(err, &wire) {
		return false
	}
	return wire.Code == jsonrpc.CodeInvalidParams || wire.Code < -32768 || wire.Code > -32000
}
