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

// ends is how much of each end of an answer is searched, in bytes: all SDKs write isError there.
const ends = 512

// complaint is what the answer to a tool call says of a failure that a heal may cure: an error of JSON-RPC itself, or the tool's own that
// says that what it depends on is down. The message is kept, since it is the answer if no heal changes it. Nil means that there is no
// such failure. An answer that is well is searched for a word at its ends, and not decoded.
func (c *call) complaint(response *wire.Response, m message) error {
	if c.tool == "" || len(m.data) > maxComplaint || !m.Failed && !saysError(m.data[:min(len(m.data), ends)]) && !saysError(m.data[max(0, len(m.data)-ends):]) {
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

var isError = []byte(`"isError":`)

// saysError reports whether a message has "isError":true anywhere. It may be data: whoever hears of it decodes the message.
func saysError(data []byte) bool {
	for {
		at := bytes.Index(data, isError)
		if at < 0 {
			return false
		}
		data = bytes.TrimLeft(data[at+len(isError):], " \t\r\n")
		if bytes.HasPrefix(data, []byte("true")) {
			return true
		}
	}
}
