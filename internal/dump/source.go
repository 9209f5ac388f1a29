// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
)

// infoLog heads and ends the log of a container, as `kubectl cluster-info dump` writes it: among the objects on standard
// output, or in the logs.txt of each pod in a directory.
var infoLog = regexp.MustCompile(`^==== (START|END) logs for container (\S+) of pod ([^/\s]+)/(\S+) ====\s*$`)

// maxMark bounds a line that is looked at for being such a mark.
const maxMark = 1 << 10

// source gives a file without the logs that stand in it, which it keeps, and counts what it gave.
type source struct {
	in   *bufio.Reader
	logs map[string]string
	// bytes and lines that were read.
	bytes, lines int

	rest     []byte
	midLine  bool
	key      string
	log      []byte
	finished error
}

func newSource(in io.Reader) *source {
	return &source{in: bufio.NewReaderSize(in, 64<<10), logs: map[string]string{}}
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.finished != nil {
			s.end()
			return 0, s.finished
		}
		s.next()
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// next takes a line, or the part of a long one that fits.
func (s *source) next() {
	part, err := s.in.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // ReadSlice gives it as it is
		s.finished = err
	}
	s.bytes += len(part)
	begins := !s.midLine
	s.midLine = len(part) > 0 && part[len(part)-1] != '\n'
	if !s.midLine && len(part) > 0 {
		s.lines++
	}
	if begins && len(part) < maxMark && bytes.HasPrefix(part, []byte("====")) {
		if mark := infoLog.FindSubmatch(part); mark != nil {
			s.end()
			if string(mark[1]) == "START" {
				s.key = string(mark[3]) + "/" + string(mark[4]) + "/" + string(mark[2])
			}
			return
		}
	}
	if s.key == "" {
		s.rest = part
		return
	}
	if s.log = append(s.log, part...); len(s.log) > 2*maxLogFile {
		s.log = bytes.Clone(s.log[len(s.log)-maxLogFile:])
	}
}

// end keeps the log that was being read.
func (s *source) end() {
	if s.key != "" {
		s.logs[s.key] = string(s.log)
	}
	s.key, s.log = "", nil
}
