// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package node is what runs inside the node: the first process of its namespaces, which
// puts its file system together, sets up its network and supervises its programs.
package node

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/ry-ops/cortex/hack/localkube/internal/config"
)

// Command is the argument by which localkube knows that it is to be the node.
const Command = "run-node"

// specFD is the file descriptor the node reads its Spec from: the first one that a
// parent hands over beside the standard three.
const specFD = 3

// Spec is all that the node is told. It comes when the node's network interface is
// there.
type Spec struct {
	Cluster config.Cluster `json:"cluster"`
	// Bins are the folders of the programs, outside the state folder.
	Bins []string `json:"bins"`
}

// Send writes the spec for a node.
func (s Spec) Send(to io.WriteCloser) error {
	if err := json.NewEncoder(to).Encode(s); err != nil {
		return fmt.Errorf("telling the node what to run: %w", err)
	}
	return to.Close()
}

func receive(from io.Reader) (Spec, error) {
	var spec Spec
	if err := json.NewDecoder(from).Decode(&spec); err != nil {
		return Spec{}, fmt.Errorf("being told what to run: %w", err)
	}
	return spec, nil
}
