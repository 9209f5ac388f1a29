// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/mcp"
)

// maxCalls bounds the calls of one plan: several servers may have the same tool.
const maxCalls = 4

// Rules is a planner without a model: it compares the words of the query with the names and descriptions of the tools.
// The same query and the same tools always give the same plan. A tool that is not read-only is only called if the query
// is an order whose verb is in the tool's name; every doubt counts as a question.
type Rules struct{ lexicon lexicon }

// NewRules makes the planner.
func NewRules() *Rules { return &Rules{lexicon: english()} }

// Plan implements Planner. The rules need no memory.
func (r *Rules) Plan([]Exchange, func(Event)) Plan { return r }

// Model implements Plan.
func (*Rules) Model() string { return "rules" }

// Next implements Plan: list what must be known, call what matches best, answer with the results.
func (r *Rules) Next(_ context.Context, c Conversation) (Turn, error) {
	if len(c.Results) > 0 {
		return answering(c.Results), nil
	}
	q := r.lexicon.parse(c.Query)
	servers, named := r.servers(q, c.Servers)
	best := r.best(q, servers)
	if named || len(best) == 0 {
		if unknown := unlisted(servers); len(unknown) > 0 {
			return Turn{List: unknown}, nil
		}
	}
	switch {
	case len(best) == 0:
		return noMatch(servers, c.Servers), nil
	case len(best) > 1 && best[0].changes:
		return ambiguous(best), nil
	case len(best) > maxCalls:
		best = best[:maxCalls]
	}
	return planned(q, best), nil
}

// candidate is a tool that may answer the query.
type candidate struct {
	server  types.NamespacedName
	tool    mcp.Tool
	score   int
	changes bool
}

// planned fills the arguments in, or asks for those that are missing.
func planned(q query, best []candidate) Turn {
	var calls []Call
	var lacking []string
	for _, c := range best {
		arguments, missing := q.given.fill(c.tool)
		if len(missing) > 0 {
			lacking = append(lacking, needs(c, missing))
			continue
		}
		calls = append(calls, Call{Server: c.server, Tool: c.tool, Arguments: arguments, Reads: !c.changes})
	}
	if len(calls) == 0 {
		return say(strings.Join(lacking, "\n"))
	}
	return Turn{Calls: calls}
}

// servers keeps the servers that the query names, if it names any. A word names a server if it is in the server's name
// and in no tool of another server.
func (r *Rules) servers(q query, all []Server) (kept []Server, named bool) {
	for _, server := range all {
		for _, word := range q.content {
			if r.serverWords(server).has(word) && !r.elsewhere(word, server, all) {
				kept = append(kept, server)
				break
			}
		}
	}
	if len(kept) == 0 {
		return all, false
	}
	return kept, true
}

func (r *Rules) serverWords(server Server) set {
	own := vocabulary(server.Key.Name)
	for word := range r.lexicon.serverNoise {
		delete(own, word)
	}
	return own
}

func (r *Rules) elsewhere(word string, server Server, all []Server) bool {
	for _, other := range all {
		if other.Key == server.Key || r.serverWords(other).has(word) {
			continue
		}
		for _, tool := range other.Tools {
			if vocabulary(tool.Name + " " + tool.Title + " " + tool.Description).has(word) {
				return true
			}
		}
	}
	return false
}

// best returns the tools with the highest score, in the order of the servers and their tools.
func (r *Rules) best(q query, servers []Server) []candidate {
	var best []candidate
	for _, server := range servers {
		for _, tool := range server.Tools {
			c := candidate{server: server.Key, tool: tool, changes: r.changes(tool)}
			c.score = r.score(q, r.serverWords(server), c)
			switch {
			case c.score <= 0:
			case len(best) == 0 || c.score > best[0].score:
				best = []candidate{c}
			case c.score == best[0].score:
				best = append(best, c)
			}
		}
	}
	return best
}

// changes reports whether a tool must be taken for one that changes something: it is not marked read-only, and is not
// an unmarked one whose name begins with a reading verb (many servers mark nothing).
func (r *Rules) changes(tool mcp.Tool) bool {
	if tool.Hints.Given {
		return !tool.Hints.ReadOnly
	}
	name := words(tool.Name)
	return len(name) == 0 || !r.lexicon.reading.has(name[0])
}

// What a word of the query is worth where it is found.
const (
	inFullName    = 100
	inName        = 6
	inTitle       = 4
	inServer      = 3
	inDescription = 2
	inArguments   = 2
	sameVerb      = 1
)

// score says how well a tool fits; 0 means not at all. To fit, a word of the query must be found in the tool's own
// name, title or description: the server's name alone says nothing about what is asked.
func (r *Rules) score(q query, server set, c candidate) int {
	name := vocabulary(c.tool.Name)
	called := q.spoken.has(strings.ToLower(c.tool.Name))
	score, found := 0, called
	if called {
		score += inFullName
	}
	switch {
	case c.changes && !r.ordered(q, c.tool), !c.changes && q.orders != nil && !called:
		return 0
	case c.changes:
		// Of the tools that change things one fits as well as another: a near miss must not decide between them.
		return score + 1
	}
	title, description := vocabulary(c.tool.Title), vocabulary(c.tool.Description)
	for _, word := range q.content {
		switch {
		case name.has(word):
			score, found = score+inName, true
		case title.has(word):
			score, found = score+inTitle, true
		case server.has(word):
			score += inServer
		case description.has(word):
			score, found = score+inDescription, true
		}
	}
	if !found {
		return 0
	}
	return max(1, score+r.verbs(q, name)+inArguments*q.given.fits(c.tool)-r.unasked(q, name))
}

func (r *Rules) verbs(q query, name set) int {
	for verb := range q.asks {
		if name.has(verb) {
			return sameVerb
		}
	}
	return 0
}

// unasked counts the words of a tool's name that the query does not have: list_hosts fits "list hosts" better than
// list_host_groups does.
func (r *Rules) unasked(q query, name set) int {
	asked, count := setOf(q.content), 0
	for word := range name {
		if !asked.has(word) && !r.lexicon.reading.has(word) {
			count++
		}
	}
	return count
}

// ordered reports whether the query orders what a changing tool does: the verb is in the tool's name, and so are all
// other words of that name in the query, but for generic ones. Or the query is nothing but the tool's full name.
func (r *Rules) ordered(q query, tool mcp.Tool) bool {
	if q.command == strings.ToLower(tool.Name) {
		return true
	}
	if q.orders == nil {
		return false
	}
	asked, verb := setOf(q.content), false
	for word := range vocabulary(tool.Name) {
		switch {
		case q.orders.has(word):
			verb = true
		case !asked.has(word) && !r.lexicon.generic.has(word):
			return false
		}
	}
	return verb
}

func unlisted(servers []Server) []types.NamespacedName {
	var keys []types.NamespacedName
	for _, server := range servers {
		if !server.Listed && server.Failed == nil {
			keys = append(keys, server.Key)
		}
	}
	return keys
}

func needs(c candidate, missing []mcp.Argument) string {
	var names, examples []string
	for _, argument := range missing {
		kind := argument.Type
		if kind == "" {
			kind = "value"
		}
		names = append(names, fmt.Sprintf("%s (%s)", argument.Name, kind))
		examples = append(examples, argument.Name+"=…")
	}
	return fmt.Sprintf("%s on %s fits, and needs %s. Ask again with %s.",
		c.tool.Name, c.server.Name, strings.Join(names, ", "), strings.Join(examples, " "))
}
