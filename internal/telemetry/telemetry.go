// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package telemetry makes spans of what gateway and operator do, and sends them to a collector (OpenTelemetry, OTLP over HTTP). It
// is set up by OpenTelemetry's own environment variables. Unless they name a collector there is no Tracer, and a nil Tracer does
// nothing: it has no goroutine, and what calls it allocates nothing.
//
// Spans hold names, ids, classes and counts. They never hold bodies, arguments, results, tokens or foreign words.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/ry-ops/cortex"

// Header is the HTTP header, the member of an MCP message's _meta, and the value of an annotation that place a span in a trace
// (W3C Trace Context; MCP SEP-414).
const Header = "traceparent"

// maxTraceparent bounds what is read as a traceparent: 55 bytes in the version that there is, and room for what a later one adds.
const maxTraceparent = 128

// Kinds of spans.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer
	Client   = trace.SpanKindClient
)

// Tracer makes spans. A nil one makes none. It is safe for concurrent use.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New makes a Tracer as the environment says; nil if it asks for none. service is the name that OTEL_SERVICE_NAME replaces. An
// error means that what the environment asks for cannot be done.
func New(ctx context.Context, service, version string, log logr.Logger) (*Tracer, error) {
	wanted, err := wanted()
	if err != nil || !wanted {
		return nil, err
	}
	client, err := newClient()
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("starting to export spans: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(&lost{log: log, now: time.Now})
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}))
	log.Info("spans are exported", "to", client.shown())
	return &Tracer{provider: provider, tracer: provider.Tracer(scope, trace.WithInstrumentationVersion(version))}, nil
}

// lost logs that spans are lost.
type lost struct {
	log logr.Logger
	now func() time.Time

	mu    sync.Mutex
	said  time.Time
	times int
}

// lostEvery bounds how often that is said: a collector may be gone for days.
const lostEvery = time.Minute

// Handle implements otel.ErrorHandler.
func (l *lost) Handle(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times++
	if now := l.now(); l.said.IsZero() || now.Sub(l.said) >= lostEvery {
		l.log.Info("spans are lost", "reason", err.Error(), "times", l.times)
		l.said, l.times = now, 0
	}
}

// wanted reports whether the environment asks for spans.
func wanted() (bool, error) {
	exporter := os.Getenv("OTEL_TRACES_EXPORTER")
	switch {
	case strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true"), exporter == "none":
		return false, nil
	case exporter == "otlp":
		return true, nil
	case exporter != "":
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER is %q: it must be otlp or none", exporter)
	default:
		return setting("ENDPOINT") != "", nil
	}
}

// Shutdown sends off what is left, for as long as ctx lasts.
func (t *Tracer) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// lastSpans is the time for what is left to tell a collector that may be gone.
const lastSpans = 3 * time.Second

// End is the Shutdown of a program that ends, whose ctx is over: it takes 3 s at most, and logs what is lost.
func (t *Tracer) End(ctx context.Context, log logr.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
	defer cancel()
	if err := t.Shutdown(ctx); err != nil {
		log.Info("the last spans are lost", "reason", err.Error())
	}
}

// Flush sends off what has ended so far.
func (t *Tracer) Flush(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.ForceFlush(ctx)
}

// Start begins a span, which must be ended. Its name is verb and object with a space between them; object may be empty.
func (t *Tracer) Start(ctx context.Context, kind trace.SpanKind, verb, object string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	return t.start(ctx, kind, name(verb, object))
}

// StartAt begins a span that began at a moment. The same seed gives it the same id in every process, so that spans can be its
// children in a process that is not the one that ends it. Without a span in ctx, its trace follows from the seed as well. An empty
// seed means an id like any other. A span that is never ended is never told.
func (t *Tracer) StartAt(ctx context.Context, verb, object string, at time.Time, seed string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	_, span := t.start(context.WithValue(ctx, seedKey{}, seed), Internal, name(verb, object), trace.WithTimestamp(at))
	return trace.ContextWithSpan(ctx, span.span), span // without the seed
}

func (t *Tracer) start(ctx context.Context, kind trace.SpanKind, name string, options ...trace.SpanStartOption) (context.Context, Span) {
	ctx, span := t.tracer.Start(ctx, name, append(options, trace.WithSpanKind(kind))...)
	return ctx, Span{span}
}

func name(verb, object string) string {
	if object == "" {
		return verb
	}
	return verb + " " + bounded(object)
}

// Received places ctx in the trace that the sender of a request names, if it names one.
func (t *Tracer) Received(ctx context.Context, header http.Header) context.Context {
	if t == nil {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(header))
}

// Under places ctx below the span that a traceparent names. One that is not valid is as none: ctx stays where it is.
func Under(ctx context.Context, traceparent string) context.Context {
	if traceparent == "" || len(traceparent) > maxTraceparent {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{Header: traceparent})
}

// Traceparent names the span of ctx; empty if there is none.
func Traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier[Header]
}

// TraceID of ctx as logs have it; empty if there is none.
func TraceID(ctx context.Context) string {
	if at := trace.SpanContextFromContext(ctx); at.IsValid() {
		return at.TraceID().String()
	}
	return ""
}

// errProtocol is why spans cannot be sent.
var errProtocol = errors.New("only http/protobuf is spoken: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, and the collector's port for it, which mostly is 4318")
