// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/claude"
	"github.com/ry-ops/cortex/internal/telemetry"
)

// maxSystemPrompt bounds the file of --claude-system-prompt-file, in bytes.
const maxSystemPrompt = 64 << 10

// claudeOptions are the flags that begin with claude.
type claudeOptions struct {
	claude.Options
	keyFile, promptFile string
}

func (o *claudeOptions) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.keyFile, "claude-api-key-file", "", "`file` with the API key, as a mounted Secret; read anew for every question, so a key that comes, changes or goes counts at once. "+
		"Without this flag: the environment variable ANTHROPIC_API_KEY. Without a key, questions are answered by the rules")
	flags.StringVar(&o.Model, "claude-model", claude.DefaultModel, "`model` to ask")
	flags.StringVar(&o.BaseURL, "claude-base-url", "", "`URL` of the Messages API (default https://api.anthropic.com); the key is sent there")
	flags.StringVar(&o.SystemPrompt, "claude-system-prompt", "", "`text` added to the gateway's own system prompt: what your services are, how to answer")
	flags.StringVar(&o.promptFile, "claude-system-prompt-file", "", "`file` with that text, read once at the start")
	flags.IntVar(&o.MaxTokens, "claude-max-tokens", claude.DefaultMaxTokens, "how many `tokens` one answer of the model may have")
	flags.IntVar(&o.MaxTurns, "claude-max-turns", claude.DefaultMaxTurns, "how many times the model may be asked about one question; on the last it must answer")
	flags.IntVar(&o.TokenBudget, "claude-token-budget", claude.DefaultTokenBudget, "how many `tokens` one question may use in all, read and written")
	flags.DurationVar(&o.Timeout, "claude-timeout", claude.DefaultTimeout, "how long one request to the model may take before it is made again")
	flags.DurationVar(&o.Budget, "claude-budget", claude.DefaultBudget, "how long all requests about one question, and the pauses between, may take; then the rules answer")
}

// validate reads what is in files, too, so that a wrong path is told at the start.
func (o *claudeOptions) validate() error {
	if err := o.Options.Validate(); err != nil {
		return err
	}
	if o.promptFile == "" {
		return nil
	}
	if o.SystemPrompt != "" {
		return fmt.Errorf("--claude-system-prompt and --claude-system-prompt-file are both set: keep one")
	}
	text, err := os.ReadFile(o.promptFile)
	if err != nil {
		return fmt.Errorf("--claude-system-prompt-file: %w", err)
	}
	if len(text) > maxSystemPrompt {
		return fmt.Errorf("--claude-system-prompt-file has %d bytes: at most %d are read, with every question", len(text), maxSystemPrompt)
	}
	o.SystemPrompt = string(text)
	return nil
}

// planner is Claude where there is a key, and the rules where there is none. Without any place for a key it is the rules for good.
func (o *claudeOptions) planner(registry prometheus.Registerer, tracer *telemetry.Tracer, log logr.Logger) chat.Planner {
	key := claude.NewKey(o.keyFile, os.Getenv("ANTHROPIC_API_KEY"), log)
	_, has := key.Read()
	if !has && o.keyFile == "" {
		return chat.NewRules()
	}
	o.Options.Key, o.Options.Otherwise = key, chat.NewRules()
	o.Options.Metrics, o.Options.Clock, o.Options.Log = claude.NewMetrics(registry), clock.RealClock{}, log
	o.Tracer = tracer
	return claude.New(o.Options)
}
