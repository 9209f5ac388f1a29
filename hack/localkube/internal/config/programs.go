// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	"github.com/ry-ops/cortex/hack/localkube/internal/network"
)

// Program is a program that the supervisor runs.
type Program struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	// Health is an address that answers 200 when the program works.
	Health string `json:"health"`
	// After names the programs that must be healthy before this one starts.
	After []string `json:"after"`
}

// Programs are all the programs of the node. Those that need the API server wait for
// it, since they would back off for seconds where it is not there yet.
func (c Cluster) Programs() []Program {
	return []Program{
		{Name: "etcd", Args: c.etcd(), Health: "http://127.0.0.1:2381/health"},
		{Name: "containerd", Args: c.containerd(), Health: "http://127.0.0.1:1338/v1/metrics"},
		{Name: "kube-apiserver", Args: c.apiServer(), Health: "https://127.0.0.1:6443/readyz", After: []string{"etcd"}},
		{Name: "kube-controller-manager", Args: c.controllerManager(), Health: "https://127.0.0.1:10257/healthz", After: []string{"kube-apiserver"}},
		{Name: "kube-scheduler", Args: c.scheduler(), Health: "https://127.0.0.1:10259/healthz", After: []string{"kube-apiserver"}},
		{Name: "kube-proxy", Args: c.proxy(), Health: "http://127.0.0.1:10256/livez", After: []string{"kube-apiserver"}},
		{Name: "kubelet", Args: c.kubelet(), Health: "http://127.0.0.1:10248/healthz", After: []string{"kube-apiserver", "containerd"}},
	}
}

func (c Cluster) etcd() []string {
	// Only the node's own loopback reaches etcd, so it needs no certificates.
	return []string{
		"--name=" + NodeName,
		"--data-dir=" + c.Layout.Data("etcd"),
		"--listen-client-urls=http://127.0.0.1:2379",
		"--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380",
		"--listen-metrics-urls=http://127.0.0.1:2381",
		"--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster=" + NodeName + "=http://127.0.0.1:2380",
	}
}

func (c Cluster) containerd() []string {
	return []string{"--config=" + c.Layout.Config("containerd.toml")}
}

func (c Cluster) apiServer() []string {
	pki := c.Layout.PKI
	return []string{
		"--advertise-address=" + c.Plan.Node.Addr().String(),
		fmt.Sprintf("--secure-port=%d", apiServerPort),
		"--etcd-servers=http://127.0.0.1:2379",
		"--service-cluster-ip-range=" + network.Services.String(),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--client-ca-file=" + pki("ca.crt"),
		"--tls-cert-file=" + pki("apiserver.crt"),
		"--tls-private-key-file=" + pki("apiserver.key"),
		"--kubelet-certificate-authority=" + pki("ca.crt"),
		"--kubelet-client-certificate=" + pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + pki("apiserver-kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pki("service-account.pub"),
		"--service-account-signing-key-file=" + pki("service-account.key"),
		// Aggregation, for metrics-server.
		"--requestheader-client-ca-file=" + pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + pki("front-proxy-client.key"),
		// Tests read the audit log. A run of all of them fills a few MB of it.
		"--audit-policy-file=" + c.Layout.Config("audit-policy.yaml"),
		"--audit-log-path=" + c.Layout.AuditLog(),
		"--audit-log-maxsize=100",
		"--audit-log-maxbackup=1",
	}
}

func (c Cluster) controllerManager() []string {
	pki := c.Layout.PKI
	return append(c.leader("controller-manager"),
		"--allocate-node-cidrs=true",
		"--cluster-cidr="+network.Pods.String(),
		"--service-cluster-ip-range="+network.Services.String(),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+pki("service-account.key"),
		"--root-ca-file="+pki("ca.crt"),
		"--cluster-signing-cert-file="+pki("ca.crt"),
		"--cluster-signing-key-file="+pki("ca.key"),
	)
}

func (c Cluster) scheduler() []string {
	return c.leader("scheduler")
}

// leader are the flags that the controller manager and the scheduler share. There is
// one of each, so neither waits for a lease.
func (c Cluster) leader(name string) []string {
	kubeconfig := c.Layout.Config(name + ".kubeconfig")
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false",
		"--bind-address=127.0.0.1",
		"--tls-cert-file=" + c.Layout.PKI(name+".crt"),
		"--tls-private-key-file=" + c.Layout.PKI(name+".key"),
	}
}

func (c Cluster) proxy() []string {
	return []string{"--config=" + c.Layout.Config("kube-proxy.yaml")}
}

func (c Cluster) kubelet() []string {
	return []string{
		"--config=" + c.Layout.Config("kubelet.yaml"),
		"--kubeconfig=" + c.Layout.Config("kubelet.kubeconfig"),
		"--hostname-override=" + NodeName,
		"--node-ip=" + c.Plan.Node.Addr().String(),
		"--root-dir=" + c.Layout.Data("kubelet"),
	}
}
