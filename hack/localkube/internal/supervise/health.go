// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package supervise

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answerWithin bounds a health check.
const answerWithin = 2 * time.Second

type checker struct {
	client *http.Client
}

// newChecker makes a client for health checks. They stay on the node's own loopback,
// so who answers need not be proven.
func newChecker() *checker {
	return &checker{client: &http.Client{
		Timeout: answerWithin,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		},
	}}
}

// check asks an address for its health.
func (c *checker) check(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("preparing a health check: %w", err)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return fmt.Errorf("checking health: %w", err)
	}
	defer response.Body.Close()
	// What is left unread would cost the connection.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("checking health: %s answers %s", address, response.Status)
	}
	return nil
}
