// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/foreign"
)

// maxRefusedTools bounds how many tools that the API refuses are left out before the question fails.
const maxRefusedTools = 8

// plan is the planning of one question.
type plan struct {
	*Planner
	past  []chat.Exchange
	tell  func(chat.Event)
	model string

	messages []anthropic.MessageParam
	// box is what is offered, of the servers as they were seen.
	box  toolbox
	seen []chat.Server
	// refused are the tools that the API does not take, by name.
	refused map[string]bool
	// uses are the calls of the model's last answer, in order.
	uses []*use
	// room is what is left for results, in bytes.
	room int

	turns int
	spent time.Duration
	usage chat.Usage
	// spoke: text of an answer that is not at its end was told.
	spoke bool

	// other has taken over, because of lost.
	other chat.Plan
	lost  string
}

// Model implements chat.Plan.
func (p *plan) Model() string {
	if p.other != nil {
		return p.other.Model()
	}
	return p.model
}

// Next implements chat.Plan.
func (p *plan) Next(ctx context.Context, c chat.Conversation) (chat.Turn, error) {
	if p.other == nil {
		turn, err := p.next(ctx, c)
		var gone *goneError
		if !errors.As(err, &gone) {
			return turn, err
		}
		p.Log.Info("the model cannot be reached: the rules take over", "reason", gone.reason)
		p.Metrics.tookOver()
		p.lost, p.other = gone.reason, p.Otherwise.Plan(p.past, p.tell)
	}
	turn, err := p.other.Next(ctx, c)
	if turn.Answer != nil {
		turn.Answer.Texts = append([]string{"Claude cannot be reached (" + p.lost + "). So this was answered by simple rules, which only match words:"}, turn.Answer.Texts...)
		turn.Answer.Usage = p.usage
	}
	return turn, err
}

// next asks the model until there is something for the loop to do.
func (p *plan) next(ctx context.Context, c chat.Conversation) (chat.Turn, error) {
	if p.messages == nil {
		p.begin(c)
	}
	p.take(c)
	for {
		if turn, ok := p.due(); ok {
			return turn, nil
		}
		p.reply()
		if p.usage.InputTokens+p.usage.OutputTokens >= p.TokenBudget {
			return p.ended(chat.StatusFailed, "max_tokens", fmt.Sprintf("This question has used %d tokens of the model, and %d are allowed (--claude-token-budget): ask for less at once.",
				p.usage.InputTokens+p.usage.OutputTokens, p.TokenBudget)), nil
		}
		answer, err := p.ask(ctx, c)
		if err != nil {
			return chat.Turn{}, err
		}
		if turn, ok := p.heard(answer, c.Query); ok {
			return turn, nil
		}
	}
}

func (p *plan) begin(c chat.Conversation) {
	p.room, p.refused = maxResults, map[string]bool{}
	p.look(c.Servers)
	p.messages = append(said(p.past, len(p.box.params) > 0),
		anthropic.NewUserMessage(anthropic.NewTextBlock(nonEmpty(foreign.Redact(c.Query)))))
}

// badTool is where the API says which tool it does not take.
var badTool = regexp.MustCompile(`\btools\.(\d+)\b`)

// ask puts the conversation to the model. A tool that the API does not take is left out: it is its server's fault, and the others
// are as good as ever.
func (p *plan) ask(ctx context.Context, c chat.Conversation) (*answered, error) {
	p.turns++
	for {
		params := p.params(c)
		answer, err := p.persist(ctx, params)
		var refused *refusedError
		if err == nil || !errors.As(err, &refused) || len(p.refused) >= maxRefusedTools {
			return answer, err
		}
		match := badTool.FindStringSubmatch(refused.reason)
		if match == nil {
			return nil, err
		}
		index, _ := strconv.Atoi(match[1]) // digits, by the expression
		if index >= len(params.Tools) || params.Tools[index].OfTool.Name == findTools {
			return nil, err
		}
		name := params.Tools[index].OfTool.Name
		p.refused[name], p.seen = true, nil
		p.Log.Info("the API does not take a tool, so it is not offered", "tool", name, "reason", refused.reason)
	}
}

// look makes the toolbox anew where something has changed: to clean hundreds of descriptions takes milliseconds. Where all servers
// have gone in the meantime, the tools stay: the conversation has calls of theirs in it.
func (p *plan) look(servers []chat.Server) {
	if p.seen != nil && slices.EqualFunc(p.seen, servers, sameTools) {
		return
	}
	p.seen = servers
	if box := toolboxOf(servers, p.refused); len(box.params) > 0 {
		p.box = box
	}
}

// sameTools compares the lists themselves: a server that is listed again has another one.
func sameTools(a, b chat.Server) bool {
	return a.Key == b.Key && a.Listed == b.Listed && len(a.Tools) == len(b.Tools) && (len(a.Tools) == 0 || &a.Tools[0] == &b.Tools[0])
}

func (p *plan) params(c chat.Conversation) anthropic.MessageNewParams {
	p.look(c.Servers)
	params := anthropic.MessageNewParams{
		Model: p.Planner.Model, MaxTokens: int64(p.MaxTokens), Messages: p.messages, System: p.system(), Tools: p.box.params,
		CacheControl: anthropic.NewCacheControlEphemeralParam(),
	}
	if p.turns >= p.MaxTurns && len(params.Tools) > 0 {
		none := anthropic.NewToolChoiceNoneParam()
		params.ToolChoice = anthropic.ToolChoiceUnionParam{OfNone: &none}
	}
	return params
}

func (p *plan) system() []anthropic.TextBlockParam {
	system := []anthropic.TextBlockParam{{Text: house}}
	if text := strings.TrimSpace(p.SystemPrompt); text != "" {
		system = append(system, anthropic.TextBlockParam{Text: text})
	}
	if p.box.left > 0 {
		system = append(system, anthropic.TextBlockParam{Text: fmt.Sprintf("%d more tools are not offered, since they are too many or not of a form that you can call.", p.box.left)})
	}
	return system
}

// heard takes in an answer: it is the end, or calls, or it is asked for more.
func (p *plan) heard(answer *answered, query string) (chat.Turn, bool) {
	if answer.Model != "" {
		p.model = foreign.Line(string(answer.Model), 64)
	}
	if answer.StopReason == anthropic.StopReasonRefusal {
		return p.declined(answer), true
	}
	if len(answer.Content) > 0 {
		p.messages = append(p.messages, echo(answer))
	}
	p.uses = p.usesOf(answer, query)
	if len(p.uses) > 0 && p.turns < p.MaxTurns {
		return chat.Turn{}, false
	}
	if answer.StopReason == anthropic.StopReasonPauseTurn && p.turns < p.MaxTurns {
		return chat.Turn{}, false
	}
	return p.answered(answer), true
}

// echo is an answer as it is sent back. The API takes no call whose input is not an object, even if it wrote it itself.
func echo(answer *answered) anthropic.MessageParam {
	message := answer.ToParam()
	for i, block := range answer.Content {
		if use := message.Content[i].OfToolUse; use != nil && !bytes.HasPrefix(bytes.TrimSpace(block.Input), []byte("{")) {
			use.Input = struct{}{}
		}
	}
	return message
}

// answered ends the question with what the model has said.
func (p *plan) answered(answer *answered) chat.Turn {
	texts := textsOf(answer)
	switch {
	case answer.StopReason == anthropic.StopReasonMaxTokens:
		texts = append(texts, fmt.Sprintf("[cut here: an answer has at most %d tokens (--claude-max-tokens); ask for less, or for the rest]", p.MaxTokens))
	case answer.StopReason == anthropic.StopReasonModelContextWindowExceeded:
		texts = append(texts, "[cut here: the conversation fills what the model can hold; ask again without conversation_id]")
	case p.turns >= p.MaxTurns && (len(p.uses) > 0 || len(texts) == 0):
		return p.ended(chat.StatusFailed, string(answer.StopReason), fmt.Sprintf("The question was not answered within %d turns (--claude-max-turns): ask for less at once.", p.MaxTurns))
	case len(texts) == 0:
		texts = []string{"The model had nothing to say."}
	}
	return p.ended(chat.StatusCompleted, string(answer.StopReason), texts...)
}

func (p *plan) declined(answer *answered) chat.Turn {
	why := string(answer.StopDetails.Category)
	if text := answer.StopDetails.Explanation; text != "" {
		why = foreign.Line(text, 300)
	}
	if why != "" {
		why = " (" + why + ")"
	}
	if len(textsOf(answer)) > 0 {
		p.tell(chat.TextDelta{Reset: true})
	}
	return p.ended(chat.StatusFailed, string(answer.StopReason), "The model declined to answer"+why+". Ask in other words, or begin a new conversation.")
}

func (p *plan) ended(status chat.Status, reason string, texts ...string) chat.Turn {
	return chat.Turn{Answer: &chat.Answer{Texts: texts, Status: status, StopReason: reason, Usage: p.usage}}
}

func textsOf(answer *answered) []string {
	var texts []string
	for _, block := range answer.Content {
		if text := foreign.Visible(block.Text); block.Type == "text" && strings.TrimSpace(text) != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// due is what the loop has to do before the model can be asked again: list servers first, then call.
func (p *plan) due() (chat.Turn, bool) {
	var keys []types.NamespacedName
	var calls []chat.Call
	for _, u := range p.uses {
		switch {
		case u.done || u.asked:
		case u.list != nil:
			u.asked = true
			keys = append(keys, *u.list)
		default:
			calls = append(calls, *u.call)
		}
	}
	if len(keys) > 0 {
		return chat.Turn{List: keys}, true
	}
	for _, u := range p.uses {
		u.asked = true
	}
	return chat.Turn{Calls: calls}, len(calls) > 0
}

// take hands what the loop has found out to the calls that asked for it.
func (p *plan) take(c chat.Conversation) {
	for _, u := range p.uses {
		if u.list != nil && u.asked && !u.done {
			u.listed(c.Servers)
		}
	}
	for _, u := range p.uses {
		// From behind, should the model have given an id twice.
		for i := len(c.Results) - 1; i >= 0 && u.call != nil && !u.done; i-- {
			if result := c.Results[i]; u.id == result.Call.ID {
				u.answer(p.result(result), result.Failed())
			}
		}
	}
}

// result frames what came of a call, in the room that there is.
func (p *plan) result(result chat.Result) string {
	const least = 256
	limit := min(maxResult, p.room)
	if limit < least {
		return "The results to this question fill the room that there is, so this one is left out. Answer with what you have, or ask for less."
	}
	data, whole := foreign.Block(result.Text(), limit)
	p.room -= len(data)
	return framed(result.Call.Server.Name, result.Call.Tool.Name, data, whole)
}

// reply answers the calls of the last answer, in their order.
func (p *plan) reply() {
	if len(p.uses) == 0 {
		return
	}
	var blocks []anthropic.ContentBlockParamUnion
	for _, u := range p.uses {
		blocks = append(blocks, anthropic.NewToolResultBlock(u.id, u.result, u.failed))
	}
	if p.turns+1 >= p.MaxTurns {
		blocks = append(blocks, anthropic.NewTextBlock(lastTurn))
	}
	p.messages = append(p.messages, anthropic.NewUserMessage(blocks...))
	p.uses = nil
}
