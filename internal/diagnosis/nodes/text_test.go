// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package nodes

import (
	"testing"
	"unicode/utf8"
)

// readyMessages are messages of Ready conditions, and the detail of the runtime's fault in them.
var readyMessages = map[string]string{
	"kubelet is posting ready status": "",
	"container runtime is down":       "Down",
	"[container runtime is down, PLEG is not healthy: pleg was last seen active 3m12s ago; threshold is 3m0s]":                                              "Down",
	"PLEG is not healthy: pleg was last seen active 3m12s ago; threshold is 3m0s":                                                                           "PLEG",
	"container runtime not ready: RuntimeReady=false reason:ContainerdNotReady message:shim not found":                                                      "NotReady",
	"container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized": "CNI",
	"runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:docker: network plugin is not ready: cni config uninitialized":      "CNI",
	"[container runtime is down, container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message: cni plugin not initialized]": "Down",
	"rpc error: code = Unknown desc = Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?":                    "Socket",
	"container runtime status check may not have completed yet":                                                                                             "",
	"node is shutting down":                                         "",
	"missing node capacity for resources: ephemeral-storage":        "",
	"Kubelet is not ready: no network route to the control plane":   "",
	"the runtime class of the pod is down the road; CNI is spelled": "",
}

func TestRuntimeFaultOf(t *testing.T) {
	for message, want := range readyMessages {
		fault, ok := runtimeFaultOf(message)
		if fault.detail != want || ok != (want != "") || ok && fault.says == "" {
			t.Errorf("%q: %+v, want %q", message, fault, want)
		}
	}
}

func TestIsSocketFault(t *testing.T) {
	for message, want := range map[string]bool{
		`Failed to create pod sandbox: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"`: true,
		`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial unix /var/run/crio/crio.sock: connect: connection refused"`:                                               true,
		`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/k3s/containerd/containerd.sock: connect: permission denied"`:                                   true,
		`dial unix /var/run/cri-dockerd.sock: connect: connection refused`:    true,
		`rpc error: code = Unavailable desc = transport is closing`:           true,
		`rpc error: code = Unavailable desc = error reading from server: EOF`: true,
		// Other reasons for which a sandbox is not made.
		`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown`: false,
		`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1f": plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory`:                                             false,
		`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container "1f" network for pod "a": dial unix /var/run/calico/cni.sock: connect: no such file or directory`:                                                                            false,
		`MountVolume.SetUp failed for volume "sock": hostPath type check failed: /run/containerd/containerd.sock is not a socket file`:                                                                                                                                                  false,
		`rpc error: code = DeadlineExceeded desc = context deadline exceeded`: false,
	} {
		if got := isSocketFault(message); got != want {
			t.Errorf("%q: %t", message, got)
		}
	}
}

func FuzzRuntimeText(f *testing.F) {
	for message := range readyMessages {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		if fault, ok := runtimeFaultOf(message); ok != (fault.detail != "") {
			t.Errorf("%+v, %t", fault, ok)
		}
		if said := plain(message); utf8.ValidString(message) && utf8.RuneCountInString(said) > maxSaid+3 {
			t.Errorf("%d characters are left", utf8.RuneCountInString(said))
		}
		notReadyDetail(message)
		isSocketFault(message)
	})
}

func TestHoldsHost(t *testing.T) {
	for text, want := range map[string]bool{
		"http://sandfly:3000/mcp": true, "sandfly": true, "sandfly.cortex-system.svc.cluster.local:3000": true, "tcp://sandfly": true, "grafana,sandfly,proxmox": true,
		"": false, "sandfly-mcp": false, "my-sandfly": false, "http://www.sandfly": false, "sandfly2:3000": false, "my-sandfly and sandfly": true,
	} {
		if got := holdsHost(text, "sandfly"); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if holdsHost("anything", "") {
		t.Error("no host is in every text")
	}
}
