// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"strings"
	"testing"
)

// The messages are as containerd with runc, CRI-O with crun, Docker and the kubelet write them.
func TestClassifyRun(t *testing.T) {
	const runc = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "
	for name, test := range map[string]struct{ text, detail, command string }{
		"not in PATH":          {runc + `exec: "serve": executable file not found in $PATH: unknown`, detailNotFound, "serve"},
		"not in PATH, inside":  {runc + `error during container init: exec: "serve": executable file not found in $PATH: unknown`, detailNotFound, "serve"},
		"no such file":         {runc + `exec: "/app/serve": stat /app/serve: no such file or directory: unknown`, detailNotFound, "/app/serve"},
		"no permission":        {runc + `exec: "/app/serve": permission denied: unknown`, detailNotExecutable, "/app/serve"},
		"a directory":          {runc + `exec: "/app": is a directory: unknown`, detailNotExecutable, "/app"},
		"other architecture":   {runc + `exec /app/serve: exec format error: unknown`, detailArchitecture, "/app/serve"},
		"working directory":    {runc + `chdir to cwd ("/srv") set in config.json failed: no such file or directory: unknown`, detailWorkingDirectory, ""},
		"crun":                 {"container create failed: executable file `serve` not found in $PATH: No such file or directory", detailNotFound, "serve"},
		"crun, a path":         {"container create failed: open executable `/app/serve`: Permission denied", detailNotExecutable, "/app/serve"},
		"Docker":               {`OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "serve": executable file not found in $PATH: unknown`, detailNotFound, "serve"},
		"no command":           {`failed to generate container "x" spec: failed to generate spec: no command specified`, detailNotFound, ""},
		"root":                 {`container has runAsNonRoot and image will run as root (pod: "x_ns(1)", container: mcp)`, detailRunAsNonRoot, ""},
		"a user of letters":    {`container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root (pod: "x", container: mcp)`, detailRunAsNonRoot, ""},
		"user 0":               {`container's runAsUser breaks non-root policy (pod: "x", container: mcp)`, detailRunAsNonRoot, ""},
		"no such user":         {`failed to generate container "x" spec: unable to find user app: no matching entries in passwd file`, detailOther, ""},
		"name in use":          {`failed to reserve container name "mcp_x": name is reserved for "1f"`, detailOther, ""},
		"memory is another":    {runc + `container init was OOM-killed (memory limit too low?): unknown`, "", ""},
		"a mount is another":   {runc + `error mounting "/x" to rootfs at "/y": no such file or directory: unknown`, "", ""},
		"a subPath is another": {`failed to prepare subPath for volumeMount "data" of container "mcp"`, "", ""},
		"nothing":              {" ", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fault, ok := classifyRun(test.text)
			if ok != (test.detail != "") || fault.detail != test.detail || fault.command != test.command {
				t.Errorf("%t %q %q, want %q %q", ok, fault.detail, fault.command, test.detail, test.command)
			}
		})
	}
}

func TestClassifyExit(t *testing.T) {
	for name, test := range map[string]struct {
		code            int32
		log             string
		detail, command string
	}{
		"dash":                        {127, "starting\nsh: 1: serve: not found\n", detailNotFound, "serve"},
		"bash":                        {127, "bash: line 1: serve: command not found", detailNotFound, "serve"},
		"busybox":                     {127, "/bin/sh: serve: not found", detailNotFound, "serve"},
		"a script":                    {126, "sh: 1: ./serve: Permission denied", detailNotExecutable, "./serve"},
		"no word":                     {127, "", detailNotFound, ""},
		"the runtime, at the end":     {1, "exec /entrypoint.sh: no such file or directory", detailNotFound, "/entrypoint.sh"},
		"the runtime, old":            {1, "standard_init_linux.go:228: exec user process caused: exec format error", detailArchitecture, ""},
		"a program that says it":      {1, "error: exec /bin/x: no such file or directory", "", ""},
		"a program that says it late": {1, "starting\nfork/exec /bin/x: exec format error", "", ""},
		"an end of its own":           {128, "fatal: not a git repository", "", ""},
		"another end":                 {1, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fault, ok := classifyExit(test.code, test.log)
			if ok != (test.detail != "") || fault.detail != test.detail || fault.command != test.command {
				t.Errorf("%t %q %q, want %q %q", ok, fault.detail, fault.command, test.detail, test.command)
			}
		})
	}
}

func FuzzClassifyRun(f *testing.F) {
	f.Add(int32(128), `exec: "serve": executable file not found in $PATH: unknown`)
	f.Add(int32(127), "sh: 1: serve: not found")
	f.Fuzz(func(t *testing.T, code int32, text string) {
		run, ok := classifyRun(text)
		exit, ended := classifyExit(code, text)
		if ok != (run.detail != "") || ended != (exit.detail != "") {
			t.Errorf("%+v %+v", run, exit)
		}
		if !strings.Contains(text, run.command) || !strings.Contains(text, exit.command) {
			t.Errorf("commands %q and %q of %q", run.command, exit.command, text)
		}
	})
}
