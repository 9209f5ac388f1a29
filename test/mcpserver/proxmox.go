// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/utils/clock"
)

type proxmoxVM struct {
	VMID     int    `json:"vmid"`
	Name     string `json:"name"`
	Node     string `json:"node"`
	Status   string `json:"status" jsonschema:"running or stopped"`
	CPUs     int    `json:"cpus"`
	MemoryMB int    `json:"memory_mb"`
	IP       string `json:"ip,omitempty"`
}

type proxmoxNode struct {
	Node          string  `json:"node"`
	Status        string  `json:"status"`
	CPUPercent    float64 `json:"cpu_percent"`
	MemoryPercent float64 `json:"memory_percent"`
	VMs           int     `json:"vms"`
}

var proxmoxVMs = []proxmoxVM{
	{VMID: 100, Name: "router", Node: "pve1", Status: "running", CPUs: 2, MemoryMB: 2048, IP: "192.0.2.1"},
	{VMID: 101, Name: "k3s-server", Node: "pve1", Status: "running", CPUs: 4, MemoryMB: 8192, IP: "192.0.2.31"},
	{VMID: 102, Name: "k3s-agent-1", Node: "pve1", Status: "running", CPUs: 8, MemoryMB: 16384, IP: "192.0.2.32"},
	{VMID: 103, Name: "k3s-agent-2", Node: "pve2", Status: "running", CPUs: 8, MemoryMB: 16384, IP: "192.0.2.33"},
	{VMID: 110, Name: "sandfly", Node: "pve2", Status: "running", CPUs: 4, MemoryMB: 4096, IP: "198.51.100.40"},
	{VMID: 111, Name: "grafana", Node: "pve2", Status: "running", CPUs: 2, MemoryMB: 2048, IP: "198.51.100.41"},
	{VMID: 120, Name: "windows-build", Node: "pve3", Status: "stopped", CPUs: 6, MemoryMB: 12288},
	{VMID: 121, Name: "backup", Node: "pve3", Status: "running", CPUs: 2, MemoryMB: 4096, IP: "203.0.113.90"},
}

var proxmoxNodes = []proxmoxNode{
	{Node: "pve1", Status: "online", CPUPercent: 34.2, MemoryPercent: 61.0},
	{Node: "pve2", Status: "online", CPUPercent: 18.7, MemoryPercent: 47.5},
	{Node: "pve3", Status: "online", CPUPercent: 3.1, MemoryPercent: 22.8},
}

type (
	listVMsInput struct {
		Node   string `json:"node,omitempty" jsonschema:"only VMs of this node"`
		Status string `json:"status,omitempty" jsonschema:"only VMs with this status: running or stopped"`
	}
	listVMsOutput struct {
		VMs   []proxmoxVM `json:"vms"`
		Total int         `json:"total"`
	}
	nodeStatusInput struct {
		Node string `json:"node,omitempty" jsonschema:"only this node; all nodes by default"`
	}
	nodeStatusOutput struct {
		Nodes []proxmoxNode `json:"nodes"`
	}
	startVMInput struct {
		VMID int `json:"vmid" jsonschema:"the number of the VM, such as 120"`
	}
)

// proxmox serves the tools of a virtualization cluster.
type proxmox struct {
	mu  sync.Mutex
	vms []proxmoxVM
}

func addProxmox(server *mcp.Server, _ clock.PassiveClock) {
	p := &proxmox{vms: slices.Clone(proxmoxVMs)}
	mcp.AddTool(server, &mcp.Tool{Name: "list_vms", Description: "List the virtual machines (VMs) of the Proxmox cluster, with node, status and size.", Annotations: hints("List VMs", true, true)}, p.listVMs)
	mcp.AddTool(server, &mcp.Tool{Name: "get_node_status", Description: "Get the status of the Proxmox nodes: CPU and memory use, and how many VMs each runs.", Annotations: hints("Node status", true, true)}, p.nodeStatus)
	mcp.AddTool(server, &mcp.Tool{Name: "start_vm", Description: "Start a Proxmox VM by its number. Starting one that runs changes nothing.", Annotations: hints("Start a VM", false, true)}, p.startVM)
}

func (p *proxmox) listVMs(_ context.Context, _ *mcp.CallToolRequest, in listVMsInput) (*mcp.CallToolResult, listVMsOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := listVMsOutput{VMs: []proxmoxVM{}}
	var lines strings.Builder
	for _, vm := range p.vms {
		if in.Node != "" && vm.Node != in.Node || in.Status != "" && vm.Status != in.Status {
			continue
		}
		out.VMs = append(out.VMs, vm)
		fmt.Fprintf(&lines, "\n%d  %s on %s  %s  %d CPUs, %d MB", vm.VMID, vm.Name, vm.Node, vm.Status, vm.CPUs, vm.MemoryMB)
	}
	out.Total = len(out.VMs)
	return text("%d VMs%s", out.Total, lines.String()), out, nil
}

func (p *proxmox) nodeStatus(_ context.Context, _ *mcp.CallToolRequest, in nodeStatusInput) (*mcp.CallToolResult, nodeStatusOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := nodeStatusOutput{Nodes: []proxmoxNode{}}
	var lines strings.Builder
	for _, node := range proxmoxNodes {
		if in.Node != "" && node.Node != in.Node {
			continue
		}
		for _, vm := range p.vms {
			if vm.Node == node.Node && vm.Status == "running" {
				node.VMs++
			}
		}
		out.Nodes = append(out.Nodes, node)
		fmt.Fprintf(&lines, "\n%s  %s  CPU %.1f%%  memory %.1f%%  %d VMs", node.Node, node.Status, node.CPUPercent, node.MemoryPercent, node.VMs)
	}
	if len(out.Nodes) == 0 {
		return nil, out, fmt.Errorf("there is no node %q", in.Node)
	}
	return text("%d nodes%s", len(out.Nodes), lines.String()), out, nil
}

func (p *proxmox) startVM(_ context.Context, _ *mcp.CallToolRequest, in startVMInput) (*mcp.CallToolResult, proxmoxVM, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.vms, func(vm proxmoxVM) bool { return vm.VMID == in.VMID })
	if i < 0 {
		return nil, proxmoxVM{}, fmt.Errorf("there is no VM %d", in.VMID)
	}
	p.vms[i].Status = "running"
	return text("VM %d (%s) runs", in.VMID, p.vms[i].Name), p.vms[i], nil
}
