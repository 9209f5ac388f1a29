// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// handshakeTimeout bounds one handshake, so that no reconcile is held longer.
const handshakeTimeout = 5 * time.Second

// handshake asks the server through its Service. Where other pods are behind the Service as well, they may have answered:
// then a pod of the workload is asked itself.
func (l *look) handshake(ctx context.Context) (v1alpha1.CheckResult, error) {
	endpoint, err := mcpserver.EndpointOf(l.service)
	if err != nil {
		return failed(CheckHandshake, err.Error()), nil
	}
	port, err := mcpserver.PortOf(l.service)
	if err != nil {
		return failed(CheckHandshake, err.Error()), nil
	}
	result, who := l.probe(ctx, endpoint), ""
	if result.Verdict == v1alpha1.VerdictPassed && l.mixed {
		number, known := l.own.port(port.Name)
		if !known {
			return pending(CheckHandshake, fmt.Sprintf("the port of Service %s is not published of pod %s", l.service.Name, l.own.pod)), nil
		}
		result, who = l.probe(ctx, endpoint.At(l.own.ip, number)), "pod "+l.own.pod+" itself "
	}
	if result.Verdict == v1alpha1.VerdictPassed {
		l.seen = result
		return passed(CheckHandshake, who+result.Message), nil
	}
	// The data plane may lag behind the published endpoints, so only time tells that the server is at fault.
	l.askAgain()
	why, err := l.closedPath(ctx, result, port)
	if err != nil {
		return v1alpha1.CheckResult{}, err
	}
	if l.pathClosed {
		return pending(CheckHandshake, fmt.Sprintf("%s: %s. The gateway's own retry decides", result.Message, why)), nil
	}
	return pending(CheckHandshake, who+result.Message), nil
}

func (l *look) probe(ctx context.Context, endpoint mcpserver.Endpoint) mcpserver.Result {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(l.target.Handshake, handshakeTimeout))
	defer cancel()
	return l.Prober.Probe(ctx, endpoint)
}

// tools compares the tools with those that the server had. What is missing may still be loading, and no watch tells.
func (l *look) tools(context.Context) (v1alpha1.CheckResult, error) {
	seen, expected := l.seen.Tools, l.target.ExpectedTools
	missing, added := without(expected, seen), without(seen, expected)
	if len(seen) == mcpserver.MaxTools {
		// The list was cut after the last of them: what would come later may be there.
		missing = slices.DeleteFunc(missing, func(name string) bool { return name > seen[len(seen)-1] })
	}
	told := words.Count(len(seen), "tool")
	if len(expected) == 0 {
		return passed(CheckTools, told), nil
	}
	if len(missing) > 0 {
		l.askAgain()
		told += ", missing: " + some(missing)
		if len(added) > 0 {
			told += "; new: " + some(added)
		}
		return pending(CheckTools, told), nil
	}
	if len(added) > 0 {
		return passed(CheckTools, told+", all that were there before, and new: "+some(added)), nil
	}
	return passed(CheckTools, told+", the same as before"), nil
}

// without are the names of all that are not among some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(some, name) })
}

// maxNamed bounds the names that a message tells, and maxNames their text, in characters.
const (
	maxNamed = 5
	maxNames = 160
)

// some tells the first of many names.
func some(names []string) string {
	told, length := 0, 0
	for told < min(len(names), maxNamed) && (told == 0 || length+len(names[told]) <= maxNames) {
		length += len(names[told])
		told++
	}
	text := strings.Join(names[:told], ", ")
	if rest := len(names) - told; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}
