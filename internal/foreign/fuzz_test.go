// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ry-ops/cortex/internal/foreign/canary"
)

// maxTime is what a text may take of a processor at most. It is far above what any takes.
const maxTime = 5 * time.Second

// FuzzRedact plants a secret into a text and looks whether any of it is left. The secret stands by itself, between spaces or
// line breaks: within another word it would be another word.
func FuzzRedact(f *testing.F) {
	kinds := canary.All()
	// Their shape is a whole command line, which another command before it would break.
	for _, kind := range []string{"mysql -p", "docker login -p", "curl -u", "redis-cli -a"} {
		delete(kinds, kind)
	}
	names := slices.Sorted(maps.Keys(kinds))
	for i, text := range ordinary {
		f.Add(text, ordinary[len(ordinary)-1-i], uint8(i), i%2 == 0)
	}
	for _, text := range []string{"password='", `{"token":"`, "key=\\\"", "-----BEGIN PRIVATE " + "KEY-----", "bearer bearer", "://a@b", "secret:\n", "- name: TOKEN\n", "\xff\xfe", "cookie: a=", "[redacted", "redacted]", `\n\u0026`} {
		f.Add(text, text, uint8(len(text)), true)
	}
	f.Fuzz(func(t *testing.T, before, after string, kind uint8, lines bool) {
		name := names[int(kind)%len(names)]
		between := " "
		if lines {
			between = "\n"
		}
		text := before + between + kinds[name].Text + between + after
		began := spent(t)
		shown := Redact(text)
		if took := spent(t) - began; took > maxTime {
			t.Errorf("%d bytes took %s", len(text), took)
		}
		if !utf8.ValidString(shown) || Visible(shown) != shown {
			t.Errorf("%q is not text", shown)
		}
		if again := Redact(shown); again != shown {
			t.Errorf("%q changes again to %q", shown, again)
		}
		for i := 0; i+8 <= len(kinds[name].Secret); i++ {
			if part := kinds[name].Secret[i : i+8]; strings.Contains(shown, part) && !strings.Contains(before+after, part) {
				t.Fatalf("%s: %q is left of %q in %q", name, part, text, shown)
			}
		}
	})
}

// TestTimeIsBounded has the texts that are hardest to read.
func TestTimeIsBounded(t *testing.T) {
	vendors := ""
	for _, s := range keptShapes() {
		vendors += strings.Join(s.keywords, " ") + " "
	}
	for name, text := range map[string]string{
		"pairs in pairs":    strings.Repeat("token=", 6000),
		"vague pairs":       strings.Repeat("key=", 8000),
		"names":             strings.Repeat("token", 7000),
		"open quotes":       strings.Repeat(`token="a token='`, 2000),
		"escapes":           strings.Repeat(`token=\\\"`, 3000),
		"written breaks":    strings.Repeat(`token:\n `, 4000),
		"blocks":            strings.Repeat("token: |\n ", 3000),
		"URLs":              strings.Repeat("://a:b", 6000),
		"databases":         strings.Repeat("mysql://", 4000),
		"BEGIN":             strings.Repeat("-----BEGIN PRIVATE "+"KEY-----", 1200),
		"END":               strings.Repeat("AAAAAAAAAAAAAAAA\n", 1000) + strings.Repeat("-----END PRIVATE "+"KEY----\n", 600),
		"all vendors":       strings.Repeat(vendors, 12),
		"vendors in lines":  worstText(32 << 10),
		"marks":             strings.Repeat(redacted, 3000),
		"commands":          strings.Repeat("mysql -p", 4000),
		"curl":              strings.Repeat("curl -H ", 4000),
		"Secrets":           strings.Repeat("kind: Secret\ndata:\n a: b\n", 1200),
		"many empty values": strings.Repeat("password=\n", 3000),
	} {
		began := spent(t)
		shown := Redact(text)
		took := spent(t) - began
		t.Logf("%-18s %6d bytes %v", name, len(text), took.Round(time.Millisecond))
		if took > maxTime {
			t.Errorf("%s: %d bytes took %s", name, len(text), took)
		}
		if Redact(shown) != shown {
			t.Errorf("%s changes again", name)
		}
		if name == "all vendors" && shown != redacted {
			t.Errorf("%s: all the work was done, and %d bytes are left", name, len(shown))
		}
	}
}
