// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"regexp"
	"strings"
)

// maxName is how far a name reaches to either side of the word that gives it away.
const maxName = 100

// pairs finds the values of names that tell a secret, in all the ways in which a name and a value are written: env, YAML,
// JSON (in JSON), a query string, a connection string, a header, a flag, XML, an env entry of Kubernetes.
type pairs struct{}

func (pairs) words() []string {
	return []string{"pass", "pwd", "secret", "token", "cred", "key", "auth", "cookie", "sess", "sig", "sas", "jwt", "bearer", "connection", "connstr", "docker", "hmac", "salt", "otp", "pin", "pat", "sid", "dsn"}
}

func (pairs) work(_ string, hits []int) int { return len(hits) * maxName }

func (pairs) spans(text string, hits []int) []span {
	var found []span
	var bare span
	done := 0
	for _, hit := range hits {
		if hit < done {
			continue
		}
		name := nameAt(text, hit)
		done = name.end
		kind := kindOf(text[name.start:name.end])
		if kind == plain {
			continue
		}
		p, ok := pairAt(text, name, kind, bare)
		if ok && p.quote == "" {
			bare = p.value
		}
		// Names within the value are looked at too: who wrote the text may have meant another end of it.
		if ok && p.isSecret() {
			found = append(found, p.value)
		}
	}
	return found
}

// nameAt is the name around a place.
func nameAt(text string, at int) span {
	name := span{at, at}
	for name.start > 0 && at-name.start < maxName && inName(text[name.start-1]) {
		name.start--
	}
	for name.end < len(text) && name.end-at < maxName && inName(text[name.end]) {
		name.end++
	}
	// What looks like the first letter may be the rest of a written line break.
	if name.start > 0 && text[name.start-1] == '\\' && name.end-name.start > 1 && strings.IndexByte("nrt", text[name.start]) >= 0 {
		name.start++
	}
	return name
}

func inName(c byte) bool {
	return isUpper(c) || isLower(c) || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

var (
	// assigned is what stands between a name and its value. The first group is what closes the name, the second the space
	// before the sign, the third the sign, the fourth the space behind it.
	assigned = regexp.MustCompile(`^(\\*["'\x60]?\]?)([ \t]{0,8})(=>|:=|==?|:|%3[dD])([ \t]{0,8})`)
	// entry is the rest of an env entry of Kubernetes, or an attribute of XML: name: X, value: Y.
	entry = regexp.MustCompile(`^\\*["']?\s{0,40},?\s{0,40}\\*["']?[vV]alue\\*["']?\s{0,8}[:=]\s{0,8}`)
	// next is where the value of a flag stands: behind a space, or as the next argument of a list.
	next = regexp.MustCompile(`^(?:[ \t]{1,8}|\\*["']\s{0,40},\s{0,40}|\\*["']?\s{0,8}\n\s{0,40}- )`)
	// element is the end of an XML tag that is the name.
	element = regexp.MustCompile(`^>\s{0,40}`)
)

// pair is a name with the value that follows it.
type pair struct {
	text  string
	name  span
	kind  nameKind
	value span
	// quote is what opened the value, if anything did.
	quote string
	// sign is what stands between: "=", ":", "flag", "entry" or "element".
	sign string
	// apart: there is a space behind the sign, as in prose. closed: the name was in quotes.
	apart, closed bool
}

// pairAt is the pair of a name. bare is the last value without quotes: a value within it ends where it does.
func pairAt(text string, name span, kind nameKind, bare span) (pair, bool) {
	p := pair{text: text, name: name, kind: kind}
	// A window bounds the search: names and signs are short.
	rest := text[name.end:min(len(text), name.end+200)]
	at := name.end
	flag := strings.HasPrefix(text[name.start:], "-")
	if m := assigned.FindStringSubmatchIndex(rest); m != nil {
		p.sign, p.apart, p.closed = "=", m[9] > m[8], m[3] > m[2]
		if rest[m[6]:m[7]] == ":" {
			p.sign = ":"
		}
		// `volume "creds" : secret "x" not found` is what the kubelet says. JSON that is spaced so has a value in quotes.
		if p.closed && m[5] > m[4] && p.sign == ":" && !strings.ContainsAny(rest[m[1]:min(len(rest), m[1]+1)], `"'\`) {
			return p, false
		}
		at += m[1]
	} else if m := entry.FindStringIndex(rest); m != nil {
		p.sign, at = "entry", at+m[1]
	} else if m := next.FindStringIndex(rest); m != nil && flag {
		p.sign, at = "flag", at+m[1]
	} else if m := element.FindStringIndex(rest); m != nil && name.start > 0 && text[name.start-1] == '<' {
		p.sign, at = "element", at+m[1]
	} else {
		return p, false
	}
	if bare.start < at && at < bare.end && inName(text[at]) {
		p.value = span{at, bare.end}
	} else {
		p.value, p.quote = valueAt(text, at, p)
	}
	return p, p.value.start < p.value.end
}
