// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcp"
)

// use is one call that the model wants, and what came of it. Every one gets a result, or the API refuses the conversation.
type use struct {
	id string
	// One of the two, unless it is done at once.
	call *chat.Call
	list *types.NamespacedName

	asked, done bool
	result      string
	failed      bool
}

func (u *use) answer(result string, failed bool) { u.done, u.result, u.failed = true, result, failed }

// usesOf reads the calls of an answer. What cannot be called is answered at once, so that the model may mend it.
func (p *plan) usesOf(answer *answered, query string) []*use {
	var uses []*use
	for i, block := range answer.Content {
		if block.Type != "tool_use" {
			continue
		}
		u := &use{id: block.ID}
		if problem := p.resolve(u, block.Name, block.Input, answer.broken[i], query); problem != "" {
			u.answer(problem, true)
		}
		uses = append(uses, u)
	}
	return uses
}

// resolve finds out what a call means. It returns what is wrong with it, for the model.
func (p *plan) resolve(u *use, name string, input json.RawMessage, broken bool, query string) string {
	decoder := json.NewDecoder(bytes.NewReader(input))
	decoder.UseNumber() // ids can be larger than a float holds exactly
	var arguments map[string]any
	if broken || decoder.Decode(&arguments) != nil || arguments == nil {
		return "The input is no JSON object, perhaps since it was cut off. Nothing was called. Call again with a complete and shorter input."
	}
	if name == findTools {
		return p.resolveServer(u, arguments)
	}
	tool, ok := p.box.byName[name]
	if !ok {
		return fmt.Sprintf("There is no tool %q. Nothing was called. Use one of the tools that are offered.", foreign.Line(name, maxName))
	}
	if missing := missingIn(arguments, tool.tool); len(missing) > 0 {
		return fmt.Sprintf("Arguments are missing: %s. Nothing was called. Ask the user if you do not know them.", strings.Join(missing, ", "))
	}
	if marked(arguments) {
		return fmt.Sprintf("An argument holds %s, which stands for a secret that was kept from you. Nothing was called. Tell the user that Cortex hides secrets from the model.", foreign.Mark)
	}
	changes := p.rules.Changes(tool.tool)
	if changes && !p.ordered(query, tool.tool) {
		return fmt.Sprintf("%s changes something, and the user has not ordered that in their own words, so nothing was called. If it is what they want, "+
			"tell them what would be done and ask them to order it. Orders are known in English alone, so give them these words, untranslated: call %s", tool.tool.Name, foreign.Line(tool.tool.Name, 128))
	}
	u.call = &chat.Call{ID: u.id, Server: tool.server, Tool: tool.tool, Arguments: arguments, Reads: !changes}
	return ""
}

func (p *plan) resolveServer(u *use, arguments map[string]any) string {
	name, _ := arguments["server"].(string)
	key, ok := p.box.unknown[name]
	if !ok {
		return fmt.Sprintf("No such server. The servers whose tools are not known are: %s.", strings.Join(slices.Sorted(maps.Keys(p.box.unknown)), ", "))
	}
	u.list = &key
	return ""
}

// listed answers a call of findTools.
func (u *use) listed(servers []chat.Server) {
	for _, server := range servers {
		switch {
		case server.Key != *u.list:
		case server.Failed != nil:
			data, whole := foreign.Block(server.Failed.Error(), maxResult)
			u.answer(framed(server.Key.Name, "tools/list", data, whole), true)
			return
		case server.Listed:
			u.answer(fmt.Sprintf("%s answers. It has %d tools, which are offered to you from now on.", server.Key.Name, len(server.Tools)), false)
			return
		}
	}
	u.answer("There is no such server any more.", true)
}

func missingIn(arguments map[string]any, tool mcp.Tool) []string {
	var missing []string
	for _, argument := range tool.Arguments {
		if _, ok := arguments[argument.Name]; argument.Required && !ok {
			missing = append(missing, foreign.Line(argument.Name, maxName))
		}
	}
	return missing
}

// marked reports whether a hidden secret's mark is in a value.
func marked(value any) bool {
	switch v := value.(type) {
	case string:
		return strings.Contains(v, foreign.Mark)
	case []any:
		return slices.ContainsFunc(v, marked)
	case map[string]any:
		for _, item := range v {
			if marked(item) {
				return true
			}
		}
	}
	return false
}

// agreeing words say yes to what was ordered before.
var agreeing = map[string]bool{"yes": true, "y": true, "ok": true, "okay": true, "sure": true, "please": true, "confirm": true, "confirmed": true, "proceed": true}

// ordered reports whether the asker's words order what a tool does: those of this question or, where it only says yes, those of
// the one before.
func (p *plan) ordered(query string, tool mcp.Tool) bool {
	yes := len(p.past) > 0
	for _, word := range strings.FieldsFunc(strings.ToLower(query), func(r rune) bool { return strings.ContainsRune(" ,.!\n\t", r) }) {
		yes = yes && agreeing[word]
	}
	if yes {
		query = p.past[len(p.past)-1].Query
	}
	return p.rules.Ordered(query, tool)
}
