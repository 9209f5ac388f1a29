// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package panics keeps a panic to the one request that it happened in: it is caught, logged with its stack, counted, and turned
// into an error.
package panics

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
)

// Err is the error of what panicked. Its text is for the one who asked: what the panic said is in the log, since it may hold
// anything.
var Err = errors.New("an internal error of the gateway; its log has the details")

// The places that are told apart. Each is a value of the metric's label.
const (
	Handler    = "handler"
	Query      = "query"
	ToolCall   = "tool call"
	Recovery   = "recovery"
	Watch      = "watch"
	Background = "background"
)

// Catcher catches panics. A nil one catches them as well and counts nothing. It is safe for concurrent use.
type Catcher struct {
	log   logr.Logger
	total *prometheus.CounterVec
}

// New makes a Catcher and registers its metric.
func New(registry prometheus.Registerer, log logr.Logger) *Catcher {
	c := &Catcher{log: log, total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cortex_gateway_panics_total",
		Help: "Panics that were caught, by the place where (handler, query, tool call, recovery, watch, background). Each is a bug: the log has its stack.",
	}, []string{"where"})}
	for _, where := range []string{Handler, Query, ToolCall, Recovery, Watch, Background} {
		c.total.WithLabelValues(where)
	}
	registry.MustRegister(c.total)
	return c
}

// Catch must be deferred itself. It catches a panic, tells of it, and sets err, which may be nil. details are pairs for the log.
// What net/http panics with on purpose goes on.
func (c *Catcher) Catch(where string, err *error, details ...any) {
	value := recover()
	if value == nil {
		return
	}
	if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it in the same way
		panic(value)
	}
	c.Caught(where, value, details...)
	if err != nil {
		*err = Err
	}
}

// Caught tells of a panic that the caller has recovered from.
func (c *Catcher) Caught(where string, value any, details ...any) {
	if c == nil {
		return
	}
	c.total.WithLabelValues(where).Inc()
	c.log.Error(fmt.Errorf("panic: %v", value), "a panic was caught", append([]any{"where", where, "stack", string(debug.Stack())}, details...)...)
}
