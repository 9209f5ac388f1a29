// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"github.com/ry-ops/cortex/internal/telemetry"
)

const (
	// credentialsAge is how long what was read of a file is believed. The kubelet needs up to a minute to bring a new Secret
	// into a pod, so a few seconds more are nothing; a call must not wait for a disk.
	credentialsAge = 5 * time.Second
	// maxCredential bounds one file, in bytes.
	maxCredential = 32 << 10

	tokenFile   = "token"
	headersFile = "headers"
)

// callersOwn are the headers of a caller that no server may see: they say who the caller is, and to the gateway alone.
var callersOwn = []string{"Authorization", "Proxy-Authorization", "Cookie"}

// ownedByTransport are headers that the connection to a server is made of. A credential is none of them.
var ownedByTransport = map[string]bool{
	"Host": true, "Content-Length": true, "Content-Type": true, "Transfer-Encoding": true, "Connection": true, "Upgrade": true, "Te": true,
	"Trailer": true, "Accept": true, "Accept-Encoding": true, "Mcp-Session-Id": true, "Mcp-Protocol-Version": true, "Last-Event-Id": true,
}

// Credentials are what servers ask of whoever calls them, read from a folder of mounted Secrets:
//
//	NAMESPACE/SERVICE/token    a bearer token
//	NAMESPACE/SERVICE/headers  lines of the form "Name: value"
//
// A server of which there is no folder gets none. They are safe for concurrent use.
type Credentials struct {
	folder string
	clock  clock.PassiveClock

	mu    sync.Mutex
	known map[types.NamespacedName]credential
}

// credential is what one server gets, as it was read. Nothing prints it: it has no exported field and a String of its own.
type credential struct {
	header http.Header
	err    error
	read   time.Time
}

// String implements fmt.Stringer.
func (credential) String() string { return "(a credential)" }

// NewCredentials reads from a folder, as soon as something is needed. An empty folder name means none for anybody.
func NewCredentials(folder string, now clock.PassiveClock) *Credentials {
	return &Credentials{folder: folder, clock: now, known: map[types.NamespacedName]credential{}}
}

// RoundTripper sends requests to one server with its credentials and their place in a trace, and with no credentials of a caller. next must
// lead to that server alone.
func (c *Credentials) RoundTripper(server types.NamespacedName, next http.RoundTripper) http.RoundTripper {
	return &authorized{credentials: c, server: server, next: next}
}

type authorized struct {
	credentials *Credentials
	server      types.NamespacedName
	next        http.RoundTripper
}

// CredentialError is a call that was not made, since the credentials for it could not be read. It names the file, and nothing
// of what is in it.
type CredentialError struct{ err error }

// Error implements error.
func (e *CredentialError) Error() string { return "the call was not made: " + e.err.Error() }

// Unwrap gives the error of the file.
func (e *CredentialError) Unwrap() error { return e.err }

// RoundTrip implements http.RoundTripper.
func (a *authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	header, err := a.credentials.of(a.server)
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, &CredentialError{err}
	}
	ctx := request.Context()
	request = request.Clone(ctx)
	for _, name := range callersOwn {
		request.Header.Del(name)
	}
	if at := telemetry.Traceparent(ctx); at != "" {
		request.Header.Set(telemetry.Header, at)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	return a.next.RoundTrip(request)
}

// of gives the headers of a server.
func (c *Credentials) of(server types.NamespacedName) (http.Header, error) {
	if c == nil || c.folder == "" {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	known, ok := c.known[server]
	if !ok || now.Sub(known.read) >= credentialsAge {
		known = credential{read: now}
		known.header, known.err = c.readAll(server)
		c.known[server] = known
	}
	return known.header, known.err
}

func (c *Credentials) readAll(server types.NamespacedName) (http.Header, error) {
	// Kubernetes has no such names; whoever calls with another must not get out of the folder.
	for _, name := range []string{server.Namespace, server.Name} {
		if name == "" || len(content.IsPathSegmentName(name)) > 0 {
			return nil, nil
		}
	}
	folder := filepath.Join(c.folder, server.Namespace, server.Name)
	header := http.Header{}
	headers, err := readCredential(filepath.Join(folder, headersFile))
	if err != nil {
		return nil, err
	}
	for number, line := range strings.Split(headers, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		name, value = http.CanonicalHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !found || ownedByTransport[name] || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("line %d of %s is no header that a credential may be: write lines of the form Name: value", number+1, filepath.Join(folder, headersFile))
		}
		header.Add(name, value)
	}
	token, err := readCredential(filepath.Join(folder, tokenFile))
	if err != nil {
		return nil, err
	}
	if token = strings.TrimSpace(token); token != "" {
		if !httpguts.ValidHeaderFieldValue(token) {
			return nil, fmt.Errorf("%s is no token: write the token and nothing else", filepath.Join(folder, tokenFile))
		}
		header.Set("Authorization", "Bearer "+token)
	}
	return header, nil
}

// readCredential reads a file. One that is not there is empty; one that cannot be read is an error, as a server that got a call
// without its credential would say something misleading.
func readCredential(file string) (string, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // its name is made of the flag's folder and names of Kubernetes
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the credentials of an MCP server: %w", err)
	case len(raw) > maxCredential:
		return "", fmt.Errorf("%s has %d bytes, and at most %d are read: mount a Secret with the keys %s or %s", file, len(raw), maxCredential, tokenFile, headersFile)
	}
	return string(raw), nil
}
