// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/foreign"
)

const (
	// maxAttempts bounds the requests for one answer: with the pauses below, half a minute of trouble is outlasted.
	maxAttempts = 6
	firstPause  = time.Second
	longPause   = 30 * time.Second
	// overloaded is the API's own status.
	overloaded = 529
)

// goneError: the model cannot be reached for this question, and asking again would not help.
type goneError struct{ reason string }

// Error says why, in words for people.
func (e *goneError) Error() string { return e.reason }

// judged is what a failed request comes to.
type judged struct {
	// result is the label of the metric.
	result string
	// again: the same request may succeed later, after the pause that the API asks for, if it does.
	again bool
	after time.Duration
	// gone: no request will succeed.
	gone bool
	// reason in words for people.
	reason string
}

func judge(err error) judged {
	var api *anthropic.Error
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &api):
		return judgeStatus(statusOf(api), said400(api), api.Response)
	case errors.Is(err, errNoKey), errors.Is(err, errRedirect):
		return judged{result: "refused", gone: true, reason: err.Error()}
	case errors.As(err, &dns) && dns.IsNotFound:
		return judged{result: "connection", gone: true, reason: "there is no host " + dns.Name}
	case errors.As(err, &certificate):
		return judged{result: "connection", gone: true, reason: "its certificate is not trusted: " + foreign.Line(certificate.Error(), 200)}
	case errors.Is(err, errStalled), errors.Is(err, context.DeadlineExceeded):
		return judged{result: "timeout", again: true, reason: "No answer in time"}
	case errors.Is(err, errCut):
		return judged{result: "cut", again: true, reason: "The answer broke off"}
	default:
		return judged{result: "connection", again: true, reason: "The connection to Claude failed"}
	}
}

// statusOf is the HTTP status, or, for an error in a stream that began well, the one that the error would have had.
func statusOf(err *anthropic.Error) int {
	if err.StatusCode >= http.StatusBadRequest {
		return err.StatusCode
	}
	switch err.Type() {
	case anthropic.ErrorTypeRateLimitError:
		return http.StatusTooManyRequests
	case anthropic.ErrorTypeOverloadedError:
		return overloaded
	case anthropic.ErrorTypeInvalidRequestError:
		return http.StatusBadRequest
	case anthropic.ErrorTypeAuthenticationError:
		return http.StatusUnauthorized
	case anthropic.ErrorTypePermissionError:
		return http.StatusForbidden
	default:
		return http.StatusInternalServerError
	}
}

func judgeStatus(status int, said string, resp *http.Response) judged {
	switch {
	case status == http.StatusTooManyRequests:
		return judged{result: "rate_limited", again: true, after: retryAfter(resp), reason: "Rate limited"}
	case status == overloaded:
		return judged{result: "overloaded", again: true, after: retryAfter(resp), reason: "Claude is overloaded"}
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, status == http.StatusConflict:
		return judged{result: "server_error", again: true, after: retryAfter(resp), reason: fmt.Sprintf("Claude answered with an error (HTTP %d)", status)}
	case status == http.StatusUnauthorized:
		return judged{result: "refused", gone: true, reason: "the API key is not accepted (HTTP 401): put a valid one into the Secret or ANTHROPIC_API_KEY"}
	case status == http.StatusPaymentRequired, strings.Contains(said, "credit balance"):
		return judged{result: "refused", gone: true, reason: "the account of the API key has no credit left: " + said}
	case status == http.StatusForbidden:
		return judged{result: "refused", gone: true, reason: "the API key may not do this (HTTP 403): " + said}
	case status == http.StatusNotFound:
		return judged{result: "refused", gone: true, reason: "the API does not know the model or the address (HTTP 404), see --claude-model and --claude-base-url: " + said}
	case status == http.StatusRequestEntityTooLarge, strings.Contains(said, "too long"), strings.Contains(said, "context"):
		return judged{result: "too_large", reason: "the conversation is too large for the model (" + said + "): ask again without conversation_id, or for less at once"}
	default:
		return judged{result: "refused", reason: fmt.Sprintf("the model's API refused the request (HTTP %d): %s", status, said)}
	}
}

// said400 is what the API says about an error.
func said400(err *anthropic.Error) string {
	var body struct {
		Error struct{ Message string }
	}
	if json.Unmarshal([]byte(err.RawJSON()), &body) == nil && body.Error.Message != "" {
		return foreign.Line(body.Error.Message, 300)
	}
	return foreign.Line(err.RawJSON(), 300)
}

// retryAfter is how long the API asks to wait; 0 if it does not say.
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	if seconds, err := strconv.ParseFloat(resp.Header.Get("Retry-After"), 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	return 0
}

// pauseBefore is how long to wait before the next attempt: what the API asks for, or else twice as long each time. Up to a quarter
// is added by chance, so that those who failed together do not come back together.
func pauseBefore(attempt int, asked time.Duration) time.Duration {
	pause := asked
	if pause == 0 {
		pause = min(firstPause<<(attempt-1), longPause)
	}
	return pause + rand.N(pause/4+1) //nolint:gosec // only spread, no secret
}

// persist makes a request until it is answered. An error is a *goneError, the end of ctx, or what to tell the asker.
func (p *plan) persist(ctx context.Context, params anthropic.MessageNewParams) (*answered, error) {
	for attempt := 1; ; attempt++ {
		started := p.Clock.Now()
		answer, err := p.once(ctx, params)
		p.spent += p.Clock.Since(started)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil {
			p.Metrics.asked("ok")
			p.spoke = false
			return answer, nil
		}
		verdict := judge(err)
		p.Metrics.asked(verdict.result)
		p.Log.Info("the model did not answer", "attempt", attempt, "result", verdict.result, "again", verdict.again, "error", foreign.Line(err.Error(), 512))
		p.unsay()
		pause := pauseBefore(attempt, verdict.after)
		switch {
		case verdict.gone:
			return nil, &goneError{verdict.reason}
		case !verdict.again:
			return nil, &refusedError{verdict.reason, err}
		case attempt == maxAttempts:
			return nil, &goneError{fmt.Sprintf("%s, %d times", verdict.reason, attempt)}
		case p.spent+pause >= p.Budget:
			return nil, &goneError{fmt.Sprintf("%s, and the next try in %s would be too late", verdict.reason, pause.Round(time.Second))}
		}
		p.tell(chat.ProcessingDelay{Message: verdict.reason + ", retrying in " + inSeconds(pause) + "..."})
		p.pause(ctx, pause)
	}
}

// refusedError: the API does not take this request.
type refusedError struct {
	reason string
	err    error
}

// Error says why, in words for people.
func (e *refusedError) Error() string { return e.reason }

// Unwrap gives the API's error.
func (e *refusedError) Unwrap() error { return e.err }

func inSeconds(d time.Duration) string {
	if seconds := max(1, int(math.Floor(d.Seconds()))); seconds > 1 {
		return fmt.Sprintf("%d seconds", seconds)
	}
	return "1 second"
}

// pause waits for d or until ctx ends.
func (p *plan) pause(ctx context.Context, d time.Duration) {
	timer := p.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		p.spent += d
	case <-ctx.Done():
	}
}
