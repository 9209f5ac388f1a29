// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"strings"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
)

func exchanged(text string) Exchange { return Exchange{Query: text, Answer: "yes"} }

func TestAConversationIsItsOwners(t *testing.T) {
	c := NewConversations(testclock.NewFakePassiveClock(time.Now()))
	id := c.begin("ann")
	c.add(id, exchanged("a"))
	if past, err := c.past(id, "ann"); err != nil || len(past) != 1 {
		t.Errorf("%v, %v", past, err)
	}
	for _, other := range []struct{ id, owner string }{{id, "bob"}, {"conv-2", "ann"}, {"", "ann"}} {
		if past, err := c.past(other.id, other.owner); err == nil {
			t.Errorf("%+v reads %v", other, past)
		}
	}
}

func TestConversationsAreForgotten(t *testing.T) {
	t.Run("by age", func(t *testing.T) {
		now := testclock.NewFakePassiveClock(time.Now())
		c := NewConversations(now)
		old, used := c.begin("ann"), c.begin("ann")
		now.SetTime(now.Now().Add(ConversationAge - time.Minute))
		if _, err := c.past(used, "ann"); err != nil {
			t.Error(err)
		}
		now.SetTime(now.Now().Add(2 * time.Minute))
		if _, err := c.past(old, "ann"); err == nil {
			t.Error("an old one is still there")
		}
		if _, err := c.past(used, "ann"); err != nil {
			t.Error("one that was used is gone")
		}
	})
	t.Run("by count", func(t *testing.T) {
		c := NewConversations(testclock.NewFakePassiveClock(time.Now()))
		for range maxConversations + 10 {
			c.add(c.begin("ann"), exchanged("a"))
		}
		if len(c.known) != maxConversations || c.byUse.Len() != maxConversations {
			t.Errorf("%d are known", len(c.known))
		}
	})
	t.Run("by size", func(t *testing.T) {
		c := NewConversations(testclock.NewFakePassiveClock(time.Now()))
		big := exchanged(strings.Repeat("x", 200<<10))
		for range 400 {
			c.add(c.begin("ann"), big)
		}
		sum := 0
		for _, element := range c.known {
			sum += element.Value.(*conversation).size
		}
		if c.size > maxMemory || c.size != sum || len(c.known) == 0 {
			t.Errorf("%d bytes, counted %d", sum, c.size)
		}
	})
	t.Run("by its own size, the oldest first", func(t *testing.T) {
		c := NewConversations(testclock.NewFakePassiveClock(time.Now()))
		id := c.begin("ann")
		for _, letter := range "abcdefgh" {
			c.add(id, exchanged(strings.Repeat(string(letter), 64<<10)))
		}
		past, err := c.past(id, "ann")
		if err != nil || len(past) != 3 || past[2].Query[0] != 'h' || c.size > maxRemembered {
			t.Errorf("%d exchanges in %d bytes: %v", len(past), c.size, err)
		}
	})
}

// What is remembered may go to a model, so it is free of secrets and short.
func TestWhatIsRememberedHasNoSecrets(t *testing.T) {
	long := "password=hunter2hunter2\n" + strings.Repeat("x ", 1<<20)
	e := remembered("login with password=hunter2hunter2", []Result{{Call: Call{Arguments: map[string]any{"a": "password=hunter2hunter2"}}, Err: errText(long)}},
		&Answer{Texts: []string{long}, StopReason: "end_turn"})
	if all := e.Query + e.Answer + e.Calls[0].Arguments + e.Calls[0].Result; strings.Contains(all, "hunter2") || e.size() > 32<<10 || !e.Calls[0].Failed {
		t.Errorf("%d bytes: %.200s", e.size(), all)
	}
}

type errText string

func (e errText) Error() string { return string(e) }
