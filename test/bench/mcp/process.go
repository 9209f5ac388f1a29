// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// usagePath is where a process tells what it has used.
const usagePath = "/bench/usage"

// usage of a process since its start.
type usage struct {
	CPU     time.Duration
	Mallocs uint64
}

func used() usage {
	var cpu syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &cpu)
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return usage{CPU: time.Duration(cpu.Utime.Nano() + cpu.Stime.Nano()), Mallocs: memory.Mallocs}
}

// listen serves a handler, and the process's usage beside it. It says on stdout when it is ready.
func listen(address string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("ready", listener.Addr(), time.Now().UnixNano())
	return (&http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == usagePath {
			_ = json.NewEncoder(w).Encode(used())
			return
		}
		handler.ServeHTTP(w, r)
	})}).Serve(listener)
}

// process is one part of the benchmark.
type process struct {
	address string
	ready   time.Time
	cmd     *exec.Cmd
}

// start runs this program in another role, and waits until it is ready.
func start(ctx context.Context, role, address string, arguments ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{role, address}, arguments...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 3 {
		return nil, fmt.Errorf("%s does not start", role)
	}
	var nanos int64
	if _, err := fmt.Sscan(fields[2], &nanos); err != nil {
		return nil, err
	}
	return &process{address: fields[1], ready: time.Unix(0, nanos), cmd: cmd}, nil
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

func (p *process) usage(ctx context.Context) (usage, error) {
	var u usage
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+usagePath, nil)
	if err != nil {
		return u, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return u, err
	}
	return u, errors.Join(json.NewDecoder(response.Body).Decode(&u), response.Body.Close())
}
