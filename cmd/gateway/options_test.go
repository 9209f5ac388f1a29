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

	"github.com/ry-ops/cortex/internal/auth"
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
		"serve":                                     `unexpected argument "serve": all options are flags`,
		"--no-such-flag":                            "flag provided but not defined: -no-such-flag",
		"--claude-max-turns=0":                      "--claude-max-turns is 0: it must be from 1 to 50",
		"--claude-budget=0s":                        "--claude-budget is 0s: it must be positive",
		"--claude-base-url=ftp://x":                 "--claude-base-url must be a URL such as https://api.anthropic.com",
		"--claude-system-prompt-file=/no/such/file": "--claude-system-prompt-file: open /no/such/file",
		"--claude-system-prompt=x --claude-system-prompt-file=/etc/hosts": "are both set: keep one",
		"--takeup-timeout=forever":                                        "invalid value",
		"--auth=none":                                                     "--auth=none lets in everybody who can reach --addr=:8000: listen on loopback with --addr=127.0.0.1:8000, or take --auth=kubernetes",
		"--auth=none --addr=0.0.0.0:8000":                                 "lets in everybody who can reach --addr=0.0.0.0:8000",
		"--auth=none --addr=10.1.2.3:8000":                                "lets in everybody",
		"--auth=none --addr=localhost.evil:80":                            "lets in everybody",
		"--auth=basic":                                                    `--auth is "basic": it must be kubernetes, oidc or none`,
		"--auth-audiences=,":                                              "--auth-audiences is empty",
		"--auth=oidc":                                                     "--oidc-client-id is empty",
		"--auth=oidc --oidc-client-id=x --oidc-issuer-url=http://login.example": `--oidc-issuer-url is "http://login.example": --auth=oidc needs the issuer's https URL`,
		"--auth=oidc --oidc-username-claim=":                                    "--oidc-username-claim is empty",
		"--credentials-dir=/nowhere/at/all":                                     "--credentials-dir is \"/nowhere/at/all\", which is no folder",
	} {
		var out bytes.Buffer
		if _, err := parse(strings.Fields(line), &out); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%s: got %v, want %s, and no help: %s", line, err, want, &out)
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

func TestOptionsAboutCallers(t *testing.T) {
	for line, loopbackOnly := range map[string]bool{
		"": false, "--auth=none --addr=127.0.0.1:8000": true, "--auth=none --addr=localhost:0": true, "--auth=none --addr=[::1]:8000": true,
		"--auth=oidc --oidc-client-id=x --oidc-issuer-url=https://login.example": false, "--auth-audiences=cortex,mcp": false,
	} {
		o, err := parse(strings.Fields(line), &bytes.Buffer{})
		if err != nil || loopback(o.addr) != loopbackOnly {
			t.Errorf("%s: %v, loopback %t", line, err, loopback(o.addr))
		}
	}
}

// The names are those that kube-apiserver makes of the same flags.
func TestPrefixOfAUser(t *testing.T) {
	for want, o := range map[string]auth.IssuerOptions{
		"https://login.example#": {URL: "https://login.example", UsernameClaim: "sub"},
		"":                       {URL: "https://login.example", UsernameClaim: "email"},
		"idp:":                   {URL: "https://login.example", UsernameClaim: "email", UsernamePrefix: "idp:"},
	} {
		if got := usernamePrefix(o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := usernamePrefix(auth.IssuerOptions{URL: "https://login.example", UsernameClaim: "sub", UsernamePrefix: "-"}); got != "" {
		t.Errorf("%q", got)
	}
}
