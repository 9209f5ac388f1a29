// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/protobuf/proto"
)

const (
	defaultEndpoint = "http://localhost:4318"
	defaultTimeout  = 10 * time.Second
	// retryFirst is the pause before a batch is sent again to a collector that is not reached, or asks for patience. It doubles, up to retryMost.
	retryFirst = time.Second
	retryMost  = 8 * time.Second
	// maxDrained bounds what is read of an answer, so that its connection can be used again.
	maxDrained = 64 << 10
)

// setting is a variable of the OTLP exporter: that of the traces, or else that of all signals.
func setting(name string) string {
	if value := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_" + name); value != "" {
		return value
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_" + name)
}

// client sends spans as OTLP over HTTP (otlptrace.Client). The official one would bring gRPC along (docs/adr/0032).
type client struct {
	url    url.URL
	header http.Header
	gzip   bool
	http   http.Client
}

func newClient() (*client, error) {
	if protocol := setting("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: %w", protocol, errProtocol)
	}
	c := &client{header: http.Header{"Content-Type": {"application/x-protobuf"}, "User-Agent": {"cortex-otlp"}}}
	if err := c.address(); err != nil {
		return nil, err
	}
	for pair := range strings.SplitSeq(setting("HEADERS"), ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		key = strings.TrimSpace(key)
		plain, err := url.PathUnescape(strings.TrimSpace(value))
		switch { // the value may be a secret
		case !ok || err != nil:
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: write key=value pairs with commas between them, the values URL-encoded")
		case !httpguts.ValidHeaderFieldName(key) || !httpguts.ValidHeaderFieldValue(plain):
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: the name or the value of a header has a character that no HTTP header may have, such as a line break (%%0d, %%0a)")
		}
		c.header.Set(key, plain)
	}
	switch compression := setting("COMPRESSION"); compression {
	case "", "none":
	case "gzip":
		c.gzip = true
		c.header.Set("Content-Encoding", "gzip")
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION is %q: it must be gzip or none", compression)
	}
	c.http.Timeout = defaultTimeout
	if text := setting("TIMEOUT"); text != "" {
		milliseconds, err := strconv.Atoi(text)
		if err != nil || milliseconds <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %q: it must be a number of milliseconds", text)
		}
		c.http.Timeout = time.Duration(milliseconds) * time.Millisecond
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	var err error
	transport.TLSClientConfig, err = certificates()
	c.http.Transport = transport
	// The headers may hold a key: they go nowhere else.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, err
}

// address is OTEL_EXPORTER_OTLP_TRACES_ENDPOINT as it is, or OTEL_EXPORTER_OTLP_ENDPOINT and the path of traces.
func (c *client) address() error {
	text, path := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), ""
	if text == "" {
		text, path = os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), "v1/traces"
	}
	if text == "" {
		text = defaultEndpoint
	}
	at, err := url.Parse(text)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://collector:4318") // what is there may hold a password
	}
	c.url = *at.JoinPath(path)
	return nil
}

// shown is where the spans go, without what may be secret.
func (c *client) shown() string {
	return (&url.URL{Scheme: c.url.Scheme, Host: c.url.Host, Path: c.url.Path}).String()
}

func certificates() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := setting("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file) //nolint:gosec // the variable names the file
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s holds no certificate in PEM form", file)
		}
	}
	if file := setting("CLIENT_CERTIFICATE"); file != "" {
		pair, err := tls.LoadX509KeyPair(file, setting("CLIENT_KEY"))
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Start implements otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. On the wire, TracesData is the same as ExportTraceServiceRequest (opentelemetry-proto).
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encoding spans: %w", err)
	}
	if c.gzip {
		var small bytes.Buffer
		writer := gzip.NewWriter(&small)
		_, _ = writer.Write(body) // into memory: it cannot fail
		_ = writer.Close()
		body = small.Bytes()
	}
	for pause := retryFirst; ; pause *= 2 {
		again, err := c.post(ctx, body)
		if err == nil || !again || pause > retryMost {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// post sends a batch once. again says that it may be sent once more (OTLP, "Retryable Response Codes" and "Connection
// Failures").
func (c *client) post(ctx context.Context, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url.String(), bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("making a request to the collector: %w", err)
	}
	req.Header = c.header.Clone()
	resp, err := c.http.Do(req)
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err // its own text has the whole address, the query too, which may hold a key
	}
	if err != nil {
		return ctx.Err() == nil, fmt.Errorf("sending spans to %s: %w", c.shown(), err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxDrained))
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return false, nil
	case code == http.StatusTooManyRequests, code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return true, fmt.Errorf("the collector at %s answers %d", c.shown(), code)
	default:
		return false, fmt.Errorf("the collector at %s answers %d", c.shown(), code)
	}
}
