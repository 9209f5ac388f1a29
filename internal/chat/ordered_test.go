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
		"It is forbidden to call delete_vm for 104":       {"delete_vm": false},
		"Nobody is to delete vm 104":                      {"delete_vm": false},
		"list scan results":                               {"start_scan": false},
		"show me the last restart of web-1":               {"restart_vm": false},
		"which hosts are there? do nothing, delete_vm no": {"delete_vm": false},
		"": {"delete_vm": false},
		// A clause is an order where the one before it is one, or leaves it free.
		"web-1 hangs, restart it":                                {"restart_vm": true},
		"web-1 hangs so restart it":                              {"restart_vm": true},
		"If web-1 hangs then restart it":                         {"restart_vm": true},
		"I'd like you to list the hosts, and then restart web-1": {"restart_vm": true},
		"We need to stop vm 104 and delete it":                   {"stop_vm": true, "delete_vm": true},
		"please try to restart web-1":                            {"restart_vm": true},
		"restart web-1, web-2 and delete vm 104":                 {"restart_vm": true, "delete_vm": true},
		"list the hosts, but restart web-1 first":                {"restart_vm": true},
		"They stop vm 104 every night, please delete it":         {"stop_vm": false, "delete_vm": true},
		"I forbid you to delete vm 104":                          {"delete_vm": false},
		"He wants me to delete vm 104":                           {"delete_vm": false},
		"He wants to try to delete vm 104":                       {"delete_vm": false},
		"The job failed to restart web-1":                        {"restart_vm": false},
		"It would be dangerous to delete vm 104":                 {"delete_vm": false},
		"Show me the command to delete vm 104":                   {"delete_vm": false},
		"Tell Bob to delete vm 104":                              {"delete_vm": false},
		"I have the right to call delete_vm for 104":             {"delete_vm": false},
		"Our jobs stop vm 104 and delete vm 105":                 {"stop_vm": false, "delete_vm": false},
		"They stop vm 104, delete vm 105 and leave":              {"stop_vm": false, "delete_vm": false},
		"They back the disk up, then delete vm 104":              {"delete_vm": false},
		"List all tools but delete vm":                           {"delete_vm": false},
		"It may do anything but restart web-1":                   {"restart_vm": false},
		"Users that do so restart web-1":                         {"restart_vm": false},
		"They hang and so restart web-1 by themselves":           {"restart_vm": false},
		"Bob, the admin, will delete vm 104 tonight":             {"delete_vm": false},
		"will delete vm 104 at noon":                             {"delete_vm": false},
		// The full name orders where it is called, and in any language where it stands alone with values.
		"delete_vm 104":                                             {"delete_vm": true, "delete": false},
		"Delete_VM host=web-1 force=true!":                          {"delete_vm": true},
		"please use the tool `delete_vm` on it":                     {"delete_vm": true},
		"list_hosts, then call delete_vm":                           {"delete_vm": true},
		"delete_vm is dangerous":                                    {"delete_vm": false},
		"I have told them that delete_vm 104 was called by mistake": {"delete_vm": false},
		"delete_vm 104?":                                            {"delete_vm": false},
		"delete_vm 104？":                                            {"delete_vm": false},
		// What another language says of it nobody here knows.
		"delete_vm 104 bitte nicht":                {"delete_vm": false},
		"delete_vm 104. Nein, doch lieber warten.": {"delete_vm": false},
		"bitte niemals delete_vm 104":              {"delete_vm": false},
		"n'appelle pas delete_vm":                  {"delete_vm": false},
		"call delete_vm 104 nicht":                 {"delete_vm": false},
		"ne pas call delete_vm":                    {"delete_vm": false},
		"不要 delete_vm 104":                         {"delete_vm": false},
		"führe delete_vm 104 aus":                  {"delete_vm": false},
		"lösche 104":                               {"delete_vm": false},
	} {
		for tool, want := range tools {
			if got := rules.Ordered(text, mcp.Tool{Name: tool}); got != want {
				t.Errorf("%q orders %s: %v", text, tool, got)
			}
		}
	}
}
