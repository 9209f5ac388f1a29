// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Finding is one finding of `kubectl cortex diagnose -o json`.
type Finding struct {
	Cause          v1alpha1.Cause           `json:"cause"`
	Detail         string                   `json:"detail"`
	Object         v1alpha1.ObjectReference `json:"object"`
	Service        string                   `json:"service"`
	Message        string                   `json:"message"`
	Evidence       []string                 `json:"evidence"`
	Confidence     v1alpha1.Confidence      `json:"confidence"`
	Recommendation string                   `json:"recommendation"`
	SuggestedPatch string                   `json:"suggestedPatch"`
}

// Plugin runs the kubectl plugin that the environment variable E2E_PLUGIN names, with a user's kubeconfig, and gives what
// it wrote and its exit code.
func (c *Cluster) Plugin(ctx context.Context, args ...string) (stdout, stderr string, code int, err error) {
	path := os.Getenv("E2E_PLUGIN")
	if path == "" {
		return "", "", 0, errors.New("E2E_PLUGIN is not set: run `make test-e2e`, which builds the plugin and sets it")
	}
	var out, problems bytes.Buffer
	command := exec.CommandContext(ctx, path, append(args, "--kubeconfig", c.Kubeconfig)...)
	command.Stdout, command.Stderr = &out, &problems
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), problems.String(), exit.ExitCode(), nil
	}
	return out.String(), problems.String(), 0, err
}

// Diagnose asks the plugin about one target, or about all of a namespace if target is empty.
func (c *Cluster) Diagnose(ctx context.Context, namespace, target string) ([]Finding, error) {
	args := []string{"diagnose", "-n", namespace, "-o", "json"}
	if target != "" {
		args = append(args, target)
	}
	stdout, stderr, code, err := c.Plugin(ctx, args...)
	if err != nil || code > 1 {
		return nil, fmt.Errorf("kubectl cortex diagnose ended with %d: %s %w", code, stderr, err)
	}
	var read struct{ Findings []Finding }
	if err := json.Unmarshal([]byte(stdout), &read); err != nil {
		return nil, fmt.Errorf("reading what kubectl cortex diagnose wrote: %w", err)
	}
	if (len(read.Findings) > 0) != (code == 1) {
		return nil, fmt.Errorf("%d findings, and exit code %d", len(read.Findings), code)
	}
	return read.Findings, nil
}
