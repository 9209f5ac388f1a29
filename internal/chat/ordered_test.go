// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"testing"

	"github.com/ry-ops/cortex/internal/mcp"
)

func TestOnlyAPersonsWordsOrder(t *testing.T) {
	rules := NewRules()
	for text, tools := range map[string]map[string]bool{
		"restart web-1": {"restart_vm": true, "reboot_host": true, "delete_vm": false},
		"There is an unused VM 104, please delete it.":    {"delete_vm": true, "restart_vm": false},
		"list the hosts and restart web-1":                {"restart_vm": true, "start_scan": false},
		"Can you start a scan of web-1?":                  {"start_scan": true},
		"I want you to stop vm 104":                       {"stop_vm": true},
		"call vm_power_cycle for 104":                     {"vm_power_cycle": true, "vm_power_off": false},
		"restart web-1 and show its status":               {"restart_vm": true},
		"what would happen if I delete vm 104?":           {"delete_vm": false},
		"what does delete_vm do?":                         {"delete_vm": false},
		"how to delete vm 104":                            {"delete_vm": false},
		"don't delete vm 104":                             {"delete_vm": false},
		"I told you not to delete vm 104":                 {"delete_vm": false},
		"list scan results":                               {"start_scan": false},
		"show me the last restart of web-1":               {"restart_vm": false},
		"which hosts are there? do nothing, delete_vm no": {"delete_vm": false},
		"": {"delete_vm": false},
	} {
		for tool, want := range tools {
			if got := rules.Ordered(text, mcp.Tool{Name: tool}); got != want {
				t.Errorf("%q orders %s: %v", text, tool, got)
			}
		}
	}
}
