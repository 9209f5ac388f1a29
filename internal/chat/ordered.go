// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/internal/mcp"
)

var (
	sentences = regexp.MustCompile(`[^.!?;\n]+[.!?;\n]*`)
	// openings of clauses. A point within a name (web-1.example) ends a sentence too early at worst.
	openings = regexp.MustCompile(`(?i),|\b(?:and|then|to|but|so)\b`)
	// polite words show that a clause is an order, whatever is before it.
	polite = regexp.MustCompile(`(?i)^\s*(?:and\s+|then\s+)*(?:please|kindly|go ahead|(?:can|could|would|will) you)\b`)
	// wish is what "to" may stand behind in an order. What somebody else wants, may, tries, was told or is forbidden to do is none.
	wish = regexp.MustCompile(`(?i)^\s*(?:(?:please|now|just|(?:can|could|would|will) you)\s+)*(?:` +
		`(?:i|we)(?: really| just| now| also)? (?:want|need|wish|would (?:really )?like)(?: you)?|(?:i|we)['’]d (?:really )?like(?: you)?|` +
		`(?:i|we)(?: hereby)? (?:ask|order|tell|instruct|request|require) you|` +
		`try|make sure|be sure|help me|proceed|continue|remember)\s*$`)
	// condition begins what "then" may stand behind: "if it hangs then restart it".
	condition = regexp.MustCompile(`(?i)^\s*(?:if|when|once|after|as soon as)\b`)
	// sparing has words that "but" may make an exception to, and no order: "anything but restart it".
	sparing = regexp.MustCompile(`(?i)\b(?:all|any|anything|every|everything|each|choice|option)\b`)
	// thus is what "so" ends behind, rather than begins: "those that do so restart by themselves".
	thus = regexp.MustCompile(`(?i)\b(?:and|do|did|does|doing|done)\s*$`)
)

// Changes reports whether a tool must be taken for one that changes something.
func (r *Rules) Changes(tool mcp.Tool) bool { return r.changes(tool) }

// Ordered reports whether a person's own words order what a tool that changes something does: a sentence that neither asks nor
// forbids has a clause that begins with a verb of the tool's name, or calls the tool by its full name ("call vm_power_cycle for 104"), and
// that is not what the clause before it says of somebody ("they stop vm 104 and delete it"). All of that is English. In any language the
// name alone orders, with nothing but values behind it: "vm_power_cycle 104". In doubt they do not. So whatever a language model has read
// elsewhere, and wants to do, the action itself was asked for by a person.
func (r *Rules) Ordered(text string, tool mcp.Tool) bool {
	if commands(text, tool.Name) {
		return true
	}
	for _, sentence := range sentences.FindAllString(text, -1) {
		if !r.lexicon.wonders(sentence) && slices.ContainsFunc(r.lexicon.imperatives(sentence), func(clause string) bool { return r.lexicon.orders(clause, tool.Name) }) {
			return true
		}
	}
	return false
}

func (l lexicon) orders(clause, tool string) bool {
	if l.calls(clause, tool) {
		return true
	}
	q := l.parse(clause)
	for word := range vocabulary(tool) {
		if q.orders.has(word) {
			return true
		}
	}
	return false
}

// imperatives are the clauses of a sentence that may be orders, for what is before them.
func (l lexicon) imperatives(sentence string) (clauses []string) {
	// before is the clause before; may: it may be an order, and orders: it, or one that it goes on with, begins as one.
	before, may, orders := "", true, false
	opening, from := "", 0
	for _, at := range append(openings.FindAllStringIndex(sentence, -1), []int{len(sentence), len(sentence)}) {
		clause := sentence[from:at[0]]
		if strings.TrimSpace(clause) != "" {
			begins := l.begins(clause)
			may = from == 0 || polite.MatchString(clause) || l.follows(opening, before, sentence[:from-len(opening)], may, orders)
			if may {
				clauses = append(clauses, clause)
			}
			orders = may && begins || orders && !l.tells(clause)
			before = clause
		}
		opening, from = strings.ToLower(sentence[at[0]:at[1]]), at[1]
	}
	return clauses
}

// follows reports whether an order may begin with an opening. before is the clause before it, and so far the sentence up to the opening.
func (l lexicon) follows(opening, before, soFar string, may, orders bool) bool {
	switch opening {
	case "to":
		return may && wish.MatchString(before)
	case "and":
		return orders // what goes on with a statement is one
	case "then":
		return orders || condition.MatchString(before)
	case "so":
		return !thus.MatchString(soFar)
	case "but":
		if sparing.MatchString(before) && !strings.HasSuffix(strings.TrimSpace(soFar), ",") {
			return false
		}
	}
	return orders || !l.tells(before)
}

// begins reports a clause that begins as an order does, to read or to change.
func (l lexicon) begins(clause string) bool {
	spoken := l.withoutLead(strings.Fields(clause))
	if len(spoken) == 0 {
		return false
	}
	verb, _, _ := strings.Cut(strings.ToLower(strings.Trim(spoken[0], ".,;:!`\"'")), "_")
	if l.doubtful.has(verb) || verb == "do" {
		return len(spoken) > 1 && l.object(spoken[1])
	}
	return l.reading.has(verb) || l.calling.has(verb) || l.changing[verb] != nil
}

// tells reports a clause that is no order and has a verb of change in it: what comes next may be of the same subject.
func (l lexicon) tells(clause string) bool {
	return !l.begins(clause) && slices.ContainsFunc(strings.Fields(strings.ToLower(clause)), func(word string) bool {
		return l.changing[word] != nil && !l.doubtful.has(word)
	})
}

// commands reports a text that is nothing but the name of a tool and values. Any other word may forbid it, in a language that
// nobody here knows.
func commands(text, name string) bool {
	spoken := strings.Fields(text)
	if len(spoken) == 0 || !strings.EqualFold(spoken[0], name) || strings.ContainsAny(text, "?？؟;") {
		return false
	}
	for _, word := range spoken[1:] {
		if !strings.ContainsAny(strings.Trim(word, ".,!"), "0123456789=_") {
			return false
		}
	}
	return true
}

// calls reports a clause that calls a tool by its full name: "please call restart_vm", "use the tool restart_vm for web-1".
func (l lexicon) calls(clause, name string) bool {
	spoken := l.withoutLead(strings.Fields(clause))
	if len(spoken) == 0 || !l.calling.has(strings.ToLower(spoken[0])) {
		return false
	}
	for _, word := range spoken[1:] {
		bare := strings.ToLower(strings.Trim(word, ".,;:!()`\"'"))
		if bare != "tool" && !l.determiners.has(bare) {
			return bare == strings.ToLower(name)
		}
	}
	return false
}

// wonders reports a sentence that asks or forbids. "Can you start a scan?" does neither.
func (l lexicon) wonders(sentence string) bool {
	all := words(strings.NewReplacer("'", "", "’", "").Replace(sentence))
	if strings.Contains(sentence, "?") && (len(all) < 2 || all[1] != "you") {
		return true
	}
	for _, word := range all {
		if l.wondering.has(word) {
			return true
		}
	}
	return false
}
