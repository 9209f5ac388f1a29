// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// The right that a user of an MCP server has in the cluster's RBAC. The resource is virtual, as those of kubelet and
// aggregated APIs often are: nothing is stored under it, and a name is that of the Service.
const (
	Resource = "mcpservers"
	Verb     = "use"
	// Role grants it. See config/rbac/users.
	Role = "cortex-mcp-user"
)

// maxName bounds the name of a user where it is shown or recorded, in characters (api/v1alpha1, spec.requestedBy).
const maxName = 253

// Refusal is why a caller gets no answer, in words that say what to do.
type Refusal struct {
	// Status is the HTTP status that says the same.
	Status  int
	Message string
	// challenge is the WWW-Authenticate header of a 401 (RFC 6750, section 3).
	challenge string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// WriteTo answers a request with the refusal. The connection is closed: who is refused must come again from the start, so that
// refusals keep nothing open.
func (r *Refusal) WriteTo(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Connection", "close")
	if r.challenge != "" {
		header.Set("WWW-Authenticate", r.challenge)
	}
	if r.Status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "2")
	}
	w.WriteHeader(r.Status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": r.Message}) // the client may be gone
}

// unknown refuses a caller without a token that holds. how says where to get one.
func unknown(message, how, code string) *Refusal {
	challenge := `Bearer realm="cortex"`
	if code != "" {
		challenge += `, error="` + code + `"`
	}
	return &Refusal{Status: http.StatusUnauthorized, Message: message + ": " + how, challenge: challenge}
}

func malformed(message string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Message: message, challenge: `Bearer realm="cortex", error="invalid_request"`}
}

// unsure refuses a caller of whom nobody could be asked. Nothing is let through unasked.
func unsure(what string, err error) *Refusal {
	return &Refusal{Status: http.StatusServiceUnavailable, Message: what + ": " + foreign.Line(err.Error(), 512)}
}

// forbidden names the right that is missing, and the command that grants it. An empty server means all.
func forbidden(user User, server types.NamespacedName) *Refusal {
	who, namespace, which := foreign.Line(user.Name, maxName), "NAMESPACE", "any MCP server"
	right := fmt.Sprintf("the verb %q on %s.%s", Verb, Resource, v1alpha1.GroupVersion.Group)
	if server.Name != "" {
		namespace, which = server.Namespace, "the MCP server "+server.String()
		right += fmt.Sprintf(" %q in namespace %s", server.Name, server.Namespace)
	}
	return &Refusal{Status: http.StatusForbidden, Message: fmt.Sprintf(
		"%s may not use %s: that needs %s. Who administers the namespace grants it with: kubectl create rolebinding NAME -n %s --clusterrole=%s %s",
		who, which, right, namespace, Role, subject(user.Name))}
}

// plainName is what a shell takes as it is. A bound in it would be compiled to as many copies.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_.:@/+-]+$`)

func isPlain(name string) bool { return len(name) <= maxName && plainName.MatchString(name) }

// subject is a user as an argument of kubectl create rolebinding. A name that a shell would not take as it is is not repeated
// in a command that people copy.
func subject(name string) string {
	if account, ok := strings.CutPrefix(name, "system:serviceaccount:"); ok && isPlain(account) {
		return "--serviceaccount=" + account
	}
	if isPlain(name) {
		return "--user=" + name
	}
	return "--user=USER"
}
