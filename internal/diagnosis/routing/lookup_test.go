// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"strings"
	"testing"
)

// TestUnresolvedHost has the complaints of resolvers as their programs write them.
func TestUnresolvedHost(t *testing.T) {
	for line, want := range map[string]string{
		`dial tcp: lookup vault on 10.96.0.10:53: no such host`:                                                            "vault",
		`dial tcp: lookup vault.cortex-system.svc: no such host`:                                                           "vault.cortex-system.svc",
		`lookup vault on 10.96.0.10:53: read udp 10.244.0.9:4123->10.96.0.10:53: i/o timeout`:                              "vault",
		`Error: getaddrinfo ENOTFOUND vault`:                                                                               "vault",
		`Error: getaddrinfo EAI_AGAIN vault:3000`:                                                                          "vault",
		`curl: (6) Could not resolve host: vault`:                                                                          "vault",
		`java.net.UnknownHostException: vault: Name or service not known`:                                                  "vault",
		`java.net.UnknownHostException: Failed to resolve 'vault' [A(1)] after 2 queries`:                                  "vault",
		`java.net.UnknownHostException: failed to resolve 'vault' after 4 queries`:                                         "vault",
		`could not translate host name "vault-db" to address: Temporary failure in name resolution`:                        "vault-db",
		`HTTPConnectionPool(host='vault', port=80): Max retries exceeded (Caused by [Errno -2] Name or service not known)`: "vault",
		`NameResolutionError: Failed to resolve 'vault' ([Errno -3] Temporary failure in name resolution)`:                 "vault",
		`[emerg] 1#1: host not found in upstream "vault:3000" in /etc/nginx/conf.d/default.conf:5`:                         "vault",
		`2026/11/23 14:00:00 [error] 7#7: *1 vault could not be resolved (3: Host not found), client: 10.0.0.1`:            "vault",
		`wget: bad address 'vault:3000'`:                                                                                   "vault",
		`nslookup: can't resolve 'vault'`:                                                                                  "vault",
		`connect to vault:3000 refused`:                                                                                    "",
		`lookup of the key failed: no such host key`:                                                                       "",
		`dial tcp: lookup 10.0.0.1: no such host`:                                                                          "",
		`everything is well`: "",
	} {
		if got := unresolvedHost(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func FuzzUnresolvedHost(f *testing.F) {
	for _, seed := range []string{"lookup a on b:53: no such host", "getaddrinfo ENOTFOUND a", "Could not resolve host: a", `host not found in upstream "a"`, "UnknownHostException: a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if host := unresolvedHost(line); host != "" && (!isHost(host) || !strings.Contains(line, host)) {
			t.Errorf("%q: %q", line, host)
		}
	})
}
