// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mallocs is the metric that Go programs count their allocations with. Every part of the benchmark has it at /metrics.
const mallocs = "go_memstats_mallocs_total"

// listen serves a handler, and the count of the process's allocations beside it. It says on stdout when it is ready.
func listen(handler http.Handler, addresses ...string) error {
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			_, _ = fmt.Fprintln(w, mallocs, memory.Mallocs)
			return
		}
		handler.ServeHTTP(w, r)
	})}
	served := make(chan error, len(addresses))
	var first net.Listener
	for _, address := range addresses {
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err != nil {
			return err
		}
		if first == nil {
			first = listener
		}
		go func() { served <- server.Serve(listener) }()
	}
	fmt.Println("ready", first.Addr(), time.Now().UnixNano())
	return <-served
}

// process is one part of the benchmark.
type process struct {
	address string
	ready   time.Time
	cmd     *exec.Cmd
	// said is what it says on stdout after it was ready.
	said io.Reader
}

// start runs this program in another role, and waits until it is ready.
func start(ctx context.Context, role string, arguments ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{role}, arguments...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said := bufio.NewReader(out)
	line, err := said.ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 3 {
		return nil, fmt.Errorf("%s does not start", role)
	}
	nanos, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return nil, err
	}
	return &process{address: fields[1], ready: time.Unix(0, nanos), cmd: cmd, said: said}, nil
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

// usage of a process since its start.
type usage struct {
	CPU     time.Duration
	Mallocs float64
}

func (p *process) usage(ctx context.Context) (u usage, err error) {
	u.CPU = p.cpu()
	u.Mallocs, err = p.metric(ctx, mallocs)
	return u, err
}

// cpu is the processor time that a process has used. The kernel has a clock for each process (clock_getcpuclockid(3)), which is
// finer than the ticks of /proc.
func (p *process) cpu() time.Duration {
	var used unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid)<<3|2, &used); err != nil {
		return 0
	}
	return time.Duration(used.Nano())
}

// metric is one number of the process's own.
func (p *process) metric(ctx context.Context, name string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}

// memory is what the kernel has given the process, in bytes: all that is resident, and what of it is no file's.
func (p *process) memory() (resident, anonymous int64, err error) {
	resident, anonymous, _, err = p.status()
	return resident, anonymous, err
}

// peak is the most that was resident at any time, in bytes.
func (p *process) peak() (most int64, err error) {
	_, _, most, err = p.status()
	return most, err
}

func (p *process) status() (resident, anonymous, peak int64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseInt(fields[1], 10, 64)
		switch fields[0] {
		case "VmRSS:":
			resident = kib << 10
		case "RssAnon:":
			anonymous = kib << 10
		case "VmHWM:":
			peak = kib << 10
		}
	}
	return resident, anonymous, peak, err
}
