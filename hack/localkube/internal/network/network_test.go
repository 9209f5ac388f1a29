// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package network

import (
	"net/netip"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for name, test := range map[string]struct {
		routes []string
		host   string
		fails  string
	}{
		"nothing taken":           {nil, "100.64.127.1/30", ""},
		"the first network taken": {[]string{"192.0.2.0/24", "100.64.127.0/24"}, "100.64.126.1/30", ""},
		"a single address taken":  {[]string{"100.64.127.2/32"}, "100.64.126.1/30", ""},
		"shared space taken":      {[]string{"100.64.0.0/10"}, "172.31.255.1/30", ""},
		"all taken":               {[]string{"100.64.0.0/10", "172.16.0.0/12"}, "", "routes to all"},
		"services taken":          {[]string{"10.96.0.0/12"}, "", "another cluster"},
		"a pod taken":             {[]string{"10.244.3.4/32"}, "", "another cluster"},
		"all of 10 taken":         {[]string{"10.0.0.0/8"}, "", "another cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			var routes []netip.Prefix
			for _, route := range test.routes {
				routes = append(routes, netip.MustParsePrefix(route))
			}
			plan, err := Choose(routes)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("got %v, want an error with %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if plan.Host.String() != test.host {
				t.Errorf("host %s, want %s", plan.Host, test.host)
			}
			if plan.Node.Addr() != plan.Host.Addr().Next() || !plan.Node.Contains(plan.Host.Addr()) {
				t.Errorf("node %s is no neighbour of %s", plan.Node, plan.Host)
			}
		})
	}
}

func TestParseRoutes(t *testing.T) {
	const output = `[{"dst":"default","gateway":"192.0.2.1"},{"dst":"192.0.2.0/24","dev":"eth0"},` +
		`{"type":"local","dst":"127.0.0.1","dev":"lo"}]`
	routes, err := parseRoutes([]byte(output))
	if err != nil {
		t.Fatal(err)
	}
	if len(routes) != 2 || routes[0].String() != "192.0.2.0/24" || routes[1].String() != "127.0.0.1/32" {
		t.Errorf("got %v", routes)
	}
	for _, broken := range []string{"", "{}", `[{"dst":"everywhere"}]`} {
		if _, err := parseRoutes([]byte(broken)); err == nil {
			t.Errorf("%q: want an error", broken)
		}
	}
}
