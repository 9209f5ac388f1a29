// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// document is the form for scripts. Every field is always there, if only empty, and none is renamed or removed.
type document struct {
	Findings  []item   `json:"findings"`
	Hints     []item   `json:"hints"`
	Namespace string   `json:"namespace"`
	Time      string   `json:"time"`
	Healthy   []target `json:"healthy"`
	Unjudged  []target `json:"unjudged"`
	Gaps      []string `json:"gaps"`
}

type item struct {
	Cause          v1alpha1.Cause      `json:"cause"`
	Detail         string              `json:"detail"`
	Object         object              `json:"object"`
	Service        string              `json:"service"`
	Services       []string            `json:"services"`
	Message        string              `json:"message"`
	Evidence       []string            `json:"evidence"`
	Confidence     v1alpha1.Confidence `json:"confidence"`
	Recommendation string              `json:"recommendation"`
	SuggestedPatch string              `json:"suggestedPatch"`
	// Explained: a finding before it is the cause of it.
	Explained bool `json:"explained"`
}

type object struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type target struct {
	Target  string `json:"target"`
	Summary string `json:"summary"`
}

// JSON writes the report for scripts.
func (r *Report) JSON(to io.Writer) error {
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // a suggested command holds quotes and ampersands
	return encoder.Encode(r.document())
}

// YAML writes what JSON does.
func (r *Report) YAML(to io.Writer) error {
	raw, err := yaml.Marshal(r.document())
	if err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	_, err = to.Write(raw)
	return err
}

func (r *Report) document() document {
	d := document{
		Findings: items(r.Findings), Hints: items(r.Hints), Namespace: r.Namespace, Healthy: targets(r.Healthy), Unjudged: targets(r.Unjudged),
		Gaps: append([]string{}, r.Gaps...),
	}
	if !r.Time.IsZero() {
		d.Time = r.Time.UTC().Format(time.RFC3339)
	}
	return d
}

func items(findings []Finding) []item {
	all := []item{}
	for _, f := range findings {
		one := item{
			Cause: f.Cause, Detail: f.Detail, Object: object{f.Object.Kind, f.Object.Name, f.Namespace},
			Services: append([]string{}, f.Services...), Message: f.Message, Evidence: append([]string{}, f.Evidence...),
			Confidence: f.Confidence, Recommendation: f.Recommendation, SuggestedPatch: f.SuggestedPatch, Explained: f.Explained,
		}
		if len(f.Services) > 0 {
			one.Service = f.Services[0]
		}
		all = append(all, one)
	}
	return all
}

func targets(told []Told) []target {
	all := []target{}
	for _, t := range told {
		all = append(all, target(t))
	}
	return all
}
