// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"regexp"
	"strings"
)

const redacted = "[redacted]"

// secretShape is a form that secrets take in logs, and what is left of it.
type secretShape struct {
	// hint is in every text that the pattern matches: most texts need no regexp.
	hint    string
	pattern *regexp.Regexp
	keep    string
}

// secretShapes are tried in order on every foreign text before it is kept. They lean to the side of hiding too much: a
// log line that lost a word is still a log line. A text that went through once comes out of a second time unchanged.
var secretShapes = []secretShape{
	// A private key, also one whose beginning or end was cut off by the bound of the log.
	{"PRIVATE KEY-----", regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)`), redacted},
	{"PRIVATE KEY-----", regexp.MustCompile(`(?:[A-Za-z0-9+/=]{16,}\s+)*[A-Za-z0-9+/=]*\s*-----END [A-Z0-9 ]*PRIVATE KEY-----`), redacted},
	// User and password, or a token alone, before the host of a URL.
	{"://", regexp.MustCompile(`://[^/\s@"']+@`), "://" + redacted + "@"},
	// JSON Web Tokens: the first part is base64 of `{"`.
	{"eyJ", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?`), redacted},
	// HTTP credentials.
	{"", regexp.MustCompile(`(?i)\b(authorization\\?["']?\s*[:=]\s*\\?["']?(?:basic|bearer|digest|negotiate|token|apikey)\s+)[^\s"'\\]+`), "${1}" + redacted},
	{"", regexp.MustCompile(`(?i)\b(authorization\\?["']?\s*[:=]\s*\\?["']?)[^\s"'\\]*[0-9][^\s"'\\]*`), "${1}" + redacted},
	{"", regexp.MustCompile(`(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}`), "${1}" + redacted},
	// Tokens that their issuers mark: AWS, GitHub, GitLab, Slack, and the sk- of several API vendors.
	{"", regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`), redacted},
	{"", regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|sk-[\w-]{16,})`), redacted},
	// name=value and "name": "value", where the name tells a secret.
	{"=", regexp.MustCompile(`(?i)((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)[\w-]*\\?["']?\s*=\s*)` + valueShape), "${1}" + redacted},
	{":", regexp.MustCompile(`(?i)((?:passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key)[\w-]*\\?["']?\s*:\s*)` + valueShape), "${1}" + redacted},
	// After "token:" a plain word is prose ("failed to fetch anonymous token: unexpected status"); what has a digit or
	// stands in quotes is a value.
	{":", regexp.MustCompile(`(?i)(token\\?["']?\s*:\s*)(?:\\?"[^"]*"?|'[^']*'|[^\s"',;]*[0-9][^\s"',;]*)`), "${1}" + redacted},
}

// valueShape is what follows the name of a secret: a quoted text (whose quotes may be escaped, in a log within a log), or everything up to a separator.
const valueShape = `(?:\\?"[^"]*"?|'[^']*'?|[^\s"',;&}]+)`

// redact hides what looks like a secret. It is a net, not a proof: the operator has no right to read Secrets in the
// first place, and only what a container printed itself can get here.
func redact(text string) string {
	for _, shape := range secretShapes {
		if strings.Contains(text, shape.hint) {
			text = shape.pattern.ReplaceAllString(text, shape.keep)
		}
	}
	return text
}
