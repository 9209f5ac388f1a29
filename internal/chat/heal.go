// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const (
	// settleTime is how long a call is tried again after a heal while it provably does not reach the server: the
	// operator has seen the server answer, but this node's kube-proxy may hear of the new endpoints a moment later.
	settleTime = 3 * time.Second
	// settleFirst and settleMost bound the pause between those tries.
	settleFirst = 25 * time.Millisecond
	settleMost  = 400 * time.Millisecond
	// maxHeals bounds the heals that one call waits for. The second one is for a call that was told of a heal that had
	// ended before, and then failed anew.
	maxHeals = 2
)

// healed makes a call. If it fails by fault of the infrastructure, it has the server healed and makes the call again
// where the replay rule allows. An error is one that people can read.
func (r *run) healed(ctx context.Context, server *mcp.Server, hints mcp.Hints, call func(context.Context) error) error {
	started := r.Clock.Now()
	err := call(ctx)
	for range maxHeals {
		var failure *mcp.CallError
		if !errors.As(err, &failure) || !mcp.Heals(failure.Class) || ctx.Err() != nil {
			break
		}
		outcome, unhealed := r.heal(ctx, server, failure, started)
		if outcome.Unverified && unhealed != nil {
			return r.decided(ctx, server, failure, hints, outcome, unhealed, call)
		}
		if unhealed != nil {
			return mayHaveRun(unhealed, failure, hints)
		}
		verdict := mcp.Replay(failure.Class, failure.Sent, hints)
		r.Metrics.replayed(server.Key().Name, verdict.Replay)
		r.log.Info("[HEAL] replay decided", "service", server.Key(), "tool", failure.Tool, "replay", verdict.Replay, "reason", verdict.Reason)
		if !verdict.Replay {
			return fmt.Errorf("%s works again, but %s was not called a second time: %s. Check whether it ran before you ask again",
				server.Key().Name, failure.Tool, verdict.Reason)
		}
		first := server.Renew(outcome.UID)
		started = r.Clock.Now()
		err = r.settled(ctx, call)
		if first {
			server.Relist()
		}
		if !outcome.AlreadyHealed {
			break
		}
	}
	return r.explained(ctx, server, hints, err)
}

// decided makes the call again after a fix of which the operator could not see whether it helped: what comes of the call decides.
// Where the call must not run twice nobody knows, and that is told.
func (r *run) decided(ctx context.Context, server *mcp.Server, failure *mcp.CallError, hints mcp.Hints, outcome healing.Outcome, unhealed error, call func(context.Context) error) error {
	service := server.Key().Name
	if mcp.Replay(failure.Class, failure.Sent, hints).Replay {
		r.tell(HealingProgress{Service: service, Message: "The operator cannot see whether the fix helped. Calling again to find out..."})
		server.Renew(outcome.UID)
		err := r.settled(ctx, call)
		var again *mcp.CallError
		if !errors.As(err, &again) || !mcp.Heals(again.Class) {
			r.tell(HealingComplete{Service: service, Success: true, Message: restored(outcome)})
			return err
		}
	}
	r.tell(HealingFailed{Service: service, Message: unfixed(outcome, nil), Recommendation: outcome.Recommendation})
	return mayHaveRun(unhealed, failure, hints)
}

// mayHaveRun adds a warning to what people read, where a call that must not run twice may have run.
func mayHaveRun(told error, failure *mcp.CallError, hints mcp.Hints) error {
	if mcp.Replay(failure.Class, failure.Sent, hints).Replay {
		return told
	}
	return fmt.Errorf("%w\n\nThe call of %s may have run: check that before you ask again", told, failure.Tool)
}

// settled makes a call, again and again while the server provably is not reached, for settleTime at most.
func (r *run) settled(ctx context.Context, call func(context.Context) error) error {
	until := r.Clock.Now().Add(settleTime)
	for wait := settleFirst; ; wait = min(2*wait, settleMost) {
		err := call(ctx)
		var failure *mcp.CallError
		if !errors.As(err, &failure) || failure.Sent || !mcp.Heals(failure.Class) || ctx.Err() != nil || r.Clock.Now().Add(wait).After(until) {
			return err
		}
		r.pause(ctx, wait)
	}
}

// heal tells the whole story of one heal as events. The error says what a person should know and do.
func (r *run) heal(ctx context.Context, server *mcp.Server, failure *mcp.CallError, started time.Time) (healing.Outcome, error) {
	service, issue := server.Key().Name, issueOf(failure)
	r.log.Info("[HEAL] a call failed", "service", server.Key(), "tool", failure.Tool, "class", failure.Class, "issue", issue, "error", failure.Observed().Message)
	r.tell(HealingStart{Service: service, Issue: issue})
	r.tell(HealingProgress{Service: service, Message: "Investigating issue with " + service + "..."})

	outcome, err := r.Healer.Heal(ctx, healing.Failure{
		Service: server.Key(), Error: failure.Observed(), CallStarted: started, RequestedBy: r.RequestedBy, Tools: server.ToolNames(),
	}, func(entry v1alpha1.ProgressEntry) {
		r.tell(HealingProgress{Service: service, Message: entry.Message})
	})
	if ctx.Err() != nil {
		return outcome, context.Cause(ctx)
	}
	if err != nil {
		outcome = r.unfollowed(err)
	}
	r.record(service, outcome, err)
	if outcome.Unverified {
		return outcome, errors.New(manual(service, issue, outcome))
	}
	if !outcome.Success {
		r.tell(HealingFailed{Service: service, Message: unfixed(outcome, err), Recommendation: outcome.Recommendation})
		return outcome, errors.New(manual(service, issue, outcome))
	}
	r.tell(HealingComplete{Service: service, Success: true, Message: restored(outcome)})
	return outcome, nil
}

// unfollowed is the outcome of a heal of which no outcome is known.
func (r *run) unfollowed(err error) healing.Outcome {
	outcome := healing.Outcome{Result: healing.Result{Diagnosis: err.Error(), Timestamp: healing.Timestamp(r.Clock.Now())}}
	var known *healing.Error
	if errors.As(err, &known) {
		outcome.Diagnosis, outcome.Recommendation = known.Message, known.Recommendation
	}
	return outcome
}

func (r *run) record(service string, outcome healing.Outcome, err error) {
	r.Metrics.healed(service, outcome.Success, err)
	r.log.Info("[HEAL] result", "service", service, "request", outcome.Request, "success", outcome.Success,
		"fix", outcome.FixApplied, "diagnosis", outcome.Diagnosis)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heals = append(r.heals, outcome.Result)
}

// explained gives the error of a call a text for people. A tool's own error, and the end of the query, stay as they are.
func (r *run) explained(ctx context.Context, server *mcp.Server, hints mcp.Hints, err error) error {
	var failure *mcp.CallError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !errors.As(err, &failure) || !mcp.Heals(failure.Class):
		return err
	default:
		told := fmt.Errorf("%s was healed, and the call still fails (%s): %s", server.Key().Name, issueOf(failure), failure.Observed().Message)
		return mayHaveRun(told, failure, hints)
	}
}

// restored is the message of healing_complete.
func restored(outcome healing.Outcome) string {
	switch {
	case outcome.AlreadyHealed:
		return fmt.Sprintf("Healed at %s, while the call was under way (%s)", outcome.Timestamp, outcome.Request)
	case outcome.FixApplied != "":
		return outcome.FixApplied
	case outcome.Diagnosis != "":
		return outcome.Diagnosis
	default:
		return "The service answers again"
	}
}

// unfixed is the message of healing_failed.
func unfixed(outcome healing.Outcome, err error) string {
	if err != nil {
		return outcome.Diagnosis
	}
	return "Unable to fix automatically: " + outcome.Diagnosis
}

// manual tells a person what is wrong and what to do.
func manual(service, issue string, outcome healing.Outcome) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s does not answer (%s) and was not healed.", service, issue)
	for _, part := range []struct{ title, body string }{
		{"Diagnosis", outcome.Diagnosis},
		{"Recommendation", outcome.Recommendation},
		{"Suggested command", outcome.SuggestedCommand},
	} {
		if part.body != "" {
			fmt.Fprintf(&text, "\n\n%s: %s", part.title, part.body)
		}
	}
	return text.String()
}

// issueOf names a failure the way the spec does ("connect ECONNREFUSED"), in few words and without addresses.
func issueOf(failure *mcp.CallError) string {
	var request *mcpserver.RequestError
	switch failure.Class {
	case v1alpha1.ErrorConnectionRefused:
		return "connect " + errno(failure)
	case v1alpha1.ErrorDNS:
		return "getaddrinfo ENOTFOUND"
	case v1alpha1.ErrorTimeout:
		return "no answer in time"
	case v1alpha1.ErrorUnavailable:
		if errors.As(failure, &request) && request.Status != 0 {
			return fmt.Sprintf("HTTP %d %s", request.Status, http.StatusText(request.Status))
		}
		return "connection closed without an answer"
	case v1alpha1.ErrorSessionLost:
		return "session lost"
	default:
		return "the answer is not MCP"
	}
}

func errno(err error) string {
	switch {
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "EHOSTUNREACH"
	case errors.Is(err, syscall.ENETUNREACH):
		return "ENETUNREACH"
	default:
		return "ECONNREFUSED"
	}
}
