// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Command pause holds a pod's namespaces open and does nothing else.
//
// It is the first process of every pod, so it also reaps what its pod leaves behind
// when the pod shares its process namespace.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
