// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Kubectl runs kubectl with a user's kubeconfig: the one that came with the cluster, else the one on PATH.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) error {
	program := cmp.Or(os.Getenv("E2E_KUBECTL"), "kubectl")
	out, err := exec.CommandContext(ctx, program, append(args, "--kubeconfig", c.Kubeconfig)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}
