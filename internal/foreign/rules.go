// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import "sync"

// A finder finds the secrets of one kind. It is asked only about a text that holds one of its words, and told where.
type finder interface {
	// words are lower-case and of two bytes at least; every secret of this kind has one in it or beside it.
	words() []string
	// spans are the secrets near the hits, which are in order.
	spans(text string, hits []int) []span
	// work is how many bytes spans will look at.
	work(text string, hits []int) int
}

const (
	// A text may cause every byte of it to be looked at by maxLooks finders. Ordinary logs stay below 6. What goes beyond
	// names the vendors of the whole rule set, to keep the operator busy.
	maxLooks = 24
	// freeWork is not counted, so that a short text may name whom it likes.
	freeWork = 64 << 10
)

// ruleBook is every finder, and the words that call them up.
type ruleBook struct {
	finders []finder
	index   wordIndex
}

// rules are made when the first text comes: a start of the operator should not wait for them.
var rules = sync.OnceValue(func() *ruleBook {
	book := &ruleBook{finders: []finder{pairs{}, manifests{}}}
	for _, s := range ownShapes {
		book.finders = append(book.finders, s.compiled())
	}
	for _, s := range keptShapes() {
		book.finders = append(book.finders, s.compiled())
	}
	for id, f := range book.finders {
		book.index.add(id, f.words())
	}
	return book
})

// find is false for a text that asks for more work than any log is worth.
func (b *ruleBook) find(text string) ([]span, bool) {
	var found []span
	left := freeWork + maxLooks*len(text)
	for id, hits := range b.index.hits(text, len(b.finders)) {
		if len(hits) == 0 {
			continue
		}
		if left -= b.finders[id].work(text, hits); left < 0 {
			return nil, false
		}
		found = append(found, b.finders[id].spans(text, hits)...)
	}
	return found, true
}
