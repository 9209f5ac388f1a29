// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
)

// docs/policy.md tells what holds without a policy, and of every field.
func TestDocsTellTheDefaults(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "policy.md"))
	if err != nil {
		t.Fatal(err)
	}
	fields, actions := tables(string(page))
	e := policy.Default()
	want := map[string]string{
		"mode": string(e.Mode), "actions[]": "see below", "gitOps": string(e.GitOps), "pausedRollouts": string(e.PausedRollouts),
		"limits.maxAttempts": fmt.Sprint(e.Limits.MaxAttempts), "limits.window": e.Limits.Window.String(),
		"limits.cooldown.base": e.Limits.CooldownBase.String(), "limits.cooldown.max": e.Limits.CooldownMax.String(),
		"limits.maxConcurrentPerNamespace": fmt.Sprint(e.Limits.MaxConcurrentPerNamespace), "limits.maxConcurrent": fmt.Sprint(e.Limits.MaxConcurrent),
		"limits.stormBrake.unhealthyPercent": fmt.Sprint(e.Limits.UnhealthyPercent), "limits.stormBrake.resumePercent": "half of that",
		"limits.stormBrake.minUnhealthy": fmt.Sprint(e.Limits.MinUnhealthy),
		"timeouts.total":                 e.Timeouts.Total.String(), "timeouts.rollout": e.Timeouts.Rollout.String(),
		"timeouts.connectivity": e.Timeouts.Connectivity.String(), "timeouts.stability": e.Timeouts.Stability.String(), "timeouts.approval": e.Timeouts.Approval.String(),
		"retention.maxAge": e.Retention.MaxAge.String(), "retention.maxRequests": fmt.Sprint(e.Retention.MaxRequests),
		"memoryRaise.stepPercent": fmt.Sprint(e.MemoryRaise.StepPercent), "memoryRaise.max": e.MemoryRaise.Max.String(),
	}
	for field, told := range fields {
		if d, err := time.ParseDuration(told); err == nil && d.String() != told {
			fields[field] = d.String() // 120s and 2m0s are one
		}
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields: -code +page:\n%s", diff)
	}
	permissions := map[string]string{}
	for _, action := range v1alpha1.ActionTypes() {
		permissions[string(action)] = string(e.Permission(action))
	}
	if diff := cmp.Diff(permissions, actions); diff != "" {
		t.Errorf("actions: -code +page:\n%s", diff)
	}
	for _, reason := range []string{
		v1alpha1.ReasonAwaitingApproval, v1alpha1.ReasonCooldownActive, v1alpha1.ReasonAttemptsExhausted, v1alpha1.ReasonStormBrake,
		v1alpha1.ReasonConcurrencyLimited, v1alpha1.ReasonAnotherRequestActive,
	} {
		if !strings.Contains(string(page), "\n| Blocked, "+reason+" |") && !strings.Contains(string(page), "\n| "+reason+" |") {
			t.Errorf("the page does not say what %s means", reason)
		}
	}
}

var row = regexp.MustCompile(`(?m)^\| ([^|]+?) \| ([^|]+?) \|`)

// tables are the defaults that the page tells of fields and of actions.
func tables(page string) (fields, actions map[string]string) {
	_, page, _ = strings.Cut(page, "\n## The fields\n")
	page, _, _ = strings.Cut(page, "\n## ")
	first, second, _ := strings.Cut(page, "\n| action |")
	read := func(table string) map[string]string {
		told := map[string]string{}
		for _, match := range row.FindAllStringSubmatch(table, -1) {
			for name := range strings.SplitSeq(strings.Trim(match[1], "`"), ", ") {
				told[name] = strings.Trim(match[2], "`")
			}
		}
		delete(told, "field")
		delete(told, "---")
		return told
	}
	return read(first), read(second)
}
