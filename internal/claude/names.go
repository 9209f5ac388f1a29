// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package claude

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// findTools is the planner's own tool. No server's tool has its name: theirs have two underscores behind the server.
const findTools = "cortex_find_tools"

// maxName is what the Messages API allows: ^[a-zA-Z0-9_-]{1,64}$.
const maxName = 64

var notInName = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// offeredName is how the model knows a tool: server__tool, or, where that does not fit or could mean another tool too, as much
// of it as fits and a hash of what it stands for. It depends on the tool alone and on whether another namespace has a server of
// that name, so a name never comes to mean another tool.
func offeredName(server types.NamespacedName, tool string, twins bool) string {
	whole := server.Name + "__" + tool
	plain := notInName.ReplaceAllString(whole, "_")
	if plain == whole && len(whole) <= maxName && !twins && !hashed.MatchString(whole) {
		return whole
	}
	sum := sha256.Sum256([]byte(server.Namespace + "/" + server.Name + "/" + tool))
	mark := "_" + hex.EncodeToString(sum[:6])
	return strings.TrimRight(plain[:min(len(plain), maxName-len(mark))], "_") + mark
}

// hashed matches names that look like those with a hash. A tool that is called so gets another one, or it could pass for a
// neighbour whose name had to be changed.
var hashed = regexp.MustCompile(`_[0-9a-f]{12}$`)
