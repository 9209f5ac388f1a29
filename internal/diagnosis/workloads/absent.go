// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// This file finds what is not there because a quota let nobody make it. The object that is missing has no event; who
// names it, and the quota that is full, are all there is.

var (
	one        = resource.MustParse("1")
	aService   = corev1.ResourceList{"services": one, "count/services": one}
	aClaim     = corev1.ResourceList{"persistentvolumeclaims": one, "count/persistentvolumeclaims": one}
	storage    = corev1.ResourceName("requests.storage")
	usualClaim = resource.MustParse("1Gi")
	classInfix = corev1.ResourceName(".storageclass.storage.k8s.io/")
)

// missingService is a Service that somebody needs and that is not there, beside the workload that stands without it.
type missingService struct {
	name     string
	standing *workload.Workload
	// namedBy says who needs it, for people.
	namedBy string
	// own: it is the target's own trouble, and not only that of another workload of the namespace.
	own bool
}

// noRoomForServices finds Services that do not exist while a quota has no room for one more. A name in an environment
// variable proves little: many an optional dependency is named and never made. So a workload of that name must stand that
// no Service leads to.
func noRoomForServices(s *snapshot.Snapshot) []finding.Finding {
	if !s.Complete(snapshot.KindService) || !s.WorkloadsComplete() {
		return nil
	}
	missing := missingServices(s)
	var found []finding.Finding
	for _, quota := range s.Quotas() {
		lacks := lacksOf(&quota, aService)
		if len(missing) == 0 || len(lacks) == 0 {
			continue
		}
		var names, proof []string
		own := false
		for _, m := range missing {
			names = append(names, m.name)
			proof = append(proof, fmt.Sprintf("Service %s does not exist; %s; %s stands without it", m.name, m.namedBy, m.standing))
			own = own || m.own
		}
		f := overdrawn(s, quota.Name, &quota, lacks, wanted{
			what: fmt.Sprintf("Service %s, which does not exist", strings.Join(names, " and Service ")), one: "one Service", count: len(names)})
		f.Recommendation += fmt.Sprintf(" Then create Service %s.", strings.Join(names, " and Service "))
		f.Evidence = append(f.Evidence, proof...)
		if !own {
			f.Confidence = v1alpha1.Possible
		}
		found = append(found, f)
	}
	return found
}

// missingServices are told once each, the target's own first.
func missingServices(s *snapshot.Snapshot) []missingService {
	var found []missingService
	consider := func(name, namedBy string, own bool) {
		w := snapshot.WithName(s.Workloads, name)
		if w == nil || snapshot.ServiceNamed(s.Services, name) != nil || slices.ContainsFunc(s.Services, func(service corev1.Service) bool { return snapshot.Selects(&service, w.Template.Labels) }) {
			return
		}
		own = own || w == s.Workload
		i := slices.IndexFunc(found, func(m missingService) bool { return m.name == name })
		if i < 0 {
			found = append(found, missingService{name, w, namedBy, own})
		} else {
			found[i].own = found[i].own || own
		}
	}
	if s.Target.Kind == v1alpha1.KindService && s.Service == nil {
		consider(s.Target.Name, "it is asked for", true)
	}
	for _, w := range s.Workloads {
		for _, c := range slices.Concat(w.Template.Spec.InitContainers, w.Template.Spec.Containers) {
			for _, env := range s.Env(c) {
				for _, name := range servicesIn(env.Name, env.Value, s.Namespace) {
					consider(name, fmt.Sprintf("%s, container %s, %s names it", w, c.Name, env.Source), w == s.Workload)
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b missingService) int {
		return cmp.Or(cmp.Compare(own(b), own(a)), cmp.Compare(a.name, b.name))
	})
	return found
}

func own(m missingService) int {
	if m.own {
		return 1
	}
	return 0
}

// noRoomForClaims finds claims that pods wait for, that do not exist, and that a quota would not take.
func noRoomForClaims(s *snapshot.Snapshot) []finding.Finding {
	missing := missingClaims(s)
	if len(missing) == 0 {
		return nil
	}
	var found []finding.Finding
	for _, quota := range s.Quotas() {
		var lacks []charge
		var proof []string
		for _, claim := range missing {
			more, because := lacksForClaim(s, &quota, claim)
			if len(lacks) == 0 {
				lacks = more
			}
			proof = append(proof, because...)
		}
		confidence := v1alpha1.Likely
		if len(lacks) == 0 {
			lacks, confidence = tight(&quota), v1alpha1.Possible
		}
		if len(lacks) == 0 {
			continue
		}
		f := overdrawn(s, quota.Name, &quota, lacks, wanted{
			what: fmt.Sprintf("PersistentVolumeClaim %s, which %s mounts and which does not exist", strings.Join(missing, " and "), s.Culprit().Kind+" "+s.Culprit().Name),
			one:  "one claim", count: len(missing)})
		f.Confidence = confidence
		f.Recommendation += fmt.Sprintf(" Then create PersistentVolumeClaim %s.", strings.Join(missing, " and "))
		f.Evidence = append(f.Evidence, proof...)
		found = append(found, f)
	}
	return found
}

// missingClaims are named by pods that no node has taken: the scheduler waits for their claims. Where the claims were not
// read, as in a file of a namespace that has none, its word is enough.
func missingClaims(s *snapshot.Snapshot) []string {
	var names []string
	for _, pod := range s.LivePods() {
		if pod.Spec.NodeName != "" {
			continue
		}
		for _, volume := range pod.Spec.Volumes {
			if v := volume.PersistentVolumeClaim; v != nil && s.Claim(v.ClaimName) == nil && (s.Complete(snapshot.KindPersistentVolumeClaim) || s.SaidMissing(&pod, v.ClaimName)) {
				names = append(names, v.ClaimName)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// lacksForClaim does not know how large a missing claim was to be. A quota of storage that is used up takes none of any
// size; of one that has room left, only a volume that was made for the claim tells what would not fit.
func lacksForClaim(s *snapshot.Snapshot, q *corev1.ResourceQuota, claim string) (lacks []charge, proof []string) {
	lacks = lacksOf(q, aClaim)
	hard, limited := hardOf(q)[storage]
	if !limited {
		return lacks, nil
	}
	c := charge{resource: storage, used: q.Status.Used[storage], hard: hard}
	if pv := volumeFor(s, claim); pv != nil {
		c.asked = pv.Spec.Capacity[corev1.ResourceStorage]
		proof = append(proof, fmt.Sprintf("PersistentVolume %s of %s waits for it", pv.Name, c.asked.String()))
	}
	if c.used.Cmp(c.hard) >= 0 || c.exceeded() {
		return append(lacks, c), proof
	}
	return lacks, nil
}

// tight is a hint: nobody knows how large the missing claim was to be, and the quota has room for less than claims mostly
// ask for.
func tight(q *corev1.ResourceQuota) []charge {
	c := charge{storage, usualClaim, q.Status.Used[storage], hardOf(q)[storage]}
	if _, limited := hardOf(q)[storage]; !limited || !c.exceeded() {
		return nil
	}
	c.asked = resource.Quantity{}
	return []charge{c}
}

// volumeFor is the free volume that was made for a claim: reserved for it, of nearly its name, or the only one.
func volumeFor(s *snapshot.Snapshot, claim string) *corev1.PersistentVolume {
	free := snapshot.Keep(s.All.Volumes, func(pv *corev1.PersistentVolume) bool {
		return pv.Status.Phase == corev1.VolumeAvailable && (pv.Spec.ClaimRef == nil || pv.Spec.ClaimRef.Namespace == s.Namespace && pv.Spec.ClaimRef.Name == claim)
	})
	slices.SortFunc(free, func(a, b corev1.PersistentVolume) int { return cmp.Compare(a.Name, b.Name) })
	for i := range free {
		if free[i].Spec.ClaimRef != nil {
			return &free[i]
		}
	}
	near := words.Nearest(claim, words.Names(free, func(pv *corev1.PersistentVolume) string { return pv.Name }))
	if len(free) == 1 {
		near = free[0].Name
	}
	for i := range free {
		if free[i].Name == near {
			return &free[i]
		}
	}
	return nil
}

// claimsOf is what the claims of a StatefulSet's next pod would take, where they are not there yet. They are made before
// the pod, and refused in its stead.
func claimsOf(s *snapshot.Snapshot) corev1.ResourceList {
	takes := corev1.ResourceList{}
	set, ok := s.Workload.Object.(*appsv1.StatefulSet)
	if !ok || !s.Complete(snapshot.KindPersistentVolumeClaim) {
		return takes
	}
	for i := range set.Spec.VolumeClaimTemplates {
		claim := &set.Spec.VolumeClaimTemplates[i]
		if s.Claim(fmt.Sprintf("%s-%s-%d", claim.Name, set.Name, nextOrdinal(s, set))) != nil {
			continue
		}
		size := claim.Spec.Resources.Requests[corev1.ResourceStorage]
		add(takes, aClaim)
		add(takes, corev1.ResourceList{storage: size})
		if class := claim.Spec.StorageClassName; class != nil {
			prefix := corev1.ResourceName(*class) + classInfix
			add(takes, corev1.ResourceList{prefix + storage: size, prefix + "persistentvolumeclaims": one})
		}
	}
	return takes
}

// nextOrdinal is the first of a StatefulSet's pods that is not there.
func nextOrdinal(s *snapshot.Snapshot, set *appsv1.StatefulSet) int {
	start := 0
	if set.Spec.Ordinals != nil {
		start = int(set.Spec.Ordinals.Start)
	}
	for i := range s.Pods {
		if !slices.ContainsFunc(s.Pods, func(pod corev1.Pod) bool { return pod.Name == fmt.Sprintf("%s-%d", set.Name, start+i) }) {
			return start + i
		}
	}
	return start + len(s.Pods)
}
