// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// timeOfDay tells a moment of today by its time, and of any other day by its date as well.
func timeOfDay(moment, now time.Time) string {
	moment, now = moment.UTC(), now.UTC()
	if moment.YearDay() == now.YearDay() && moment.Year() == now.Year() {
		return moment.Format("15:04:05 UTC")
	}
	return moment.Format("2006-01-02 15:04:05 UTC")
}

// ago tells an age the way kubectl does: 12m, 3h5m.
func (s *Snapshot) ago(moment time.Time) string {
	return duration.HumanDuration(s.age(moment)) + " ago"
}

// count tells a number of things: "1 pod", "2 pods".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func lower[T ~string](kind T) string { return strings.ToLower(string(kind)) }

// isAre tells a number of things with its verb: "1 pod is", "2 pods are".
func isAre(n int, thing string) string {
	if n == 1 {
		return count(n, thing) + " is"
	}
	return count(n, thing) + " are"
}

func upperFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
