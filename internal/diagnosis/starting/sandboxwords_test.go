// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import "testing"

func TestClassifySandbox(t *testing.T) {
	const head = "Failed to create pod sandbox: rpc error: code = Unknown desc = "
	for name, test := range map[string]struct {
		text, detail              string
		limit, runtimeGone, class bool
	}{
		"flannel":           {text: head + `failed to setup network for sandbox "1f": plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory`, detail: detailCNI},
		"no configuration":  {text: head + `failed to setup network for sandbox "1f": cni plugin not initialized`, detail: detailCNI},
		"no address":        {text: head + `failed to setup network for sandbox "1f": plugin type="host-local" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.0.1-10.244.0.254`, detail: detailCNI},
		"calico refused":    {text: head + `failed to setup network for sandbox "1f": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`, detail: detailCNI},
		"CNI by a socket":   {text: head + `failed to setup network for sandbox "1f": plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: dial unix /var/run/cilium/cilium.sock: connect: no such file or directory`, detail: detailCNI},
		"dockershim":        {text: head + `failed to set up sandbox container "1f" network for pod "x": networkPlugin cni failed to set up pod "x" network: no route`, detail: detailCNI},
		"containerd down":   {text: `Failed to create pod sandbox: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such file or directory"`, detail: detailRuntime, runtimeGone: true},
		"CRI-O refuses":     {text: `Failed to create pod sandbox: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial unix /var/run/crio/crio.sock: connect: connection refused"`, detail: detailRuntime, runtimeGone: true},
		"memory limit":      {text: head + `failed to start sandbox "1f": runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown`, detail: detailMemory, limit: true},
		"no memory":         {text: head + `failed to start sandbox container task: fork/exec /usr/bin/runc: cannot allocate memory`, detail: detailMemory},
		"cgroup":            {text: head + `runc create failed: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/kubepods/pod1" instead`, detail: detailCgroup},
		"no RuntimeClass":   {text: head + `failed to get sandbox runtime: no runtime for "runsc" is configured`, detail: detailRuntime, class: true},
		"pause image":       {text: head + `failed to get sandbox image "registry.k8s.io/pause:3.10": failed to pull image: dial tcp: i/o timeout`, detail: detailRuntime},
		"in vain":           {text: `Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = context deadline exceeded`, detail: detailRuntime},
		"the name is taken": {text: head + `failed to reserve sandbox name "x": name "x" is reserved for "1f"`, detail: detailRuntime},
		"nothing":           {text: ``, detail: detailRuntime},
	} {
		t.Run(name, func(t *testing.T) {
			fault := classifySandbox(test.text)
			if fault.detail != test.detail || fault.limit != test.limit || fault.runtimeGone != test.runtimeGone || fault.class != test.class {
				t.Errorf("%+v", fault)
			}
			if fault.words == "" || fault.advice == "" && !fault.limit {
				t.Errorf("the fault says too little: %+v", fault)
			}
		})
	}
}

func FuzzClassifySandbox(f *testing.F) {
	f.Add(`failed to setup network for sandbox "1f": plugin type="flannel" failed (add)`)
	f.Fuzz(func(t *testing.T, text string) {
		if fault := classifySandbox(text); fault.detail == "" || fault.words == "" {
			t.Errorf("%+v", fault)
		}
	})
}
