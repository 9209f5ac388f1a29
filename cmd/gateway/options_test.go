// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreTheSpecs(t *testing.T) {
	o, err := parse(nil, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if o.addr != ":8000" || o.healTimeout != 120*time.Second || o.callTimeout != 60*time.Second || o.shutdownGrace != 25*time.Second || o.namespace != "" {
		t.Errorf("%+v", o)
	}
}

func TestFlagsThatCannotWorkAreRefused(t *testing.T) {
	for line, want := range map[string]string{
		"--heal-timeout=5s":                         "--heal-timeout is 5s: it must be from 10s to 30m0s",
		"--heal-timeout=1h":                         "--heal-timeout is 1h0m0s: it must be from 10s to 30m0s",
		"--tool-call-timeout=0s":                    "--tool-call-timeout is 0s: it must be positive",
		"--shutdown-grace=-1s":                      "--shutdown-grace is -1s: it must be positive",
		"--max-streams=0":                           "--max-streams is 0: it must be positive",
		"serve":                                     `unexpected argument "serve": all options are flags, see --help`,
		"--no-such-flag":                            "flag provided but not defined: -no-such-flag",
		"--claude-max-turns=0":                      "--claude-max-turns is 0: it must be from 1 to 50",
		"--claude-budget=0s":                        "--claude-budget is 0s: it must be positive",
		"--claude-base-url=ftp://x":                 "--claude-base-url must be a URL such as https://api.anthropic.com",
		"--claude-system-prompt-file=/no/such/file": "--claude-system-prompt-file: open /no/such/file",
		"--claude-system-prompt=x --claude-system-prompt-file=/etc/hosts": "are both set: keep one",
		"--takeup-timeout=forever":                                        "invalid value",
	} {
		if _, err := parse(strings.Fields(line), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
}

func TestHelpTeaches(t *testing.T) {
	var out bytes.Buffer
	if _, err := parse([]string{"--help"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, want := range []string{"curl -N http://localhost:8000/api/tasks", "healing.cortex.dev/mcp-server=true", "-heal-timeout", "default 2m0s", "-claude-api-key-file", "ANTHROPIC_API_KEY"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the help", want)
		}
	}
}
