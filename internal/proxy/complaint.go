// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"encoding/json"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/proxy/envelope"
	"github.com/ry-ops/cortex/internal/proxy/wire"
)

// maxComplaint bounds the answers that are looked at for a failure, in bytes. What tools say when they fail is short.
const maxComplaint = 16 << 10

// complaint is what the answer to a tool call says of a failure that a heal may cure: an error of JSON-RPC itself, or the tool's own that
// says that what it depends on is down. The message is kept, since it is the answer if no heal changes it. Nil means that there is no
// such failure. An answer that is well is searched for a word, and not decoded.
func (c *call) complaint(response *wire.Response, m message) error {
	if c.tool == "" || len(m.data) > maxComplaint || !m.Failed && !saysError(m.data) {
		return nil
	}
	var answer struct {
		Result *sdk.CallToolResult `json:"result"`
		Error  *jsonrpc.Error      `json:"error"`
	}
	if json.Unmarshal(m.data, &answer) != nil {
		return nil // it is the client's to read
	}
	said := answer.Error
	if text, down := mcpserver.DependencyDownIn(answer.Result); down {
		said = &jsonrpc.Error{Message: text}
	}
	if said == nil {
		return nil
	}
	err := &mcpserver.RequestError{Exchange: response.Exchange, Err: said}
	if mcpserver.ReasonOf(err) == mcpserver.ToolError {
		return nil
	}
	c.own = &message{bytes.Clone(m.data), m.Envelope}
	return err
}

// rejection is complaint of a JSON-RPC error that came with an HTTP status of its own.
func (c *call) rejection(told *rejected) error {
	switch mcpserver.ReasonOf(told.RequestError) {
	case mcpserver.ToolError, mcpserver.BadStatus:
		return told
	}
	data := append(append([]byte(`{"id":0,"jsonrpc":"2.0","error":`), told.message...), '}')
	c.own = &message{data, envelope.Head(data)}
	return told.RequestError
}

// The member is searched from the letter on that is seldom in JSON: that costs a sixth of a search for quotation marks.
var isErrorFrom, isErrorTo = []byte(`"is`), []byte(`Error"`)

// saysError reports whether a message has "isError":true anywhere: SDKs write it before, between or behind what may be long. It may be data:
// whoever hears of it decodes the message.
func saysError(data []byte) bool {
	for {
		before, after, found := bytes.Cut(data, isErrorTo)
		if !found {
			return false
		}
		value, is := bytes.CutPrefix(bytes.TrimLeft(after, blank), []byte(":"))
		if is && bytes.HasSuffix(before, isErrorFrom) && bytes.HasPrefix(bytes.TrimLeft(value, blank), []byte("true")) {
			return true
		}
		data = after
	}
}

// blank is white space in JSON (RFC 8259, section 2).
const blank = " \t\r\n"
