// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// serve is an MCP server that costs as little as one can, so that what is in front of it shows: it keeps one session, and has three
// tools. small and large only read, write does not, and is never done: it notes in a file that it ran, and hangs.
func serve(notes string, addresses ...string) error {
	small, large := result(64), result(64<<10)
	session := fmt.Sprint("bench-", os.Getpid())
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(r.Body)
		var message struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params struct {
				Name string `json:"name"`
			} `json:"params"`
		}
		if err != nil || json.Unmarshal(body, &message) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer := "{}"
		switch {
		case message.Method == "initialize":
			w.Header().Set("Mcp-Session-Id", session)
			answer = `{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"bench","version":"1"}}`
		case r.Header.Get("Mcp-Session-Id") != session:
			http.Error(w, "session not found", http.StatusNotFound)
			return
		case message.ID == nil:
			w.WriteHeader(http.StatusAccepted)
			return
		case message.Method == "tools/list":
			answer = `{"tools":[` + tool("small", true) + "," + tool("large", true) + "," + tool("write", false) + `]}`
		case message.Params.Name == "large":
			answer = large
		case message.Params.Name == "write":
			file, err := os.OpenFile(notes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err == nil {
				_, _ = file.WriteString("x")
				_ = file.Close()
			}
			<-r.Context().Done()
			return
		case message.Method == "tools/call":
			answer = small
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, message.ID, answer)
	})
	return listen(handler, addresses...)
}

func tool(name string, reads bool) string {
	return fmt.Sprintf(`{"name":%q,"inputSchema":{"type":"object"},"annotations":{"readOnlyHint":%t}}`, name, reads)
}

// result is a tool's result with some text.
func result(size int) string {
	return `{"content":[{"type":"text","text":"` + strings.Repeat("0123456789abcde ", size/16) + `"}]}`
}
