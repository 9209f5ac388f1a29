// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// offered is for a claim whose nearest volume is known: what that one lacks, the first thing first.
func offered(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim, o *offer) *unbound {
	first := o.faults[0]
	u := &unbound{fault: fault{first.detail, fmt.Sprintf("PersistentVolume %s: %s", o.volume.Name, first.why)}, confidence: v1alpha1.Certain, offer: o}
	switch first.detail {
	case detailAlreadyBound:
		u.advice = fmt.Sprintf("Create another PersistentVolume for claim %s, or give PersistentVolume %s up in its claim first.", claim.Name, o.volume.Name)
		if o.volume.Status.Phase == corev1.VolumeReleased {
			u.advice = fmt.Sprintf("If the data of PersistentVolume %s may be given to claim %s, take its claimRef away; otherwise create another volume.", o.volume.Name, claim.Name)
			u.patch = fmt.Sprintf(`kubectl patch pv %s --type=json -p '[{"op":"remove","path":"/spec/claimRef"}]'`, o.volume.Name)
		}
	case detailCapacity:
		u.advice = fmt.Sprintf("Make claim %s anew with a request that PersistentVolume %s can give, or create a larger volume.", claim.Name, o.volume.Name)
	case detailSelector:
		u.advice = fmt.Sprintf("Label PersistentVolume %s as spec.selector of claim %s says, or make the claim anew with another selector.", o.volume.Name, claim.Name)
		u.patch = labelVolume(o.volume, claim)
	case detailNodeAffinity:
		u.advice = fmt.Sprintf("Bring back a node that PersistentVolume %s is on, or create another volume.", o.volume.Name)
	default:
		u.advice = fmt.Sprintf("Make claim %s anew as PersistentVolume %s is, or create a volume that fits it.", claim.Name, o.volume.Name)
	}
	for _, event := range s.EventsAbout(snapshot.KindPersistentVolumeClaim, claim.Namespace, claim.Name) {
		if event.Type == corev1.EventTypeWarning {
			u.evidence = append(u.evidence, tellEvent(s, &event))
			break
		}
	}
	return u
}

// labelVolume is the command that gives a volume the labels that a claim selects.
func labelVolume(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) string {
	if len(claim.Spec.Selector.MatchExpressions) > 0 {
		return ""
	}
	var labels []string
	for _, key := range sorted(claim.Spec.Selector.MatchLabels) {
		labels = append(labels, key+"="+claim.Spec.Selector.MatchLabels[key])
	}
	return fmt.Sprintf("kubectl label pv %s %s --overwrite", volume.Name, strings.Join(labels, " "))
}

// classMissingEvent is what the volume controller says of a class that is not there.
var classMissingEvent = regexp.MustCompile(`storageclass\.storage\.k8s\.io "([^"]{1,253})" not found`)

// explainBySaying is for a claim whose volumes could not be read.
func explainBySaying(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim, class string, said word) *unbound {
	u := &unbound{confidence: v1alpha1.Likely, advice: fmt.Sprintf("Look at the volumes that claim %s could have (kubectl get pv), or create one.", claim.Name)}
	for _, event := range s.EventsAbout(snapshot.KindPersistentVolumeClaim, claim.Namespace, claim.Name) { // newest first
		match := classMissingEvent.FindStringSubmatch(event.Message)
		switch {
		case event.Reason == "ProvisioningFailed" && match != nil && match[1] == class && s.StorageClass(class) == nil:
			u = withoutClass(s, class, nil)
			u.confidence, u.evidence = v1alpha1.Likely, nil
		case event.Reason == "FailedBinding" && strings.Contains(event.Message, "already bound to a different claim"):
			u.fault = fault{detailAlreadyBound, event.Message}
		case event.Reason == "FailedBinding" && strings.Contains(event.Message, "no storage class is set"):
			u.fault = fault{detailNoClass, "no volume fits and it names no StorageClass"}
		default:
			continue
		}
		u.evidence = append(u.evidence, tellEvent(s, &event))
		return u
	}
	if !strings.Contains(said.text, "unbound immediate") && !strings.Contains(said.text, "didn't find available persistent volumes") {
		return nil
	}
	u.fault = fault{"", "the scheduler says that no volume is bound to it"}
	return u
}

func (u *unbound) finding(s *snapshot.Snapshot, pod *corev1.Pod, claim *corev1.PersistentVolumeClaim) finding.Finding {
	_, name := owner(s, pod)
	f := finding.New(v1alpha1.CauseVolumeClaimUnbound, snapshot.Reference(snapshot.KindPersistentVolumeClaim, claim), u.confidence,
		fmt.Sprintf("PersistentVolumeClaim %s of %s is not bound: %s", claim.Name, name, u.why))
	f.Detail = u.detail
	if u.offer != nil {
		for _, fault := range u.offer.faults {
			f.Evidence = append(f.Evidence, fmt.Sprintf("PersistentVolume %s comes nearest: %s", u.offer.volume.Name, fault.why))
		}
	}
	f.Evidence = append(append(f.Evidence, u.evidence...), wordOn(s, pod).evidence()...)
	f.Recommendation, f.SuggestedPatch = u.advice, u.patch
	return f
}
