// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/page"
)

// Text writes the story for a person: the summary, and of each heal when, who, why, what and how it ended.
func (s Story) Text(to io.Writer, style Style) error {
	p := style.page()
	p.Line("%s", p.In(page.Bold, s.Target+" in namespace "+s.Namespace))
	p.Line("%s", s.Summary.text())
	for _, h := range s.Heals {
		p.Line("")
		tell(p, h, "", style)
	}
	switch {
	case len(s.Heals) == 0:
		p.Line("\nNo heal of it is on record.")
	case s.Older > 0:
		p.Line("\n%s", p.In(page.Dim, fmt.Sprintf("and %s before (--limit 0 tells all)", words.Count(s.Older, "heal"))))
	}
	_, err := p.WriteTo(to)
	return err
}

// fact is one line of a heal.
type fact struct{ name, text string }

// tell adds a heal, and under it those that it asked for.
func tell(p *page.Page, h Heal, margin string, style Style) {
	told, colour := standing(h)
	target := ""
	if margin != "" {
		target = "  " + h.Target
	}
	p.Line("%s%s  %s%s  %s", margin, p.In(page.Dim, words.TimeOfDay(h.created, style.Now)), p.In(page.Bold, h.Name), target, p.In(colour, told))
	inner := strings.ReplaceAll(margin, "└", " ") + "  "
	for _, f := range facts(h) {
		if f.text != "" {
			p.Line("%s%s %s", inner, p.In(page.Dim, fmt.Sprintf("%-10s", f.name)), f.text)
		}
	}
	for _, child := range h.Children {
		tell(p, child, inner+"└ ", style)
	}
}

// facts are what is told of a heal, in the order in which it happened.
func facts(h Heal) []fact {
	all := []fact{{"asked", asked(h)}, {"because", h.Reason}, {"cause", cause(h)}, {"waits", h.Waits}, {"answer", answer(h)}}
	for i, a := range h.Actions {
		all = append(all, fact{heading("done", i), done(a)})
	}
	return append(all, fact{"proof", proven(h)}, fact{"left to do", leftToDo(h)}, fact{"command", leftToRun(h)})
}

// heading stands before the first of several lines.
func heading(name string, i int) string {
	if i > 0 {
		return ""
	}
	return name
}

func asked(h Heal) string {
	who := cmp.Or(h.RequestedBy, "somebody")
	switch h.Trigger {
	case v1alpha1.TriggerMCPFailure:
		return strings.TrimSuffix(who+", after a failed call: "+h.Error, ": ")
	case v1alpha1.TriggerDependency:
		return who + ", for what depends on it"
	case v1alpha1.TriggerProactive:
		return who + ", before anybody called"
	default:
		if h.Mode == v1alpha1.ModeDryRun {
			return who + ", for a dry run"
		}
		return who + ", by hand"
	}
}

func cause(h Heal) string {
	if h.Cause == "" || h.finding == "" {
		return cmp.Or(h.Cause, h.finding)
	}
	return h.Cause + ": " + h.finding
}

func answer(h Heal) string {
	if h.Approval == "" {
		return ""
	}
	return words.Lower(h.Approval) + by(h.ApprovedBy)
}

// done tells a change as it was made, from what to what, and what became of it.
func done(a Action) string {
	told := cmp.Or(a.Detail, string(a.Type)+" "+a.Object)
	return fmt.Sprintf("%s (%s)", told, words.Lower(a.State))
}

// proven tells the verdict, and of what did not pass why.
func proven(h Heal) string {
	if h.Verdict == "" {
		return ""
	}
	var passed, others []string
	for _, c := range h.Checks {
		if c.Verdict == v1alpha1.VerdictPassed {
			passed = append(passed, c.Name)
		} else {
			others = append(others, strings.TrimSuffix(c.Name+" "+words.Lower(c.Verdict)+": "+c.Message, ": "))
		}
	}
	told := []string{words.Lower(h.Verdict)}
	if len(passed) > 0 {
		told = append(told, strings.Join(passed, ", ")+" passed")
	}
	return strings.Join(append(told, others...), "; ")
}

// leftToDo is what a person is advised of. Where nothing was wrong nothing is.
func leftToDo(h Heal) string {
	if h.Outcome == v1alpha1.ReasonHealthy {
		return ""
	}
	return h.Recommendation
}

func leftToRun(h Heal) string {
	if leftToDo(h) == "" {
		return ""
	}
	return h.SuggestedPatch
}
