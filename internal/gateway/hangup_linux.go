// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"maps"
	"math"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
)

// hangups tells when readers leave. One goroutine watches all connections (epoll(7)), as long as there are any: one for each would
// take 5 KiB of each stream.
type hangups struct {
	mu sync.Mutex
	// file is the epoll instance; nil while nothing is watched.
	file *os.File
	// last is the newest id. It starts again after two thousand million, and leaves out those that are still there.
	last int32
	left map[int32]func()
}

// watch calls left, once, when the other end of a connection closes it, for writing at least: a reader has nothing to say, and what it
// says all the same is left unread. It gives an id to forget it by, or 0 if the connection cannot be watched.
func (h *hangups) watch(conn net.Conn, left func()) (id int32) {
	pollable, ok := conn.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := pollable.SyscallConn()
	if err != nil {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file == nil && !h.open() {
		return 0
	}
	h.next()
	event := syscall.EpollEvent{Events: syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: h.last}
	added := control(h.file, func(poll int) error {
		var err error
		if closed := raw.Control(func(fd uintptr) { err = syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, int(fd), &event) }); closed != nil {
			return closed
		}
		return err
	})
	if added != nil {
		h.closeUnused()
		return 0
	}
	h.left[h.last] = left
	return h.last
}

// next must be called with the lock held.
func (h *hangups) next() {
	for there := true; there; _, there = h.left[h.last] {
		h.last = h.last%math.MaxInt32 + 1
	}
}

// forget must be called once for each that is watched, after its connection was closed, which takes it from the epoll instance.
func (h *hangups) forget(id int32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.left, id)
	h.closeUnused()
}

// open must be called with the lock held.
func (h *hangups) open() bool {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	_ = syscall.SetNonblock(fd, true) // so that the runtime waits for it as for any connection
	h.file, h.left = os.NewFile(uintptr(fd), "epoll"), map[int32]func(){}
	go h.run(h.file)
	return true
}

// closeUnused must be called with the lock held. It ends run.
func (h *hangups) closeUnused() {
	if len(h.left) == 0 && h.file != nil {
		_ = h.file.Close()
		h.file = nil
	}
}

func (h *hangups) run(file *os.File) {
	raw, err := file.SyscallConn()
	if err != nil {
		return
	}
	events := make([]syscall.EpollEvent, 64)
	for {
		n := 0
		if closed := raw.Read(func(fd uintptr) bool {
			n, _ = syscall.EpollWait(int(fd), events, 0)
			return n > 0
		}); closed != nil {
			return
		}
		for _, event := range events[:n] {
			if left := h.of(event.Fd); left != nil {
				left()
			}
		}
	}
}

// cut tells of all as if their readers had left.
func (h *hangups) cut() {
	h.mu.Lock()
	all := slices.Collect(maps.Values(h.left))
	h.mu.Unlock()
	for _, left := range all {
		left()
	}
}

func (h *hangups) of(id int32) func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.left[id]
}

func control(file *os.File, do func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	if closed := raw.Control(func(fd uintptr) { err = do(int(fd)) }); closed != nil {
		return closed
	}
	return err
}
