// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/telemetry"
)

var (
	errStalled  = errors.New("no byte came for too long")
	errCut      = errors.New("the answer broke off before its end")
	errNoKey    = errors.New("the API key is gone")
	errRedirect = errors.New("the address of the API answers with a redirect, which is not followed since the key would go along: set --claude-base-url to where it points")
)

// newMessages makes the one service of the official SDK that is used: its client would link them all. It takes nothing from the
// environment, retries nothing itself, since the asker is told of every delay, and traces nothing.
func newMessages(o Options) anthropic.MessageService {
	transport, _ := http.DefaultTransport.(*http.Transport)
	options := []option.RequestOption{
		option.WithEnvironmentProduction(), option.WithMaxRetries(0), option.WithoutOpenTelemetry(),
		option.WithHTTPClient(&http.Client{Transport: transport.Clone(), CheckRedirect: noRedirects}),
	}
	if o.BaseURL != "" {
		options = append(options, option.WithBaseURL(o.BaseURL))
	}
	return anthropic.NewMessageService(options...)
}

// answered is one whole answer of the model.
type answered struct {
	anthropic.Message
	// broken are the blocks that call a tool with an input that is no JSON. The SDK would make it an empty object, and a tool
	// without required arguments would run.
	broken map[int]bool
}

// once makes one request and reads its stream to the end. What the model says is told as it comes.
func (p *plan) once(ctx context.Context, params anthropic.MessageNewParams) (_ *answered, failed error) {
	ctx, span := p.Tracer.Start(ctx, telemetry.Client, telemetry.OperationChat, p.model)
	defer func() {
		if failed != nil {
			span.Fail("_OTHER")
		}
		span.End()
	}()
	span.String(telemetry.Operation, telemetry.OperationChat)
	span.String(telemetry.Provider, "anthropic")
	span.String(telemetry.RequestModel, p.model)
	key, ok := p.Key.Read()
	if !ok {
		return nil, errNoKey
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, done := context.WithTimeout(ctx, min(p.Timeout, p.Budget-p.spent))
	defer done()
	quiet := time.AfterFunc(p.Stall, func() { cancel(errStalled) })
	defer quiet.Stop()

	stream := p.service.NewStreaming(ctx, params, option.WithAPIKey(key), option.WithMiddleware(watching(quiet, p.Stall)))
	defer func() { _ = stream.Close() }() // the request is over either way
	answer, whole, err := p.read(stream.Next, stream.Current)
	p.count(answer.Usage)
	span.Int(telemetry.InputTokens, int(answer.Usage.InputTokens))
	span.Int(telemetry.OutputTokens, int(answer.Usage.OutputTokens))
	if err == nil {
		err = stream.Err()
	}
	var syntax *json.SyntaxError
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: %w", errCut, err)
	case err != nil:
		return nil, err
	case !whole:
		return nil, errCut
	}
	return answer, nil
}

// watching makes silence of the answer end the request, pings included, which the SDK keeps to itself.
func watching(quiet *time.Timer, limit time.Duration) option.Middleware {
	return func(req *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		resp, err := next(req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 300 && resp.StatusCode < 400 {
			_ = resp.Body.Close()
			return nil, errRedirect
		}
		quiet.Reset(limit)
		resp.Body = &watched{ReadCloser: resp.Body, quiet: quiet, limit: limit}
		return resp, nil
	}
}

type watched struct {
	io.ReadCloser
	quiet *time.Timer
	limit time.Duration
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.quiet.Reset(w.limit)
	}
	return n, err
}

// read puts the events of a stream together. whole reports that the last one has come. The answer is as far as it got.
func (p *plan) read(next func() bool, current func() anthropic.MessageStreamEventUnion) (answer *answered, whole bool, err error) {
	answer = &answered{broken: map[int]bool{}}
	inputs := map[int64][]byte{}
	for next() {
		event := current()
		if event.Type == "content_block_delta" {
			switch event.Delta.Type {
			case "text_delta":
				p.say(event.Delta.Text)
			case "input_json_delta":
				inputs[event.Index] = append(inputs[event.Index], event.Delta.PartialJSON...)
			}
		}
		whole = whole || event.Type == "message_stop"
		if err := answer.Accumulate(event); err != nil {
			return answer, false, fmt.Errorf("%w: %w", errCut, err)
		}
	}
	for index, input := range inputs {
		answer.broken[int(index)] = len(input) > 0 && !json.Valid(input)
	}
	return answer, whole, nil
}

// say passes on a piece of text.
func (p *plan) say(text string) {
	if text = foreign.Visible(text); text != "" {
		p.spoke = true
		p.tell(chat.TextDelta{Text: text})
	}
}

// unsay takes back what the model said in an answer that did not come to its end.
func (p *plan) unsay() {
	if p.spoke {
		p.spoke = false
		p.tell(chat.TextDelta{Reset: true})
	}
}

func (p *plan) count(usage anthropic.Usage) {
	in := int(usage.InputTokens + usage.CacheCreationInputTokens + usage.CacheReadInputTokens)
	p.usage.InputTokens += in
	p.usage.OutputTokens += int(usage.OutputTokens)
	p.Metrics.used(in, int(usage.OutputTokens))
}
