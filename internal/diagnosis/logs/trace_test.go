// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"reflect"
	"strings"
	"testing"
)

func TestReason(t *testing.T) {
	for name, test := range map[string]struct {
		log  string
		want Trace
	}{
		"Go": {
			"starting\npanic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a1b2c]\n\ngoroutine 1 [running]:\nruntime.panicmem(...)\n\t/usr/local/go/src/runtime/panic.go:262\ngithub.com/lib/pq.(*conn).open(0x0)\n\t/go/pkg/mod/github.com/lib/pq@v1.10.9/conn.go:12 +0x1d\nmain.(*store).load(0xc000012345, {0x1, 0x2})\n\t/src/store.go:42 +0x1d\nmain.main()\n\t/src/main.go:12 +0x1d\nexit status 2",
			Trace{Kind: "Go", First: 2, Last: 14, Line: "panic: runtime error: invalid memory address or nil pointer dereference", Exception: "panic", Frame: "/src/store.go:42"},
		},
		"Go with kubectl's time": {
			"2026-11-23T15:54:50.1Z panic: boom\n2026-11-23T15:54:50.1Z \n2026-11-23T15:54:50.1Z goroutine 1 [running]:\n2026-11-23T15:54:50.1Z main.main()\n2026-11-23T15:54:50.1Z \t/src/main.go:12 +0x1d",
			Trace{Kind: "Go", First: 1, Last: 5, Line: "panic: boom", Exception: "panic", Frame: "/src/main.go:12"},
		},
		"Java": {
			"2026-11-23 15:54:50.123 ERROR 1 --- [main] o.s.boot.SpringApplication : Application run failed\n\norg.springframework.beans.factory.BeanCreationException: Error creating bean\n\tat org.springframework.A.b(A.java:1) ~[spring.jar:6.1]\n\tat com.example.App.main(App.java:12)\nCaused by: java.lang.IllegalStateException: no config\n\tat java.base/java.util.Objects.requireNonNull(Objects.java:1)\n\tat com.example.config.Loader.load(Loader.java:42)\n\tat com.example.App.start(App.java:30)\n\t... 12 more\n",
			Trace{Kind: "Java", First: 3, Last: 10, Line: "java.lang.IllegalStateException: no config", Exception: "java.lang.IllegalStateException", Frame: "com.example.config.Loader.load(Loader.java:42)"},
		},
		"Java thread": {
			"Exception in thread \"main\" java.lang.NoClassDefFoundError: a/B\n\tat a.C.main(C.java:3)",
			Trace{Kind: "Java", First: 1, Last: 2, Line: `Exception in thread "main" java.lang.NoClassDefFoundError: a/B`, Exception: "java.lang.NoClassDefFoundError", Frame: "a.C.main(C.java:3)"},
		},
		"Java without its own code": {
			"java.net.ConnectException: Connection refused\n\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)\n\tat org.apache.A.b(A.java:1)",
			Trace{Kind: "Java", First: 1, Last: 3, Line: "java.net.ConnectException: Connection refused", Exception: "java.net.ConnectException", Frame: "sun.nio.ch.Net.pollConnect(Native Method)"},
		},
		"Python": {
			"Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    serve()\n  File \"/app/server.py\", line 40, in serve\n    connect()\n    ~~~~~~~^^\n  File \"/usr/local/lib/python3.12/site-packages/psycopg/connection.py\", line 97, in connect\n    raise ex\npsycopg.OperationalError: connection failed",
			Trace{Kind: "Python", First: 1, Last: 9, Line: "psycopg.OperationalError: connection failed", Exception: "psycopg.OperationalError", Frame: "/app/server.py:40 in serve"},
		},
		"Python in a chain": {
			"Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in f\n    x\nKeyError: 'a'\n\nThe above exception was the direct cause of the following exception:\n\nTraceback (most recent call last):\n  File \"/app/b.py\", line 2, in g\n    y\napp.ConfigError: no a\nbye",
			Trace{Kind: "Python", First: 1, Last: 11, Line: "app.ConfigError: no a", Exception: "app.ConfigError", Frame: "/app/b.py:2 in g"},
		},
		"Node": {
			"node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module './x'\n    at Function._resolveFilename (node:internal/modules/cjs/loader:1225:15)\n    at Object.<anonymous> (/app/node_modules/a/index.js:1:1)\n    at start (/app/src/index.js:12:5)\n    at async main (file:///app/src/main.mjs:3:1) {\n  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}\n\nNode.js v22.1.0",
			Trace{Kind: "Node", First: 5, Last: 14, Line: "Error: Cannot find module './x'", Exception: "Error", Frame: "start (/app/src/index.js:12:5)"},
		},
		"Node with a cause": {
			"TypeError: fetch failed\n    at node:internal/deps/undici/undici:13510:13\n    at async load (/app/api.js:3:1) {\n  [cause]: Error: connect ECONNREFUSED 10.0.0.1:8080\n      at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1607:16) {\n    errno: -111,\n  }\n}",
			Trace{Kind: "Node", First: 1, Last: 8, Line: "Error: connect ECONNREFUSED 10.0.0.1:8080", Exception: "Error", Frame: "async load (/app/api.js:3:1)"},
		},
		".NET": {
			"Unhandled exception. System.InvalidOperationException: cannot start\n ---> System.IO.FileNotFoundException: no config\n   at System.IO.File.Open(String path)\n   at Sandfly.Config.Load(String path) in /src/Config.cs:line 42\n   --- End of inner exception stack trace ---\n   at Sandfly.Program.Main(String[] args) in /src/Program.cs:line 12",
			Trace{Kind: "DotNet", First: 1, Last: 6, Line: "System.IO.FileNotFoundException: no config", Exception: "System.IO.FileNotFoundException", Frame: "Sandfly.Config.Load(String path) in /src/Config.cs:line 42"},
		},
		"Ruby": {
			"/usr/local/bundle/gems/pg-1.5/lib/pg.rb:63:in `initialize': could not connect (PG::ConnectionBad)\n\tfrom /app/db.rb:12:in `connect'\n\tfrom /app/main.rb:3:in `<main>'",
			Trace{Kind: "Ruby", First: 1, Last: 3, Line: "could not connect", Exception: "PG::ConnectionBad", Frame: "/app/db.rb:12"},
		},
		"Rust": {
			"thread 'main' panicked at src/main.rs:12:5:\ncalled `Result::unwrap()` on an `Err` value: Os { code: 2 }\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
			Trace{Kind: "Rust", First: 1, Last: 3, Line: "called `Result::unwrap()` on an `Err` value: Os { code: 2 }", Exception: "panic", Frame: "src/main.rs:12:5"},
		},
		"Rust of old": {
			"thread 'main' panicked at 'no config', src/main.rs:12:5",
			Trace{Kind: "Rust", First: 1, Last: 1, Line: "no config", Exception: "panic", Frame: "src/main.rs:12:5"},
		},
		"segfault": {
			"starting\nSegmentation fault (core dumped)",
			Trace{Kind: "Signal", First: 2, Last: 2, Line: "Segmentation fault (core dumped)", Exception: "Segmentation fault"},
		},
		"JSON with a stack": {
			`{"level":"error","message":"boot failed","stack":"TypeError: x is undefined\n    at boot (/app/main.js:3:1)"}`,
			Trace{Kind: "Node", First: 1, Last: 1, Line: "TypeError: x is undefined", Exception: "TypeError", Frame: "boot (/app/main.js:3:1)"},
		},
		"no trace":  {"starting\nERROR cannot open the store\nbye", Trace{First: 2, Last: 2, Line: "ERROR cannot open the store"}},
		"no error":  {"starting\nbye", Trace{}},
		"near miss": {"look at the docs\n    at https://example.com", Trace{}},
		"empty":     {"", Trace{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Reason(test.log); got != test.want {
				t.Errorf("\n%+v, want\n%+v", got, test.want)
			}
		})
	}
}

func TestTracesAreApart(t *testing.T) {
	java := "java.lang.IllegalStateException: one\n\tat a.B.c(B.java:1)\n"
	got := Traces(java + "INFO retrying\n" + strings.ReplaceAll(java, "one", "two") + java)
	if len(got) != 3 || got[1].Line != "java.lang.IllegalStateException: two" || got[1].First != 4 || got[1].Last != 5 {
		t.Errorf("%+v", got)
	}
	if got := Traces(strings.Repeat(java, 100)); len(got) != maxTraces {
		t.Errorf("%d traces", len(got))
	}
}

func FuzzReason(f *testing.F) {
	for _, seed := range []string{"", "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1", "Traceback (most recent call last):\n  File \"a\", line 1\nE: x", "java.lang.X: y\n\tat a.b(C.java:1)\nCaused by: java.lang.Z: w", "Error: x\n    at a (/b.js:1:2) {\n  [cause]: Error: y", "thread 'm' panicked at a.rs:1:2:", "a.rb:1:in `b': c (D)", "Segmentation fault", `{"stack":"a\nb","msg":"c"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Reason(text)
		if again := Reason(text); got != again {
			t.Errorf("twice gives %+v and %+v", got, again)
		}
		traces := Traces(text)
		if len(traces) > maxTraces || !reflect.DeepEqual(traces, Traces(text)) {
			t.Errorf("%d traces", len(traces))
		}
		lines := 1 + strings.Count(text, "\n")
		for _, one := range append(traces, got) {
			if one.First > one.Last || one.Last > lines || len(one.Line) > maxShown || len(one.Frame) > maxPart || len(one.Exception) > maxPart {
				t.Errorf("%+v", one)
			}
		}
	})
}
