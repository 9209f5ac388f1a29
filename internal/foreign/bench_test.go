// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"fmt"
	"strings"
	"testing"
)

// ordinaryLog is what an MCP server writes in a few minutes, of about so many bytes.
func ordinaryLog(size int) string {
	var log strings.Builder
	for i := 0; log.Len() < size; i++ {
		fmt.Fprintf(&log, "2026-11-23T15:%02d:%02d.%03dZ INFO request id=550e8400-e29b-41d4-a716-%012d method=tools/call tool=list_hosts took=%dms status=200\n", i/60%60, i%60, i%1000, i, i%90)
		fmt.Fprintf(&log, `{"level":"info","ts":"2026-11-23T15:%02d:%02dZ","logger":"mcp","msg":"session opened","remote":"10.244.1.%d:51234","tasks":%d}`+"\n", i/60%60, i%60, i%250, i)
		fmt.Fprintf(&log, "10.244.0.%d - - [23/Nov/2026:15:%02d:%02d +0000] \"POST /mcp HTTP/1.1\" 200 %d \"-\" \"kube-probe/1.37\"\n", i%250, i/60%60, i%60, 100+i)
		fmt.Fprintf(&log, "E1123 15:%02d:%02d.125412       1 reflector.go:166] \"Failed to watch\" err=\"dial tcp 10.96.0.1:443: connect: connection refused\" key=\"default/sandfly-mcp-server-7d9c6b5f4-x%dk2p\"\n", i/60%60, i%60, i%10)
	}
	return log.String()[:size]
}

func BenchmarkOrdinaryLog(b *testing.B) {
	log := ordinaryLog(16 << 10)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		Log(log, logBytes)
	}
}

func BenchmarkRedactOrdinary(b *testing.B) {
	log := ordinaryLog(16 << 10)
	if Redact(log) != log {
		b.Fatal("the log is not ordinary")
	}
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		Redact(log)
	}
}

// BenchmarkWorst is a text that calls up as many rules as it may.
func BenchmarkWorst(b *testing.B) {
	log := worstText(32 << 10)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		Redact(log)
	}
}

// BenchmarkFirst is what the first text waits for.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		book := &ruleBook{}
		for id, s := range keptShapes() {
			book.index.add(id, s.keywords)
		}
	}
}

// worstText names vendors that have many rules, line by line, and just not too many of them.
func worstText(size int) string {
	line := "adafruit adobe airtable asana bittrex codecov coinbase discord twitter yandex = " + strings.Repeat("token=\"", 20) + "\n"
	return strings.Repeat(line, size/len(line)+1)[:size]
}
