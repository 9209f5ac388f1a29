// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process finds processes by the PID namespace they are in.
package process

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Namespace names the PID namespace of a process, such as "pid:[4026531836]".
func Namespace(pid int) (string, error) {
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return "", fmt.Errorf("finding the namespace of process %d: %w", pid, err)
	}
	return name, nil
}

// StartTime tells a process from a later one with the same number: it is when it
// started, in clock ticks since boot.
func StartTime(pid int) (uint64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("finding when process %d started: %w", pid, err)
	}
	return parseStartTime(stat)
}

// parseStartTime reads field 22 of proc_pid_stat(5). The second field is the program's
// name in parentheses, which may hold spaces and parentheses itself.
func parseStartTime(stat []byte) (uint64, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const startTime = 22 - 3 // the fields left begin with the third
	if len(fields) <= startTime {
		return 0, fmt.Errorf("reading a process's stat: %d fields", len(fields))
	}
	return strconv.ParseUint(string(fields[startTime]), 10, 64)
}

// Process is a process of a namespace.
type Process struct {
	// PID is its number outside, Inner its number in the namespace.
	PID, Inner int
	Command    string
}

// In lists the processes of a PID namespace, but for those that have ended and were
// not waited for.
func In(namespace string) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// A process that ends meanwhile is in no namespace any more.
		if own, err := Namespace(pid); err != nil || own != namespace {
			continue
		}
		if p, ok := read(pid); ok {
			found = append(found, p)
		}
	}
	return found, nil
}

func read(pid int) (Process, bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Process{}, false
	}
	return parseStatus(pid, string(status))
}

// parseStatus reads proc_pid_status(5); it is not ok for a process that has ended.
func parseStatus(pid int, status string) (Process, bool) {
	p := Process{PID: pid}
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		switch key {
		case "Name":
			p.Command = fields[0]
		case "State":
			if fields[0] == "Z" || fields[0] == "X" {
				return Process{}, false
			}
		case "NSpid": // its number in every namespace, the innermost last
			p.Inner, _ = strconv.Atoi(fields[len(fields)-1])
		}
	}
	return p, true
}

// Memory is what a process takes, in bytes, where pages that it shares with others are
// divided among them.
func Memory(pid int) uint64 {
	file, err := os.Open(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
	if err != nil {
		return 0
	}
	defer file.Close()
	return parseMemory(bufio.NewScanner(file))
}

func parseMemory(lines *bufio.Scanner) uint64 {
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "Pss:" {
			kilobytes, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}
