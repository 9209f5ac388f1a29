// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"path"
	"regexp"
	"strings"
)

var (
	// deniedWords are those of errno EACCES and EPERM in the languages that print them.
	deniedWords = regexp.MustCompile(`(?i)permission denied|operation not permitted|\bEACCES\b|\bEPERM\b|AccessDeniedException|UnauthorizedAccessException|access to the path \S+ is denied`)
	// readOnlyWords are those of EROFS.
	readOnlyWords = regexp.MustCompile(`(?i)read-only file system|\bEROFS\b`)
	// otherwise matches denials that are none of a file: of a socket, a database, a login, a web server.
	otherwise = regexp.MustCompile(`(?i)\b(?:bind|listen|dial|connect|socket)\b|for (?:table|schema|relation|database|sequence|function)\b|publickey|password|HTTP`)
	// absolute matches absolute paths.
	absolute = regexp.MustCompile(`(?:^|[\s'"(\[=:])(/[^\s'"):,;\]]+)`)
)

// lastWords is how far from the end of its log a crash tells why, in lines: a stack trace may follow.
const lastWords = 25

// denial is a line of a log in which a file is refused.
type denial struct {
	line string
	// paths are the absolute ones of the line.
	paths    []string
	readOnly bool
}

// deniedIn finds the last line of a log that tells of a refused file, if it is among its last lines: of a denial that a
// server outlived its end does not tell.
func deniedIn(log string) (denial, bool) {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	for i := len(lines) - 1; i >= max(0, len(lines)-lastWords); i-- {
		line := head(lines[i])
		readOnly := readOnlyWords.MatchString(line)
		if !readOnly && (!deniedWords.MatchString(line) || otherwise.MatchString(line)) {
			continue
		}
		one := denial{line: strings.TrimSpace(line), readOnly: readOnly}
		for _, at := range absolute.FindAllStringSubmatch(line, -1) {
			one.paths = append(one.paths, path.Clean(strings.TrimRight(at[1], ".")))
		}
		return one, true
	}
	return denial{}, false
}

// below reports whether a path is a directory or something in it.
func below(file, directory string) bool {
	directory = path.Clean(directory)
	return file == directory || strings.HasPrefix(file, strings.TrimSuffix(directory, "/")+"/")
}
