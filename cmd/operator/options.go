// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const usage = `The Cortex operator works on HealingRequests: it finds out why an MCP server does not answer, fixes that
where it is safe, and proves the fix with an MCP handshake. It changes nothing behind a Service that does not carry
the label ` + v1alpha1.LabelMCPServer + `=true, or ` + v1alpha1.LabelDependency + `=true where no MCP server is behind it.

Spans of its steps are exported if OTEL_EXPORTER_OTLP_ENDPOINT names an OpenTelemetry collector (OTLP over HTTP); the other OTEL_*
variables count as well. See docs/telemetry.md.

It finds its cluster as kubectl does: --kubeconfig, then KUBECONFIG, then the pod's ServiceAccount.

Flags:
`

type options struct {
	metricsAddr, probeAddr string
	leaderElect, version   bool
	namespace              string
	logging                zap.Options
}

// parse reads the command line. It writes nothing but the help, where that is asked for; then the error is flag.ErrHelp.
func parse(args []string, out io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // it would answer each mistake with the whole help
	flags.StringVar(&opts.metricsAddr, "metrics-bind-address", ":8080", "address to serve Prometheus metrics on; 0 serves none")
	flags.StringVar(&opts.probeAddr, "health-probe-bind-address", ":8081", "address to serve /healthz and /readyz on")
	flags.BoolVar(&opts.leaderElect, "leader-elect", false, "let one of several replicas work while the others stand by")
	flags.StringVar(&opts.namespace, "namespace", "", "namespace to work in; empty means all")
	flags.BoolVar(&opts.version, "version", false, "print the version and end")
	if kubeconfig := flag.Lookup("kubeconfig"); kubeconfig != nil {
		flags.Var(kubeconfig.Value, kubeconfig.Name, kubeconfig.Usage)
	}
	opts.logging.BindFlags(flags)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, usage)
		flags.SetOutput(out)
		flags.PrintDefaults()
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q: all options are flags", flags.Arg(0))
	}
	return opts, err
}
