// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import "testing"

func TestErrorLine(t *testing.T) {
	for name, test := range map[string]struct{ log, want string }{
		"Go panic":             {"starting\npanic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:12 +0x1d\nexit status 2", "panic: boom"},
		"Python":               {"Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n    import y\nModuleNotFoundError: No module named 'y'", "ModuleNotFoundError: No module named 'y'"},
		"Node":                 {"node:internal/modules\nError: Cannot find module './x'\n    at Function._resolve (node:internal)\n\nNode.js v22.1.0", "Error: Cannot find module './x'"},
		"Java":                 {"Exception in thread \"main\" java.lang.IllegalStateException: no config\n\tat a.B.main(B.java:3)", `Exception in thread "main" java.lang.IllegalStateException: no config`},
		"log.Fatal":            {"2026/11/23 14:00:00 main.go:12: cannot listen: address already in use", "2026/11/23 14:00:00 main.go:12: cannot listen: address already in use"},
		"the last one counts":  {"error: one\nerror: two\nbye", "error: two"},
		"slog info":            {`level=info msg="retrying" error="x"` + "\nlistening", ""},
		"JSON info":            {`{"level":"info","msg":"error budget fine"}`, ""},
		"INFO prefix":          {"INFO no error so far", ""},
		"JSON error":           {`{"level":"error","msg":"no config"}`, "no config"},
		"slog error":           {`{"time":"2026-11-23T15:54:50Z","level":"ERROR","msg":"fatal: state file is corrupt","err":"EOF"}`, "fatal: state file is corrupt: EOF"},
		"JSON cut off":         {`{"level":"error","msg":"no con`, `{"level":"error","msg":"no con`},
		"JSON of another form": {`{"level":"error","text":"x"}`, `{"level":"error","text":"x"}`},
		"nothing":              {"listening on :3000", ""},
		"empty":                {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ErrorLine(test.log); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if got := LastLine("starting\nlistening on :3000"); got != "listening on :3000" {
		t.Errorf("last line %q", got)
	}
}
