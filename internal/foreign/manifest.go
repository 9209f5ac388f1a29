// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import "regexp"

// manifests finds what a Secret of Kubernetes holds, where one is printed whole: its names need not tell anything.
type manifests struct{}

var (
	kindSecret = regexp.MustCompile(`(?i)\bkind\\*["']?\s*:\s*\\*["']?secret\b`)
	// dataYAML and dataJSON match where the values of an object begin, whatever else there is called so.
	dataYAML = regexp.MustCompile(`(?m)^[ \t]*(?:data|stringData):[ \t]*\n`)
	dataJSON = regexp.MustCompile(`\\*"(?:data|stringData)\\*"\s*:\s*\{([^{}]*)\}`)
	valYAML  = regexp.MustCompile(`(?m)^[ \t]*[\w.-]+:[ \t]*([^\s|>][^\n]*)|^[ \t]+([^\s:]+)$`)
	valJSON  = regexp.MustCompile(`:\s*\\*"([^"\\]*)`)
)

func (manifests) words() []string {
	return []string{"kind: secret", `"secret"`, `secret\"`, "kind:secret"}
}

func (manifests) work(text string, _ []int) int { return len(text) }

func (manifests) spans(text string, _ []int) []span {
	if !kindSecret.MatchString(text) {
		return nil
	}
	var found []span
	for _, head := range dataYAML.FindAllStringIndex(text, -1) {
		block := indented(text, head[1], indentOf(text[head[0]:]))
		found = append(found, inner(text, block.start, block.end, valYAML)...)
	}
	for _, block := range dataJSON.FindAllStringSubmatchIndex(text, -1) {
		found = append(found, inner(text, block[2], block[3], valJSON)...)
	}
	return found
}

func inner(text string, start, end int, value *regexp.Regexp) []span {
	var found []span
	for _, m := range value.FindAllStringSubmatchIndex(text[start:end], -1) {
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				found = append(found, span{start + m[i], start + m[i+1]})
			}
		}
	}
	return found
}
