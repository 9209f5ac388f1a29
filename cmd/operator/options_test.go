// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	var out bytes.Buffer
	if o, err := parse(strings.Fields("--leader-elect --namespace=mcp --version"), &out); err != nil || !o.leaderElect || !o.version || o.namespace != "mcp" {
		t.Errorf("%+v, %v", o, err)
	}
	for line, want := range map[string]string{
		"--no-such-flag":       "flag provided but not defined: -no-such-flag",
		"--leader-elect=maybe": "invalid boolean value",
		"serve":                `unexpected argument "serve"`,
	} {
		if _, err := parse(strings.Fields(line), &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", line, err, want)
		}
	}
	if out.Len() > 0 {
		t.Errorf("a mistake is answered with more than an error: %s", &out)
	}
	if _, err := parse([]string{"--help"}, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "-metrics-bind-address") ||
		!strings.HasPrefix(out.String(), "The Cortex operator") {
		t.Errorf("--help: %v\n%s", err, &out)
	}
}
