// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// mutant is a dump, and a random change of it that a decoder may still take.
type mutant struct {
	random *rand.Rand
	items  []any
	// done tells what was changed, for whoever must look at it.
	done []string
}

// mutations are the ways to spoil a dump.
func mutations() []func(*mutant) string {
	return []func(*mutant) string{
		(*mutant).deleteField, (*mutant).deleteField, (*mutant).nullField, (*mutant).changeValue, (*mutant).changeValue, (*mutant).changeValue,
		(*mutant).emptyValue, (*mutant).swapValues, (*mutant).swapValues, (*mutant).repeatElement, (*mutant).dropKind, (*mutant).dropUIDs, (*mutant).duplicate,
		(*mutant).dropObject, (*mutant).otherType,
	}
}

// mutate makes up to five changes.
func (m *mutant) mutate() {
	all := mutations()
	for range 1 + m.random.IntN(5) {
		if did := all[m.random.IntN(len(all))](m); did != "" {
			m.done = append(m.done, did)
		}
	}
}

// place is a field of an object, or an element of a list, and where it is.
type place struct {
	path   string
	key    string
	object map[string]any
	list   []any
	index  int
}

func (p place) get() any {
	if p.object != nil {
		return p.object[p.key]
	}
	return p.list[p.index]
}

func (p place) set(value any) {
	if p.object != nil {
		p.object[p.key] = value
	} else {
		p.list[p.index] = value
	}
}

// places are all values within one, in order.
func places(path string, value any) []place {
	var all []place
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			one := path + "." + key
			all = append(append(all, place{path: one, key: key, object: v}), places(one, v[key])...)
		}
	case []any:
		for i := range v {
			one := fmt.Sprintf("%s[%d]", path, i)
			all = append(append(all, place{path: one, list: v, index: i}), places(one, v[i])...)
		}
	}
	return all
}

// item is one of the objects.
func (m *mutant) item() (int, map[string]any) {
	if len(m.items) == 0 {
		return 0, nil
	}
	i := m.random.IntN(len(m.items))
	object, _ := m.items[i].(map[string]any)
	return i, object
}

// anywhere is a place in one of the objects. Kind and apiVersion stay as they are: an object of no kind is refused whole.
func (m *mutant) anywhere(wanted func(place) bool) (place, bool) {
	i, object := m.item()
	all := slices.DeleteFunc(places(fmt.Sprintf("%v#%d", object["kind"], i), object), func(p place) bool {
		return p.key == "kind" && p.object["metadata"] != nil || p.key == "apiVersion" || !wanted(p)
	})
	if len(all) == 0 {
		return place{}, false
	}
	return all[m.random.IntN(len(all))], true
}

func anything(place) bool { return true }

func (m *mutant) deleteField() string {
	p, ok := m.anywhere(func(p place) bool { return p.object != nil })
	if !ok {
		return ""
	}
	delete(p.object, p.key)
	return "delete " + p.path
}

func (m *mutant) nullField() string {
	p, ok := m.anywhere(anything)
	if !ok {
		return ""
	}
	p.set(nil)
	return "null " + p.path
}

// texts that a field may hold and nobody thinks of.
var texts = []string{
	"", "Unknown", "True", "False", "-", "/", ":", "a/b/c", "999999999999999999999", "-1", "1e400", "0", "Failed", "Pending", "node-1", "sandfly-mcp-server",
	"\x1b[31mred\x00\u202e", "%s%d%n", "{{.}}", "$(VAR)", "x=1,y=2,=,", "exceeded quota: q, requested: cpu=, used: , limited: pods", "..", "ü日本", "[", "(?i)*",
	"0001-01-01T00:00:00Z", "2026-11-23T14:04:59Z", "9999-12-31T23:59:59Z", "2026-11-23T14:04:59.999999Z", "ErrImagePull", "CrashLoopBackOff", "OOMKilled",
}

var numbers = []any{0, -1, 1, int64(1) << 31, -(int64(1) << 31), int64(1)<<62 + 1, 65536, 2147483647, 0.5, 1e300}

func (m *mutant) changeValue() string {
	p, ok := m.anywhere(func(p place) bool {
		switch p.get().(type) {
		case string, float64, bool:
			return true
		default:
			return false
		}
	})
	if !ok {
		return ""
	}
	switch value := p.get().(type) {
	case string:
		text := texts[m.random.IntN(len(texts))]
		if m.random.IntN(20) == 0 {
			text = strings.Repeat(value+text+"x", 1+m.random.IntN(3000))
		}
		p.set(text)
	case float64:
		p.set(numbers[m.random.IntN(len(numbers))])
	case bool:
		p.set(!value)
	}
	return fmt.Sprintf("change %s to %.60q", p.path, fmt.Sprint(p.get()))
}

func (m *mutant) emptyValue() string {
	p, ok := m.anywhere(anything)
	if !ok {
		return ""
	}
	switch p.get().(type) {
	case []any:
		p.set([]any{})
	case map[string]any:
		p.set(map[string]any{})
	case string:
		p.set("")
	default:
		p.set(0)
	}
	return "empty " + p.path
}

// swapValues swaps what two objects have of one field: names, nodes, labels, states.
func (m *mutant) swapValues() string {
	p, ok := m.anywhere(func(p place) bool { return p.object != nil })
	if !ok {
		return ""
	}
	q, ok := m.anywhere(func(q place) bool { return q.object != nil && q.key == p.key })
	if !ok {
		return ""
	}
	if strings.HasPrefix(p.path, q.path) || strings.HasPrefix(q.path, p.path) {
		return "" // the one holds the other
	}
	a, b := p.get(), q.get()
	p.set(b)
	q.set(a)
	return "swap " + p.path + " and " + q.path
}

func (m *mutant) repeatElement() string {
	p, ok := m.anywhere(func(p place) bool { list, is := p.get().([]any); return is && len(list) > 0 })
	if !ok {
		return ""
	}
	list := p.get().([]any)
	p.set(append(slices.Clone(list), clone(list[m.random.IntN(len(list))])))
	return "repeat an element of " + p.path
}

func (m *mutant) dropKind() string {
	_, object := m.item()
	kind := object["kind"]
	m.items = slices.DeleteFunc(m.items, func(other any) bool { return other.(map[string]any)["kind"] == kind })
	return fmt.Sprintf("drop every %v", kind)
}

func (m *mutant) dropObject() string {
	if len(m.items) == 0 {
		return ""
	}
	i, object := m.item()
	m.items = slices.Delete(m.items, i, i+1)
	return fmt.Sprintf("drop %v#%d", object["kind"], i)
}

func (m *mutant) dropUIDs() string {
	for _, object := range m.items {
		for _, p := range places("", object) {
			if p.key == "uid" {
				delete(p.object, p.key)
			}
		}
	}
	return "drop all UIDs"
}

func (m *mutant) duplicate() string {
	if len(m.items) == 0 {
		return ""
	}
	i, object := m.item()
	m.items = append(m.items, clone(object))
	return fmt.Sprintf("duplicate %v#%d", object["kind"], i)
}

// otherType puts in what the field cannot hold: the object is a gap then.
func (m *mutant) otherType() string {
	p, ok := m.anywhere(anything)
	if !ok {
		return ""
	}
	p.set([]any{map[string]any{}, []any{"x"}, "x", 1.5, true}[m.random.IntN(5)])
	return "another type for " + p.path
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for key, one := range v {
			copied[key] = clone(one)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, one := range v {
			copied[i] = clone(one)
		}
		return copied
	default:
		return v
	}
}

// rawFixtures are the objects of every fixture, as any decoder would see them.
func rawFixtures(t testing.TB) (names []string, dumps [][]any) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*/objects.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := yaml.YAMLToJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Items []any }
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		names, dumps = append(names, filepath.Dir(path)), append(dumps, list.Items)
	}
	return names, dumps
}
