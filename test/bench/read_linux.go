// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// maxOpening bounds the streams that wait for their first event.
const maxOpening = 64

// reader is one stream.
type reader struct {
	fd     int
	opened bool
	// line is the beginning of one that has not come whole.
	line []byte
}

// readAll is a process of its own, so that what the gateway takes is not mixed with what its clients take. It reads n streams to their
// ends. A step that a stream hears twice is counted twice, so that the counts never come out right, and one that it does not hear is
// never told.
//
// It takes the processors from the gateway that it measures, so it reads as cheaply as can be: one thread, which asks the kernel what
// there is to read (epoll(7)). With a goroutine for each stream, the floor itself was a third slower.
func readAll(address, number, token, query string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	fmt.Println("ready", address, time.Now().UnixNano())
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	t := &tally{n: n, out: json.NewEncoder(os.Stdout), seen: map[string]*heard{}}
	question := []byte(questionOf(query, token, true))
	readers := map[int32]*reader{}
	events, buffer := make([]syscall.EpollEvent, 1024), make([]byte, 64<<10)
	for asked, opening := 0, 0; asked < n || len(readers) > 0; {
		for ; asked < n && opening < maxOpening; asked, opening = asked+1, opening+1 {
			fd, err := ask(to, question)
			if err != nil {
				return err
			}
			if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}); err != nil {
				return err
			}
			readers[int32(fd)] = &reader{fd: fd}
		}
		ready, err := syscall.EpollWait(poll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		for _, event := range events[:max(0, ready)] {
			r := readers[event.Fd]
			wasOpened := r.opened
			over, err := r.read(buffer, t)
			if err != nil {
				return err // the others would wait for a step that does not come to all
			}
			if r.opened && !wasOpened {
				opening--
			}
			if over {
				_ = syscall.Close(r.fd)
				delete(readers, event.Fd)
			}
		}
	}
	return nil
}

// ask puts the question on a connection of its own.
func ask(to netip.AddrPort, question []byte) (fd int, err error) {
	if fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return 0, err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		return 0, fmt.Errorf("connecting to %s: %w", to, err)
	}
	_, err = syscall.Write(fd, question)
	return fd, err
}

// read reads what there is, and reports whether the stream is over.
func (r *reader) read(buffer []byte, t *tally) (over bool, err error) {
	n, err := syscall.Read(r.fd, buffer)
	at := time.Now()
	if err != nil || n == 0 {
		return false, fmt.Errorf("reading: %w", errors.Join(err, errors.New("the stream was cut off")))
	}
	text := buffer[:n]
	if len(r.line) > 0 {
		text = append(r.line, text...)
	}
	for {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			r.line = append([]byte(nil), line...)
			return false, nil
		}
		text = rest
		switch {
		case bytes.HasPrefix(line, []byte("HTTP/1.1 ")) && !bytes.Contains(line, []byte(" 200 ")):
			return false, fmt.Errorf("refused: %s", line)
		case bytes.HasPrefix(line, []byte("data: ")):
			r.opened = true
			event := bytes.TrimSpace(line[len("data: "):])
			if bytes.HasPrefix(event, []byte(terminal)) {
				t.count(event[:len(terminal)], at)
				return true, nil
			}
			t.count(event, at)
		}
	}
}
