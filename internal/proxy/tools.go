// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/proxy/envelope"
)

const (
	// maxTools bounds the tools of one server, and maxPages the pages that they may come in.
	maxTools = 1024
	maxPages = 64
	// firstList is how long tools/list waits for servers whose tools were never seen. What comes later is told by a notification.
	firstList = 3 * time.Second
)

// tools of one server, as it listed them. A server that is down keeps them.
type tools struct {
	mu     sync.Mutex
	raw    []tool
	byName map[string]about
	known  bool
	// tried is closed when they were listed, or could not be listed, for the first time. busy: they are being listed, and again
	// asks for one more time.
	tried       chan struct{}
	busy, again bool
}

// tool is one as the server wrote it, and where its name stands.
type tool struct {
	raw  []byte
	name envelope.Span
}

// about is what of a tool matters to a call of it.
type about struct {
	hints   mcp.Hints
	mirrors []mirror
}

// about a tool, and whether the server has listed it.
func (t *tools) about(name string) (known about, listed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, listed = t.byName[name]
	return known, listed
}

// set takes note of a listing and reports whether it differs from the last one.
func (t *tools) set(raw []tool, byName map[string]about) (changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	changed = len(raw) != len(t.raw) || !t.known
	for i := 0; !changed && i < len(raw); i++ {
		changed = !bytes.Equal(raw[i].raw, t.raw[i].raw)
	}
	t.raw, t.byName, t.known = raw, byName, true
	return changed
}

// Pauses between two attempts to list tools.
const (
	listFirst = 500 * time.Millisecond
	listMost  = 30 * time.Second
)

// relist lists the tools of a server in the background, until that succeeds. What is asked meanwhile is done once more after it.
func (b *backend) relist() {
	b.tools.mu.Lock()
	defer b.tools.mu.Unlock()
	if b.tools.busy {
		b.tools.again = true
		return
	}
	b.tools.busy = true
	b.proxy.background(func(context.Context) {
		for wait := listFirst; ; wait = min(2*wait, listMost) {
			changed, err := b.list(b.ctx) //nolint:contextcheck // the server's own
			if changed {
				b.proxy.listeners.tell(nil, toolsChanged)
			}
			if err != nil && b.ctx.Err() == nil {
				b.proxy.Log.V(1).Info("the tools of a server cannot be listed yet", "server", b.server.Key(), "reason", foreign.Line(err.Error(), maxText))
			}
			if b.tools.enough(err != nil && b.ctx.Err() == nil) {
				return
			}
			if err != nil {
				b.proxy.pause(b.ctx, wait) //nolint:contextcheck // the server's own
			}
		}
	})
}

// enough is called after each listing, and reports whether it was the last one.
func (t *tools) enough(failed bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.tried:
	default:
		close(t.tried)
	}
	t.busy = failed || t.again
	t.again = false
	return !t.busy
}

// list asks for all tools, on the session of clients that can do nothing.
func (b *backend) list(ctx context.Context) (changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*b.server.ConnectTimeout())
	defer cancel()
	s, _, err := b.session(ctx, 0)
	if err != nil {
		return false, err
	}
	if s.offers.Capabilities.Tools == nil {
		return b.tools.set(nil, nil), nil
	}
	raw, err := s.listTools(ctx)
	if err != nil {
		if mcp.Heals(b.server.Failure(ctx, err, "").Class) {
			b.drop(s) // the next one begins anew
		}
		return false, err
	}
	byName := make(map[string]about, len(raw))
	for _, t := range raw {
		var said struct {
			Name        string `json:"name"`
			Annotations *struct {
				ReadOnly   bool `json:"readOnlyHint"`
				Idempotent bool `json:"idempotentHint"`
			} `json:"annotations"`
		}
		if json.Unmarshal(t.raw, &said) != nil {
			continue
		}
		one := about{mirrors: mirrors(t.raw)}
		if said.Annotations != nil {
			one.hints = mcp.Hints{Given: true, ReadOnly: said.Annotations.ReadOnly, Idempotent: said.Annotations.Idempotent}
		}
		byName[said.Name] = one
	}
	return b.tools.set(raw, byName), nil
}

func (s *session) listTools(ctx context.Context) ([]tool, error) {
	var all []tool
	params := []byte("{}")
	for range maxPages {
		result, response, err := s.ask(ctx, "tools/list", params)
		if err != nil {
			return nil, fmt.Errorf("listing tools: %w", err)
		}
		var page struct {
			Tools      []json.RawMessage `json:"tools"`
			NextCursor string            `json:"nextCursor"`
		}
		if err := json.Unmarshal(result, &page); err != nil {
			return nil, broken(response, errors.New("the list of tools cannot be read"))
		}
		for _, raw := range page.Tools {
			// One whose name cannot be told from where it stands is left out: it could not be called here.
			if name, ok := envelope.Name(raw); ok && len(all) < maxTools {
				all = append(all, tool{bytes.Clone(raw), name})
			}
		}
		if page.NextCursor == "" {
			return all, nil
		}
		params = fmt.Appendf(nil, `{"cursor":%s}`, quoted(page.NextCursor))
	}
	return all, nil
}

// list is the result of tools/list for all servers that the caller may use. It waits a moment for those whose tools were never seen.
func (p *Proxy) list(ctx context.Context) []byte {
	ctx, cancel := context.WithTimeout(ctx, firstList)
	defer cancel()
	out := []byte(`{"tools":[`)
	first := true
	for _, b := range p.backends.list() {
		if p.MayUse(ctx, b.server.Key()) != nil {
			continue
		}
		select {
		case <-b.tools.tried:
		case <-ctx.Done():
		}
		b.tools.mu.Lock()
		raw := b.tools.raw
		b.tools.mu.Unlock()
		for _, t := range raw {
			if !first {
				out = append(out, ',')
			}
			first = false
			out = append(out, t.raw[:t.name.From+1]...)
			out = append(out, b.as...)
			out = append(out, "__"...)
			out = append(out, t.raw[t.name.From+1:]...)
		}
	}
	return append(out, "]}"...)
}
