// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

// Checks are all checks, in the order of the catalogue of causes. The order of the list does not choose the root cause;
// explanations does (rank.go). A new family is a new line here, a file of its own and rows in rank.go.
func Checks() []Check {
	return []Check{
		// Routing: how a caller gets to the pods. (routing.go)
		serviceNotFound,
		selectorMismatch,

		// Workload: whether anybody asks for pods. (workload.go)
		workloadNotFound,
		scaledToZero,

		// Scheduling: whether a node takes the pods.

		// Start: whether the containers can begin. (image.go)
		imagePull,

		// Run: whether they stay. (crash.go)
		oomKilled,
		crashLoop,

		// Answer: whether what runs is ready and answers. (answer.go)
		noReadyEndpoints,
		unresponsive,

		// Nodes and control plane: whether what carries all of it works.
	}
}
