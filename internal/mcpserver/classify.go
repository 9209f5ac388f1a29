// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Classify tells the class of an error that a session of Connect or a client of NewHTTPClient returned. No error has no
// class.
func Classify(err error) v1alpha1.ErrorClass { return ReasonOf(err).Class() }

// ReasonOf tells what went wrong. It asks in this order, since what comes later is often a consequence of what comes first:
// whether the caller gave up, what the HTTP status says, where the connection failed, how far the answer came, and what the
// answer was. No error has no reason.
func ReasonOf(err error) Reason {
	var facts Exchange
	var request *RequestError
	if errors.As(err, &request) {
		facts = request.Exchange
	}
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return Canceled
	case facts.WantsTLS, isTLSAlert(err):
		return TLSWanted
	case facts.Status == http.StatusNotFound && facts.Session:
		return SessionLost
	case byStatus[facts.Status] != "":
		return byStatus[facts.Status]
	case facts.Status >= http.StatusInternalServerError:
		return ServerError
	case errors.Is(err, mcp.ErrSessionMissing), errors.Is(err, mcp.ErrConnectionClosed):
		return SessionLost
	case errors.As(err, new(*AddressError)):
		return AddressRefused
	case isTLS(err):
		return BadTLS
	case isDNS(err):
		return dnsReason(err)
	case isTimeout(err):
		return timeoutReason(err, request)
	case isDial(err):
		return dialReason(err)
	case request != nil && facts.Connected && !facts.Answered:
		return Dropped
	case facts.Flooded, isEventTooLarge(err):
		return AnswerTooLarge
	default:
		return answerReason(err, facts)
	}
}

// byStatus are the HTTP statuses that say by themselves what is wrong.
var byStatus = map[int]Reason{
	http.StatusTooManyRequests:       RateLimited,
	http.StatusUnauthorized:          Unauthorized,
	http.StatusForbidden:             Unauthorized,
	http.StatusRequestEntityTooLarge: RequestTooLarge,
	http.StatusMovedPermanently:      Redirected,
	http.StatusFound:                 Redirected,
	http.StatusSeeOther:              Redirected,
	http.StatusTemporaryRedirect:     Redirected,
	http.StatusPermanentRedirect:     Redirected,
}

// answerReason looks at what a server said that did answer. A JSON-RPC error is an answer, whatever its stream did then.
func answerReason(err error, facts Exchange) Reason {
	var wire *jsonrpc.Error
	switch {
	case facts.Answered && facts.Status == 0 && !facts.Cut:
		return NotMCP // not even HTTP, which the SDK tells as a JSON-RPC error of its own
	case facts.Answered && facts.Status == 0:
		return StreamCut
	case errors.As(err, &wire) && DependencyText(wire.Message) && isToolError(wire):
		return DependencyDown
	case wire != nil && isToolError(wire):
		return ToolError
	case wire != nil:
		return RPCError
	case facts.Cut && !isMalformed(err):
		return StreamCut
	case facts.Status >= http.StatusBadRequest:
		return BadStatus
	case facts.Answered:
		return NotMCP
	default:
		return Unexplained
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
	status := response.StatusCode
	session := response.Request.Header.Get(sessionHeader) != ""
	if status < http.StatusInternalServerError && status != http.StatusTooManyRequests && (status != http.StatusNotFound || !session) {
		return nil
	}
	exchange := Exchange{Connected: true, Written: true, Answered: true, Status: status, Session: session, RetryAfter: RetryAfter(response.Header.Get("Retry-After"))}
	return &RequestError{Exchange: exchange, Err: errors.New("HTTP " + response.Status)}
}

// isDNS recognises also a dial whose time was up before the name had an address: net gives the one error of both.
func isDNS(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) ||
		errors.As(err, &op) && op.Op == "dial" && op.Addr == nil && errors.Is(op.Err, context.DeadlineExceeded)
}

// dnsReason tells a name that does not exist from a resolver that does not answer.
func dnsReason(err error) Reason {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return NoSuchName
	}
	return NoResolver
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// timeoutReason tells how far a request came. An error without facts is of a caller who waited for a session.
func timeoutReason(err error, request *RequestError) Reason {
	switch {
	case isDial(err), request != nil && !request.Connected:
		return DialTimeout
	case request == nil:
		return SessionTimeout
	case !request.Answered:
		return FirstByteTimeout
	default:
		return AnswerTimeout
	}
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// dialReason tells who is to blame for a dial that failed. The gateway's own lack of descriptors, ports or memory is no fault of
// the server, and a heal of the server would not cure it.
func dialReason(err error) Reason {
	for errno, reason := range map[syscall.Errno]Reason{
		syscall.ECONNREFUSED: Refused, syscall.EHOSTUNREACH: NoRoute, syscall.ENETUNREACH: NoRoute,
		syscall.EMFILE: Exhausted, syscall.ENFILE: Exhausted, syscall.EADDRNOTAVAIL: Exhausted, syscall.ENOBUFS: Exhausted, syscall.ENOMEM: Exhausted,
	} {
		if errors.Is(err, errno) {
			return reason
		}
	}
	return DialFailed
}

func isTLS(err error) bool {
	var (
		record      tls.RecordHeaderError
		alert       tls.AlertError
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		name        x509.HostnameError
		invalid     x509.CertificateInvalidError
	)
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &authority) ||
		errors.As(err, &name) || errors.As(err, &invalid) || errors.Is(err, http.ErrSchemeMismatch) ||
		strings.Contains(err.Error(), "remote error: tls: ")
}

// isTLSAlert recognises a TLS record of type alert where HTTP was expected. net/http quotes what it could not read.
func isTLSAlert(err error) bool {
	return err != nil && strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`)
}

// The SDK has no values for these errors. Its texts are held by tests.
func isEventTooLarge(err error) bool { return strings.Contains(err.Error(), "SSE event exceeded") }

func isMalformed(err error) bool {
	return strings.Contains(err.Error(), "malformed event") || strings.Contains(err.Error(), "failed to decode event")
}

// isToolError tells an error of the called tool from one of the protocol. JSON-RPC 2.0 §5.1 reserves -32768 to -32000
// for itself and for implementations; of those only "invalid params" (the SDKs also use it for an unknown tool) and a question
// to the user that comes first (MCP 2025-11-25, "URL Elicitation Required Error") are the caller's matter. Codes outside are the
// server's own.
func isToolError(wire *jsonrpc.Error) bool {
	return wire.Code == jsonrpc.CodeInvalidParams || wire.Code == mcp.CodeURLElicitationRequired || wire.Code < -32768 || wire.Code > -32000
}
