// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package claude plans with Claude, through Anthropic's official SDK: a chat.Planner that streams text and calls tools.
//
// What goes to the model leaves the cluster, and what comes back from tools is written by others. So everything on the way out
// is stripped of what is not seen, of secrets, and of its length; what tools say is framed as data; and a tool that changes
// something is called only if the asker's own words order it (chat.Rules.Ordered), whatever the model has read.
package claude

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// The defaults.
const (
	DefaultModel = anthropic.ModelClaudeSonnet5_5
	// DefaultMaxTokens bounds one answer of the model. Tool calls are short; an answer for people should be.
	DefaultMaxTokens = 4096
	DefaultMaxTurns  = 16
	// DefaultTokenBudget bounds what one question may cost, all that is read and written together.
	DefaultTokenBudget = 400_000
	DefaultTimeout     = 2 * time.Minute
	// DefaultBudget is for the model alone: tools and heals have bounds of their own.
	DefaultBudget = 5 * time.Minute

	// MostTurns keeps the planner's bound within the loop's.
	MostTurns = 50

	// stall is how long the model's stream may be silent. The API sends pings while it thinks.
	stall = 60 * time.Second
)

// Options of a Planner. Zero values mean the defaults.
type Options struct {
	// Model to ask.
	Model string
	// BaseURL of the Messages API; empty means Anthropic's.
	BaseURL string
	// Key to the API. Without one, Otherwise plans.
	Key *Key
	// SystemPrompt is added to the planner's own.
	SystemPrompt string
	// MaxTokens bounds one answer, MaxTurns how often the model is asked about one question, TokenBudget the tokens of one
	// question, in and out.
	MaxTokens, MaxTurns, TokenBudget int
	// Timeout bounds one request, Budget all requests about one question and the pauses between.
	Timeout, Budget time.Duration
	// Stall bounds the silence of a stream.
	Stall time.Duration
	// Otherwise plans where there is no key, and takes over where the model cannot be reached.
	Otherwise chat.Planner
	Metrics   *Metrics
	// Tracer of requests to the model. Nil makes no spans.
	Tracer *telemetry.Tracer
	Clock  clock.Clock
	Log    logr.Logger
}

// Validate says what cannot work, by the names of the gateway's flags.
func (o Options) Validate() error {
	var errs []error
	if o.BaseURL != "" {
		if u, err := url.Parse(o.BaseURL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
			errs = append(errs, errors.New("--claude-base-url must be a URL such as https://api.anthropic.com, without a user in it"))
		}
	}
	for _, limit := range []struct {
		flag        string
		value, most int
	}{
		{"claude-max-tokens", o.MaxTokens, 1 << 20}, {"claude-max-turns", o.MaxTurns, MostTurns}, {"claude-token-budget", o.TokenBudget, 1 << 30},
	} {
		if limit.value < 1 || limit.value > limit.most {
			errs = append(errs, fmt.Errorf("--%s is %d: it must be from 1 to %d", limit.flag, limit.value, limit.most))
		}
	}
	for _, limit := range []struct {
		flag  string
		value time.Duration
	}{{"claude-timeout", o.Timeout}, {"claude-budget", o.Budget}} {
		if limit.value <= 0 {
			errs = append(errs, fmt.Errorf("--%s is %s: it must be positive", limit.flag, limit.value))
		}
	}
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	o.Model = cmp.Or(o.Model, DefaultModel)
	o.MaxTokens = cmp.Or(o.MaxTokens, DefaultMaxTokens)
	o.MaxTurns = cmp.Or(o.MaxTurns, DefaultMaxTurns)
	o.TokenBudget = cmp.Or(o.TokenBudget, DefaultTokenBudget)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.Budget = cmp.Or(o.Budget, DefaultBudget)
	o.Stall = cmp.Or(o.Stall, stall)
	return o
}

// Planner plans with Claude. It is safe for concurrent use.
type Planner struct {
	Options
	service anthropic.MessageService
	rules   *chat.Rules
}

// New makes a Planner.
func New(o Options) *Planner {
	o = o.withDefaults()
	return &Planner{Options: o, service: newMessages(o), rules: chat.NewRules()}
}

// Plan implements chat.Planner.
func (p *Planner) Plan(past []chat.Exchange, tell func(chat.Event)) chat.Plan {
	if _, ok := p.Key.Read(); !ok {
		return p.Otherwise.Plan(past, tell)
	}
	return &plan{Planner: p, past: past, tell: tell, model: p.Model}
}

// noRedirects keeps the key from going anywhere but to the base URL.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
