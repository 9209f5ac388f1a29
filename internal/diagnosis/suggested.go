// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// dropStale takes back each patch that its object, as it was read, refuses or has already: pods tell of the template that
// they were made from, and somebody may have changed that since. So what was applied is not suggested again.
func dropStale(s *snapshot.Snapshot, findings []finding.Finding) {
	for i := range findings {
		f := &findings[i]
		if f.Patch == nil || f.SuggestedPatch != f.Patch.Shown {
			continue
		}
		object := objectOf(s, f.Patch.Object)
		if object == nil || !changes(f.Patch, object) {
			f.Suggest(nil)
		}
	}
}

func changes(p *finding.Patch, object runtime.Object) bool {
	changed, err := p.Apply(object)
	return err == nil && !equality.Semantic.DeepEqual(object, changed)
}

// objectOf is the workload or the Service of the target's namespace that a reference is of, in the state that it was read
// in; nil if there is none.
func objectOf(s *snapshot.Snapshot, reference v1alpha1.ObjectReference) runtime.Object {
	for i := range s.Services {
		if service := &s.Services[i]; snapshot.Reference(snapshot.KindService, service) == reference {
			return service
		}
	}
	for _, w := range s.Workloads {
		if w.Reference() == reference {
			return w.Object
		}
	}
	return nil
}
