// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package debian installs the few programs that are not built from source.
package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/ry-ops/cortex/hack/localkube/internal/progress"
)

// needs are files that the node uses and the package that has each.
func needs() []need {
	return []need{
		{"runc", "runc"},
		{"ip", "iproute2"},
		{"iptables", "iptables"},
		{"conntrack", "conntrack"},
		{"mount", "mount"},
		{"/usr/lib/cni/bridge", "containernetworking-plugins"},
	}
}

type need struct {
	// program is a name to look up in PATH, or a path.
	program string
	debian  string
}

// CNI is the folder that Debian installs CNI plugins to.
const CNI = "/usr/lib/cni"

// Install installs what is missing.
func Install(ctx context.Context, reporter *progress.Reporter) error {
	packages := missing(needs(), exec.LookPath)
	if len(packages) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("installing what the node needs: there is no apt-get here; install these by hand: %s", strings.Join(packages, ", "))
	}
	step := reporter.Start("installing %s with apt-get", strings.Join(packages, ", "))
	for _, args := range [][]string{
		{"update"},
		append([]string{"install", "--yes", "--no-install-recommends"}, packages...),
	} {
		if err := aptGet(ctx, args); err != nil {
			step.Failed()
			return err
		}
	}
	step.Done()
	if still := missing(needs(), exec.LookPath); len(still) > 0 {
		return fmt.Errorf("installing what the node needs: %s did not bring what was expected of them", strings.Join(still, ", "))
	}
	return nil
}

// missing lists the packages of needs that lookup does not find.
func missing(needs []need, lookup func(string) (string, error)) []string {
	var packages []string
	for _, n := range needs {
		if _, err := lookup(n.program); errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			packages = append(packages, n.debian)
		}
	}
	return packages
}

// aptGet waits for another apt that holds the locks, and apt itself tries again where a mirror fails.
func aptGet(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-qq", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("running apt-get %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}
