// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// logBytes is how much of the end of a log is kept, as of a live one.
const logBytes = 16 << 10

// maxLogFile bounds the end of a log file that is looked at.
const maxLogFile = 256 << 10

// ReadLogs reads a file of logs: {"logs": {"pod/container": "text"}}. A container may be left out where the pod has one,
// and a namespace may come first. "previous" holds in the same form the logs of the runs that ended.
func (r *Reader) ReadLogs(path string, stdin io.Reader) error {
	from := stdin
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the user names the file
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	var read extra
	if err := json.NewDecoder(from).Decode(&read); err != nil {
		return fmt.Errorf(`reading %s: %w (expected {"logs": {"pod/container": "text"}})`, path, err)
	}
	r.take(extra{Logs: read.Logs, Previous: read.Previous})
	return nil
}

// take keeps what a file tells beside its objects.
func (r *Reader) take(more extra) {
	for _, kind := range more.Kinds {
		r.see(kind)
	}
	r.extra.Unread = append(r.extra.Unread, more.Unread...)
	r.objects.Gaps = append(r.objects.Gaps, more.Gaps...)
	if more.Namespace != "" {
		r.extra.Namespace = more.Namespace
	}
	if more.Time.After(r.extra.Time.Time) {
		r.extra.Time = more.Time
	}
	if r.logs == nil {
		r.logs, r.previous = map[string]string{}, map[string]string{}
	}
	maps.Copy(r.logs, more.Logs)
	maps.Copy(r.previous, more.Previous)
}

// readInfoLog reads the logs of one pod of a directory of `kubectl cluster-info dump`.
func (r *Reader) readInfoLog(path string) error {
	file, err := os.Open(path) //nolint:gosec // the user names the folder
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	from := newSource(file)
	if _, err := io.Copy(io.Discard, from); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	r.take(extra{Logs: from.logs})
	return nil
}

// logsOf are the logs of a namespace's pods, redacted and bounded.
func (r *Reader) logsOf(namespace string) map[snapshot.ContainerKey]snapshot.ContainerLog {
	found := map[snapshot.ContainerKey]snapshot.ContainerLog{}
	for name, text := range r.logs {
		if key, ok := r.key(namespace, name); ok {
			log := found[key]
			log.Current = foreign.Log(tail(text), logBytes)
			found[key] = log
		}
	}
	for name, text := range r.previous {
		if key, ok := r.key(namespace, name); ok {
			log := found[key]
			log.Previous = foreign.Log(tail(text), logBytes)
			found[key] = log
		}
	}
	return found
}

func tail(text string) string { return text[max(0, len(text)-maxLogFile):] }

// key reads the name of a log.
func (r *Reader) key(namespace, name string) (snapshot.ContainerKey, bool) {
	parts := strings.Split(name, "/")
	switch len(parts) {
	case 1:
		return snapshot.ContainerKey{Pod: parts[0], Container: r.onlyContainer(namespace, parts[0])}, true
	case 2:
		return snapshot.ContainerKey{Pod: parts[0], Container: parts[1]}, true
	case 3:
		return snapshot.ContainerKey{Pod: parts[1], Container: parts[2]}, parts[0] == namespace
	default:
		return snapshot.ContainerKey{}, false
	}
}

// onlyContainer is the first container of a pod, which kubectl logs takes where none is named.
func (r *Reader) onlyContainer(namespace, pod string) string {
	named := snapshot.Keep(r.objects.Pods, func(p *corev1.Pod) bool { return p.Namespace == namespace && p.Name == pod })
	if len(named) == 0 || len(named[0].Spec.Containers) == 0 {
		return ""
	}
	return named[0].Spec.Containers[0].Name
}
