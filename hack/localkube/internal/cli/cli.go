// Package cli is the command line of localkube.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes: what ran and failed, and what could not be understood.
const (
	exitFailed = 1
	exitUsage  = 2
)

// command is one thing localkube does.
type command struct {
	name    string
	args    string // as the help shows them
	summary string
	run     func(ctx context.Context, app *App, args []string) error
}

// commands in the order of the help.
func commands() []command {
	return []command{
		{"assets", "", "print a folder with etcd, kube-apiserver and kubectl, for KUBEBUILDER_ASSETS", assets},
	}
}

// App is what the commands work with.
type App struct {
	Stdout     io.Writer
	Stderr     *os.File
	FromSource bool
}

// errUsage is wrapped by errors that the help answers.
var errUsage = errors.New("see localkube --help")

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, arguments []string) int {
	app := &App{Stdout: os.Stdout, Stderr: os.Stderr}
	flags := flag.NewFlagSet("localkube", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolVar(&app.FromSource, "from-source", os.Getenv("LOCALKUBE_FROM_SOURCE") != "", "")
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp), err == nil && flags.NArg() == 1 && flags.Arg(0) == "help":
		fmt.Fprint(app.Stdout, help())
		return 0
	case err != nil:
		fmt.Fprintf(app.Stderr, "localkube: %v; %v\n", err, errUsage)
		return exitUsage
	case flags.NArg() == 0:
		fmt.Fprint(app.Stderr, help())
		return exitUsage
	}
	if err := dispatch(ctx, app, flags.Arg(0), flags.Args()[1:]); err != nil {
		fmt.Fprintf(app.Stderr, "localkube: %v\n", err)
		if errors.Is(err, errUsage) {
			return exitUsage
		}
		return exitFailed
	}
	return 0
}

func dispatch(ctx context.Context, app *App, name string, args []string) error {
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, app, args)
		}
	}
	return fmt.Errorf("there is no command %q; %w", name, errUsage)
}

func help() string {
	var text strings.Builder
	text.WriteString("localkube\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&text, "  %-12s %s\n", c.name+" "+c.args, c.summary)
	}
	return text.String()
}
