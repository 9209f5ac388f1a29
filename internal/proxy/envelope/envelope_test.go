// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	for name, tc := range map[string]struct {
		message          string
		kind             Kind
		id, method, tool string
	}{
		"the Go SDK's order":         {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{}}}`, Request, "1", `"tools/call"`, `"a"`},
		"the TypeScript SDK's order": {`{"method":"tools/call","params":{"name":"a","arguments":{"name":"b","id":7}},"jsonrpc":"2.0","id":"x\"y"}`, Request, `"x\"y"`, `"tools/call"`, `"a"`},
		"name after arguments":       {`{"params":{"arguments":{"id":[{"a":"]}\""}]},"name":"a"},"id":-1.5e+3,"method":"m","jsonrpc":"2.0"}`, Request, "-1.5e+3", `"m"`, `"a"`},
		"notification":               {` { "jsonrpc" : "2.0" , "method" : "notifications/initialized" } ` + "\n", Notification, "", `"notifications/initialized"`, ""},
		"response":                   {`{"jsonrpc":"2.0","id":"s","result":{"id":4,"method":"no"}}`, Response, `"s"`, "", ""},
		"error response":             {`{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":""}}`, Response, "0", "", ""},
		"params in a list":           {`{"jsonrpc":"2.0","id":0,"method":"m","params":[1,"name"]}`, Request, "0", `"m"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			message := []byte(tc.message)
			found, err := Scan(message)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []struct {
				span Span
				want string
			}{{found.ID, tc.id}, {found.Method, tc.method}, {found.Name, tc.tool}} {
				if got := string(part.span.Of(message)); got != part.want {
					t.Errorf("got %s, want %s", got, part.want)
				}
			}
			if found.Kind != tc.kind {
				t.Errorf("kind is %d, want %d", found.Kind, tc.kind)
			}
		})
	}
}

func TestScanRefuses(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)
	for message, want := range map[string]error{
		``:                                       ErrSyntax,
		`null`:                                   ErrSyntax,
		`{"jsonrpc":"2.0","id":1,"method":"m"`:   ErrSyntax,
		`{"jsonrpc":"2.0","id":1,"method":"m"}x`: ErrSyntax,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[}]}}`: ErrSyntax,
		`{"jsonrpc":"2.0","id":01,"method":"m"}`:                   ErrSyntax,
		`{"jsonrpc":"2.0","id":1 "method":"m"}`:                    ErrSyntax,
		`[{"jsonrpc":"2.0","id":1,"method":"m"}]`:                  ErrBatch,
		`{}`:                                    ErrInvalid,
		`{"jsonrpc":"1.0","id":1,"method":"m"}`: ErrInvalid,
		`{"jsonrpc":"2.0","id":1}`:              ErrInvalid,
		`{"jsonrpc":"2.0","id":1,"method":"m","result":1}`:                            ErrInvalid,
		`{"jsonrpc":"2.0","id":1,"method":"a\u0062"}`:                                 ErrInvalid,
		`{"jsonrpc":"2.0","id":null,"method":"m"}`:                                    ErrID,
		`{"jsonrpc":"2.0","id":[1],"method":"m"}`:                                     ErrID,
		`{"jsonrpc":"2.0","result":1}`:                                                ErrID,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":3}}`:                   ErrName,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"a\u0062"}}`:           ErrName,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":` + deep + `}`:                 ErrDeep,
		`{"jsonrpc":"2.0","id":1,"method":"m","id":2}`:                                ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","ID":2}`:                                ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","\u0069d":2}`:                           ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","method":"n"}`:                          ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{},"params":{}}`:               ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{},"paramſ":{}}`:               ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"a","name":"b"}}`:      ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"a","Name":"b"}}`:      ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"a","n\u0061me":"b"}}`: ErrAmbiguous,
		`{"jsonrpc":"2.0","id":1,"result":1,"error":{}}`:                              ErrAmbiguous,
	} {
		if _, err := Scan([]byte(message)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", message, err, want)
		}
	}
}

func TestHeadStopsEarly(t *testing.T) {
	for message, want := range map[string]struct {
		kind Kind
		id   string
	}{
		`{"jsonrpc":"2.0","id":17,"result":{"content":[`:                {Response, "17"},
		`{"jsonrpc":"2.0","id":17,"error":{`:                            {Response, "17"},
		`{"result":{"id":3},"jsonrpc":"2.0","id":17}`:                   {Response, "17"},
		`{"result":{"id":3,"x":"`:                                       {Unknown, ""},
		`{"jsonrpc":"2.0","id":17,"method":"ping"`:                      {Request, "17"},
		`{"method":"sampling/createMessage","params":{"name":1},"id":4`: {Unknown, ""},
		`{"method":"notifications/progress","jsonrpc":"2.0"}`:           {Notification, ""},
		`{"jsonrpc":"2.0","id":17`:                                      {Unknown, ""},
	} {
		found := Head([]byte(message))
		if got := string(found.ID.Of([]byte(message))); found.Kind != want.kind || want.id != "" && got != want.id {
			t.Errorf("%s: got kind %d and id %s", message, found.Kind, got)
		}
	}
}

// FuzzScan: of whatever encoding/json takes for a message, Scan finds the same parts or refuses it, and never reads beyond the end.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":[1,{"y":"\\\""}]}}}`,
		`{"method":"m","params":{"name":"a"},"jsonrpc":"2.0","id":"x"}`,
		`{"result":{"id":3},"jsonrpc":"2.0","id":17}`, `{"id":1,"ID":2,"jsonrpc":"2.0","method":"m"}`, `[]`, `{"a":tru}`, `{"paramſ":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		found, err := Scan(message)
		head := Head(message)
		if err != nil {
			return
		}
		if head.Kind != found.Kind || head.ID != found.ID {
			t.Fatalf("Head says %+v, Scan %+v", head, found)
		}
		if !json.Valid(message) {
			return // nested values are left to the reader behind
		}
		var want struct {
			ID     json.RawMessage `json:"id"`
			Method json.RawMessage `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		if err := json.Unmarshal(message, &want); err != nil {
			t.Fatal(err)
		}
		var params struct {
			Name json.RawMessage `json:"name"`
		}
		_ = json.Unmarshal(want.Params, &params) // a list has no name
		for _, part := range []struct {
			span Span
			want []byte
		}{{found.ID, want.ID}, {found.Method, want.Method}, {found.Params, want.Params}, {found.Name, params.Name}} {
			if !bytes.Equal(part.span.Of(message), part.want) {
				t.Fatalf("got %q, encoding/json %q", part.span.Of(message), part.want)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	for name, arguments := range map[string]string{"64B": strings.Repeat("x", 64), "64KiB": strings.Repeat("some text ", 6554)} {
		message := []byte(`{"method":"tools/call","params":{"name":"echo","arguments":{"text":"` + arguments + `"}},"jsonrpc":"2.0","id":7}`)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(message)))
			for b.Loop() {
				if _, err := Scan(message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
