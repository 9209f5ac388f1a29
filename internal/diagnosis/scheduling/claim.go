// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// claimNames are the claims that a pod mounts; those of its ephemeral volumes are named after it (KEP-1698).
func claimNames(pod *corev1.Pod) []string {
	var names []string
	for _, volume := range pod.Spec.Volumes {
		switch {
		case volume.PersistentVolumeClaim != nil:
			names = append(names, volume.PersistentVolumeClaim.ClaimName)
		case volume.Ephemeral != nil:
			names = append(names, pod.Name+"-"+volume.Name)
		}
	}
	return names
}

// claimNotFound finds claims that waiting pods mount and that are not there. A full quota of claims explains it, and is
// another family's.
func claimNotFound(s *snapshot.Snapshot) []finding.Finding {
	if claimQuotaFull(s) {
		return nil
	}
	return eachWaiting(s, func(pod *corev1.Pod) []finding.Finding {
		var findings []finding.Finding
		for _, volume := range pod.Spec.Volumes {
			if volume.PersistentVolumeClaim == nil {
				continue // of an ephemeral volume the controller makes the claim
			}
			if f, ok := missingClaim(s, pod, volume.Name, volume.PersistentVolumeClaim.ClaimName); ok {
				findings = append(findings, f)
			}
		}
		return findings
	})
}

func missingClaim(s *snapshot.Snapshot, pod *corev1.Pod, volume, claim string) (finding.Finding, bool) {
	said, confidence := wordOn(s, pod), v1alpha1.Certain
	if s.Claim(claim) != nil {
		return finding.Finding{}, false
	}
	if !s.Complete(snapshot.KindPersistentVolumeClaim) {
		if !s.SaidMissing(pod, claim) {
			return finding.Finding{}, false
		}
		confidence = v1alpha1.Likely
	}
	object, name := owner(s, pod)
	f := finding.New(v1alpha1.CauseVolumeClaimNotFound, object, confidence,
		fmt.Sprintf("%s, volume %s: PersistentVolumeClaim %s is not there", name, volume, claim), said.evidence()...)
	f.Recommendation = fmt.Sprintf("Create PersistentVolumeClaim %s in namespace %s, or name the claim that is meant in volume %s of %s.", claim, s.Namespace, volume, name)
	if ofTemplate(s, pod, claim) {
		f.Recommendation = fmt.Sprintf("%s makes this claim from volumeClaimTemplates when it makes the pod: delete Pod %s so that both are made anew.", name, pod.Name)
		f.SuggestedPatch = fmt.Sprintf("kubectl delete pod %s -n %s", pod.Name, s.Namespace)
		return f, true
	}
	f.Evidence = append(f.Evidence, claimQuotas(s)...)
	claims := snapshot.NamesIn(s.All.Claims, s.Namespace, func(o *corev1.PersistentVolumeClaim) metav1.Object { return o })
	slices.Sort(claims)
	f.Evidence = append(f.Evidence, tellClaims(s, claims)...)
	if near := words.Nearest(claim, claims); near != "" {
		f.Message += fmt.Sprintf("; %s exists", near)
		f.Recommendation = fmt.Sprintf("Name claim %s in volume %s of %s if that is what was meant, or create PersistentVolumeClaim %s.", near, volume, name, claim)
		f.Suggest(renameClaim(s, volume, claim, near))
	}
	return f, true
}

func tellClaims(s *snapshot.Snapshot, claims []string) []string {
	switch {
	case !s.Complete(snapshot.KindPersistentVolumeClaim):
		return nil
	case len(claims) == 0:
		return []string{fmt.Sprintf("namespace %s has no PersistentVolumeClaim", s.Namespace)}
	default:
		return []string{fmt.Sprintf("the claims of namespace %s: %s", s.Namespace, list(claims))}
	}
}

// ofTemplate reports whether a claim is one that a StatefulSet makes: <template>-<pod>.
func ofTemplate(s *snapshot.Snapshot, pod *corev1.Pod, claim string) bool {
	if s.Workload == nil {
		return false
	}
	set, ok := s.Workload.Object.(*appsv1.StatefulSet)
	return ok && slices.ContainsFunc(set.Spec.VolumeClaimTemplates, func(t corev1.PersistentVolumeClaim) bool {
		return claim == t.Name+"-"+pod.Name
	})
}

// renameClaim names another claim in a volume of the template.
func renameClaim(s *snapshot.Snapshot, volume, wrong, right string) *finding.Patch {
	if s.Workload == nil {
		return nil
	}
	i := slices.IndexFunc(s.Workload.Template.Spec.Volumes, func(v corev1.Volume) bool {
		return v.Name == volume && v.PersistentVolumeClaim != nil
	})
	if i < 0 {
		return nil
	}
	return finding.PodSpecSet(s.Workload, finding.Set(finding.Pointer("volumes", i, "persistentVolumeClaim", "claimName"), wrong, right)...)
}

// claimQuotaFull reports whether a quota of the namespace lets no further claim in: by number or by size, of all classes
// or of one.
func claimQuotaFull(s *snapshot.Snapshot) bool {
	for _, quota := range s.All.Quotas {
		if quota.Namespace != s.Namespace {
			continue
		}
		hard := quota.Status.Hard
		if len(hard) == 0 {
			hard = quota.Spec.Hard
		}
		for name, limit := range hard {
			used := quota.Status.Used[name]
			if countsClaims(string(name)) && used.Cmp(limit) >= 0 {
				return true
			}
		}
	}
	return false
}

// claimQuotas tells the quotas that count claims: one that has some room left may still have had too little.
func claimQuotas(s *snapshot.Snapshot) []string {
	var told []string
	for _, quota := range s.All.Quotas {
		for _, name := range sorted(quota.Status.Hard) {
			hard, used := quota.Status.Hard[name], quota.Status.Used[name]
			if quota.Namespace == s.Namespace && countsClaims(string(name)) {
				told = append(told, fmt.Sprintf("ResourceQuota %s: %s of %s %s used", quota.Name, used.String(), hard.String(), name))
			}
		}
	}
	slices.Sort(told)
	return told
}

func countsClaims(name string) bool {
	return slices.Contains([]string{"persistentvolumeclaims", "requests.storage", "count/persistentvolumeclaims"}, name) ||
		strings.HasSuffix(name, ".storageclass.storage.k8s.io/requests.storage") ||
		strings.HasSuffix(name, ".storageclass.storage.k8s.io/persistentvolumeclaims")
}
