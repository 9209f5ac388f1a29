// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// Style of the text form.
type Style struct {
	// Colour for terminals that know it.
	Colour bool
	// Verbose tells all gaps and why each target is taken to be well.
	Verbose bool
}

// maxAlso bounds the findings that are told beside the first, and maxNamed the targets that are named in a line.
const (
	maxAlso  = 10
	maxNamed = 8
)

// Text writes the report for a person who was woken by it: what is wrong in the first line, why that is known, what to do,
// and then the rest.
func (r *Report) Text(to io.Writer, style Style) error {
	p := &page{style: style}
	if len(r.Findings) > 0 {
		p.first(r.Findings[0])
		p.also("Also found", r.Findings[1:], false)
		p.also("Follows from it", r.Findings[1:], true)
		p.line("")
	} else {
		p.nothing(r)
	}
	p.hints(r.Hints)
	p.rest(r)
	_, err := to.Write(p.text.Bytes())
	return err
}

type page struct {
	style Style
	text  bytes.Buffer
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

// The colours: red what is wrong, bold what is a heading, dim what is beside.
const (
	red   = "31;1"
	green = "32"
	bold  = "1"
	dim   = "2"
)

func (p *page) in(colour, text string) string {
	if !p.style.Colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (p *page) first(f Finding) {
	p.line("%s: %s", p.in(red, title(f)), f.Message)
	p.line("%s", p.in(dim, strings.Join(about(f), " · ")))
	if len(f.Evidence) > 0 {
		p.line("\n%s", p.in(bold, "Evidence:"))
		for _, item := range f.Evidence {
			p.line("  - %s", item)
		}
	}
	p.line("\n%s", p.in(bold, "What to do:"))
	if f.Recommendation != "" {
		p.line("  %s", f.Recommendation)
	}
	if f.SuggestedPatch != "" {
		p.line("\n    %s", f.SuggestedPatch)
	}
}

func title(f Finding) string {
	if f.Detail == "" {
		return string(f.Cause)
	}
	return fmt.Sprintf("%s (%s)", f.Cause, f.Detail)
}

// about tells where it is, who suffers and how sure it is.
func about(f Finding) []string {
	where := f.Object.Kind + " " + f.Object.Name
	if f.Namespace != "" {
		where += " in namespace " + f.Namespace
	}
	parts := []string{where}
	switch {
	case len(f.Services) == 0:
	case f.Reach == Down:
		parts = append(parts, "no caller of "+services(f)+" gets an answer")
	case f.Reach == Degraded:
		parts = append(parts, services(f)+" is degraded")
	default:
		parts = append(parts, services(f)+" still serves")
	}
	return append(parts, strings.ToLower(string(f.Confidence)))
}

func services(f Finding) string {
	if len(f.Services) == 1 {
		return "Service " + f.Services[0]
	}
	return "Services " + listed(f.Services)
}

// listed names the first of many.
func listed(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (p *page) also(heading string, findings []Finding, explained bool) {
	told := 0
	for _, f := range findings {
		if f.Explained != explained {
			continue
		}
		if told++; told == 1 {
			p.line("\n%s", p.in(bold, heading+":"))
		}
		if told > maxAlso {
			continue
		}
		p.line("  %s: %s", p.in(bold, title(f)), f.Message)
		if !explained {
			p.remedy(f)
		}
	}
	if told > maxAlso {
		p.line("  and %s more (-o json tells all)", words.Count(told-maxAlso, "finding"))
	}
}

// hints are told in a line each: nobody suffers from them.
func (p *page) hints(hints []Finding) {
	for i, f := range hints[:min(len(hints), maxAlso)] {
		if i == 0 {
			p.line("%s", p.in(bold, "Worth a look, though all is well:"))
		}
		p.line("  %s (%s): %s", title(f), strings.ToLower(string(f.Confidence)), f.Message)
	}
}

func (p *page) remedy(f Finding) {
	if f.Confidence == v1alpha1.Possible {
		p.line("    %s", p.in(dim, "possible, not proven"))
	}
	if f.Recommendation != "" {
		p.line("    %s", f.Recommendation)
	}
	if f.SuggestedPatch != "" {
		p.line("      %s", f.SuggestedPatch)
	}
}

// nothing tells that nothing was found, and of a single target why that is believed.
func (p *page) nothing(r *Report) {
	switch {
	case len(r.Healthy) == 1 && len(r.Unjudged) == 0:
		p.line("%s: %s", p.in(green, "Healthy"), r.Healthy[0].Summary)
	case len(r.Healthy) > 0:
		p.line("%s: nothing wrong was found in namespace %s", p.in(green, "Healthy"), r.Namespace)
	}
}

// rest is one line each of what is well, what could not be judged, and what was not looked at.
func (p *page) rest(r *Report) {
	switch {
	case len(r.Healthy) > 0 && len(r.Findings) > 0:
		p.targets("Healthy", r.Healthy)
	case len(r.Healthy) > 1:
		p.targets("Looked at", r.Healthy)
	}
	if len(r.Unjudged) > 0 {
		p.targets("Not judged", r.Unjudged)
	}
	gaps := r.Limiting
	if p.style.Verbose {
		gaps = r.Gaps
	}
	if len(gaps) > 0 {
		p.line("%s", p.in(dim, "Not looked at: "+joinGaps(gaps)))
	} else if len(r.Gaps) > 0 && len(r.Findings) == 0 {
		p.line("%s", p.in(dim, fmt.Sprintf("Not looked at: %s (--verbose tells which)", words.Count(len(r.Gaps), "thing"))))
	}
}

func (p *page) targets(heading string, told []Told) {
	var names []string
	for _, t := range told {
		names = append(names, t.Target)
	}
	p.line("%s", p.in(dim, heading+": "+listed(names)))
	if p.style.Verbose {
		for _, t := range told {
			p.line("  %s", p.in(dim, t.Summary))
		}
	}
}

// joinGaps tells gaps that begin alike as one: "the file holds no Node, no Lease".
func joinGaps(gaps []string) string {
	const absent = "the file holds "
	var missing, told []string
	for _, gap := range gaps {
		if kind, ok := strings.CutPrefix(gap, absent); ok {
			missing = append(missing, kind)
		} else {
			told = append(told, gap)
		}
	}
	if len(missing) > 0 {
		told = append([]string{absent + strings.Join(missing, ", ")}, told...)
	}
	return strings.Join(told, "; ")
}
