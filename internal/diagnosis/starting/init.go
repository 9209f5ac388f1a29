// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// freshRevision is how long a revision is suspected of a fault that an older one did not have.
const freshRevision = time.Hour

// failedInit is an init container that fails, and how it ended.
type failedInit struct {
	snapshot.Container
	last *corev1.ContainerStateTerminated
}

// initContainer finds init containers that fail, of a reason of their own: where the runtime, the memory or a volume is
// the reason, its check tells it. One that is meant to run on (a sidecar) crashes like any other container.
func initContainer(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[failedInit]
	for _, c := range s.Containers() {
		if !c.Init || snapshot.IsSidecar(&c.Spec) {
			continue
		}
		if last, ok := failing(s, c); ok && !hasDeeperReason(s, c, last) {
			seen.add(c.Spec.Name, c.Pod, failedInit{c, last})
		}
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, initFinding(s, one))
	}
	return findings
}

func hasDeeperReason(s *snapshot.Snapshot, c snapshot.Container, last *corev1.ContainerStateTerminated) bool {
	if _, ok := runFaultOf(s, c); ok {
		return true
	}
	if r, ok := refusedOf(s, c); ok && !r.guessed {
		return true
	}
	_, memory := memoryFaultOf(s, c)
	return memory || last != nil && last.Reason == "OOMKilled"
}

func initFinding(s *snapshot.Snapshot, one *sighting[failedInit]) finding.Finding {
	c := one.fault
	how := "how it ended is not told"
	if c.last != nil {
		how = fmt.Sprintf("exit code %d", c.last.ExitCode)
	}
	if c.Status.RestartCount > 0 {
		how += ", " + words.Count(int(c.Status.RestartCount), "restart")
	}
	f := finding.New(v1alpha1.CauseInitContainerFailed, s.Owner(c.Container), v1alpha1.Certain,
		fmt.Sprintf("%s fails, and the pod does not go on without it: %s", words.UpperFirst(s.In(c.Container)), how))
	log := s.LogOf(c.Pod, c.Spec.Name)
	if line := logs.ErrorLine(log); line != "" {
		f.Evidence = append(f.Evidence, "last error in its log: "+line)
	} else if line := logs.LastLine(log); line != "" {
		f.Evidence = append(f.Evidence, "last line of its log: "+line)
	}
	if c.last != nil && c.last.Message != "" {
		f.Evidence = append(f.Evidence, "its last words: "+c.last.Message)
	}
	if c.last != nil && !c.last.FinishedAt.IsZero() {
		f.Evidence = append(f.Evidence, fmt.Sprintf("Pod %s: it ended with exit code %d at %s", c.Pod.Name, c.last.ExitCode, words.TimeOfDay(c.last.FinishedAt.Time, s.Now)))
	}
	f.Evidence = append(f.Evidence, one.tellPods(s), s.TellRevision(c.Container))
	f.Recommendation = fmt.Sprintf("Read the log of the init container: kubectl logs -n %s %s -c %s --previous", s.Namespace, c.Pod.Name, c.Spec.Name)
	if s.Age(s.NewestSince()) > freshRevision {
		return f // it did its work in this revision once
	}
	goBack(s, c.Pod, &f, func(spec *corev1.PodSpec) (string, bool) {
		earlier := snapshot.ContainerIn(spec, c.Spec.Name)
		if earlier != nil && equality.Semantic.DeepEqual(*earlier, c.Spec) {
			return "", false
		}
		return "has another init container " + c.Spec.Name + ", or none", true
	})
	return f
}
