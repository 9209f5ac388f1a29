// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/telemetry"
	"github.com/ry-ops/cortex/internal/telemetry/telemetrytest"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func newTracer(t *testing.T, collector *telemetrytest.Receiver) *telemetry.Tracer {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	tracer, err := telemetry.New(t.Context(), "program", "1", logr.Discard())
	if err != nil || tracer == nil {
		t.Fatal(tracer, err)
	}
	t.Cleanup(func() { _ = tracer.Shutdown(context.Background()) })
	return tracer
}

// TestOff: without a collector there is no Tracer, and what calls it allocates nothing.
func TestOff(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"nothing set": nil,
		"disabled":    {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
		"no exporter": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range env {
				t.Setenv(key, value)
			}
			tracer, err := telemetry.New(t.Context(), "program", "1", logr.Discard())
			if err != nil || tracer != nil {
				t.Fatal(tracer, err)
			}
			ctx, header := t.Context(), http.Header{"Traceparent": {parent}}
			if n := testing.AllocsPerRun(100, func() {
				ctx, span := tracer.Start(tracer.Received(ctx, header), telemetry.Server, "tools/call", "list_hosts")
				span.String(telemetry.ToolName, "list_hosts")
				span.Int(telemetry.HTTPStatus, 200)
				span.Named("tools/call", "other")
				span.Fail("Timeout")
				span.See(parent)
				span.End()
				_ = telemetry.TraceID(ctx)
				_ = telemetry.Traceparent(ctx)
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}
			if tracer.Flush(ctx) != nil || tracer.Shutdown(ctx) != nil {
				t.Error("nothing can fail")
			}
		})
	}
}

// TestRefused: what cannot be done is said at the start, and no secret with it.
func TestRefused(t *testing.T) {
	for key, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS ":       "x-tenant=s3cret%0d%0aX-Evil: 1",
		"OTEL_EXPORTER_OTLP_HEADERS  ":      "x tenant=s3cret",
		"OTEL_TRACES_EXPORTER":              "zipkin",
		"OTEL_EXPORTER_OTLP_PROTOCOL":       "grpc",
		"OTEL_EXPORTER_OTLP_ENDPOINT":       "user:s3cret@collector",
		"OTEL_EXPORTER_OTLP_HEADERS":        "s3cret",
		"OTEL_EXPORTER_OTLP_COMPRESSION":    "zip",
		"OTEL_EXPORTER_OTLP_TIMEOUT":        "soon",
		"OTEL_EXPORTER_OTLP_CERTIFICATE":    "/there/is/none",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "s3cret",
	} {
		t.Run(key, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv(strings.TrimSpace(key), value)
			_, err := telemetry.New(t.Context(), "program", "1", logr.Discard())
			if err == nil || !strings.Contains(err.Error(), "OTEL_") || strings.Contains(err.Error(), "s3cret") {
				t.Error(err)
			}
		})
	}
}

// TestExport: spans reach a collector with what it needs to know.
func TestExport(t *testing.T) {
	collector := telemetrytest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20key, x-tenant=a")
	t.Setenv("OTEL_SERVICE_NAME", "mine")
	tracer := newTracer(t, collector)
	ctx := tracer.Received(t.Context(), http.Header{"Traceparent": {parent}})
	ctx, span := tracer.Start(ctx, telemetry.Server, "tools/call", "list\nhosts")
	span.String(telemetry.ToolName, strings.Repeat("x", 5000))
	span.String(telemetry.Task, "")
	span.Fail("Timeout")
	_, child := tracer.Start(ctx, telemetry.Client, "request", "")
	child.End()
	span.End()
	if err := tracer.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	spans := collector.Spans()
	if len(spans) != 2 {
		t.Fatal(spans)
	}
	inner, outer := spans[0], spans[1]
	switch {
	case outer.Program != "mine", strings.Contains(outer.Name, "\n"), len(outer.Text(telemetry.ToolName)) > 300, outer.Text(telemetry.ErrorType) != "Timeout":
		t.Error(outer)
	case outer.Trace() != "0af7651916cd43dd8448eb211c80319c" || outer.Parent() != "b7ad6b7169203331":
		t.Error("it is not below its caller's span:", outer)
	case inner.Parent() != outer.ID():
		t.Error(inner)
	}
	if header := collector.Header(); header.Get("Authorization") != "Bearer key" || header.Get("X-Tenant") != "a" {
		t.Error(header)
	}
}

// TestUnder: an annotation that somebody made up is an id or nothing.
func TestUnder(t *testing.T) {
	for _, bad := range []string{"", "x", parent[:54], strings.ToUpper(parent), "00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", parent + "\nX-Evil: 1", strings.Repeat(parent, 100), "ff" + parent[2:]} {
		if at := telemetry.Traceparent(telemetry.Under(t.Context(), bad)); at != "" {
			t.Errorf("%.80q is taken for %q", bad, at)
		}
	}
	if at := telemetry.Traceparent(telemetry.Under(t.Context(), parent)); at != parent {
		t.Error(at)
	}
}

// TestHeal: two operators know a heal by the same span, and what it asks for is below it.
func TestHeal(t *testing.T) {
	collector := telemetrytest.New(t)
	one, two := newTracer(t, collector), newTracer(t, collector)
	for name, annotation := range map[string]string{"asked for by a call": parent, "asked for by nobody": "", "with an annotation that is none": "x"} {
		t.Run(name, func(t *testing.T) {
			now := metav1.NewMicroTime(time.Now())
			request := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{UID: "5f0c", Annotations: map[string]string{v1alpha1.AnnotationTraceparent: annotation}},
				Status: v1alpha1.HealingRequestStatus{StartedAt: &now}}
			first, second := one.PlaceOf(request), two.PlaceOf(request)
			if first == "" || first != second || first == parent {
				t.Errorf("%q and %q", first, second)
			}
			if same := strings.HasPrefix(first, parent[:36]); same != (annotation == parent) {
				t.Errorf("%q is in the wrong trace", first)
			}
			var none *telemetry.Tracer
			if place := none.PlaceOf(request); place != strings.TrimPrefix(annotation, "x") {
				t.Errorf("without a tracer it is at %q", place)
			}
			other := request.DeepCopy()
			other.UID = "other"
			if one.PlaceOf(other) == first {
				t.Error("two heals have one span")
			}
			// A step has an id of its own.
			ctx, _ := one.Heal(request)
			_, step := one.StartAt(ctx, "diagnose", "", now.Time, "")
			_, again := one.StartAt(ctx, "diagnose", "", now.Time, "")
			step.End()
			again.End()
		})
	}
	if err := one.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, span := range collector.Spans() {
		if seen[span.ID()] {
			t.Error("an id is there twice")
		}
		seen[span.ID()] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d spans: a heal that is not over must not be told", len(seen))
	}
}
