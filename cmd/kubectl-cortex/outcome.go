// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/history"
	"github.com/ry-ops/cortex/internal/record"
)

// How a heal that was followed ended, where it did not succeed.
var (
	errUnhealed = errors.New("not healed")
	errHeld     = errors.New("waits for a person")
)

// output is how the result of a heal is written: for people with each step before it, or for scripts by itself.
type output struct {
	io     streams
	format string
}

func (o output) validate() error {
	switch o.format {
	case "text", "json", "yaml":
		return nil
	default:
		return fmt.Errorf("--output is text, json or yaml, not %q", o.format)
	}
}

// steps is where each step is told: a script finds nothing but the result on standard output.
func (o output) steps() io.Writer {
	if o.format == "text" {
		return o.io.out
	}
	return o.io.err
}

// end follows a request to its end, and tells that.
func (o output) end(ctx context.Context, q *requests, request *v1alpha1.HealingRequest) error {
	style := history.Style{Colour: colours(o.steps()), Now: q.clock.Now()}
	latest, err := q.follow(ctx, request, o.io.err, steps(o.steps(), style))
	if err != nil {
		return err
	}
	style.Now = q.clock.Now()
	if err := o.write(latest, style); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	switch {
	case latest.Held() != nil:
		return errHeld
	case !latest.Succeeded():
		return errUnhealed
	default:
		return nil
	}
}

func (o output) write(r *v1alpha1.HealingRequest, style history.Style) error {
	switch o.format {
	case "json":
		return history.JSON(o.io.out, result(r))
	case "yaml":
		return history.YAML(o.io.out, result(r))
	default:
		fmt.Fprintln(o.io.out)
		return history.Ending(o.io.out, r, style)
	}
}

// result is the spec's. Of a heal that waits for a person it says so, and how to answer.
func result(r *v1alpha1.HealingRequest) record.Result {
	told := record.ResultOf(r)
	if held := r.Held(); held != nil {
		told.Recommendation = fmt.Sprintf("It waits (%s: %s). To let it go on: kubectl cortex approve %s -n %s", held.Reason, held.Message, r.Name, r.Namespace)
		if r.Status.Recommendation != "" {
			told.Recommendation += ". " + r.Status.Recommendation
		}
	}
	return told
}
