// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"strconv"
	"strings"
	"testing"
)

func TestParseScaleDown(t *testing.T) {
	for message, want := range map[string]struct {
		set   string
		count int32
	}{
		"Scaled down replica set sandfly-7d9c from 3 to 0":      {"sandfly-7d9c", 3},
		"Scaled down replica set sandfly-7d9c to 0 from 3":      {"sandfly-7d9c", 3},
		"Scaled down replica set sandfly-7d9c from 100 to 0":    {"sandfly-7d9c", 100},
		"Scaled down replica set sandfly-7d9c from 101 to 0":    {},
		"Scaled down replica set sandfly-7d9c from 0 to 0":      {},
		"Scaled down replica set sandfly-7d9c from 3 to 1":      {},
		"Scaled down replica set sandfly-7d9c from -3 to 0":     {},
		"Scaled up replica set sandfly-7d9c from 0 to 3":        {},
		"Scaled down replica set sandfly-7d9c to 0":             {},
		"Scaled down replica set a b from 3 to 0":               {},
		"x Scaled down replica set sandfly-7d9c from 3 to 0":    {},
		"Scaled down replica set sandfly-7d9c from 3 to 0\nx":   {},
		"Scaled down replica set s from 99999999999999999 to 0": {},
		"": {},
	} {
		set, count, ok := parseScaleDown(message)
		if set != want.set || count != want.count || ok != (want.count > 0) {
			t.Errorf("%q: %q %d %t, want %+v", message, set, count, ok, want)
		}
	}
}

// FuzzParseScaleDown holds that nothing but the exact message is believed, and nothing above the bound.
func FuzzParseScaleDown(f *testing.F) {
	f.Add("Scaled down replica set sandfly-7d9c from 3 to 0")
	f.Add("Scaled down replica set sandfly-7d9c to 0 from 3")
	f.Add("Scaled down replica set x from 000000003 to 0")
	f.Fuzz(func(t *testing.T, message string) {
		set, count, ok := parseScaleDown(message)
		if !ok {
			if set != "" || count != 0 {
				t.Errorf("refused, and yet %q %d", set, count)
			}
			return
		}
		if count < 1 || count > maxEventReplicas || set == "" || strings.ContainsAny(set, " \n") {
			t.Errorf("believed %q %d", set, count)
		}
		if !strings.Contains(message, strconv.Itoa(int(count))) {
			t.Errorf("%d is not in %q", count, message)
		}
	})
}

func TestReplicasApplied(t *testing.T) {
	for manifest, want := range map[string]int32{
		`{"spec":{"replicas":4}}`:    4,
		`{"spec":{"replicas":0}}`:    0,
		`{"spec":{"replicas":-2}}`:   0,
		`{"spec":{"replicas":"4"}}`:  0,
		`{"spec":{"replicas":1e12}}`: 0,
		`{"spec":{}}`:                0,
		`not JSON`:                   0,
		``:                           0,
	} {
		if got := replicasApplied(manifest); got != want {
			t.Errorf("%q: %d, want %d", manifest, got, want)
		}
	}
}
