// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package network joins the host and the node: a pair of virtual interfaces and the
// routes to the cluster's addresses.
package network

import (
	"errors"
	"fmt"
	"net/netip"
)

// The cluster's own networks, with kubeadm's and minikube's usual values.
var (
	Services = netip.MustParsePrefix("10.96.0.0/16")
	Pods     = netip.MustParsePrefix("10.244.0.0/16")
	// NodePods is the share of Pods that the controller manager gives to the first
	// and only node.
	NodePods = netip.MustParsePrefix("10.244.0.0/24")
)

// Addresses with a fixed place among the services: the API server takes the first one
// itself.
var (
	APIService = netip.MustParseAddr("10.96.0.1")
	DNSService = netip.MustParseAddr("10.96.0.10")
)

// HostInterface is the host's end of the pair. The node's end becomes its eth0.
const HostInterface = "cortexlk0"

// Plan is the addresses of both ends.
type Plan struct {
	Host netip.Prefix
	Node netip.Prefix
}

// links are the networks that may join host and node: of the shared address space
// (RFC 6598) and of 172.16.0.0/12, where few tools look for theirs.
func links() []netip.Prefix {
	var found []netip.Prefix
	for third := range 64 {
		found = append(found, netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, byte(127 - third), 0}), 30))
	}
	for third := range 64 {
		found = append(found, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31, byte(255 - third), 0}), 30))
	}
	return found
}

// Choose finds addresses that no route of the host leads to elsewhere.
func Choose(routes []netip.Prefix) (Plan, error) {
	for _, taken := range routes {
		for _, ours := range []netip.Prefix{Services, Pods} {
			if taken.Overlaps(ours) {
				return Plan{}, fmt.Errorf("choosing addresses: this host has a route to %s already, which the cluster needs (%s); is there another cluster?", taken, ours)
			}
		}
	}
	for _, link := range links() {
		if !overlapsAny(link, routes) {
			host := link.Addr().Next()
			return Plan{
				Host: netip.PrefixFrom(host, link.Bits()),
				Node: netip.PrefixFrom(host.Next(), link.Bits()),
			}, nil
		}
	}
	return Plan{}, errors.New("choosing addresses: the host has routes to all of 100.64.64.0/18 and 172.31.192.0/18")
}

func overlapsAny(prefix netip.Prefix, others []netip.Prefix) bool {
	for _, other := range others {
		if prefix.Overlaps(other) {
			return true
		}
	}
	return false
}
