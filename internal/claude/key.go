// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"os"
	"strings"
	"sync"

	"github.com/go-logr/logr"

	"github.com/ry-ops/cortex/internal/foreign"
)

// maxKey bounds a key file, in bytes.
const maxKey = 4 << 10

// Key is the API key. A file is read each time a question is asked or a request is made: it is a mounted Secret, which is changed,
// added and taken away while the gateway runs.
type Key struct {
	file, value string
	log         logr.Logger

	mu   sync.Mutex
	told string
}

// NewKey makes a Key of a file, or else of the value of an environment variable. Either may be empty.
func NewKey(file, value string, log logr.Logger) *Key {
	return &Key{file: file, value: strings.TrimSpace(value), log: log}
}

// Read returns the key as it is now, and false if there is none. Each change is told to the log once, never with the key.
func (k *Key) Read() (string, bool) {
	key, state := k.value, "the API key of ANTHROPIC_API_KEY is used: Claude plans"
	if k.file != "" {
		key, state = k.readFile()
	} else if key == "" {
		state = "there is no API key (--claude-api-key-file, ANTHROPIC_API_KEY): the rules plan"
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.told != state {
		k.told = state
		k.log.Info(state)
	}
	return key, key != ""
}

func (k *Key) readFile() (key, state string) {
	raw, err := os.ReadFile(k.file)
	key = strings.TrimSpace(string(raw))
	switch {
	case err != nil:
		return "", "the API key file cannot be read, so the rules plan: " + foreign.Line(err.Error(), 512)
	case key == "":
		return "", "the API key file " + k.file + " is empty: the rules plan"
	case len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", "the API key file " + k.file + " holds no key (one line of ASCII): the rules plan"
	default:
		return key, "the API key of " + k.file + " is used: Claude plans"
	}
}
