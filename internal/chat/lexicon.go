// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import "strings"

// lexicon is the English that the rules know. It is small on purpose: what it does not know is content, to be looked
// for in the names and descriptions of tools.
type lexicon struct {
	// filler says nothing about what is asked.
	filler set
	// reading verbs ask to be shown something.
	reading set
	// lead may stand before an imperative: "please", "can you".
	lead set
	// modal words are of the lead if "you" follows.
	modal set
	// questions are words that no order has in it.
	questions set
	// wondering words are in sentences that ask or forbid, wherever they stand. Other languages may forbid behind an English order:
	// "call restart_vm nicht".
	wondering set
	// calling verbs stand before the full name of a tool.
	calling set
	// changing verbs, each with the words for the same in the names of tools.
	changing map[string]set
	// doubtful verbs are nouns as well ("scan results"): they are only taken for verbs if an object follows.
	doubtful set
	// generic verbs in the name of a tool need not be in the query: "scan web-1" may mean start_scan.
	generic set
	// aspects are things one asks about: a query that names one wants to read, whatever verb it begins with.
	aspects set
	// determiners begin an object.
	determiners set
	// common words in the names of MCP servers.
	serverNoise set
}

func english() lexicon {
	return lexicon{
		filler: vocabulary(`a an the of in on at for to from with by and or is are was were be been do does did we i you me my our
			us it its this that these those there here have has had can could would should will please what which who whom whose
			when where why how many much any all some now currently right today about if not no yes hi hello thanks thank`),
		reading: vocabulary(`list show get display find fetch give tell see view read check search describe count look print
			retrieve query summarize explain`),
		lead:      vocabulary(`please can could would will you kindly now just then go ahead and`),
		modal:     vocabulary(`can could would will`),
		questions: vocabulary(`what which who whom whose when where why how not never don dont whether if`),
		wondering: vocabulary(`what which who whom whose where why how not never dont doesnt without no nothing cannot cant wont shouldnt
			nobody neither nor forbidden mustnt wouldnt neednt
			nicht kein niet geen pas ikke inte`),
		calling: vocabulary(`call use run execute invoke perform do`),
		changing: synonyms(
			"start run launch trigger begin execute", "stop halt abort cancel terminate kill", "restart reboot reset",
			"create add make provision deploy", "delete remove destroy drop purge", "update set change modify edit configure",
			"rename", "resize scale", "enable activate", "disable deactivate", "scan", "isolate quarantine", "acknowledge ack",
			"resolve dismiss", "assign", "approve", "deny reject", "migrate move", "clone copy", "snapshot", "backup",
			"restore", "shutdown", "suspend pause", "resume", "send notify", "install", "uninstall", "upgrade", "apply",
			"rollback revert", "lock", "unlock", "block ban", "unblock unban"),
		doubtful: vocabulary(`scan backup snapshot update upgrade clone copy change lock block set move drop`),
		generic:  vocabulary(`start run launch trigger begin execute do perform create request`),
		aspects: vocabulary(`time date status state result history list log detail count number summary schedule report info
			information version finding duration progress output error reason`),
		determiners: vocabulary(`a an the all every each this that these those my our another new`),
		serverNoise: vocabulary(`mcp server service svc`),
	}
}

// synonyms maps each word of a group to the whole group.
func synonyms(groups ...string) map[string]set {
	out := map[string]set{}
	for _, group := range groups {
		all := vocabulary(group)
		for word := range all {
			out[word] = all
		}
	}
	return out
}

// query is a question or an order, taken apart.
type query struct {
	// content are the words that say what is asked for, each once.
	content []string
	// asks are the reading verbs in it.
	asks set
	// orders is the set of words for the change that the query orders; nil for a query that only reads.
	orders set
	// spoken are the words as they were written, in lower case: a tool may be called by its full name.
	spoken set
	// command is the only word of a query that has no other, apart from arguments: "start_scan host=web-1".
	command string
	// given are the arguments that the query spells out.
	given given
}

func (l lexicon) parse(text string) query {
	given, rest := argumentsIn(text)
	q := query{asks: set{}, spoken: set{}, given: given}
	seen := set{}
	for _, word := range words(rest) {
		switch {
		case l.reading.has(word):
			q.asks[word] = struct{}{}
		case !l.filler.has(word) && !seen.has(word):
			seen[word] = struct{}{}
			q.content = append(q.content, word)
		}
	}
	spoken := l.withoutLead(strings.Fields(rest))
	for _, word := range spoken {
		q.spoken[strings.ToLower(strings.Trim(word, ".,;:?!()`"))] = struct{}{}
	}
	if plain := strings.Fields(strings.ReplaceAll(rest, "=", " ")); len(plain) == 1 && !strings.Contains(rest, "?") {
		q.command = strings.ToLower(plain[0])
	}
	q.orders = l.order(spoken, text)
	return q
}

// withoutLead takes "please" and "can you" off the front. "Will" alone is no lead: "will restart at noon" tells.
func (l lexicon) withoutLead(spoken []string) []string {
	for len(spoken) > 0 {
		for _, word := range words(spoken[0]) {
			if !l.lead.has(word) || l.modal.has(word) && (len(spoken) < 2 || !strings.EqualFold(strings.Trim(spoken[1], ","), "you")) {
				return spoken
			}
		}
		spoken = spoken[1:]
	}
	return spoken
}

// order finds out whether the query orders a change. In doubt it does not: a question must never change anything.
func (l lexicon) order(spoken []string, text string) set {
	if len(spoken) == 0 || l.questioning(spoken, text) {
		return nil
	}
	verb := strings.ToLower(strings.Trim(spoken[0], ".,;:!"))
	if l.changing[verb] == nil || (l.doubtful.has(verb) && (len(spoken) < 2 || !l.object(spoken[1]))) {
		return nil
	}
	return l.changing[verb]
}

// questioning reports whether anything about a sentence says that it asks, or forbids, rather than orders. "Can you
// start a scan?" is an order put as a question.
func (l lexicon) questioning(spoken []string, text string) bool {
	if all := words(text); strings.Contains(text, "?") && (len(all) < 2 || all[1] != "you") {
		return true
	}
	for _, word := range words(strings.Join(spoken, " ")) {
		if l.aspects.has(word) || l.questions.has(word) {
			return true
		}
	}
	return false
}

// object reports whether a word may begin the object of a verb: a determiner, or the name of a thing ("web-1",
// "host=web-1"), or an argument that was taken out.
func (l lexicon) object(word string) bool {
	parts := words(word)
	return len(parts) == 0 || l.determiners.has(parts[0]) || strings.ContainsAny(word, "0123456789.-_")
}
