// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestListeners(t *testing.T) {
	for log, want := range map[string][]string{
		"listening on :3000":                                          {":3000"},
		"server listening at 0.0.0.0:9555":                            {"0.0.0.0:9555"},
		"2026/11/23 14:04:20 main.go:12: Listening on [::]:8080":      {"[::]:8080"},
		"INFO:     Uvicorn running on http://127.0.0.1:8000 (CTRL+C)": {"127.0.0.1:8000"},
		"Tomcat started on port 8080 (http) with context path '/'":    {":8080"},
		"Tomcat started on port(s): 8081 (http)":                      {":8081"},
		`{"level":"info","msg":"listening","addr":":3000"}`:           {":3000"},
		`level=info msg="starting server" port=9090`:                  {":9090"},
		`{"msg":"server started","port":4000}`:                        {":4000"},
		"Server listening on http://localhost:3000":                   {"localhost:3000"},
		"* Ready to accept connections tcp port=6379":                 {":6379"},
		"listening on :3000\nlistening on :3000":                      {":3000"},
		"listen tcp :3000: bind: address already in use":              nil,
		"connecting to server redis:6379":                             nil,
		"failed to start server on :3000":                             nil,
		"started at 14:04":                                            nil,
		"started at 14:30":                                            nil,
		"started at 14:04:20 by main.go:312":                          nil,
		"GET http://10.0.0.1:80/":                                     nil,
		"server version 1.2:34567890":                                 nil,
		"listening on 10.0.0.1:99999":                                 nil,
		"nothing":                                                     nil,
		"":                                                            nil,
	} {
		var got []string
		for _, l := range listeners(log) {
			got = append(got, fmt.Sprintf("%s:%d", l.host, l.port))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", log, diff)
		}
	}
}

func FuzzListeners(f *testing.F) {
	for _, log := range []string{"listening on :3000", "server at [::1]:80.5", "started port(s): 8081", "listening:", "serving port=\n:99", "ready 127.0.0.1:70000"} {
		f.Add(log)
	}
	f.Fuzz(func(t *testing.T, log string) {
		for _, l := range listeners(log) {
			if l.port <= 0 || l.port > 65535 || !strings.Contains(log, l.line) {
				t.Errorf("%+v of %q", l, log)
			}
		}
	})
}
