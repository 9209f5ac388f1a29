// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"container/list"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/foreign"
)

// The bounds of what is remembered. A conversation lives in the memory of one gateway: it is a convenience, and not worth a
// database.
const (
	maxConversations = 1000
	maxMemory        = 32 << 20
	// maxRemembered bounds one conversation; its oldest exchanges go first.
	maxRemembered = 256 << 10
	// ConversationAge is how long a conversation is kept after it was last used. The Service's session affinity is as long.
	ConversationAge = 3 * time.Hour

	maxPastAnswer = 16 << 10
	maxPastResult = 4 << 10
	maxPastCalls  = 16
)

var errUnknownConversation = errors.New("this conversation is not known (any more): conversations are kept in the memory of one gateway, " +
	"for 3 hours after their last question, and only who began one may go on with it. Ask again without conversation_id to begin a new one, and say what it was about")

// Exchange is a question of a conversation and what came of it. All text in it is free of secrets.
type Exchange struct {
	Query string
	Calls []PastCall
	// Answer in a model's own words. It is empty where there was none: what the rules answer is what tools have said, and nobody
	// should take it for anything else later.
	Answer string
}

// PastCall is a call that was made for a question.
type PastCall struct {
	Server          types.NamespacedName
	Tool, Arguments string
	// Result is the beginning of what the tool answered, or why there is no answer.
	Result string
	Failed bool
}

func (e Exchange) size() int {
	size := len(e.Query) + len(e.Answer)
	for _, call := range e.Calls {
		size += len(call.Server.Namespace) + len(call.Server.Name) + len(call.Tool) + len(call.Arguments) + len(call.Result)
	}
	return size
}

// Conversations remembers what was said, within bounds of count, bytes and age. It is safe for concurrent use.
type Conversations struct {
	clock clock.PassiveClock

	mu sync.Mutex
	// known has the elements of byUse, whose values are *conversation; the one used last is in front.
	known map[string]*list.Element
	byUse *list.List
	size  int
}

type conversation struct {
	id, owner string
	exchanges []Exchange
	size      int
	used      time.Time
}

// NewConversations makes an empty memory.
func NewConversations(c clock.PassiveClock) *Conversations {
	return &Conversations{clock: c, known: map[string]*list.Element{}, byUse: list.New()}
}

// past is what was said in a conversation of its owner.
func (c *Conversations) past(id, owner string) ([]Exchange, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
	element, ok := c.known[id]
	if !ok || element.Value.(*conversation).owner != owner {
		return nil, errUnknownConversation
	}
	found := element.Value.(*conversation)
	found.used = c.clock.Now()
	c.byUse.MoveToFront(element)
	// Appending never writes into what is handed out here.
	return found.exchanges[:len(found.exchanges):len(found.exchanges)], nil
}

// begin begins a conversation, and names it.
func (c *Conversations) begin(owner string) (id string) {
	id = "conv-" + strings.ToLower(rand.Text())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[id] = c.byUse.PushFront(&conversation{id: id, owner: owner, used: c.clock.Now()})
	c.forget()
	return id
}

// add remembers an exchange, unless the conversation was forgotten meanwhile.
func (c *Conversations) add(id string, exchange Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.known[id]
	if !ok {
		return
	}
	c.byUse.MoveToFront(element)
	one := element.Value.(*conversation)
	one.used = c.clock.Now()
	one.exchanges = append(one.exchanges, exchange)
	c.grow(one, exchange.size())
	for one.size > maxRemembered && len(one.exchanges) > 1 {
		c.grow(one, -one.exchanges[0].size())
		one.exchanges = one.exchanges[1:]
	}
	c.forget()
}

func (c *Conversations) grow(one *conversation, by int) {
	one.size += by
	c.size += by
}

// forget drops what is too old or too much, that which was not used for longest first.
func (c *Conversations) forget() {
	oldest := c.clock.Now().Add(-ConversationAge)
	for last := c.byUse.Back(); last != nil; last = c.byUse.Back() {
		one := last.Value.(*conversation)
		if one.used.After(oldest) && c.byUse.Len() <= maxConversations && c.size <= maxMemory {
			return
		}
		c.byUse.Remove(last)
		delete(c.known, one.id)
		c.size -= one.size
	}
}

// remembered makes an exchange of a query that has ended.
func remembered(query string, results []Result, answer *Answer) Exchange {
	e := Exchange{Query: foreign.Redact(query)}
	if answer.StopReason != "" {
		e.Answer, _ = foreign.Block(strings.Join(answer.Texts, "\n"), maxPastAnswer)
	}
	for _, result := range results[max(0, len(results)-maxPastCalls):] {
		call := PastCall{
			Server: result.Call.Server, Tool: result.Call.Tool.Name, Arguments: argumentsShown(result.Call.Arguments, maxPastResult),
			Failed: result.Failed(),
		}
		call.Result, _ = foreign.Block(result.Text(), maxPastResult)
		e.Calls = append(e.Calls, call)
	}
	return e
}

// argumentsShown writes arguments as JSON text without secrets.
func argumentsShown(arguments map[string]any, limit int) string {
	raw, err := json.Marshal(arguments)
	if err != nil || len(arguments) == 0 {
		return "{}"
	}
	return foreign.Line(string(raw), limit)
}
