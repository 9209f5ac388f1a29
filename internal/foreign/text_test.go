// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ry-ops/cortex/internal/foreign/canary"
)

const (
	logBytes    = 16 << 10
	maxEvidence = 512
)

func TestLine(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"plain":           {"a log line", 20, "a log line"},
		"lines":           {"one\r\ntwo\n\tthree  four\n", 40, "one two three four"},
		"colours":         {"\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[0m", 40, "red and green"},
		"controls":        {"a\x00b\x07c\x7f", 40, "abc"},
		"bidi":            {"user\u202e txt.exe\u2066\u200f", 40, "user txt.exe"},
		"zero width":      {"pass\u200bword\ufeff", 40, "password"},
		"tag characters":  {"hi\U000e0041\U000e0042\U000e007f", 40, "hi"},
		"variation":       {"hi\U000e0101\ufe0f", 40, "hi"},
		"no UTF-8":        {"a\xff\xfeb", 40, "ab"},
		"cut":             {"abcdefghij", 8, "abcde..."},
		"cut in letters":  {"ääääääääää", 8, "äääää..."},
		"exactly":         {"abcdefgh", 8, "abcdefgh"},
		"empty":           {"\n\t ", 8, ""},
		"hidden password": {"pass\u200bword=hunter2 ok", 60, "password=[redacted] ok"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Line(test.text, test.limit); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestLogKeepsTheEnd(t *testing.T) {
	long := strings.Repeat("a line that says nothing\n", 2000) + "  panic: at the end  \n\n"
	got := Log(long, logBytes)
	if len(got) > logBytes || !strings.HasSuffix(got, "\n  panic: at the end") || !strings.HasPrefix(got, "a line") {
		t.Errorf("%d bytes, begins %q, ends %q", len(got), got[:10], got[len(got)-30:])
	}
	if got := Log(strings.Repeat("ä", logBytes), logBytes); !utf8.ValidString(got) || got == "" {
		t.Errorf("one long line gives %d bytes, valid %t", len(got), utf8.ValidString(got))
	}
}

// TestACutShowsNoHalfSecret moves a secret over the place where a text is cut.
func TestACutShowsNoHalfSecret(t *testing.T) {
	token := "gh" + "p_" + canary.Noise("cut", "abcdefghijklmnopqrstuvwxyz0123456789", 36)
	block := canary.PEM("RSA PRIVATE " + "KEY")
	for name, text := range map[string]string{"token": " " + token + " ", "value": ` "password": "` + token[8:] + `", `, "key": "\n" + block.Text + "\n"} {
		for shift := -len(text) - 2; shift <= 2; shift += 1 + len(text)/24 {
			const filler = "a word "
			long := strings.Repeat(filler, 2*maxBytes/len(filler))
			at := maxBytes + shift
			shown := Line(long[:at]+text+long, 2*maxBytes) + Log(long+text+long[:at], 2*maxBytes)
			if part := (canary.Canary{Secret: token[8:]}).Left(shown, 5) + block.Left(shown, 5); part != "" {
				t.Fatalf("%s at %d: %q is shown", name, shift, part)
			}
		}
	}
}

// TestALongSingleLineIsKept: what is cut is the edge, not the text.
func TestALongSingleLineIsKept(t *testing.T) {
	text := strings.Repeat("x", 100<<10)
	if line, log := Line(text, maxEvidence), Log(text, logBytes); len(line) != maxEvidence || len(log) != logBytes {
		t.Errorf("%d and %d bytes", len(line), len(log))
	}
}

func TestKeptShapes(t *testing.T) {
	shapes := keptShapes()
	if len(shapes) < 200 {
		t.Fatalf("%d shapes: the rule set of the library reads otherwise than before", len(shapes))
	}
	for _, s := range shapes {
		if len(s.keywords) == 0 {
			t.Errorf("%s has no keyword and would never be asked", s.source)
		}
		for _, word := range s.keywords {
			if len(word) < 2 {
				t.Errorf("%q is too short for the index", word)
			}
		}
		if re := s.compiled().pattern(); re.MatchString("") || s.group > re.NumSubexp() {
			t.Errorf("%s matches nothing, or has no group %d", s.source, s.group)
		}
	}
}

func TestRedact(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzYW5kZmx5In0.c2lnbmF0dXJl"
	for name, test := range map[string]struct{ text, want string }{
		"bearer":            {"Authorization: Bearer abcdef0123456789", "Authorization: Bearer [redacted]"},
		"bearer in prose":   {"sent bearer abcdef0123456789 to it", "sent bearer [redacted] to it"},
		"basic":             {`"authorization": "Basic dXNlcjpwYXNz"`, `"authorization": "Basic [redacted]"`},
		"opaque":            {"Proxy-Authorization: abc123", "Proxy-Authorization: [redacted]"},
		"prose authorize":   {"may require authorization: authorization failed: no basic auth credentials", "may require authorization: authorization failed: no basic auth credentials"},
		"URL with user":     {"dial postgres://sandfly:hunter2@db:5432/x failed", "dial postgres://[redacted]@db:5432/x failed"},
		"URL with token":    {"clone https://ghp_abc@github.com/x", "clone https://[redacted]@github.com/x"},
		"URL without":       {"GET http://localhost:5001/v2/a@sha256:12 failed", "GET http://localhost:5001/v2/a@sha256:12 failed"},
		"JWT":               {"token " + jwt + " expired", "token [redacted] expired"},
		"password":          {"password=hunter2, user=x", "password=[redacted], user=x"},
		"DB_PASSWORD":       {"DB_PASSWORD='a b c' DB_HOST=db", "DB_PASSWORD='[redacted]' DB_HOST=db"},
		"yaml":              {"  password: hunter2", "  password: [redacted]"},
		"json":              {`{"api_key": "abc def", "n": 1}`, `{"api_key": "[redacted]", "n": 1}`},
		"json in json":      {`msg="{\"password\":\"abc def\",\"token\":\"xyz\"}"`, `msg="{\"password\":\"[redacted]\",\"token\":\"[redacted]\"}"`},
		"query":             {"GET /x?access_token=abc123&page=2", "GET /x?access_token=[redacted]&page=2"},
		"json token":        {`{"token":"abc"}`, `{"token":"[redacted]"}`},
		"prose token":       {"failed to fetch anonymous token: unexpected status", "failed to fetch anonymous token: unexpected status"},
		"AWS key":           {"using AKIAIOSFODNN7EXAMPLE now", "using [redacted] now"},
		"AWS secret":        {"aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [redacted]"},
		"GitHub":            {"ghp_" + strings.Repeat("a", 36), "[redacted]"},
		"Slack":             {"xoxb-123456789012-abcdef", "[redacted]"},
		"API key of sk-":    {"key sk-" + strings.Repeat("a1", 12) + " set", "key [redacted] set"},
		"private key":       {"-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\nnext", "[redacted]\nnext"},
		"key without end":   {"x -----BEGIN PRIVATE KEY-----\nMIIE\nabc", "x [redacted]"},
		"key without begin": {"log\n" + strings.Repeat("QUJD", 16) + "\nQUJD==\n-----END EC PRIVATE KEY-----\nnext", "log\n[redacted]\nnext"},
		"Secret not found":  {`secret "sandfly-token" not found`, `secret "sandfly-token" not found`},
		"an ordinary error": {"panic: cannot open /data/hosts.json: no such file", "panic: cannot open /data/hosts.json: no such file"},
		"an image":          {"localhost:5001/sandfly-mcp-server:1.4", "localhost:5001/sandfly-mcp-server:1.4"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := redact(test.text); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// FuzzLine holds what must be true of any foreign text: it is bounded, one line, visible, valid, and clean for good.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x1b[31mred", "a\u202eb", "password=x", "://a@b", "-----BEGIN PRIVATE KEY-----", "\xff\xfe", strings.Repeat("ä", 600)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Line(text, maxEvidence)
		switch {
		case utf8.RuneCountInString(got) > maxEvidence:
			t.Errorf("%d characters", utf8.RuneCountInString(got))
		case !utf8.ValidString(got) || strings.ContainsAny(got, "\n\t"):
			t.Errorf("%q is not one line of text", got)
		case Visible(got) != got:
			t.Errorf("%q holds what is not seen", got)
		}
		if log := Log(text, logBytes); len(log) > logBytes || !utf8.ValidString(log) || Visible(log) != log {
			t.Errorf("log %q", log)
		}
		if once := Redact(text); Redact(once) != once || !utf8.ValidString(once) {
			t.Errorf("redacting twice changes %q to %q", once, Redact(once))
		}
	})
}
