// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package words puts into words what a diagnosis tells people.
package words

import (
	"fmt"
	"strings"
	"time"
)

// TimeOfDay tells a moment of today by its time, and of any other day by its date as well.
func TimeOfDay(moment, now time.Time) string {
	moment, now = moment.UTC(), now.UTC()
	if moment.YearDay() == now.YearDay() && moment.Year() == now.Year() {
		return moment.Format("15:04:05 UTC")
	}
	return moment.Format("2006-01-02 15:04:05 UTC")
}

// Count tells a number of things: "1 pod", "2 pods".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Lower is a kind as kubectl takes it: deployment.
func Lower[T ~string](kind T) string { return strings.ToLower(string(kind)) }

// IsAre tells a number of things with its verb: "1 pod is", "2 pods are".
func IsAre(n int, thing string) string {
	if n == 1 {
		return Count(n, thing) + " is"
	}
	return Count(n, thing) + " are"
}

// UpperFirst begins a sentence.
func UpperFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
