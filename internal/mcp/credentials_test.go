// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
)

var sandfly = types.NamespacedName{Namespace: "cortex-system", Name: "sandfly-mcp-server"}

const secret = "canary-4d1f6c"

// mounted writes files as the kubelet mounts them.
func mounted(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// sent gives the headers that a server sees of a request with these ones.
func sent(t *testing.T, c *mcp.Credentials, server types.NamespacedName, header http.Header) (http.Header, error) {
	t.Helper()
	var seen http.Header
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }))
	defer backend.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, backend.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	before := header.Clone()
	response, err := c.RoundTripper(server, http.DefaultTransport).RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if len(header) != len(before) {
		t.Errorf("the caller's request was changed: %v", header)
	}
	return seen, err
}

// TestEachServerGetsItsOwn: and nobody another's, nor a caller's.
func TestEachServerGetsItsOwn(t *testing.T) {
	folder := mounted(t, map[string]string{
		"cortex-system/sandfly-mcp-server/token":   secret + "\n",
		"cortex-system/sandfly-mcp-server/headers": "X-Api-Key: key-1\nx-tenant:  blue \n\n",
		"cortex-system/proxmox-mcp-server/token":   "other",
		"token":                                    "of nobody",
	})
	c := mcp.NewCredentials(folder, testclock.NewFakePassiveClock(time.Now()))
	for name, tc := range map[string]struct {
		server types.NamespacedName
		want   map[string]string
	}{
		"a token and headers":    {sandfly, map[string]string{"Authorization": "Bearer " + secret, "X-Api-Key": "key-1", "X-Tenant": "blue"}},
		"another's":              {types.NamespacedName{Namespace: "cortex-system", Name: "proxmox-mcp-server"}, map[string]string{"Authorization": "Bearer other"}},
		"none":                   {types.NamespacedName{Namespace: "default", Name: "sandfly-mcp-server"}, nil},
		"the folder itself":      {types.NamespacedName{Namespace: ".", Name: "."}, nil},
		"out of the folder":      {types.NamespacedName{Namespace: "..", Name: filepath.Base(folder)}, nil},
		"a path in place of one": {types.NamespacedName{Namespace: "cortex-system/sandfly-mcp-server", Name: "."}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen, err := sent(t, c, tc.server, http.Header{"Authorization": {"Bearer of-the-caller"}, "Cookie": {"a=b"}, "Proxy-Authorization": {"Basic x"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, header := range []string{"Authorization", "X-Api-Key", "X-Tenant", "Cookie", "Proxy-Authorization"} {
				if got := seen.Get(header); got != tc.want[header] {
					t.Errorf("%s: %q, want %q", header, got, tc.want[header])
				}
			}
		})
	}
}

func TestNoCredentialsAtAll(t *testing.T) {
	var none *mcp.Credentials
	for _, c := range []*mcp.Credentials{none, mcp.NewCredentials("", testclock.NewFakePassiveClock(time.Now()))} {
		if seen, err := sent(t, c, sandfly, http.Header{"Authorization": {"Bearer of-the-caller"}}); err != nil || seen.Get("Authorization") != "" {
			t.Errorf("%v, %v", seen, err)
		}
	}
}

// TestNewSecretsAreTaken: as soon as the kubelet has brought them, and one that is taken away is not used on.
func TestNewSecretsAreTaken(t *testing.T) {
	folder := mounted(t, map[string]string{"cortex-system/sandfly-mcp-server/token": "first"})
	file, now := filepath.Join(folder, "cortex-system/sandfly-mcp-server/token"), testclock.NewFakePassiveClock(time.Now())
	c := mcp.NewCredentials(folder, now)
	expect := func(want string) {
		t.Helper()
		if seen, err := sent(t, c, sandfly, http.Header{}); err != nil || seen.Get("Authorization") != want {
			t.Errorf("%v, %v; want %q", seen, err, want)
		}
	}
	expect("Bearer first")
	if err := os.WriteFile(file, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	now.SetTime(now.Now().Add(time.Minute))
	expect("Bearer second")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	now.SetTime(now.Now().Add(time.Minute))
	expect("")
}

// TestWhatIsNoCredentialIsTold: by the name of its file; what is in it stays there, and the call is not made without.
func TestWhatIsNoCredentialIsTold(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"a header without a value": {"headers": secret},
		"a header of another kind": {"headers": "Host: " + secret},
		"the session's":            {"headers": "Mcp-Session-Id: " + secret},
		"a name with a space":      {"headers": "X Key: " + secret},
		"a control character":      {"headers": "X-Key: " + secret + "\x01"},
		"a token of two lines":     {"token": secret + "\nX-Other: 1"},
		"too long":                 {"token": strings.Repeat(secret, 4000)},
		"a folder":                 {"token/nested": secret},
	} {
		t.Run(name, func(t *testing.T) {
			at := map[string]string{}
			for file, text := range files {
				at["cortex-system/sandfly-mcp-server/"+file] = text
			}
			folder := mounted(t, at)
			seen, err := sent(t, mcp.NewCredentials(folder, testclock.NewFakePassiveClock(time.Now())), sandfly, http.Header{})
			var told *mcp.CredentialError
			if !errors.As(err, &told) || seen != nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), folder) {
				t.Errorf("%v, %v", seen, err)
			}
		})
	}
}

// TestSessionsCarryCredentials: the whole way, and a heal is not what a broken file needs.
func TestSessionsCarryCredentials(t *testing.T) {
	backend := mcptest.Start(t, "sandfly-mcp-server")
	backend.Break(func(w http.ResponseWriter, r *http.Request, _ string, _ http.HandlerFunc) bool {
		if r.Header.Get("Authorization") == "Bearer "+secret {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	folder, now := mounted(t, map[string]string{"cortex-system/sandfly-mcp-server/token": secret}), testclock.NewFakePassiveClock(time.Now())
	r := registry(t, mcp.Options{Credentials: mcp.NewCredentials(folder, now)}, backend.Service())
	server := r.Servers()[0]
	tool := named(t, server, "list_hosts")
	if _, err := server.Call(t.Context(), tool, nil); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(filepath.Join(folder, "cortex-system/sandfly-mcp-server/token"), []byte("a\nb"), 0o600); err != nil {
		t.Fatal(err)
	}
	now.SetTime(now.Now().Add(time.Minute))
	_, err := server.Call(t.Context(), tool, nil)
	if got, sent := class(t, err); got != v1alpha1.ErrorToolError || sent || mcp.Heals(got) {
		t.Errorf("class %s, sent %t: %v", got, sent, err)
	}
	if !strings.Contains(err.Error(), "sandfly-mcp-server/token is no token") {
		t.Error(err)
	}
}
