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
	text := transform.NewReader(from, unicode.BOMOverride(encoding.Nop.NewDecoder()))
	documents := utilyaml.NewYAMLOrJSONDecoder(text, 4096)
	for {
		var raw json.RawMessage
		err := documents.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w (expected API objects as `kubectl get -o json` or `-o yaml` writes them)", err)
		}
		if err := r.document(raw); err != nil {
			return err
		}
	}
}

// head is the part that every object and every list has.
type head struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Items      []json.RawMessage `json:"items"`
	Metadata   struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"metadata"`
	Cortex *extra `json:"cortex"`
}

func (r *Reader) document(raw []byte) error {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return fmt.Errorf("this is no API object: %w", err)
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
	for _, item := range h.Items {
		if err := r.item(of, item); err != nil {
			return err
		}
	}
	return nil
}

// item reads an item of a list. The items of a typed list may leave out their kind, as the API server's own lists do.
func (r *Reader) item(kind string, raw []byte) error {
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return fmt.Errorf("an item of the list is no API object: %w", err)
	}
	if strings.HasSuffix(h.Kind, "List") {
		return r.document(raw)
	}
	if h.Kind == "" {
		h.Kind = kind
	}
	return r.one(h, raw)
}

func (r *Reader) one(h head, raw []byte) error {
	if h.Kind == "" {
		return errors.New("an object has no kind: expected API objects as `kubectl get -o json` or `-o yaml` writes them")
	}
	r.see(h.Kind)
	err := r.add(h.Kind, raw)
	if err == nil {
		return nil
	}
	if r.Strict {
		return fmt.Errorf("%s %s: %w", h.Kind, h.Metadata.Name, err)
	}
	if len(r.objects.Gaps) < maxGaps {
		r.objects.Gaps = append(r.objects.Gaps, foreign.Line(fmt.Sprintf("reading %s %s: %v", h.Kind, h.Metadata.Name, err), finding.MaxEvidence))
	}
	return nil
}

func (r *Reader) see(kind string) {
	if r.kinds == nil {
		r.kinds = map[string]bool{}
	}
	r.kinds[kind] = true
}
