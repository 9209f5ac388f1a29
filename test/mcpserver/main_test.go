// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ry-ops/cortex/test/steady"
)

func TestParse(t *testing.T) {
	environment := map[string]string{"MCP_PROFILE": "proxmox", "MCP_FAULT": "hang"}
	o, err := parse(nil, func(key string) string { return environment[key] }, io.Discard)
	if err != nil || o.profile != "proxmox" || o.fault.Mode != modeHang || o.addr != ":3000" {
		t.Errorf("from the environment: %+v, %v", o, err)
	}
	none := func(string) string { return "" }
	o, err = parse([]string{"--profile", "sandfly", "--fault", "slow-start", "--delay", "3s", "--stateless"}, none, io.Discard)
	if err != nil || o.profile != "sandfly" || o.fault != (fault{Mode: modeSlowStart, Delay: 3 * time.Second, Code: defaultCode}) || !o.stateless {
		t.Errorf("from flags: %+v, %v", o, err)
	}
	if _, err := parse([]string{"--registry", "127.0.0.1:5000"}, none, io.Discard); err != nil {
		t.Errorf("a registry needs no profile: %v", err)
	}
	if _, err := parse([]string{"--help"}, none, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help gives %v", err)
	}
	for _, args := range [][]string{nil, {"--profile", "x"}, {"--profile", "sandfly", "--fault", "x"}, {"--delay", "x"}} {
		if _, err := parse(args, none, io.Discard); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	return http.DefaultClient.Do(request)
}

func waitUntilUp(t *testing.T, addr string) {
	t.Helper()
	within(t, "the server to listen", func(ctx context.Context) {
		for ctx.Err() == nil {
			response, err := get(ctx, "http://"+addr+"/health")
			if err == nil {
				response.Body.Close()
				return
			}
			<-time.After(time.Millisecond)
		}
	})
}

// TestShutdown: SIGTERM ends an idle server at once, and one in which a call hangs after a second.
func TestShutdown(t *testing.T) {
	for _, mode := range []mode{modeNone, modeHang} {
		t.Run(string(mode), func(t *testing.T) {
			faults := newFaults(quiet, t.TempDir())
			faults.apply(fault{Mode: mode})
			arrived := make(chan struct{})
			answer := faults.broken(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			addr := steady.Port(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- serve(ctx, quiet, addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/mcp" {
						close(arrived)
						answer.ServeHTTP(w, r)
					}
				}), nil)
			}()
			waitUntilUp(t, addr)
			go func() {
				if response, err := get(context.Background(), "http://"+addr+"/mcp"); err == nil {
					response.Body.Close()
				}
			}()
			<-arrived
			begun := time.Now()
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("ended with %v", err)
			}
			if took := time.Since(begun); mode == modeHang && took < shutdownGrace {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestCrashEndsTheProcess goes the whole way from the request to the error that main exits with.
func TestCrashEndsTheProcess(t *testing.T) {
	addr := steady.Port(t)
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), quiet, options{addr: addr, profile: "sandfly", scratch: t.TempDir(), fault: fault{Mode: modeNone}})
	}()
	waitUntilUp(t, addr)
	response, err := http.Post("http://"+addr+"/fault?mode=crash", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	within(t, "the crash", func(context.Context) {
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "is corrupt") {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := run(t.Context(), quiet, options{addr: taken.Addr().String(), profile: "sandfly", scratch: t.TempDir(), fault: fault{Mode: modeNone}}); err == nil {
		t.Error("two servers on one address")
	}
}

func TestRegistry(t *testing.T) {
	server := httptest.NewServer(newRegistry())
	t.Cleanup(server.Close)
	cases := map[string]struct {
		status    int
		says      string
		challenge bool
	}{
		"/v2/":                            {http.StatusOK, "", false},
		"/v2/missing/manifests/v1":        {http.StatusNotFound, `"NAME_UNKNOWN"`, false},
		"/v2/a/b/manifests/latest":        {http.StatusNotFound, `"NAME_UNKNOWN"`, false},
		"/v2/private/app/manifests/v1":    {http.StatusUnauthorized, `"UNAUTHORIZED"`, true},
		"/v2/private/a/b/blobs/sha256:00": {http.StatusUnauthorized, `"UNAUTHORIZED"`, true},
	}
	for path, c := range cases {
		t.Run(path, func(t *testing.T) {
			response, err := get(t.Context(), server.URL+path)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != c.status || !strings.Contains(string(body), c.says) {
				t.Errorf("%d %s", response.StatusCode, body)
			}
			if got := strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Basic "); got != c.challenge {
				t.Errorf("challenge is %t, want %t", got, c.challenge)
			}
		})
	}
}
