// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/page"
)

// Style of the text form.
type Style struct {
	// Colour for terminals that know it.
	Colour bool
	// Now is the moment of telling.
	Now time.Time
}

func (s Style) page() *page.Page { return &page.Page{Colour: s.Colour} }

// Step tells one step of a heal, as it comes.
func Step(entry v1alpha1.ProgressEntry, style Style) string {
	return style.page().In(page.Dim, entry.Time.UTC().Format("15:04:05Z")) + "  " + line(entry.Message, maxDetail)
}

// Question writes what a request asks a person: what is wrong, what it waits for, and all of what would be done.
func Question(to io.Writer, r *v1alpha1.HealingRequest, style Style) error {
	p := style.page()
	question(p, r, HealOf(r), style)
	_, err := p.WriteTo(to)
	return err
}

func question(p *page.Page, r *v1alpha1.HealingRequest, h Heal, style Style) {
	p.Line("%s", headline(p, h))
	section(p, "Diagnosis:", h.Diagnosis)
	section(p, "Done:", changes(h)...)
	section(p, "Waits for:", waiting(r, h, style.Now)...)
	p.Line("")
	planLines(p, r)
}

// Ending writes how a request ended, or what it waits for: in the first line how it stands, then why, and what is left to do.
func Ending(to io.Writer, r *v1alpha1.HealingRequest, style Style) error {
	p := style.page()
	h := HealOf(r)
	if h.Waits != "" {
		question(p, r, h, style)
	} else {
		p.Line("%s", headline(p, h))
		section(p, "Diagnosis:", h.Diagnosis)
		section(p, "Done:", changes(h)...)
		if h.Outcome == v1alpha1.ReasonDryRun {
			p.Line("")
			planLines(p, r)
		}
	}
	section(p, "Proof:", proof(h)...)
	section(p, "What to do:", h.Recommendation)
	if h.SuggestedPatch != "" {
		p.Line("\n    %s", h.SuggestedPatch)
	}
	if r.Held() != nil {
		section(p, "To let it go on:", fmt.Sprintf("  kubectl cortex approve %s -n %s", h.Name, h.Namespace))
	}
	_, err := p.WriteTo(to)
	return err
}

// section adds a heading and what stands under it, if anything does.
func section(p *page.Page, heading string, lines ...string) {
	told := false
	for _, text := range lines {
		if text == "" {
			continue
		}
		if !told {
			p.Line("\n%s", p.In(page.Bold, heading))
			told = true
		}
		p.Line("  %s", text)
	}
}

func headline(p *page.Page, h Heal) string {
	told, colour := standing(h)
	return fmt.Sprintf("%s: %s, request %s", p.In(colour, told), h.Target, h.Name)
}

// standing says in a few words how a heal stands or ended.
func standing(h Heal) (string, page.Colour) {
	switch {
	case h.Phase == v1alpha1.PhaseAwaitingApproval:
		return "Waits for approval", page.Yellow
	case h.Phase == v1alpha1.PhaseBlocked:
		return "Held back", page.Yellow
	case h.Outcome == "":
		return string(h.Phase), page.Yellow
	case h.Outcome == v1alpha1.ReasonHealed:
		return "Healed in " + short(h.duration), page.Green
	case h.Outcome == v1alpha1.ReasonHealthy && slices.ContainsFunc(h.Actions, changed):
		return "Healthy by itself", page.Green
	case h.Outcome == v1alpha1.ReasonHealthy:
		return "Healthy, nothing was changed", page.Green
	case h.Outcome == v1alpha1.ReasonDryRun:
		return "Dry run, nothing was changed", page.Green
	case h.Outcome == v1alpha1.ReasonDenied:
		return "Denied" + by(h.ApprovedBy), page.Yellow
	case h.Outcome == v1alpha1.ReasonCanceled:
		return "Stopped" + by(h.ApprovedBy), page.Yellow
	default:
		return "Not healed (" + h.Outcome + ")", page.Red
	}
}

// changed reports whether an action changed something.
func changed(a Action) bool {
	return a.Type != v1alpha1.ActionWait && a.Type != v1alpha1.ActionHealDependency &&
		a.State != v1alpha1.ActionFailed && a.State != v1alpha1.ActionSkipped
}

func by(person string) string {
	if person == "" {
		return ""
	}
	return " by " + person
}

// waiting says what a request waits for, and until when.
func waiting(r *v1alpha1.HealingRequest, h Heal, now time.Time) []string {
	if h.Waits == "" {
		return nil
	}
	lines := []string{h.Waits}
	if u := until(r); u != nil {
		told := "until " + words.TimeOfDay(u.Time, now)
		if left := u.Sub(now); left > 0 {
			told += ", in " + short(left)
		}
		lines = append(lines, told)
	}
	return lines
}

// changes tells each action and what became of it.
func changes(h Heal) []string {
	var lines []string
	for _, a := range h.Actions {
		lines = append(lines, done(a))
	}
	if len(lines) == 0 {
		return []string{h.FixApplied}
	}
	return lines
}

// proof tells each check of the verification: "Handshake passed: 7 tools".
func proof(h Heal) []string {
	var lines []string
	for _, c := range h.Checks {
		told := c.Name + " " + words.Lower(c.Verdict)
		if c.Message != "" {
			told += ": " + c.Message
		}
		lines = append(lines, told)
	}
	return lines
}

// short tells a duration as exactly as a person wants to know it: 8.2s, 1m5s, 2h0m0s.
func short(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
