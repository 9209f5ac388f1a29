// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
)

// Routes are the host's IPv4 routes but for the default one.
func Routes(ctx context.Context) ([]netip.Prefix, error) {
	output, err := exec.CommandContext(ctx, "ip", "-json", "-4", "route", "show", "table", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("listing routes: %w", err)
	}
	return parseRoutes(output)
}

// parseRoutes reads what ip -json route prints: destinations are "default", an
// address or a prefix.
func parseRoutes(output []byte) ([]netip.Prefix, error) {
	var listed []struct {
		Dst string `json:"dst"`
	}
	if err := json.Unmarshal(output, &listed); err != nil {
		return nil, fmt.Errorf("reading the routes: %w", err)
	}
	var routes []netip.Prefix
	for _, route := range listed {
		if route.Dst == "default" {
			continue
		}
		if address, err := netip.ParseAddr(route.Dst); err == nil {
			routes = append(routes, netip.PrefixFrom(address, address.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(route.Dst)
		if err != nil {
			return nil, fmt.Errorf("reading the route to %q: %w", route.Dst, err)
		}
		routes = append(routes, prefix)
	}
	return routes, nil
}

// Join makes the pair of interfaces, moves one end into the network namespace of the
// process pid, and routes the cluster's networks there.
func Join(ctx context.Context, plan Plan, pid int) error {
	node := plan.Node.Addr().String()
	return ip(ctx, [][]string{
		{"link", "add", HostInterface, "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(pid)},
		{"address", "add", plan.Host.String(), "dev", HostInterface},
		{"link", "set", HostInterface, "up"},
		{"route", "add", Services.String(), "via", node, "dev", HostInterface},
		{"route", "add", Pods.String(), "via", node, "dev", HostInterface},
	})
}

// Configure sets up the node's end, from within the node. It gets no default route:
// nobody would pass its packets on, so an address outside fails at once this way
// instead of after minutes. Services need a route nevertheless, for the kernel looks one
// up before kube-proxy's rules replace the address.
func Configure(ctx context.Context, plan Plan) error {
	return ip(ctx, [][]string{
		{"link", "set", "lo", "up"},
		{"address", "add", plan.Node.String(), "dev", "eth0"},
		{"link", "set", "eth0", "up"},
		{"route", "add", Services.String(), "via", plan.Host.Addr().String()},
	})
}

// Leave removes the pair, if it is there; its routes go with it.
func Leave(ctx context.Context) error {
	if !Joined() {
		return nil
	}
	err := ip(ctx, [][]string{{"link", "delete", HostInterface}})
	if !Joined() {
		return nil // the kernel, which ends the node's network, may have been faster
	}
	return err
}

// Joined tells whether the host's end exists.
func Joined() bool {
	_, err := net.InterfaceByName(HostInterface)
	return err == nil
}

func ip(ctx context.Context, commands [][]string) error {
	for _, args := range commands {
		output, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("running ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(output)))
		}
	}
	return nil
}
