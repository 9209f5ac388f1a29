// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client/config"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/mcp"
)

// The bounds of spec.timeout of a HealingRequest, which --heal-timeout becomes.
const (
	minHealTimeout = 10 * time.Second
	maxHealTimeout = 30 * time.Minute
)

const usage = `The Cortex gateway answers questions with the tools of the MCP servers in the cluster. When one of them fails, it
asks the Cortex operator to heal it (by creating a HealingRequest), shows each step as it happens, and calls again
where that is safe.

MCP servers are the Services with the label healing.cortex.dev/mcp-server=true.

  curl -N http://localhost:8000/api/tasks -H 'Content-Type: application/json' \
       -H "Authorization: Bearer $(kubectl create token NAME -n NAMESPACE --audience=cortex)" \
       -d '{"query": "list sandfly hosts", "streaming": true}'

An MCP client gets the tools of all servers at http://localhost:8000/mcp, or of one at /mcp/SERVER, with the same token; a person
asks on the page at http://localhost:8000/.

With an API key, Claude plans: it reads what the tools say, calls several of them, and goes on with a conversation
("conversation_id" of the last answer). Tools that change something are called only if the question orders it in so many words.
Without a key, rules match the words of a question with the names of tools. Secrets are hidden from the model.

A caller needs the verb use on mcpservers.healing.cortex.dev (ClusterRole cortex-mcp-user) in the namespace of a server.

Spans of requests, heals and replays are exported if OTEL_EXPORTER_OTLP_ENDPOINT names an OpenTelemetry collector (OTLP over HTTP);
the other OTEL_* variables count as well. See docs/telemetry.md.

/healthz, /readyz and /metrics are served at the same address, to everybody. All durations are like 90s or 2m.

Flags:
`

type options struct {
	addr          string
	namespace     string
	healTimeout   time.Duration
	takeUp        time.Duration
	callTimeout   time.Duration
	shutdownGrace time.Duration
	claude        claudeOptions
	streams       int
	streamsEach   int
	credentials   string
	loopback      bool
	auth          authOptions
	version       bool
	accessLog     bool
	log           zap.Options
}

// parse reads the command line and refuses what cannot work. It writes nothing but the help, where that is asked for; then the error is
// flag.ErrHelp.
func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // it would answer each mistake with the whole help
	flags.StringVar(&o.addr, "addr", ":8000", "`address` to listen on")
	flags.StringVar(&o.namespace, "namespace", "", "watch MCP servers of this `namespace` only (default: of all namespaces)")
	flags.DurationVar(&o.healTimeout, "heal-timeout", v1alpha1.DefaultTimeout, "how long a heal may take, 10s to 30m; becomes spec.timeout of the HealingRequest")
	flags.DurationVar(&o.takeUp, "takeup-timeout", healing.DefaultTakeUp, "how long to wait for the operator to begin a heal before the asker is told that nobody answers")
	flags.DurationVar(&o.callTimeout, "tool-call-timeout", mcp.DefaultCallTimeout, "how long a tool call may take before the server is taken for hung")
	flags.DurationVar(&o.shutdownGrace, "shutdown-grace", gateway.DefaultShutdownGrace,
		"how long streams may go on after SIGTERM; keep it 5s below the pod's terminationGracePeriodSeconds")
	o.claude.bind(flags)
	flags.IntVar(&o.streams, "max-streams", gateway.DefaultStreams, "how many event streams may be open at once, and how many tasks may run; each takes some 50 KiB at most")
	flags.IntVar(&o.streamsEach, "max-streams-per-caller", gateway.DefaultStreamsEach, "how many of them one caller may have, where callers have names")
	flags.StringVar(&o.credentials, "credentials-dir", "", "`folder` with the credentials of MCP servers, mounted from Secrets: NAMESPACE/SERVICE/token holds a bearer token, NAMESPACE/SERVICE/headers lines like \"X-Api-Key: …\"; read again when they change")
	flags.BoolVar(&o.loopback, "allow-loopback-servers", false, "let MCP servers be on this machine's loopback, which is never dialled otherwise; for tests on one machine")
	flags.BoolVar(&o.accessLog, "access-log", false, "write a log line for each request when it is over, for a stream too: method, route, status, bytes, seconds, caller, trace. Probes and /metrics are left out")
	o.auth.bind(flags)
	flags.BoolVar(&o.version, "version", false, "print the version and end")
	o.log.BindFlags(flags)
	config.RegisterFlags(flags)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(out, usage)
			flags.SetOutput(out)
			flags.PrintDefaults()
		}
		return o, err
	}
	return o, errors.Join(o.validate(flags.Args()), o.claude.validate())
}

func (o options) validate(rest []string) error {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q: all options are flags", rest[0]))
	}
	if o.healTimeout < minHealTimeout || o.healTimeout > maxHealTimeout {
		errs = append(errs, fmt.Errorf("--heal-timeout is %s: it must be from %s to %s", o.healTimeout, minHealTimeout, maxHealTimeout))
	}
	if o.credentials != "" {
		if at, err := os.Stat(o.credentials); err != nil || !at.IsDir() {
			errs = append(errs, fmt.Errorf("--credentials-dir is %q, which is no folder: mount the Secrets below it", o.credentials))
		}
	}
	if err := o.auth.validate(o.addr); err != nil {
		errs = append(errs, err)
	}
	for name, value := range map[string]time.Duration{"takeup-timeout": o.takeUp, "tool-call-timeout": o.callTimeout, "shutdown-grace": o.shutdownGrace} {
		if value <= 0 {
			errs = append(errs, fmt.Errorf("--%s is %s: it must be positive", name, value))
		}
	}
	for name, value := range map[string]int{"max-streams": o.streams, "max-streams-per-caller": o.streamsEach} {
		if value <= 0 {
			errs = append(errs, fmt.Errorf("--%s is %d: it must be positive", name, value))
		}
	}
	return errors.Join(errs...)
}
