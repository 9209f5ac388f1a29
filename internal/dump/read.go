// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package dump reads and writes files of API objects, so that a diagnosis needs no cluster: what `kubectl get -o json`,
// `kubectl cluster-info dump` and `kubectl cortex dump` write.
package dump

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// maxGaps bounds the objects that are named as unreadable.
const maxGaps = 10

// Reader collects what files hold. The zero value is ready.
type Reader struct {
	// Strict makes a field that is not known, and an object that cannot be read, an error: for fixtures, where a
	// misspelt field would test nothing. Files of clusters are of any version and are read as far as they go.
	Strict bool

	objects   snapshot.Objects
	endpoints []discoveryv1.EndpointSlice
	// logs and previous by "namespace/pod/container", "pod/container" or "pod".
	logs, previous map[string]string
	// kinds that were seen, if only as an empty list of their own.
	kinds map[string]bool
	// extra is what `kubectl cortex dump` adds to a List.
	extra extra
}

// extra are the fields that this program adds to a v1 List. kubectl does not look at them.
type extra struct {
	// Kinds that were read whole; Unread ones were not, though some of them may be there; Gaps say why.
	Kinds  []string `json:"kinds,omitempty"`
	Unread []string `json:"unread,omitempty"`
	Gaps   []string `json:"gaps,omitempty"`
	// Namespace that was dumped. What is there of others is what it stands on.
	Namespace string `json:"namespace,omitempty"`
	// Time of the dump.
	Time metav1.Time `json:"time,omitzero"`
	// Logs by "namespace/pod/container", and those of the run Previous to the one that is on.
	Logs     map[string]string `json:"logs,omitempty"`
	Previous map[string]string `json:"previous,omitempty"`
}

// ReadPath reads a file, every file of a directory, or stdin for "-". Its error says which file it could not read.
func (r *Reader) ReadPath(path string, stdin io.Reader) error {
	if path == "-" {
		return r.named("standard input", stdin)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return r.readFile(path)
	}
	return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		case entry.Name() == "logs.txt":
			return r.readInfoLog(path)
		case slices.Contains([]string{".json", ".yaml", ".yml"}, filepath.Ext(path)):
			return r.readFile(path)
		default:
			return nil
		}
	})
}

func (r *Reader) readFile(path string) error {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return r.named(path, file)
}

func (r *Reader) named(name string, from io.Reader) error {
	if err := r.Read(from); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// Read reads objects and lists of them, in JSON or YAML, one document after another. A byte order mark, as a Windows shell
// writes it, tells the encoding.
func (r *Reader) Read(from io.Reader) error {
	text := newSource(transform.NewReader(from, unicode.BOMOverride(encoding.Nop.NewDecoder())))
	documents := utilyaml.NewYAMLOrJSONDecoder(text, 4096)
	for {
		var raw json.RawMessage
		err := documents.Decode(&raw)
		if errors.Is(err, io.EOF) {
			r.take(extra{Logs: text.logs})
			return nil
		}
		if err != nil {
			return text.explain(err)
		}
		if err := r.document(raw); err != nil {
			return text.explain(err)
		}
	}
}

// errCutOff is told of a list whose end is missing though what is there can be read.
var errCutOff = errors.New("a list has no end")

// expected says what to give instead.
const expected = "expected API objects as `kubectl cortex dump`, `kubectl get -o json` or `kubectl get -o yaml` write them"

// explain tells where a file could not be read on.
func (s *source) explain(err error) error {
	var syntax *json.SyntaxError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errCutOff) ||
		errors.As(err, &syntax) && strings.Contains(syntax.Error(), "unexpected end") {
		return fmt.Errorf("it ends in the middle of an object, after %d bytes, in line %d: it was cut off; write or copy it again", s.bytes, s.lines+1)
	}
	return fmt.Errorf("%s (%s)", foreign.Line(err.Error(), finding.MaxEvidence), expected)
}

// head is the part that every object and every list has.
type head struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
	Metadata   struct {
		Namespace    string `json:"namespace"`
		Name         string `json:"name"`
		GenerateName string `json:"generateName"`
	} `json:"metadata"`
	Cortex *extra `json:"cortex"`
}

func (r *Reader) document(raw []byte) error {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return fmt.Errorf("there is something that is no API object (%s)", shapeOf(raw))
	}
	if h.Cortex != nil {
		r.take(*h.Cortex)
	}
	of, isList := strings.CutSuffix(h.Kind, "List")
	if !isList {
		return r.one(h, raw)
	}
	if of != "" {
		r.see(of)
	}
	for i, item := range h.Items {
		if err := r.item(of, item); err != nil {
			return err
		}
		h.Items[i] = nil // it may be large, and is not needed any more
	}
	return nil
}

// shapeOf tells what stands where an object was expected.
func shapeOf(raw []byte) string {
	switch raw[0] {
	case '[':
		return "a list without a kind"
	case '{':
		return "an object with fields of another form"
	default:
		return "a text or a number"
	}
}

// item reads an item of a list. The items of a typed list may leave out their kind, as the API server's own lists do.
func (r *Reader) item(kind string, raw []byte) error {
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return fmt.Errorf("an item of a list is no API object (%s)", shapeOf(raw))
	}
	if strings.HasSuffix(h.Kind, "List") {
		return r.document(raw)
	}
	if h.Kind == "" {
		h.Kind = kind
	}
	return r.one(h, raw)
}

// errNameless: nothing could be said of such an object. A manifest with a generateName is one; the cluster's own objects never are.
var errNameless = errors.New("it has no name, so it is not from a cluster")

func (r *Reader) one(h head, raw []byte) error {
	switch {
	case h.Kind == "" && h.Items != nil:
		return errCutOff // kubectl writes the kind of a list behind its items
	case h.Kind == "":
		return errors.New("an object has no kind")
	}
	r.see(h.Kind)
	var err error
	if h.Metadata.Name == "" && h.Kind != snapshot.KindEvent && looksAt(h.Kind) {
		err = errNameless
	} else {
		err = r.add(h.Kind, raw)
	}
	if err == nil || errors.Is(err, errOther) {
		return nil
	}
	if r.Strict {
		return fmt.Errorf("%s: %w", h.called(), err)
	}
	if len(r.objects.Gaps) < maxGaps {
		r.objects.Gaps = append(r.objects.Gaps, foreign.Line(fmt.Sprintf("reading %s: %v", h.called(), err), finding.MaxEvidence))
	}
	return nil
}

// called tells an object by its name, or by what it has instead.
func (h head) called() string {
	switch {
	case h.Metadata.Name != "":
		return h.Kind + " " + h.Metadata.Name
	case h.Metadata.GenerateName != "":
		return "a " + h.Kind + " (generateName " + h.Metadata.GenerateName + ")"
	default:
		return "a " + h.Kind
	}
}

func (r *Reader) see(kind string) {
	if r.kinds == nil {
		r.kinds = map[string]bool{}
	}
	r.kinds[kind] = true
}
