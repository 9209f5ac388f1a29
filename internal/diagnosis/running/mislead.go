// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"slices"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// wrongPort: the probe asks a port at which nothing listens, while the container listens at another. A port that anything
// vouches for is not wrong, and one that answers is not either.
func wrongPort(s *snapshot.Snapshot, p *probe) (fault, bool) {
	port := p.port()
	if port == 0 || p.answer.heard() && p.answer.kind != answerNoSuchPath {
		return fault{}, false
	}
	all := clues(s, p)
	if len(all) == 0 || vouched(p, port, all) {
		return fault{}, false
	}
	strong := slices.ContainsFunc(all, func(c clue) bool { return c.strong })
	if !strong && (p.answer.kind == answerNoSuchPath || !p.fails(s)) {
		return fault{}, false // something listens there, or it may only be starting
	}
	right := agreed(all)
	f := fault{
		detail: detailPort, confidence: v1alpha1.Likely, field: p.protocol() + ".port",
		why:      fmt.Sprintf("is %s, which is no port of %s", portAsked(p), p.Container),
		evidence: said(all),
		advice:   "Set it to the port that the container listens at.",
	}
	if strong || right != 0 && len(all) > 1 && p.answer.kind == answerUnreached {
		f.confidence = v1alpha1.Certain
	}
	if right != 0 {
		f.why += fmt.Sprintf("; it listens at %d", right)
		f.advice = fmt.Sprintf("Set it to %d.", right)
		f.patch = map[string]any{p.protocol(): map[string]any{"port": right}}
		f.heard = !slices.ContainsFunc(all, func(c clue) bool { return c.port == right && !c.heard })
	}
	return f, true
}

func portAsked(p *probe) string {
	asked, _ := p.asked()
	return asked.String()
}

// wrongPath: the server answers, and knows no such path or wants credentials for it. One that is starting may answer so
// until its pages are there, so the probe must have made trouble.
func wrongPath(s *snapshot.Snapshot, p *probe) (fault, bool) {
	if p.spec.HTTPGet == nil || p.answer.kind != answerNoSuchPath && p.answer.kind != answerNoAccess || !p.fails(s) {
		return fault{}, false
	}
	f := fault{
		detail: detailPath, confidence: v1alpha1.Certain, field: "httpGet.path",
		why:    fmt.Sprintf("is %s, and port %d answers %d to that", pathOf(p), p.port(), p.answer.status),
		advice: "Set it to a path that the server answers with 200 without credentials.",
	}
	if p.answer.kind == answerNoAccess {
		f.confidence = v1alpha1.Likely
	}
	if sibling := workingAt(s, p, p.port()); sibling != nil && sibling.spec.HTTPGet != nil && pathOf(sibling) != pathOf(p) {
		f.evidence = []string{siblingWorks(sibling)}
		f.advice = fmt.Sprintf("Set it to a path that the server answers, such as %s of the %s probe.", pathOf(sibling), sibling.kind)
		f.patch = map[string]any{"httpGet": map[string]any{"path": pathOf(sibling)}}
	}
	return f, true
}

func pathOf(p *probe) string {
	if p.spec.HTTPGet.Path == "" {
		return "/"
	}
	return p.spec.HTTPGet.Path
}
