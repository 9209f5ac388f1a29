// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/proxy/envelope"
	"github.com/ry-ops/cortex/internal/telemetry"
	"github.com/ry-ops/cortex/internal/telemetry/telemetrytest"
	"github.com/ry-ops/cortex/test/steady"
)

const metaParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func posted(t testing.TB, body string) *request {
	t.Helper()
	found, err := envelope.Scan([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return &request{message: message{[]byte(body), found}, reply: &reply{id: []byte(`"7"`)}}
}

// TestUntraced: without a tracer, what the path of a healthy call does for traces allocates nothing.
func TestUntraced(t *testing.T) {
	p := &Proxy{}
	q := posted(t, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_hosts","_meta":{"traceparent":"`+metaParent+`"}}}`)
	head := []byte("POST /mcp HTTP/1.1\r\n")
	c := &call{request: q, proxy: p, tool: "list_hosts"}
	ctx := t.Context()
	if n := steady.Allocs(func() {
		ctx := p.traced(ctx, q)
		q.span.Named("tools/call", c.spanned())
		q.span.String(telemetry.ToolName, c.tool)
		_ = p.placed(ctx, head)
		if c.class() != "OK" {
			t.Error("a class")
		}
		q.span.End()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTraced: the span of a message is below the one that its _meta names, and linked with that of the request around it; a method that
// somebody made up is no name of a span.
func TestTraced(t *testing.T) {
	collector := telemetrytest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	tracer, err := telemetry.New(t.Context(), "gateway", "1", logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tracer.Shutdown(context.Background()) }()
	p := &Proxy{Options: Options{Tracer: tracer}}
	around, http := tracer.Start(t.Context(), telemetry.Server, "POST", "/mcp")
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","_meta":{"traceparent":"` + metaParent + `"}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x","arguments":{"traceparent":"` + metaParent + `"},"_meta":{"traceparent":5}}}`,
		`{"jsonrpc":"2.0","id":7,"method":"made/up","params":{}}`,
	} {
		q := posted(t, body)
		p.traced(around, q)
		q.span.End()
	}
	http.End()
	if err := tracer.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := collector.Spans()
	if len(spans) != 4 {
		t.Fatal(spans)
	}
	if one := spans[0]; one.Name != "tools/call" || one.Parent() != "b7ad6b7169203331" || len(one.Links) != 1 {
		t.Error(one)
	}
	if one := spans[1]; one.Parent() != spans[3].ID() || len(one.Links) != 0 {
		t.Error(one)
	}
	if one := spans[2]; one.Name != "_OTHER" || strings.Contains(one.String(), "made/up") {
		t.Error(one)
	}
}

// TestNamesOfSpansAreBounded: a tool is in one if its server has listed it.
func TestNamesOfSpansAreBounded(t *testing.T) {
	collector := telemetrytest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	tracer, err := telemetry.New(t.Context(), "gateway", "1", logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, []*mcptest.Backend{mcptest.Start(t, "sandfly")}, func(o *Options) { o.Tracer = tracer })
	session := w.connect("/mcp", nil)
	toolNames(t, session) // so they are listed
	for _, tool := range []string{"list_hosts", "made-up"} {
		_, _ = callTool(t, session, "sandfly__"+tool, nil)
		_, _ = w.raw("/mcp/sandfly", session.ID(), `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"`+tool+`"}}`)
	}
	if err := tracer.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := map[string]int{}
	for _, span := range collector.Spans() {
		if tool := span.Text(telemetry.ToolName); tool != "" {
			names[tool+": "+span.Name]++ // of the message, and to the server
		}
	}
	if want := map[string]int{"list_hosts: tools/call list_hosts": 4, "made-up: tools/call": 4}; !maps.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

// TestSeriesAreBounded: what a caller makes up is the label of nothing.
func TestSeriesAreBounded(t *testing.T) {
	b := mcptest.Start(t, "sandfly")
	var registry *prometheus.Registry
	w := newWorld(t, []*mcptest.Backend{b}, func(o *Options) { registry, _ = o.Registry.(*prometheus.Registry) })
	session := w.connect("/mcp", nil)
	if _, err := callTool(t, session, "sandfly__list_hosts", nil); err != nil {
		t.Fatal(err)
	}
	_, _ = callTool(t, session, "sandfly__made-up-once", nil) // the server says no
	before := series(t, registry)
	for _, tool := range []string{"made-up__list_hosts", "made_up", "other.made-up__x"} {
		if _, err := callTool(t, session, tool, nil); err == nil {
			t.Errorf("%s can be called", tool)
		}
	}
	_, _ = callTool(t, session, "sandfly__made-up-again", nil)
	after := series(t, registry)
	if len(after) != len(before) {
		t.Errorf("%d series became %d:\n%s", len(before), len(after), strings.Join(after, "\n"))
	}
	for _, one := range after {
		if strings.Contains(one, "made") {
			t.Error(one)
		}
	}
}

func series(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, family := range families {
		for _, metric := range family.Metric {
			all = append(all, family.GetName()+" "+metric.String())
		}
	}
	for i, one := range all { // the values do not matter
		all[i], _, _ = strings.Cut(one, " counter")
	}
	return all
}
