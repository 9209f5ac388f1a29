// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/page"
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
	p := &sheet{Page: page.Page{Colour: style.Colour}, style: style}
	if len(r.Findings) > 0 {
		p.first(r.Findings[0])
		p.also("Also found", r.Findings[1:], false)
		p.also("Follows from it", r.Findings[1:], true)
		p.Line("")
	} else {
		p.nothing(r)
	}
	p.hints(r.Hints)
	p.rest(r)
	_, err := p.WriteTo(to)
	return err
}

type sheet struct {
	page.Page
	style Style
}

func (p *sheet) first(f Finding) {
	p.Line("%s: %s", p.In(page.Red, title(f)), f.Message)
	p.Line("%s", p.In(page.Dim, strings.Join(about(f), " · ")))
	if len(f.Evidence) > 0 {
		p.Line("\n%s", p.In(page.Bold, "Evidence:"))
		for _, item := range f.Evidence {
			p.Line("  - %s", item)
		}
	}
	p.Line("\n%s", p.In(page.Bold, "What to do:"))
	if f.Recommendation != "" {
		p.Line("  %s", f.Recommendation)
	}
	if f.SuggestedPatch != "" {
		p.Line("\n    %s", f.SuggestedPatch)
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

func (p *sheet) also(heading string, findings []Finding, explained bool) {
	told := 0
	for _, f := range findings {
		if f.Explained != explained {
			continue
		}
		if told++; told == 1 {
			p.Line("\n%s", p.In(page.Bold, heading+":"))
		}
		if told > maxAlso {
			continue
		}
		p.Line("  %s: %s", p.In(page.Bold, title(f)), f.Message)
		if !explained {
			p.remedy(f)
		}
	}
	if told > maxAlso {
		p.Line("  and %s more (-o json tells all)", words.Count(told-maxAlso, "finding"))
	}
}

// hints are told in a line each: nobody suffers from them.
func (p *sheet) hints(hints []Finding) {
	for i, f := range hints[:min(len(hints), maxAlso)] {
		if i == 0 {
			p.Line("%s", p.In(page.Bold, "Worth a look, though all is well:"))
		}
		p.Line("  %s (%s): %s", title(f), strings.ToLower(string(f.Confidence)), f.Message)
	}
}

func (p *sheet) remedy(f Finding) {
	if f.Confidence == v1alpha1.Possible {
		p.Line("    %s", p.In(page.Dim, "possible, not proven"))
	}
	if f.Recommendation != "" {
		p.Line("    %s", f.Recommendation)
	}
	if f.SuggestedPatch != "" {
		p.Line("      %s", f.SuggestedPatch)
	}
}

// nothing tells that nothing was found, and of a single target why that is believed.
func (p *sheet) nothing(r *Report) {
	switch {
	case len(r.Healthy) == 1 && len(r.Unjudged) == 0:
		p.Line("%s: %s", p.In(page.Green, "Healthy"), r.Healthy[0].Summary)
	case len(r.Healthy) > 0:
		p.Line("%s: nothing wrong was found in namespace %s", p.In(page.Green, "Healthy"), r.Namespace)
	}
}

// rest is one line each of what is well, what could not be judged, and what was not looked at.
func (p *sheet) rest(r *Report) {
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
		p.Line("%s", p.In(page.Dim, "Not looked at: "+joinGaps(gaps)))
	} else if len(r.Gaps) > 0 && len(r.Findings) == 0 {
		p.Line("%s", p.In(page.Dim, fmt.Sprintf("Not looked at: %s (--verbose tells which)", words.Count(len(r.Gaps), "thing"))))
	}
}

func (p *sheet) targets(heading string, told []Told) {
	var names []string
	for _, t := range told {
		names = append(names, t.Target)
	}
	p.Line("%s", p.In(page.Dim, heading+": "+listed(names)))
	if p.style.Verbose {
		for _, t := range told {
			p.Line("  %s", p.In(page.Dim, t.Summary))
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
