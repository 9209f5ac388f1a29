// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/internal/foreign/canary"
)

// surroundings are where a secret may turn up.
var surroundings = map[string]func(text string) string{
	"log line": func(text string) string {
		return "2026-11-23T15:54:50.123Z INFO starting worker 3\n2026-11-23T15:54:50.125Z ERROR cannot connect: " + text + "\n2026-11-23T15:54:51Z INFO bye"
	},
	"JSON log": func(text string) string {
		return `{"level":"error","ts":1763913290.1,"msg":` + quoteJSON("cannot connect with "+text) + `,"worker":3}`
	},
	"env pair": func(text string) string {
		return "PORT=3000\nAPP_START=" + text + "\nHOSTNAME=sandfly-mcp-server-7d9c6b5f4-x2x8z"
	},
	"event": func(text string) string {
		return `Warning Failed pod/sandfly-mcp-server-7d9c6b5f4-x2x8z Error: failed to start container "mcp": ` + text + `: exit status 1`
	},
	"trace": func(text string) string {
		return "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    connect()\nValueError: (" + text + ")\n\nDuring handling of the above exception, another exception occurred:\n"
	},
}

func quoteJSON(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

func TestNoCanarySurvives(t *testing.T) {
	cases, kinds := 0, canary.All()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		c := kinds[kind]
		for where, around := range surroundings {
			cases++
			text := around(c.Text)
			shown := Redact(text)
			if part := c.Left(shown, 5); part != "" {
				t.Errorf("%s in a %s: %q is left of\n%s\nin\n%s", kind, where, part, text, shown)
			}
			if again := Redact(shown); again != shown {
				t.Errorf("%s in a %s changes again from\n%s\nto\n%s", kind, where, shown, again)
			}
			if !strings.Contains(shown, redacted) {
				t.Errorf("%s in a %s: nothing is hidden", kind, where)
			}
			if shown == redacted {
				t.Errorf("%s in a %s: everything is hidden", kind, where)
			}
		}
	}
	t.Logf("%d kinds of secret, %d cases", len(kinds), cases)
	if len(kinds) < 40 {
		t.Error("too few kinds")
	}
}
