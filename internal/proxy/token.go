// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	sessionHeader = "Mcp-Session-Id"
	versionHeader = "Mcp-Protocol-Version"
)

// versions of the protocol with sessions, which clients and servers may speak here, the latest first.
var versions = []string{"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}

// assumed is the version of a client that names none (2025-06-18, "Protocol Version Header").
const assumed = "2025-03-26"

// known is what the id of a client's session says. It needs no store: any gateway, and one that was started since, knows the session.
// It gives no right to anything: who may call is decided with each request.
type known struct {
	id      string
	version string
	caps    capabilities
}

// tokenMark begins the ids, with the version of their form.
const tokenMark = "cortex1"

func newSession(version string, caps capabilities) known {
	id := strings.Join([]string{tokenMark, version, strconv.FormatUint(uint64(caps), 16), rand.Text()}, ".")
	return known{id: id, version: version, caps: caps}
}

func readSession(id string) (known, bool) {
	mark, rest, _ := strings.Cut(id, ".")
	version, rest, _ := strings.Cut(rest, ".")
	caps, random, ok := strings.Cut(rest, ".")
	bits, err := strconv.ParseUint(caps, 16, 8)
	if !ok || mark != tokenMark || err != nil || capabilities(bits)&^allCapabilities != 0 || !slices.Contains(versions, version) || len(random) != 26 {
		return known{}, false
	}
	return known{id: id, version: version, caps: capabilities(bits)}, true
}

// client finds out who speaks, from the headers of a request that belongs to a session. A request without a session is one of a
// client that can do nothing but ask.
func (p *Proxy) client(r *http.Request) (known, *refusal) {
	switch version := r.Header.Get(versionHeader); {
	case version == stateless:
		return known{version: stateless}, nil
	case version != "" && !slices.Contains(versions, version):
		return known{}, unsupported(version, "this version of the protocol is not supported: data.supported has those that are", supported)
	}
	id := r.Header.Get(sessionHeader)
	if id == "" {
		return known{version: assumed}, nil
	}
	session, ok := readSession(id)
	if !ok {
		return known{}, &refusal{http.StatusNotFound, codeInvalidRequest, "this session is not known: begin a new one with initialize", nil}
	}
	return session, nil
}

// capabilities of a client that matter to a server: what it may ask the client to do while a call is under way. Each set of them has
// its own upstream session. Roots are left out: a server asks for them outside of any call, so it cannot be known whose they are.
type capabilities uint8

const (
	sampling capabilities = 1 << iota
	samplingTools
	samplingContext
	elicitationForm
	elicitationURL

	allCapabilities = sampling | samplingTools | samplingContext | elicitationForm | elicitationURL
)

type declared struct {
	Sampling *struct {
		Tools   *struct{} `json:"tools,omitempty"`
		Context *struct{} `json:"context,omitempty"`
	} `json:"sampling,omitempty"`
	Elicitation *struct {
		Form *struct{} `json:"form,omitempty"`
		URL  *struct{} `json:"url,omitempty"`
	} `json:"elicitation,omitempty"`
}

func (d declared) set() (caps capabilities) {
	add := func(has bool, one capabilities) {
		if has {
			caps |= one
		}
	}
	if d.Sampling != nil {
		caps |= sampling
		add(d.Sampling.Tools != nil, samplingTools)
		add(d.Sampling.Context != nil, samplingContext)
	}
	if d.Elicitation != nil {
		// An empty object means forms (2025-11-25, "Elicitation", "Capabilities").
		add(d.Elicitation.Form != nil || d.Elicitation.URL == nil, elicitationForm)
		add(d.Elicitation.URL != nil, elicitationURL)
	}
	return caps
}

// declare is what an upstream session claims.
func (c capabilities) declare() json.RawMessage {
	out := map[string]map[string]struct{}{}
	for _, one := range []struct {
		bit         capabilities
		name, inner string
	}{
		{sampling, "sampling", ""}, {samplingTools, "sampling", "tools"}, {samplingContext, "sampling", "context"},
		{elicitationForm, "elicitation", "form"}, {elicitationURL, "elicitation", "url"},
	} {
		if c&one.bit == 0 {
			continue
		}
		if out[one.name] == nil {
			out[one.name] = map[string]struct{}{}
		}
		if one.inner != "" {
			out[one.name][one.inner] = struct{}{}
		}
	}
	raw, _ := json.Marshal(out)
	return raw
}
