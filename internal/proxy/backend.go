// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ry-ops/cortex/internal/mcp"
)

// backend is one MCP server: its tools, and a session for each set of capabilities that clients have.
type backend struct {
	proxy  *Proxy
	server *mcp.Server
	// ctx ends when the server is gone from the cluster.
	ctx    context.Context //nolint:containedctx // of the sessions, which outlive the calls that open them
	cancel context.CancelFunc

	// nextID numbers the requests to the server, over all sessions.
	nextID atomic.Int64
	held   atomic.Int64
	tools  tools
	wants  wants

	mu sync.Mutex
	// comingBack: the session that is listened to is being opened again.
	comingBack bool
	// opened counts the sessions.
	opened   int
	sessions [allCapabilities + 1]*session
}

// name is the server's in URLs and tool names, if no other server has it.
func (b *backend) name() string { return b.server.Key().Name }

// fullName is always its own.
func (b *backend) fullName() string { return b.server.Key().Name + "." + b.server.Key().Namespace }

// backends are the servers by name.
type backends struct {
	changed chan struct{}

	mu  sync.RWMutex
	all []*backend
	// byName has each one under its full name, and under its short one if that is its own. A short name of several is nil.
	byName map[string]*backend
}

// wake has the servers looked at again.
func (s *backends) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

var errUnknownServer = errors.New("there is no MCP server of this name")

// find returns a server by short or full name.
func (s *backends) find(name string) (*backend, error) {
	s.mu.RLock()
	b, known := s.byName[name]
	s.mu.RUnlock()
	switch {
	case b != nil:
		return b, nil
	case known:
		return nil, fmt.Errorf("several MCP servers are named %s: write %s.NAMESPACE", name, name)
	default:
		return nil, fmt.Errorf("%w: %.80q. Servers are the Services with the label healing.cortex.dev/mcp-server=true", errUnknownServer, name)
	}
}

// list returns the servers in order, each with the name that it goes by.
func (s *backends) list() []named {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]named, 0, len(s.all))
	for _, b := range s.all {
		name := b.name()
		if s.byName[name] != b {
			name = b.fullName()
		}
		list = append(list, named{b, name})
	}
	return list
}

type named struct {
	*backend
	as string
}

// keep makes the backends those of some servers, and ends the others.
func (s *backends) keep(all []*backend) {
	byName := make(map[string]*backend, 2*len(all))
	for _, b := range all {
		if _, taken := byName[b.name()]; taken {
			byName[b.name()] = nil
		} else {
			byName[b.name()] = b
		}
	}
	kept := make(map[*backend]bool, len(all))
	for _, b := range all {
		byName[b.fullName()] = b
		kept[b] = true
	}
	s.mu.Lock()
	old := s.all
	s.all, s.byName = all, byName
	s.mu.Unlock()
	for _, b := range old {
		if !kept[b] {
			b.end()
		}
	}
}

// follow keeps the backends those of the cluster.
func (p *Proxy) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.backends.changed:
			p.sync()
		}
	}
}

func (p *Proxy) sync() {
	p.backends.mu.RLock()
	old := make(map[*mcp.Server]*backend, len(p.backends.all))
	for _, b := range p.backends.all {
		old[b.server] = b
	}
	p.backends.mu.RUnlock()
	servers := p.Servers.Servers()
	all := make([]*backend, 0, len(servers))
	for _, server := range servers {
		b := old[server]
		if b == nil {
			b = &backend{proxy: p, server: server}
			b.tools.tried = make(chan struct{})
			b.ctx, b.cancel = context.WithCancel(p.ctx)
		}
		all = append(all, b)
	}
	p.backends.keep(all)
	for _, b := range all {
		// One that is known may have been replaced in peace: its tools are looked at again.
		b.relist()
	}
	p.listeners.tell(nil, toolsChanged)
}

// end closes the sessions of a server that is gone, and the streams of those who listen to it: one that comes by its name is another.
func (b *backend) end() {
	b.cancel()
	b.proxy.listeners.end(b)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, s := range b.sessions {
		if s != nil {
			s.close()
			b.sessions[i] = nil
		}
	}
}

// splitTool reads the server and the tool off a name of the aggregate. Names of Services have no underscore.
func splitTool(name string) (server, tool string, ok bool) { return strings.Cut(name, "__") }
