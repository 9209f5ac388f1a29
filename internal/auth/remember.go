// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"
)

// What was answered is believed for a while: long enough that a caller who works costs the API server next to nothing, and that
// a restart of it is not noticed; short enough that a right that is taken away is gone within a minute.
const (
	yesTime = time.Minute
	noTime  = 10 * time.Second
	// maxKnown bounds what is remembered, in answers. No and yes have each their own, so that a flood of made-up tokens drives
	// out nobody.
	maxKnown = 4096
	// askTime bounds one question, with its second and third try.
	askTime = 5 * time.Second
)

// memory remembers answers, and asks once for all who want to know the same at the same time. A question that failed is not
// remembered.
type memory[K comparable, V any] struct {
	yes, no *cache.LRUExpireCache
	asking  singleflight.Group
	clock   clock.Clock
}

func newMemory[K comparable, V any](now clock.Clock) *memory[K, V] {
	return &memory[K, V]{yes: cache.NewLRUExpireCacheWithClock(maxKnown, now), no: cache.NewLRUExpireCacheWithClock(maxKnown, now), clock: now}
}

// answer is what ask found out. Until bounds how long it may be believed; zero means that nothing else does.
type answer[V any] struct {
	value V
	yes   bool
	until time.Time
}

// get gives what is remembered, or asks. The question belongs to all who wait for it, and not to the one who came first.
func (m *memory[K, V]) get(ctx context.Context, key K, ask func(context.Context) (answer[V], error)) (answer[V], error) {
	if known, ok := m.known(key); ok {
		return known, nil
	}
	asked := m.asking.DoChan(fmt.Sprintf("%v", key), func() (any, error) {
		// Who looked before the last question was answered, and comes here after it, would ask again.
		if known, ok := m.known(key); ok {
			return known, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
		defer cancel()
		a, err := ask(ctx)
		if err == nil {
			m.keep(key, a)
		}
		return a, err
	})
	select {
	case result := <-asked:
		if result.Err != nil {
			return answer[V]{}, result.Err
		}
		return result.Val.(answer[V]), nil
	case <-ctx.Done():
		return answer[V]{}, context.Cause(ctx)
	}
}

func (m *memory[K, V]) known(key K) (answer[V], bool) {
	for _, answers := range []*cache.LRUExpireCache{m.yes, m.no} {
		if known, ok := answers.Get(key); ok {
			return known.(answer[V]), true
		}
	}
	return answer[V]{}, false
}

func (m *memory[K, V]) keep(key K, a answer[V]) {
	if !a.yes {
		m.no.Add(key, a, noTime)
		return
	}
	ttl := yesTime
	if !a.until.IsZero() {
		ttl = min(ttl, a.until.Sub(m.clock.Now()))
	}
	if ttl > 0 {
		m.yes.Add(key, a, ttl)
	}
}

// whose is the User of a token, as is remembered or as ask finds out. Tokens are remembered by their hash.
func whose(ctx context.Context, known *memory[[sha256.Size]byte, User], token string, ask func(context.Context) (answer[User], error)) (User, error) {
	found, err := known.get(ctx, sha256.Sum256([]byte(token)), ask)
	switch {
	case err != nil:
		return User{}, err
	case !found.yes:
		return User{}, errInvalid
	}
	return found.value, nil
}
