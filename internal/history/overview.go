// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Overview is a line for each target that was ever healed, the one with the newest heal first.
type Overview struct {
	Services []Row `json:"services"`
}

// Row is what is told of one target in an overview.
type Row struct {
	Namespace string  `json:"namespace"`
	Target    string  `json:"target"`
	Summary   Summary `json:"summary"`
	// Last heal of it.
	Last Heal `json:"last"`
}

// Over tells of all targets that the requests are about.
func Over(requests []v1alpha1.HealingRequest, now time.Time) Overview {
	type key struct{ namespace, target string }
	heals := map[key][]Heal{}
	for i := range requests {
		r := &requests[i]
		k := key{line(r.Namespace, maxName), ledTo(r)}
		heals[k] = append(heals[k], HealOf(r))
	}
	o := Overview{Services: []Row{}}
	for k, all := range heals {
		o.Services = append(o.Services, Row{k.namespace, k.target, summarize(all, now), slices.MinFunc(all, newest)})
	}
	slices.SortFunc(o.Services, func(a, b Row) int {
		return cmp.Or(newest(a.Last, b.Last), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Target, b.Target))
	})
	return o
}

// ledTo is the Service that a request is about, or what it names while that is not known.
func ledTo(r *v1alpha1.HealingRequest) string {
	if service := r.Status.ServiceRef; service != nil {
		return targetOf(v1alpha1.TargetReference{Name: service.Name})
	}
	return targetOf(r.Spec.TargetRef)
}

// Text writes the overview as a table.
func (o Overview) Text(to io.Writer, style Style) error {
	table := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "NAMESPACE\tTARGET\tHEALS (7D)\tSUCCEEDED\tMEDIAN\tMOST OFTEN\tLAST\tAGO")
	for _, row := range o.Services {
		s := row.Summary
		succeeded, median := "-", "-"
		if s.Heals > 0 {
			succeeded = fmt.Sprintf("%d %%", s.percent())
		}
		if s.MedianToHeal != "" {
			median = short(s.median)
		}
		// A table is not coloured: the codes would count as letters.
		last, _ := standing(row.Last)
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", row.Namespace, row.Target, s.Heals, succeeded, median,
			cmp.Or(s.CommonCause, "-"), last, ago(style.Now.Sub(row.Last.created)))
	}
	return table.Flush()
}

// ago tells an age in its largest unit.
func ago(age time.Duration) string {
	switch {
	case age >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(age.Hours()/24))
	case age >= 2*time.Hour:
		return fmt.Sprintf("%dh", int(age.Hours()))
	case age >= 2*time.Minute:
		return fmt.Sprintf("%dm", int(age.Minutes()))
	default:
		return fmt.Sprintf("%ds", max(0, int(age.Seconds())))
	}
}
