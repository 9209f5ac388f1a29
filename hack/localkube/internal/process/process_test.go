// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

func TestParseStartTime(t *testing.T) {
	fields := " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21"
	for _, name := range []string{"(etcd)", "(a b)", "(a) S (b)"} {
		got, err := parseStartTime([]byte("7 " + name + fields))
		if err != nil || got != 4242 {
			t.Errorf("%s: got %d, %v, want 4242", name, got, err)
		}
	}
	if _, err := parseStartTime([]byte("7 (x) S 1")); err == nil {
		t.Error("a line that is cut off: want an error")
	}
}

func TestParseStatus(t *testing.T) {
	p, ok := parseStatus(99, "Name:\tkubelet\nState:\tS (sleeping)\nNSpid:\t99\t12\n")
	if !ok || p != (Process{PID: 99, Inner: 12, Command: "kubelet"}) {
		t.Errorf("got %+v, %v", p, ok)
	}
	if _, ok := parseStatus(99, "Name:\tx\nState:\tZ (zombie)\n"); ok {
		t.Error("a zombie counts as a process")
	}
}

func TestParseMemory(t *testing.T) {
	const rollup = "00400000-7ffe [rollup]\nRss:  2048 kB\nPss:  1024 kB\n"
	if got := parseMemory(bufio.NewScanner(strings.NewReader(rollup))); got != 1<<20 {
		t.Errorf("got %d, want %d", got, 1<<20)
	}
}

func TestInFindsItself(t *testing.T) {
	namespace, err := Namespace(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	found, err := In(namespace)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		if p.PID == os.Getpid() {
			return
		}
	}
	t.Error("the test's own process was not found")
}
