// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import "bytes"

// wordIndex finds some hundred words in one pass over a text. Most places of a text begin none of them, which their first
// two bytes tell.
type wordIndex struct {
	// bucket of a pair of bytes, plus one; 0 means that no word begins so.
	bucket  [1 << 16]uint16
	buckets [][]indexed
}

// indexed is a word and the finder that asked for it.
type indexed struct {
	word []byte
	id   int
}

func pairOf(a, b byte) int { return int(a)<<8 | int(b) }

func (x *wordIndex) add(id int, words []string) {
	for _, word := range words {
		at := pairOf(word[0], word[1])
		if x.bucket[at] == 0 {
			x.buckets = append(x.buckets, nil)
			x.bucket[at] = uint16(len(x.buckets)) //nolint:gosec // there are some hundred words
		}
		in := &x.buckets[x.bucket[at]-1]
		*in = append(*in, indexed{[]byte(word), id})
	}
}

// hits tells for each of n finders where its words stand, in order.
func (x *wordIndex) hits(text string, n int) [][]int {
	found := make([][]int, n)
	low := lower(text)
	for i := range len(low) - 1 {
		at := x.bucket[pairOf(low[i], low[i+1])]
		if at == 0 {
			continue
		}
		for _, w := range x.buckets[at-1] {
			if bytes.HasPrefix(low[i:], w.word) {
				found[w.id] = append(found[w.id], i)
			}
		}
	}
	return found
}

// lower makes ASCII letters small and keeps every byte's place, which strings.ToLower does not.
func lower(text string) []byte {
	low := []byte(text)
	for i, c := range low {
		if 'A' <= c && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	return low
}
