// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gateway is the HTTP face of Cortex: queries in, events or one answer out.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/auth"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/panics"
	"github.com/ry-ops/cortex/internal/quota"
	"github.com/ry-ops/cortex/internal/task"
	"github.com/ry-ops/cortex/internal/telemetry"
)

const (
	// DefaultShutdownGrace is how long streams may go on after the signal to stop: five seconds less than the
	// terminationGracePeriodSeconds of a pod (30 s), which are left for their last events.
	DefaultShutdownGrace = 25 * time.Second
	// DefaultHeartbeat is shorter than the idle timeouts of common proxies (nginx: 60 s, many load balancers: 30 s).
	DefaultHeartbeat = 15 * time.Second
	// DefaultWriteTimeout is how long one event may take to leave. Only a reader that does not read needs longer.
	DefaultWriteTimeout = 10 * time.Second

	// DefaultStreams bounds the event streams that are open at once: what the pod's memory holds.
	DefaultStreams = 10_000
	// DefaultStreamsEach bounds those of one caller, who may be a program that asks for many people.
	DefaultStreamsEach = 1000
	// DefaultBodyTimeout is how long the body of a request may take to come.
	DefaultBodyTimeout = 10 * time.Second

	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	// lastWords is the time for the last event of every stream, after the grace is over.
	lastWords = 4 * time.Second
)

// errEnding is why a task ended with the gateway.
var errEnding = errors.New("the gateway is shutting down and this task was not finished; a heal that was begun goes on by itself. Ask again; if you asked for a change, check first whether it was made")

// Loop answers queries. See chat.Loop.
type Loop interface {
	Run(ctx context.Context, query chat.Query, emit func(chat.Event)) *chat.Outcome
}

// Options of a Server. Zero durations mean the defaults.
type Options struct {
	// Loop answers the queries.
	Loop Loop
	// Known tells why a caller cannot go on with a conversation; nil if they can. Where Known is nil, all can.
	Known func(conversation, caller string) error
	// Heals finds and follows heals.
	Heals Heals
	// MCP serves /mcp and /mcp/{server}. Nil serves none.
	MCP MCP
	// Guard lets callers through to all but openRoutes, and tells who they are (auth.FromContext). Nil lets everybody through.
	Guard func(http.Handler) http.Handler
	// Resource tells clients where to get tokens. Nil serves none.
	Resource http.Handler
	// LocalOnly refuses requests to another host than this machine: for a gateway that listens on loopback.
	LocalOnly bool
	// Servers gives the MCP servers that the caller of a context may use. Nil means that there are none.
	Servers func(ctx context.Context) ([]*mcp.Server, error)
	// Approver tells who may answer a plan over HTTP. Nil means that nobody may.
	Approver Approver
	// Ready reports whether the gateway knows the cluster: its caches are synced.
	Ready func() bool
	// Registry holds the gateway's metrics and is served at /metrics.
	Registry *prometheus.Registry
	// Panics are caught in the handlers. Nil counts none.
	Panics        *panics.Catcher
	ShutdownGrace time.Duration
	Heartbeat     time.Duration
	WriteTimeout  time.Duration
	BodyTimeout   time.Duration
	// Tasks has the bounds of tasks; the rest of it is set here.
	Tasks task.Options
	// Streams and StreamsEach bound the open event streams, in all and of one caller.
	Streams, StreamsEach int
	// Caller names who asks; empty if nobody knows. Nil is auth.Caller.
	Caller func(*http.Request) string
	// Tracer of requests. Nil makes no spans.
	Tracer *telemetry.Tracer
	// AccessLog gets one line for each request, once it is over. Nil gets none.
	AccessLog *logr.Logger
	Clock     clock.WithTickerAndDelayedExecution
	Log       logr.Logger
}

// Server serves the gateway's routes.
type Server struct {
	Options
	metrics *metrics
	started time.Time
	running *task.Store
	streams *quota.Quota
	conns   connections
	// draining is set once no new work is wanted.
	draining atomic.Bool
	// ending ends when the tasks and streams that are still under way must end; cut ends it.
	ending context.Context
	cut    context.CancelFunc
}

// New makes a Server and registers its metrics.
func New(o Options) *Server {
	setDefault(&o.ShutdownGrace, DefaultShutdownGrace)
	setDefault(&o.Heartbeat, DefaultHeartbeat)
	setDefault(&o.WriteTimeout, DefaultWriteTimeout)
	setDefault(&o.BodyTimeout, DefaultBodyTimeout)
	setDefault(&o.Streams, DefaultStreams)
	setDefault(&o.StreamsEach, DefaultStreamsEach)
	if o.Caller == nil {
		o.Caller = auth.Caller
	}
	if o.Known == nil {
		o.Known = func(string, string) error { return nil }
	}
	if o.Servers == nil {
		o.Servers = func(context.Context) ([]*mcp.Server, error) { return nil, nil }
	}
	s := &Server{Options: o, metrics: newMetrics(o.Registry), started: o.Clock.Now(), streams: quota.New(o.Streams, o.StreamsEach)}
	o.Tasks.Loop, o.Tasks.Clock, o.Tasks.Log, o.Tasks.Ended, o.Tasks.Panics = o.Loop, o.Clock, o.Log, s.metrics.ended, o.Panics
	s.running = task.NewStore(o.Tasks)
	s.ending, s.cut = context.WithCancel(context.Background())
	context.AfterFunc(s.ending, func() { s.running.End(errEnding) })
	return s
}

func setDefault[T int | time.Duration](value *T, otherwise T) {
	if *value == 0 {
		*value = otherwise
	}
}

// Serve answers on listener until ctx ends. Then it stops accepting, lets tasks finish for ShutdownGrace, ends the rest
// with their last event, and returns.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	defer s.cut()
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(logWriter{s.Log}, "", 0),
		// No WriteTimeout: streams are long, and each write of theirs has its own.
	}
	if s.MCP != nil {
		server.RegisterOnShutdown(s.MCP.Drain)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving HTTP on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}

	s.Log.Info("shutting down", "grace", s.ShutdownGrace.String())
	s.draining.Store(true)
	grace := time.AfterFunc(s.ShutdownGrace, s.cut)
	defer grace.Stop()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.ShutdownGrace+lastWords)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		_ = server.Close()
		return fmt.Errorf("shutting down: %w", err)
	}
	s.conns.wait(bounded)
	// Nobody reads what still runs, and nobody can come back for it.
	s.running.End(errEnding)
	s.running.Wait(bounded)
	return nil
}

// logWriter passes what net/http has to say, such as broken TLS or headers, on to the log.
type logWriter struct{ log logr.Logger }

// Write implements io.Writer.
func (w logWriter) Write(line []byte) (int, error) {
	w.log.V(1).Info("http", "message", string(line))
	return len(line), nil
}
