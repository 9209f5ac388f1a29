// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for object, want := range map[string]struct {
		a, b string
		err  error
	}{
		`{}`:                         {"", "", nil},
		`{"a":1,"b":{"a":2}} tail`:   {"1", `{"a":2}`, nil},
		` {"a":1}`:                   {"", "", ErrSyntax},
		`[]`:                         {"", "", ErrSyntax},
		``:                           {"", "", ErrSyntax},
		`{"a":1`:                     {"", "", ErrSyntax},
		`{"a":1,"a":2}`:              {"", "", ErrAmbiguous},
		`{"a":1,"A":2}`:              {"", "", ErrAmbiguous},
		`{"\u0061":2}`:               {"", "", ErrAmbiguous},
		`{"c" : "}" , "b" : "\"," }`: {"", `"\","`, nil},
	} {
		found, err := Find([]byte(object), "a", "b")
		if !errors.Is(err, want.err) {
			t.Errorf("%s: got %v, want %v", object, err, want.err)
		}
		if err == nil && (string(found[0].Of([]byte(object))) != want.a || string(found[1].Of([]byte(object))) != want.b) {
			t.Errorf("%s: got %v", object, found)
		}
	}
}

func TestBlank(t *testing.T) {
	for object, want := range map[string]string{
		`{}`:                                   `{}`,
		`{"a":1}`:                              `{     }`,
		`{"c":1}`:                              `{"c":1}`,
		`{"a":1,"c":2}`:                        `{"c":2      }`,
		`{"c":2,"a":1}`:                        `{"c":2      }`,
		`{"b":[{}],"c":"x,}\"","a":{"c":1}}`:   `{"c":"x,}\""                   }`,
		"{ \"c\" : [ 1 ]\n,\"a\":2, \"d\":3 }": `{"c":[ 1 ],"d":3              }`,
	} {
		got := []byte(object)
		Blank(got, "a", "b")
		if len(got) != len(object) || !sameJSON(got, []byte(want)) {
			t.Errorf("%s: got %s, want %s", object, got, want)
		}
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// FuzzBlank: what stays is what encoding/json reads without the members.
func FuzzBlank(f *testing.F) {
	f.Add([]byte(`{"b":[{}],"c":"x,}\"","a":{"c":1}}`))
	f.Add([]byte(`{ "c" : 1 , "" : { } }`))
	f.Fuzz(func(t *testing.T, object []byte) {
		found, err := Find(object, "a", "b")
		if err != nil || !json.Valid(object) {
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(object, &want) != nil {
			t.Fatal("Find reads what encoding/json does not")
		}
		for i, name := range []string{"a", "b"} {
			if !bytes.Equal(found[i].Of(object), want[name]) {
				t.Fatalf("got %s, encoding/json %s", found[i].Of(object), want[name])
			}
			delete(want, name)
		}
		object = bytes.TrimRight(bytes.Clone(object), " \t\r\n")
		Blank(object, "a", "b")
		var got map[string]json.RawMessage
		if err := json.Unmarshal(object, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("got %s, %v, want %s", object, err, want)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	for name, size := range map[string]int{"64B": 64, "64KiB": 64 << 10} {
		result := []byte(`{"content":[{"type":"text","text":"` + strings.Repeat("x", size) + `"}]}`)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(result)))
			for b.Loop() {
				if _, err := Find(result, "resultType"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
