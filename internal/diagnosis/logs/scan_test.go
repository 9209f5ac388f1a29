// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"fmt"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// summary is what matters of the matches: cause/detail, peer, how often, where last, and whether it is over.
func summary(matches []Match) string {
	var told []string
	for _, m := range matches {
		one := fmt.Sprintf("%s/%s %s x%d @%d", m.Cause, m.Detail, m.Peer, m.Count, m.Last)
		if m.Healed {
			one += " healed"
		}
		told = append(told, one)
	}
	return strings.Join(told, "; ")
}

func TestScan(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"repeated": {
			"2026-11-23T15:54:50Z dial tcp 10.0.0.1:5432: connect: connection refused\n2026-11-23T15:54:51Z dial tcp 10.0.0.1:5432: connect: connection refused\nbye",
			"DependencyUnavailable/Refused 10.0.0.1:5432 x2 @2",
		},
		"two peers": {
			"connect ECONNREFUSED 10.0.0.1:5432\nconnect ECONNREFUSED 10.0.0.2:6379\nconnect ECONNREFUSED 10.0.0.1:5432",
			"DependencyUnavailable/Refused 10.0.0.2:6379 x1 @2; DependencyUnavailable/Refused 10.0.0.1:5432 x2 @3",
		},
		"healed by name": {
			"redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.\nINFO connected to redis:6379",
			"DependencyUnavailable/Refused redis:6379 x1 @1 healed",
		},
		"healed by its name alone": {
			`Connection to db:5432 refused. Check that the hostname` + "\nINFO db is ready",
			"DependencyUnavailable/Refused db:5432 x1 @1 healed",
		},
		"healed, the only one": {
			"ERROR dial tcp 10.0.0.1:5432: connect: connection refused, retrying in 1s\nINFO database connection established after 2 attempts",
			"DependencyUnavailable/Refused 10.0.0.1:5432 x1 @1 healed",
		},
		"healed by a long name": {
			"getaddrinfo ENOTFOUND db\nconnected to db.prod.svc.cluster.local:5432",
			"DNSFailure/NotFound db x1 @1 healed",
		},
		"healed itself": {
			"[ERROR] Connection in use: ('0.0.0.0', 8000)\n[INFO] Retrying in 1 second.\n[INFO] Listening at: http://0.0.0.0:8000 (1)",
			"PortConflict/InUse  x1 @1 healed",
		},
		"broken again": {
			"connect ECONNREFUSED 10.0.0.1:5432\nconnected to 10.0.0.1:5432\nconnect ECONNREFUSED 10.0.0.1:5432",
			"DependencyUnavailable/Refused 10.0.0.1:5432 x2 @3",
		},
		"near miss, another is connected": {
			"connect ECONNREFUSED 10.0.0.1:5432\nconnected to 10.0.0.2:6379",
			"DependencyUnavailable/Refused 10.0.0.1:5432 x1 @1",
		},
		"near miss, one of two is connected": {
			"connect ECONNREFUSED 10.0.0.1:5432\nconnect ECONNREFUSED 10.0.0.2:6379\nconnection established",
			"DependencyUnavailable/Refused 10.0.0.1:5432 x1 @1; DependencyUnavailable/Refused 10.0.0.2:6379 x1 @2",
		},
		"near miss, not connected": {
			"connect ECONNREFUSED 10.0.0.1:5432\nnot connected to 10.0.0.1:5432\nwaiting until 10.0.0.1:5432 is ready\ndisconnected from 10.0.0.1:5432",
			"DependencyUnavailable/Refused 10.0.0.1:5432 x1 @1",
		},
		"near miss, it started": {
			"connect ECONNREFUSED 10.0.0.1:5432\nlistening on :3000",
			"DependencyUnavailable/Refused 10.0.0.1:5432 x1 @1",
		},
		"the deepest cause": {
			"org.springframework.beans.BeanCreationException: x\n\tat org.springframework.A.b(A.java:1)\nCaused by: java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms\n\tat com.zaxxer.A.b(A.java:2)\nCaused by: org.postgresql.util.PSQLException: FATAL: password authentication failed for user \"sandfly\"\n\tat org.postgresql.A.b(A.java:3)\n\t... 12 more\nbye",
			"CredentialsRejected/Password  x1 @5",
		},
		"the peer of the outer": {
			"org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname\n\tat org.postgresql.A.b(A.java:1)\nCaused by: java.net.ConnectException: Connection refused\n\tat java.net.A.b(A.java:2)",
			"DependencyUnavailable/Refused db:5432 x1 @3",
		},
		"a chain of Python": {
			"Traceback (most recent call last):\n  File \"/usr/lib/python3.12/socket.py\", line 1, in connect\n    x\nConnectionRefusedError: [Errno 111] Connection refused\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\n    y\nrequests.exceptions.ConnectionError: HTTPConnectionPool(host='api', port=8080): Max retries exceeded (Caused by X: [Errno 111] Connection refused')",
			"DependencyUnavailable/Refused api:8080 x1 @11",
		},
		"a stack in JSON": {
			`{"level":"error","message":"boot failed","stack":"Error: connect ECONNREFUSED 10.0.0.1:5432\n    at TCPConnectWrap.afterConnect (node:net:1607:16)"}`,
			"DependencyUnavailable/Refused 10.0.0.1:5432 x1 @1",
		},
		"a traceback in JSON": {
			`{"level":"error","message":"boot failed","exc_info":"Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in f\n    x\nredis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused."}`,
			"DependencyUnavailable/Refused redis:6379 x1 @1",
		},
		"lines in a JSON message": {
			`{"level":"error","message":"boot failed\nError: getaddrinfo ENOTFOUND db"}`,
			"DNSFailure/NotFound db x1 @1",
		},
		"kubectl's time before JSON": {
			`2026-11-23T15:54:50.123456789Z {"severity":"ERROR","message":"dial","error":"dial tcp 10.0.0.1:5432: connect: connection refused"}`,
			"DependencyUnavailable/Refused 10.0.0.1:5432 x1 @1",
		},
		"pino":  {`{"level":30,"msg":"too many connections to db:5432, but fine"}` + "\n" + `{"level":50,"msg":"too many connections to db:5432"}`, "ConnectionExhausted/Server db:5432 x1 @2"},
		"empty": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := summary(Scan(test.log)); got != test.want {
				t.Errorf("\n%s, want\n%s", got, test.want)
			}
		})
	}
}

func TestScanIsBounded(t *testing.T) {
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, "connect ECONNREFUSED 10.0.%d.%d:5432\n", i/250, i%250)
	}
	if got := Scan(many.String()); len(got) != maxMatches || got[maxMatches-1].Last != 5000 {
		t.Errorf("%d matches, the last at %d", len(got), got[len(got)-1].Last)
	}
	if got := Scan("connect ECONNREFUSED 10.0.0.1:5432\n" + strings.Repeat("x\n", maxLines)); len(got) != 0 {
		t.Errorf("a line of long ago: %+v", got)
	}
	began := worked(t)
	hard := strings.Repeat(strings.Repeat("connection refused dial tcp lookup timeout open: permission denied ", 60)+"\n", maxLines)
	Scan(hard)
	Traces(hard)
	if took := worked(t) - began; took > 30*time.Second { // what is not linear takes hours, and the race detector five seconds
		t.Errorf("%d bytes took %s", len(hard), took)
	} else {
		t.Logf("%d bytes took %s", len(hard), took)
	}
	long := strings.Repeat("x", maxLine) + " connect ECONNREFUSED 10.0.0.1:5432"
	if got := Scan(long); len(got) != 0 {
		t.Errorf("behind the bound of a line: %+v", got)
	}
}

// worked is the time that processors have worked for this process. A busy machine adds nothing to it.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{"", "connect ECONNREFUSED db:5432\nconnected to db:5432", `{"level":"error","msg":"x","stack":"a\nb"}`, "\tat a.b(C.java:1)\nCaused by: java.lang.X: y", "E1123 15:54:50.125412       1 main.go:40] \"x\" err=\"y\"", "2026-11-23 15:54:50,123 - a - ERROR - Connection refused", "\xff\xfe:80", "-- /* */ too many connections"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Scan(text)
		if again := Scan(text); !reflect.DeepEqual(got, again) {
			t.Errorf("twice gives %+v and %+v", got, again)
		}
		if len(got) > maxMatches {
			t.Errorf("%d matches", len(got))
		}
		for _, m := range got {
			if len(m.Line) > maxShown || len(m.Peer) > maxPart || len(m.What) > maxPart || m.Count < 1 || m.Last < 1 || m.Last > 1+strings.Count(text, "\n") || strings.Contains(m.Line, "\n") {
				t.Errorf("%+v", m)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	log := strings.Repeat("2026-11-23T15:54:50.123Z INFO request id=550e8400 method=tools/call took=12ms status=200\n2026-11-23 15:54:50.123 ERROR 1 --- [main] c.e.Pool : connection refused by db:5432\n", 100)
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		Scan(log)
	}
}
