// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// floorPoll is how often the floor's handshake is tried. It is part of what the floor can be off by.
const floorPoll = 5 * time.Millisecond

// Floor is the time that a person who already knows what is wrong needs: `kubectl scale`, then the first MCP handshake
// that succeeds. The Deployment must be at zero. The handshake goes through the API server's Service proxy, which
// does not wait for any node's packet rules, so the floor is if anything too low.
func (c *Cluster) Floor(ctx context.Context, name string) (time.Duration, error) {
	http, err := rest.HTTPClientFor(c.Config)
	if err != nil {
		return 0, fmt.Errorf("building the proxy's client: %w", err)
	}
	endpoint := fmt.Sprintf("%s/api/v1/namespaces/%s/services/%s:mcp/proxy/mcp", c.Config.Host, Namespace, name)
	start := time.Now()
	if err := c.Kubectl(ctx, "scale", "deployment", name, "-n", Namespace, "--replicas=1"); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = wait.PollUntilContextCancel(ctx, floorPoll, true, func(ctx context.Context) (bool, error) {
		client := mcp.NewClient(&mcp.Implementation{Name: "floor", Version: "1"}, nil)
		transport := &mcp.StreamableClientTransport{Endpoint: endpoint, HTTPClient: http, MaxRetries: -1, DisableStandaloneSSE: true}
		session, err := client.Connect(ctx, transport, nil)
		if err != nil {
			return false, nil
		}
		return true, session.Close()
	})
	return time.Since(start), err
}
