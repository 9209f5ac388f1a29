// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// namespaceFile is where the kubelet tells a pod its namespace (Kubernetes, "Service Accounts", automounted token).
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// self names the operator's own pod: a pod's host has the pod's name. It is empty outside of a cluster. Should the name be
// another one after all, then no pod is found by it, and nothing is concluded.
func self() types.NamespacedName {
	namespace, err := os.ReadFile(namespaceFile)
	if err != nil {
		return types.NamespacedName{}
	}
	name, err := os.Hostname()
	if err != nil {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: strings.TrimSpace(string(namespace)), Name: name}
}
