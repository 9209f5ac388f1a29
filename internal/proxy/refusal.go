// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Codes of JSON-RPC errors (JSON-RPC 2.0 §5.1; MCP 2026-07-28 for headers and versions).
const (
	codeParse              = -32700
	codeInvalidRequest     = -32600
	codeMethodNotFound     = -32601
	codeInvalidParams      = -32602
	codeInternal           = -32603
	codeHeaderMismatch     = -32020
	codeUnsupportedVersion = -32022
	// codeUnavailable: the server of a tool failed and was not healed, or the call must not be made again.
	codeUnavailable = -32010
	// codeBusy: too much waits already.
	codeBusy = -32011
)

// refusal is a request that is not passed on.
type refusal struct {
	status  int
	code    int
	message string
	data    json.RawMessage
}

func (f *refusal) write(w http.ResponseWriter, id []byte) {
	body := errorMessage(id, f.code, f.message, f.data)
	header := w.Header()
	header["Content-Type"] = typeJSON
	header["X-Content-Type-Options"] = nosniff
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(f.status)
	_, _ = w.Write(body) // the client may be gone
}

func refuse(w http.ResponseWriter, status int, id []byte, code int, message string) {
	(&refusal{status, code, message, nil}).write(w, id)
}

// errorMessage is a JSON-RPC error. An id that is not known is null (JSON-RPC 2.0 §5).
func errorMessage(id []byte, code int, message string, data json.RawMessage) []byte {
	if id == nil {
		id = []byte("null")
	}
	body, _ := json.Marshal(struct { // of values that cannot fail
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   struct {
			Code    int             `json:"code"`
			Message string          `json:"message"`
			Data    json.RawMessage `json:"data,omitempty"`
		} `json:"error"`
	}{"2.0", id, struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data,omitempty"`
	}{code, message, data}})
	return body
}
