// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigRoutes(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string // "path address"
	}{
		"nginx": {"location /sandfly/ {\n  proxy_pass http://sandfly:3000/;\n}\nlocation / {\n  proxy_pass http://$backend;\n}\n", []string{"/sandfly/ sandfly:3000"}},
		"nginx, a group": {"upstream mcp {\n  server sandfly:3000 weight=2;\n  server 10.0.0.1:3000;\n}\nserver {\n  listen 80;\n  location / { proxy_pass http://mcp; }\n}\n",
			[]string{" sandfly:3000"}},
		"nginx, fastcgi":           {"location ~ \\.php$ {\n  fastcgi_pass sandfly:9000;\n}\n", []string{" sandfly:9000"}},
		"haproxy":                  {"backend mcp\n  server one sandfly:3000 check\n", []string{" sandfly:3000"}},
		"caddy":                    {"handle /sandfly/* {\n  reverse_proxy sandfly:3000\n}\n", []string{"/sandfly/* sandfly:3000"}},
		"envoy":                    {"socket_address:\n  address: sandfly\n  port_value: 3000\n", []string{" sandfly:3000"}},
		"envoy in JSON":            {`{"socket_address": {"address": "sandfly", "port_value": 3000}}`, []string{" sandfly:3000"}},
		"envoy listens":            {"socket_address: { address: 0.0.0.0, port_value: 8080 }\n", nil},
		"spring":                   {"- id: a\n  uri: http://sandfly:3000\n  predicates:\n  - Path=/sandfly/**\n- id: b\n  uri: http://vault:3000\n  predicates:\n  - Path=/vault/**\n", []string{"/sandfly/** sandfly:3000", "/vault/** vault:3000"}},
		"spring, by a registry":    {"  uri: lb://sandfly\n", nil},
		"traefik":                  {"rule: PathPrefix(`/sandfly`)\nservers:\n- url: \"http://sandfly:3000\"\n", []string{" sandfly:3000"}},
		"comments":                 {"# proxy_pass http://old:3000;\n// http://older:3000\n", nil},
		"nothing":                  {"", nil},
		"an address of the pod":    {"proxy_pass http://127.0.0.1:3000;\n", nil},
		"a documentation, a value": {"see https://example.com/x for more", []string{" example.com:443"}},
	}
	for name, test := range tests {
		var got []string
		for _, r := range configRoutes(test.text) {
			got = append(got, r.Path+" "+r.address.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzConfigRoutes(f *testing.F) {
	for _, seed := range []string{"location /a { proxy_pass http://a:1; }", "address: a\nport_value: 1", "uri: http://a:1\nPath=/x", "server a a:1", "upstream a {\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range configRoutes(text) {
			if !isHost(r.Host) || !strings.Contains(text, r.Host) {
				t.Errorf("%q: %+v", text, r)
			}
		}
	})
}
