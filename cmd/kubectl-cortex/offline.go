// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/report"
)

// noLogs is the gap of a file that comes without any.
const noLogs = "the file holds no logs (--logs adds them)"

// offline looks at files.
func (d *diagnose) offline(named *report.Named) (*report.Report, error) {
	now, err := d.moment()
	if err != nil {
		return nil, err
	}
	reader, err := d.read()
	if err != nil {
		return nil, err
	}
	if now.IsZero() {
		now = reader.Time()
	}
	if now.IsZero() {
		now = d.clock.Now()
	}
	objects := reader.Objects()
	namespace, err := chooseNamespace(cmp.Or(*d.config.Namespace, reader.Namespace()), report.Namespaces(objects))
	if err != nil {
		return nil, err
	}
	look := lookAt(reader, objects, namespace, now)
	targets := objects.Targets(namespace)
	if named != nil {
		target, err := named.Find(objects, namespace)
		if err != nil {
			return nil, err
		}
		targets = []v1alpha1.TargetReference{target}
	}
	var snapshots []*snapshot.Snapshot
	for _, target := range targets {
		s, err := look(target)
		if err != nil {
			return nil, err
		}
		snapshots = append(snapshots, s)
	}
	return report.New(namespace, snapshots, look), nil
}

func (d *diagnose) read() (*dump.Reader, error) {
	if slices.Contains(d.files, "-") && d.logs == "-" {
		return nil, errors.New("standard input can be --filename or --logs, not both")
	}
	reader := &dump.Reader{}
	for _, path := range d.files {
		if err := reader.ReadPath(path, d.io.in); err != nil {
			return nil, err
		}
	}
	if d.logs != "" {
		if err := reader.ReadLogs(d.logs, d.io.in); err != nil {
			return nil, err
		}
	}
	return reader, nil
}

// lookAt gives the snapshot of any target of a file.
func lookAt(reader *dump.Reader, objects *snapshot.Objects, namespace string, now time.Time) report.Look {
	logs := reader.Logs(namespace)
	return func(target v1alpha1.TargetReference) (*snapshot.Snapshot, error) {
		s := snapshot.Assemble(namespace, target, objects)
		s.Now, s.Unprobed, s.Logs = now, true, logs
		if len(logs) == 0 {
			s.LogGaps = []string{noLogs}
		}
		return s, nil
	}
}

// chooseNamespace takes the one that was asked for, or the only one there is.
func chooseNamespace(wanted string, there []string) (string, error) {
	shown := make([]string, len(there))
	for i, name := range there {
		shown[i] = foreign.Line(name, 253)
	}
	list := strings.Join(shown, ", ")
	switch {
	case len(there) == 0:
		return "", errors.New("the file holds no Service and no workload, so there is nothing to look at: give what 'kubectl cortex dump' writes, or 'kubectl get svc,endpointslices,deploy,sts,ds,rs,pods,events -o json'")
	case wanted != "" && !slices.Contains(there, wanted):
		return "", fmt.Errorf("the file holds nothing of namespace %s; it has %s (-n)", wanted, list)
	case wanted != "":
		return wanted, nil
	case len(there) == 1:
		return there[0], nil
	default:
		return "", fmt.Errorf("the file holds several namespaces; choose one with -n: %s", list)
	}
}
