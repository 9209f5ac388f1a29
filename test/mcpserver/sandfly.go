// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"k8s.io/utils/clock"
)

type sandflyHost struct {
	ID       string    `json:"id"`
	Hostname string    `json:"hostname"`
	IP       string    `json:"ip"`
	OS       string    `json:"os"`
	Status   string    `json:"status" jsonschema:"online, offline or unreachable"`
	LastSeen time.Time `json:"last_seen"`
	silent   time.Duration
}

type sandflyAlert struct {
	ID       string    `json:"id"`
	Severity string    `json:"severity" jsonschema:"critical, high, medium or low"`
	HostID   string    `json:"host_id"`
	Hostname string    `json:"hostname"`
	Check    string    `json:"check"`
	Message  string    `json:"message"`
	Seen     time.Time `json:"seen"`
	age      time.Duration
}

// Addresses are of the ranges that RFC 5737 keeps for documentation.
var sandflyHosts = []sandflyHost{
	{ID: "hst-1001", Hostname: "web-01", IP: "192.0.2.11", OS: "Ubuntu 24.04", Status: "online", silent: 42 * time.Second},
	{ID: "hst-1002", Hostname: "web-02", IP: "192.0.2.12", OS: "Ubuntu 24.04", Status: "online", silent: 51 * time.Second},
	{ID: "hst-1003", Hostname: "api-01", IP: "192.0.2.21", OS: "Debian 12", Status: "online", silent: 18 * time.Second},
	{ID: "hst-1004", Hostname: "api-02", IP: "192.0.2.22", OS: "Debian 12", Status: "online", silent: 33 * time.Second},
	{ID: "hst-1005", Hostname: "db-01", IP: "198.51.100.5", OS: "Rocky Linux 9.5", Status: "online", silent: 27 * time.Second},
	{ID: "hst-1006", Hostname: "db-02", IP: "198.51.100.6", OS: "Rocky Linux 9.5", Status: "offline", silent: 3 * time.Hour},
	{ID: "hst-1007", Hostname: "cache-01", IP: "198.51.100.17", OS: "Alpine 3.21", Status: "online", silent: 9 * time.Second},
	{ID: "hst-1008", Hostname: "mail-01", IP: "203.0.113.25", OS: "Debian 12", Status: "online", silent: 64 * time.Second},
	{ID: "hst-1009", Hostname: "vpn-01", IP: "203.0.113.44", OS: "Debian 11", Status: "online", silent: 12 * time.Second},
	{ID: "hst-1010", Hostname: "ci-01", IP: "198.51.100.80", OS: "Fedora 43", Status: "online", silent: 5 * time.Second},
	{ID: "hst-1011", Hostname: "backup-01", IP: "198.51.100.90", OS: "Debian 12", Status: "unreachable", silent: 26 * time.Hour},
	{ID: "hst-1012", Hostname: "bastion", IP: "203.0.113.2", OS: "Ubuntu 22.04", Status: "online", silent: 21 * time.Second},
}

var sandflyAlerts = []sandflyAlert{
	{ID: "alr-501", Severity: "critical", HostID: "hst-1009", Check: "process_running_from_tmp", Message: "process kworkerds runs from /dev/shm/.x with a deleted binary", age: 14 * time.Minute},
	{ID: "alr-502", Severity: "high", HostID: "hst-1012", Check: "ssh_authorized_keys_changed", Message: "new key in /root/.ssh/authorized_keys", age: 2 * time.Hour},
	{ID: "alr-503", Severity: "high", HostID: "hst-1001", Check: "suid_binary_new", Message: "new SUID binary /usr/local/bin/netd", age: 5 * time.Hour},
	{ID: "alr-504", Severity: "medium", HostID: "hst-1010", Check: "cron_entry_new", Message: "new entry in /etc/cron.d by user ci", age: 9 * time.Hour},
	{ID: "alr-505", Severity: "low", HostID: "hst-1008", Check: "log_file_truncated", Message: "/var/log/mail.log is shorter than before", age: 31 * time.Hour},
}

type (
	listHostsInput struct {
		Status string `json:"status,omitempty" jsonschema:"only hosts with this status: online, offline or unreachable"`
	}
	listHostsOutput struct {
		Hosts []sandflyHost `json:"hosts"`
		Total int           `json:"total"`
	}
	getAlertsInput struct {
		Severity string `json:"severity,omitempty" jsonschema:"only alerts of this severity: critical, high, medium or low"`
		HostID   string `json:"host_id,omitempty" jsonschema:"only alerts of this host"`
	}
	getAlertsOutput struct {
		Alerts []sandflyAlert `json:"alerts"`
		Total  int            `json:"total"`
	}
	getHostInput struct {
		ID string `json:"id" jsonschema:"the host's id, such as hst-1001"`
	}
	startScanInput struct {
		HostID string `json:"host_id" jsonschema:"the id of the host to scan"`
	}
	startScanOutput struct {
		ScanID  string    `json:"scan_id"`
		HostID  string    `json:"host_id"`
		Started time.Time `json:"started"`
	}
)

// sandfly serves the tools of an agentless intrusion detection product.
type sandfly struct {
	clock clock.PassiveClock
	scans atomic.Int64
}

func addSandfly(server *mcp.Server, clock clock.PassiveClock) {
	s := &sandfly{clock: clock}
	mcp.AddTool(server, &mcp.Tool{Name: "list_hosts", Description: "List sandfly hosts: every host under watch, with its address, operating system and when it was last seen.", Annotations: hints("List hosts", true, true)}, s.listHosts)
	mcp.AddTool(server, &mcp.Tool{Name: "get_alerts", Description: "Get the security alerts that sandfly has raised, the most severe first.", Annotations: hints("Security alerts", true, true)}, s.getAlerts)
	mcp.AddTool(server, &mcp.Tool{Name: "get_host", Description: "Get the details of one sandfly host by its id.", Annotations: hints("Host details", true, true)}, s.getHost)
	mcp.AddTool(server, &mcp.Tool{Name: "start_scan", Description: "Start a sandfly scan of one host. Every call starts another scan.", Annotations: hints("Start a scan", false, false)}, s.startScan)
}

func (s *sandfly) host(id string) (sandflyHost, bool) {
	i := slices.IndexFunc(sandflyHosts, func(h sandflyHost) bool { return h.ID == id })
	if i < 0 {
		return sandflyHost{}, false
	}
	host := sandflyHosts[i]
	host.LastSeen = ago(s.clock, host.silent)
	return host, true
}

func (s *sandfly) listHosts(_ context.Context, _ *mcp.CallToolRequest, in listHostsInput) (*mcp.CallToolResult, listHostsOutput, error) {
	out := listHostsOutput{Hosts: []sandflyHost{}}
	var lines strings.Builder
	for _, listed := range sandflyHosts {
		if in.Status != "" && listed.Status != in.Status {
			continue
		}
		host, _ := s.host(listed.ID)
		out.Hosts = append(out.Hosts, host)
		fmt.Fprintf(&lines, "\n%s  %s  %s  %s  %s, last seen %s ago", host.ID, host.Hostname, host.IP, host.OS, host.Status, host.silent)
	}
	out.Total = len(out.Hosts)
	return text("%d hosts%s", out.Total, lines.String()), out, nil
}

func (s *sandfly) getAlerts(_ context.Context, _ *mcp.CallToolRequest, in getAlertsInput) (*mcp.CallToolResult, getAlertsOutput, error) {
	out := getAlertsOutput{Alerts: []sandflyAlert{}}
	var lines strings.Builder
	for _, alert := range sandflyAlerts {
		if in.Severity != "" && alert.Severity != in.Severity || in.HostID != "" && alert.HostID != in.HostID {
			continue
		}
		host, _ := s.host(alert.HostID)
		alert.Hostname, alert.Seen = host.Hostname, ago(s.clock, alert.age)
		out.Alerts = append(out.Alerts, alert)
		fmt.Fprintf(&lines, "\n%s  %-8s  %s: %s (%s ago)", alert.ID, alert.Severity, alert.Hostname, alert.Message, alert.age)
	}
	out.Total = len(out.Alerts)
	return text("%d security alerts%s", out.Total, lines.String()), out, nil
}

func (s *sandfly) getHost(_ context.Context, _ *mcp.CallToolRequest, in getHostInput) (*mcp.CallToolResult, sandflyHost, error) {
	host, ok := s.host(in.ID)
	if !ok {
		return nil, sandflyHost{}, fmt.Errorf("there is no host %q", in.ID)
	}
	return text("%s (%s): %s, %s, %s, last seen %s ago", host.Hostname, host.ID, host.OS, host.IP, host.Status, host.silent), host, nil
}

func (s *sandfly) startScan(_ context.Context, _ *mcp.CallToolRequest, in startScanInput) (*mcp.CallToolResult, startScanOutput, error) {
	host, ok := s.host(in.HostID)
	if !ok {
		return nil, startScanOutput{}, fmt.Errorf("there is no host %q", in.HostID)
	}
	out := startScanOutput{ScanID: fmt.Sprintf("scn-%04d", s.scans.Add(1)), HostID: host.ID, Started: ago(s.clock, 0)}
	return text("scan %s of %s started", out.ScanID, host.Hostname), out, nil
}
