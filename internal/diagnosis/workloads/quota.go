// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

const (
	// maxMultiple bounds the pods that room is asked for.
	maxMultiple = 1000
	// maxChargesTold bounds the resources that a message tells.
	maxChargesTold = 3
)

// quotaExceeded finds a ResourceQuota of the namespace that keeps something from being made: pods that the API server
// refused, pods that are missing and would not fit, and a Service or a claim that others name, that is not there, and that
// would not fit either. The last two leave no event at all: whoever applied the manifest saw the refusal.
func quotaExceeded(s *snapshot.Snapshot) []finding.Finding {
	var found []finding.Finding
	for _, f := range slices.Concat(refusedByQuota(s), noRoomForPods(s), noRoomForServices(s), noRoomForClaims(s)) {
		if !slices.ContainsFunc(found, func(other finding.Finding) bool { return other.Object.Name == f.Object.Name }) {
			found = append(found, f)
		}
	}
	return found
}

// refusedByQuota believes a refusal that holds against the quota as it is now. Without the quotas it is only the API
// server's word.
func refusedByQuota(s *snapshot.Snapshot) []finding.Finding {
	var found []finding.Finding
	for _, r := range refusals(s) {
		name, lacks, ok := parseOverdraft(r.text)
		if !ok {
			continue
		}
		confidence := v1alpha1.Likely
		quota := quotaNamed(s, name)
		if quota != nil {
			confidence, lacks = v1alpha1.Certain, lacksNow(quota, lacks)
		}
		if len(lacks) == 0 || quota == nil && s.Complete(snapshot.KindResourceQuota) {
			continue // it was raised, or is gone
		}
		f := overdrawn(s, name, quota, lacks, forPods(s, r.maker))
		f.Confidence = confidence
		f.Evidence = append([]string{r.evidence}, f.Evidence...)
		found = append(found, f)
	}
	return found
}

// lacksNow judges what a message told by what the quota says now.
func lacksNow(q *corev1.ResourceQuota, told []charge) []charge {
	takes := corev1.ResourceList{}
	for _, c := range told {
		takes[c.resource] = c.asked
	}
	return lacksOf(q, takes)
}

// noRoomForPods adds up what one more pod would take, for makers that lack pods and of which nobody says why.
func noRoomForPods(s *snapshot.Snapshot) []finding.Finding {
	var found []finding.Finding
	for _, m := range unexplained(s) {
		ranges := s.LimitRanges()
		takes := footprint(&m.template.Spec, ranges)
		add(takes, claimsOf(s))
		for _, quota := range s.Quotas() {
			lacks := lacksOf(&quota, takes)
			if len(lacks) == 0 || !covers(&quota, &m.template.Spec, ranges) {
				continue
			}
			f := overdrawn(s, quota.Name, &quota, lacks, forPods(s, m))
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s has %s", m, m.missing()))
			found = append(found, f)
		}
	}
	return found
}

// wanted is what does not fit, for people.
type wanted struct {
	// what: "the pods of Deployment sandfly-mcp-server, which has 0 of 2 pods".
	what string
	// one of it: "one pod".
	one string
	// count of them that are missing.
	count int
	// lower is what else would help, besides more room.
	lower string
}

func forPods(s *snapshot.Snapshot, m maker) wanted {
	w := wanted{what: m.refused(s), one: "one pod", count: max(1, m.want-m.have), lower: fmt.Sprintf("; or lower what the template of %s asks for", s.Workload)}
	if m.noSet {
		w.one, w.count, w.lower = "one ReplicaSet", 1, ""
	}
	return w
}

// overdrawn makes the finding. quota is nil where it was not read.
func overdrawn(s *snapshot.Snapshot, name string, quota *corev1.ResourceQuota, lacks []charge, w wanted) finding.Finding {
	object := v1alpha1.ObjectReference{Kind: snapshot.KindResourceQuota, Name: name}
	if quota != nil {
		object = snapshot.Reference(snapshot.KindResourceQuota, quota)
	}
	var told, evidence []string
	raise := map[string]string{}
	for _, c := range lacks {
		told = append(told, c.tell(w.one))
		evidence = append(evidence, fmt.Sprintf("ResourceQuota %s, %s: used %s, hard %s", name, c.resource, c.used.String(), c.hard.String()))
		if !c.asked.IsZero() {
			raise[string(c.resource)] = c.room(w.count)
		}
	}
	f := finding.New(v1alpha1.CauseQuotaExceeded, object, v1alpha1.Likely,
		fmt.Sprintf("ResourceQuota %s has no room for %s: %s", name, w.what, strings.Join(told[:min(len(told), maxChargesTold)], "; ")), evidence...)
	if most := users(s, lacks[0].resource); most != "" {
		f.Evidence = append(f.Evidence, most)
	}
	f.Detail = string(lacks[0].resource)
	f.Stuck = true
	f.Recommendation = fmt.Sprintf("Raise spec.hard of ResourceQuota %s: %s%s; or remove what uses it up: kubectl describe resourcequota %s -n %s.",
		name, raised(lacks, raise), w.lower, name, s.Namespace)
	f.SuggestedPatch = raisePatch(s, name, raise)
	return f
}

// tell says of one resource why there is no room.
func (c charge) tell(one string) string {
	told := fmt.Sprintf("%s is %s of %s used", c.resource, c.used.String(), c.hard.String())
	if c.used.Cmp(c.hard) > 0 {
		told = fmt.Sprintf("%s is over its limit, %s used of %s", c.resource, c.used.String(), c.hard.String())
	}
	if !c.asked.IsZero() {
		told += fmt.Sprintf(", and %s takes %s", one, c.asked.String())
	}
	return told
}

// room is the limit that would do for so many more.
func (c charge) room(count int) string {
	sum := c.used.DeepCopy()
	for range min(count, maxMultiple) {
		sum.Add(c.asked)
	}
	// A sum keeps the form of its first part, and 0 has one that a person would not write.
	if c.used.IsZero() {
		return resource.NewMilliQuantity(sum.MilliValue(), c.asked.Format).String()
	}
	return sum.String()
}

func raised(lacks []charge, to map[string]string) string {
	var told []string
	for _, c := range lacks {
		text := string(c.resource)
		if room := to[text]; room != "" {
			text += " to at least " + room
		}
		told = append(told, text)
	}
	return strings.Join(told, ", ")
}

func raisePatch(s *snapshot.Snapshot, quota string, to map[string]string) string {
	if len(to) == 0 {
		return ""
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"hard": to}})
	if err != nil {
		return "" // maps of strings always marshal
	}
	return fmt.Sprintf("kubectl patch resourcequota %s -n %s --type=merge -p %s", quota, s.Namespace, words.Quote(string(patch)))
}
