// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubectl drives the cluster with kubectl, which is built anyway: a client
// library would only be a second one.
package kubectl

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// explainWithin bounds how long is spent on finding out why something failed.
const explainWithin = 10 * time.Second

// Client is a kubectl and the cluster it talks to.
type Client struct {
	Program    string
	Kubeconfig string
}

// Apply applies manifests.
func (c Client) Apply(ctx context.Context, manifests []byte) error {
	_, err := c.run(ctx, manifests, "apply", "--filename=-")
	return err
}

// Wait waits until the object exists and has the condition.
func (c Client) Wait(ctx context.Context, condition string, object ...string) error {
	timeout := "--timeout=" + remaining(ctx).String()
	if _, err := c.run(ctx, nil, append([]string{"wait", "--for=create", timeout}, object...)...); err != nil {
		return err
	}
	_, err := c.run(ctx, nil, append([]string{"wait", "--for=condition=" + condition, timeout}, object...)...)
	return err
}

// remaining is the time until ctx ends.
func remaining(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Minute
	}
	return max(time.Second, time.Until(deadline).Round(time.Second))
}

// Explain shows the state of the system's pods and the latest events, for an error.
func (c Client) Explain(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	var out strings.Builder
	for _, args := range [][]string{
		{"get", "nodes,pods", "--all-namespaces", "--output=wide"},
		{"get", "events", "--namespace=kube-system", "--sort-by=.lastTimestamp"},
	} {
		output, err := c.run(ctx, nil, args...)
		if err != nil {
			output = err.Error()
		}
		out.WriteString(output + "\n")
	}
	return out.String()
}

func (c Client) run(ctx context.Context, stdin []byte, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.Program, append([]string{"--kubeconfig=" + c.Kubeconfig}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("running kubectl %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
