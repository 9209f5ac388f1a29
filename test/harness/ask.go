// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Event is one event of a stream, with its fields as they came.
type Event struct {
	// At is the time from the question to the event.
	At     time.Duration
	Fields map[string]any
}

// Type is the event's type.
func (e Event) Type() string { return e.Text("type") }

// Text is a field that holds text; empty if there is no such field.
func (e Event) Text(field string) string {
	text, _ := e.Fields[field].(string)
	return text
}

// Answer is the text of a processing_complete event's result.
func (e Event) Answer() string {
	raw, _ := json.Marshal(e.Fields["result"])
	var result struct {
		Content []struct{ Text string } `json:"content"`
	}
	_ = json.Unmarshal(raw, &result)
	var text strings.Builder
	for _, content := range result.Content {
		text.WriteString(content.Text)
	}
	return text.String()
}

// Gateway is the base URL of the gateway's Service.
func (c *Cluster) Gateway(ctx context.Context) (string, error) {
	address, err := c.Address(ctx, "cortex-api")
	return "http://" + address, err
}

// user is the ServiceAccount of config/demo that asks.
const user = "cortex-demo"

// Token proves to the gateway who asks, for longer than any run.
func (c *Cluster) Token(ctx context.Context) (string, error) {
	c.tokenMu.Lock()
	defer c.tokenMu.Unlock()
	if c.token != "" {
		return c.token, nil
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: []string{"cortex"}, ExpirationSeconds: ptr.To(int64((4 * time.Hour).Seconds())),
	}}
	answer, err := c.Clientset.CoreV1().ServiceAccounts(Namespace).CreateToken(ctx, user, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("getting a token of ServiceAccount %s (is config/demo applied?): %w", user, err)
	}
	c.token = answer.Status.Token
	return c.token, nil
}

// Ask puts a question to a gateway and reads the stream of events to its end. The events that came before an error are
// returned with it. A stream that has not ended after Patience is one.
func (c *Cluster) Ask(ctx context.Context, gateway, question string) ([]Event, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	body, err := json.Marshal(map[string]any{"query": question, "streaming": true})
	if err != nil {
		return nil, err
	}
	if _, err := c.Token(ctx); err != nil {
		return nil, err
	}
	asked := time.Now()
	resp, err := c.Post(ctx, gateway+"/api/tasks", body)
	if err != nil {
		return nil, fmt.Errorf("asking %q: %w", question, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return nil, fmt.Errorf("asking %q: %s: %s", question, resp.Status, text)
	}
	return readEvents(resp.Body, asked)
}

// Post sends JSON to a gateway, with the token of the one who asks.
func (c *Cluster) Post(ctx context.Context, url string, body []byte) (*http.Response, error) {
	token, err := c.Token(ctx)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultClient.Do(req)
}

func post(ctx context.Context, url string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(req)
}

func readEvents(stream io.Reader, asked time.Time) ([]Event, error) {
	var events []Event
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		event := Event{At: time.Since(asked)}
		if err := json.Unmarshal([]byte(data), &event.Fields); err != nil {
			return events, fmt.Errorf("decoding event %q: %w", data, err)
		}
		events = append(events, event)
	}
	return events, lines.Err()
}

// Types are the types of the events that the spec names, with runs of the same type as one. Others may come in between.
func Types(events []Event) []string {
	var types []string
	for _, event := range events {
		if kind, _, _ := strings.Cut(event.Type(), "_"); kind != "processing" && kind != "healing" {
			continue
		}
		if len(types) == 0 || types[len(types)-1] != event.Type() {
			types = append(types, event.Type())
		}
	}
	return types
}

// Answers waits until a sample server answers through its Service: a pod may be ready a moment before the node's packet
// filter knows of it.
func (c *Cluster) Answers(ctx context.Context, server string) error {
	address, err := c.Address(ctx, server)
	if err != nil {
		return err
	}
	return c.Until(ctx, server+" to answer", func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/health", nil)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, err
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
}

// Fault switches a fault of a sample server on (see test/mcpserver).
func (c *Cluster) Fault(ctx context.Context, server, mode string) error {
	address, err := c.Address(ctx, server)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	resp, err := post(ctx, "http://"+address+"/fault?mode="+mode, nil)
	if err != nil {
		return fmt.Errorf("switching fault %s of %s on: %w", mode, server, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("switching fault %s of %s on: %s: %s", mode, server, resp.Status, text)
	}
	return nil
}
