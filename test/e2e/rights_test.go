// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ry-ops/cortex/test/audit"
)

// What the programs may do is held against what they did, by the API server's audit log. Nothing may be refused or asked for beyond
// their rights. After a run of every spec nothing may be left over either: what is used on rare paths only is used by
// seldom_test.go. A part of the specs uses a part of the rights, so that a focused run is not held to that.
var _ = ReportAfterSuite("the rights of the programs", func(report Report) {
	ran := report.PreRunStats.SpecsThatWillRun
	if ran == 0 || report.SuiteConfig.DryRun {
		return
	}
	path := os.Getenv("E2E_AUDIT_LOG")
	Expect(path).NotTo(BeEmpty(), "E2E_AUDIT_LOG is not set: run `make test-e2e`, which sets it")
	entries, err := audit.Read(path)
	Expect(err).NotTo(HaveOccurred())
	whole := ran == report.PreRunStats.TotalSpecs && report.SuiteSucceeded
	for _, of := range []struct{ program, user string }{{"operator", audit.Operator}, {"gateway", audit.Gateway}} {
		rights, err := audit.Rights(filepath.Join("..", "..", "config", "rbac", of.program))
		Expect(err).NotTo(HaveOccurred())
		// What is missing is of this run: a cluster that was up before may have had another version. Some rights are used once,
		// before the first spec, such as that to make the lease.
		all := entries.Of(of.user)
		usage := audit.Hold(rights, all)
		usage.Missing = audit.Hold(rights, all.Since(report.StartTime)).Missing
		fmt.Printf("\nHow often the %s used its rights:\n%s", of.program, usage)
		Expect(usage.Missing).To(BeEmpty(), "the %s lacks rights", of.program)
		if whole {
			Expect(usage.Unused()).To(BeEmpty(), "the %s has rights that no spec uses", of.program)
		}
	}
})
