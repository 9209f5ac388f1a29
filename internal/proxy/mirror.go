// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
)

// mirror is an argument of a tool that stateless clients repeat in a header (MCP 2026-07-28, "Custom Headers from Tool Parameters").
type mirror struct {
	// header is the canonical name, and path the names of the properties that lead to the argument.
	header string
	path   []string
}

// maxMirrors bounds those of one tool, and maxNested how deep they may be: a server is not to make work with them.
const (
	maxMirrors = 64
	maxNested  = 16
)

var mirrorMark = []byte(`"x-mcp-header"`)

// mirrors of the tool that an object describes. Most have none, and are not decoded for it.
func mirrors(tool []byte) []mirror {
	if !bytes.Contains(tool, mirrorMark) {
		return nil
	}
	type schema struct {
		Header     any                        `json:"x-mcp-header"`
		Properties map[string]json.RawMessage `json:"properties"`
	}
	var all []mirror
	var within func(raw json.RawMessage, path []string)
	within = func(raw json.RawMessage, path []string) {
		var s schema
		if len(path) > maxNested || len(all) == maxMirrors || json.Unmarshal(raw, &s) != nil {
			return // it is the client's to read
		}
		if name, _ := s.Header.(string); name != "" && len(path) > 0 {
			all = append(all, mirror{http.CanonicalHeaderKey("Mcp-Param-" + name), path})
		}
		for name, property := range s.Properties {
			within(property, append(path[:len(path):len(path)], name))
		}
	}
	var about struct {
		InputSchema json.RawMessage `json:"inputSchema"`
	}
	if json.Unmarshal(tool, &about) == nil {
		within(about.InputSchema, nil)
	}
	return all
}

// maxWhole bounds the whole numbers that a header may repeat: those that all readers of JSON read alike.
const maxWhole = 1<<53 - 1

// holds reports whether the header says what the argument is, and is not there if the argument is not.
func (m mirror) holds(header http.Header, arguments json.RawMessage) bool {
	value := arguments
	for _, name := range m.path {
		var object map[string]json.RawMessage
		_ = json.Unmarshal(value, &object) // else there is nothing in it
		value = object[name]
	}
	if len(value) == 0 || string(value) == "null" {
		return len(header[m.header]) == 0
	}
	said, ok := once(header, m.header, true)
	var argument any
	if !ok || json.Unmarshal(value, &argument) != nil {
		return false
	}
	switch argument := argument.(type) {
	case string:
		return said == argument
	case bool:
		return said == strconv.FormatBool(argument)
	case float64:
		number, err := strconv.ParseFloat(said, 64)
		return err == nil && number == argument && number == math.Trunc(number) && math.Abs(number) <= maxWhole
	default:
		return false
	}
}

// mirrored is the header that does not say what the argument is that it repeats; empty if all do.
func (q *request) mirrored(all []mirror) string {
	if len(all) == 0 {
		return ""
	}
	var params struct {
		Arguments json.RawMessage `json:"arguments"`
	}
	_ = json.Unmarshal(q.Params.Of(q.data), &params) // else there are none
	for _, one := range all {
		if !one.holds(q.header, params.Arguments) {
			return one.header
		}
	}
	return ""
}
