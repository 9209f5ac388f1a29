// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	storagehelpers "k8s.io/component-helpers/storage/volume"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// Details of VolumeClaimUnbound: what the volume that comes nearest lacks, or why there is none.
const (
	detailClassNotFound  = "StorageClassNotFound"
	detailClass          = "StorageClass"
	detailNoClass        = "NoStorageClass"
	detailCapacity       = "Capacity"
	detailAccessMode     = "AccessMode"
	detailVolumeMode     = "VolumeMode"
	detailSelector       = "Selector"
	detailAlreadyBound   = "AlreadyBound"
	detailNoProvisioner  = "NoProvisioner"
	detailProvisioning   = "ProvisioningFailed"
	detailNodeAffinity   = "NodeAffinity"
	detailVolumeNotFound = "VolumeNotFound"
	detailLost           = "Lost"
)

const (
	// noProvisioner is the provisioner of classes whose volumes people make.
	noProvisioner = "kubernetes.io/no-provisioner"
	// provisioning is how long a claim may wait for its volume before nobody is thought to make it. Provisioners of
	// clouds take most of a minute.
	provisioning = 2 * time.Minute
)

// claimUnbound finds claims of waiting pods that have no volume, and why none is bound.
func claimUnbound(s *snapshot.Snapshot) []finding.Finding {
	return eachWaiting(s, func(pod *corev1.Pod) []finding.Finding {
		if f, said := saidUnbound(s, pod); said {
			return []finding.Finding{f}
		}
		var findings []finding.Finding
		for _, name := range claimNames(pod) {
			claim := s.Claim(name)
			if claim == nil || claim.Status.Phase == corev1.ClaimBound || claim.DeletionTimestamp != nil {
				continue
			}
			if r := explainClaim(s, claim, wordOn(s, pod)); r != nil {
				findings = append(findings, r.finding(s, pod, claim))
			}
		}
		return findings
	})
}

// saidUnbound takes the scheduler's word that a claim is not bound where the claims were not read.
func saidUnbound(s *snapshot.Snapshot, pod *corev1.Pod) (finding.Finding, bool) {
	names, said := claimNames(pod), wordOn(s, pod)
	if s.Complete(snapshot.KindPersistentVolumeClaim) || len(names) == 0 || s.Claim(names[0]) != nil || !strings.Contains(said.text, "unbound immediate PersistentVolumeClaims") {
		return finding.Finding{}, false
	}
	f := finding.New(v1alpha1.CauseVolumeClaimUnbound, v1alpha1.ObjectReference{Kind: snapshot.KindPersistentVolumeClaim, Name: names[0]}, v1alpha1.Likely,
		fmt.Sprintf("PersistentVolumeClaim %s, which Pod %s mounts, is not bound to a volume", strings.Join(names, " or "), pod.Name),
		"the scheduler says: "+said.text)
	f.Recommendation = fmt.Sprintf("See why: kubectl describe pvc %s -n %s", strings.Join(names, " "), s.Namespace)
	for _, event := range s.EventsAbout(snapshot.KindPersistentVolumeClaim, s.Namespace, names[0]) { // newest first
		if match := classMissingEvent.FindStringSubmatch(event.Message); match != nil {
			f.Detail = detailClassNotFound
			f.Message += fmt.Sprintf(": StorageClass %s does not exist", match[1])
			f.Evidence = append(f.Evidence, tellEvent(s, &event))
			break
		}
	}
	return f, true
}

// unbound is why a claim has no volume.
type unbound struct {
	fault
	confidence v1alpha1.Confidence
	// offer is the volume that comes nearest; nil if there is none.
	offer    *offer
	advice   string
	patch    string
	evidence []string
}

func explainClaim(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim, said word) *unbound {
	class := storagehelpers.GetPersistentVolumeClaimClass(claim)
	storageClass := s.StorageClass(class)
	dynamic := storageClass != nil && storageClass.Provisioner != noProvisioner
	switch {
	case claim.Status.Phase == corev1.ClaimLost:
		return &unbound{fault: fault{detailLost, fmt.Sprintf("its volume %s is gone", claim.Spec.VolumeName)}, confidence: v1alpha1.Certain,
			advice: fmt.Sprintf("Restore the data into a new claim: PersistentVolume %s is lost.", claim.Spec.VolumeName)}
	case claim.Spec.VolumeName != "":
		return explainNamed(s, claim)
	case dynamic && claim.Spec.Selector == nil:
		return explainProvisioning(s, claim, storageClass, said)
	case !s.Complete(snapshot.KindPersistentVolume):
		return explainBySaying(s, claim, class, said)
	default:
		return explainStatic(s, claim, class, said)
	}
}

// explainNamed is for a claim that names its volume.
func explainNamed(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim) *unbound {
	volume := s.Volume(claim.Spec.VolumeName)
	if volume == nil {
		if !s.Complete(snapshot.KindPersistentVolume) {
			return nil
		}
		u := &unbound{fault: fault{detailVolumeNotFound, fmt.Sprintf("spec.volumeName %s is no PersistentVolume", claim.Spec.VolumeName)}, confidence: v1alpha1.Certain}
		u.advice = fmt.Sprintf("Create PersistentVolume %s, or make the claim anew with another volumeName.", claim.Spec.VolumeName)
		names := words.Names(s.All.Volumes, func(v *corev1.PersistentVolume) string { return v.Name })
		slices.Sort(names)
		if near := words.Nearest(claim.Spec.VolumeName, names); near != "" {
			u.why += fmt.Sprintf("; %s exists", near)
		}
		return u
	}
	o := &offer{volume, faultsOf(s, volume, claim)}
	if len(o.faults) == 0 {
		return nil
	}
	return offered(s, claim, o)
}

// explainProvisioning is for a claim whose class makes volumes on demand. With WaitForFirstConsumer none is made before a
// node is chosen: that it is unbound then is no fault.
func explainProvisioning(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, said word) *unbound {
	events := s.EventsAbout(snapshot.KindPersistentVolumeClaim, claim.Namespace, claim.Name)
	if failed := failedProvisioning(events); failed != nil {
		return &unbound{fault: fault{detailProvisioning, fmt.Sprintf("provisioner %s of StorageClass %s fails: %s", class.Provisioner, class.Name, failed.Message)}, confidence: v1alpha1.Likely,
			advice:   fmt.Sprintf("Do what provisioner %s says, or name another StorageClass in a new claim.", class.Provisioner),
			evidence: []string{tellEvent(s, failed)}}
	}
	_, selected := claim.Annotations["volume.kubernetes.io/selected-node"]
	delayed := class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
	if delayed && !selected || s.Age(claim.CreationTimestamp.Time) < provisioning || claim.CreationTimestamp.IsZero() {
		return nil
	}
	u := &unbound{fault: fault{detailNoProvisioner, fmt.Sprintf("provisioner %s of StorageClass %s makes no volume", class.Provisioner, class.Name)}, confidence: v1alpha1.Possible,
		advice: fmt.Sprintf("Check that the pods of provisioner %s run and read their log, or name another StorageClass in a new claim.", class.Provisioner)}
	for i := range events {
		if events[i].Reason == "ExternalProvisioning" { // the volume controller waits for somebody else
			u.confidence = v1alpha1.Likely
			u.evidence = append(u.evidence, tellEvent(s, &events[i]))
			break
		}
	}
	if strings.Contains(said.text, "unbound immediate") {
		u.confidence = v1alpha1.Likely
	}
	return u
}

// failedProvisioning is the newest failure, if nothing went well since.
func failedProvisioning(events []corev1.Event) *corev1.Event {
	for i := range events { // newest first
		switch events[i].Reason {
		case "ProvisioningFailed":
			return &events[i]
		case "ProvisioningSucceeded":
			return nil
		}
	}
	return nil
}

func tellEvent(s *snapshot.Snapshot, event *corev1.Event) string {
	return fmt.Sprintf("Event %s of the claim, %s: %s", event.Reason, s.Ago(snapshot.EventTime(event)), event.Message)
}

// explainStatic is for a claim that only a volume that is there already can satisfy.
func explainStatic(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim, class string, said word) *unbound {
	o, storageClass := nearestOffer(s, claim), s.StorageClass(class)
	classKnown := s.Complete(snapshot.KindStorageClass)
	classMissing := class != "" && storageClass == nil && classKnown
	switch {
	case o != nil && len(o.faults) == 0:
		return nil // it will be bound in a moment, or when a node is chosen
	case o != nil && !(classMissing && o.has(detailClass)):
		return offered(s, claim, o)
	case classMissing:
		return withoutClass(s, class, o)
	case class == "":
		u := &unbound{fault: fault{detailNoClass, "it names no StorageClass, there is no default one, and no volume fits"}, confidence: v1alpha1.Certain, offer: o}
		u.advice = fmt.Sprintf("Make claim %s anew with a storageClassName, mark a StorageClass as the default, or create a PersistentVolume without a class.", claim.Name)
		if claim.Spec.StorageClassName != nil {
			u.why = `its storageClassName is "", so nothing makes a volume, and none that is there fits`
		}
		if !classKnown {
			u.confidence = v1alpha1.Likely
		}
		u.evidence = tellVolumes(s, class)
		return u
	case storageClass == nil: // the classes were not read
		return explainBySaying(s, claim, class, said)
	default:
		return &unbound{fault: fault{detailNoProvisioner, fmt.Sprintf("StorageClass %s makes no volumes (provisioner %s), and none that is there fits", class, storageClass.Provisioner)}, confidence: v1alpha1.Certain,
			advice:   fmt.Sprintf("Create a PersistentVolume of class %s that fits the claim, or make the claim anew with a class that has a provisioner.", class),
			evidence: tellVolumes(s, class)}
	}
}

func (o *offer) has(detail string) bool {
	return slices.ContainsFunc(o.faults, func(f fault) bool { return f.detail == detail })
}

func withoutClass(s *snapshot.Snapshot, class string, o *offer) *unbound {
	u := &unbound{fault: fault{detailClassNotFound, fmt.Sprintf("StorageClass %s is not there", class)}, confidence: v1alpha1.Certain, offer: o}
	u.advice = fmt.Sprintf("Create StorageClass %s, or delete the claim and make it anew with a class that exists (storageClassName cannot be changed).", class)
	names := snapshot.NamesIn(s.All.StorageClasses, "", func(o *storagev1.StorageClass) metav1.Object { return o })
	for i := range s.All.Volumes {
		names = append(names, storagehelpers.GetPersistentVolumeClass(&s.All.Volumes[i]))
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
	if near := words.Nearest(class, names); near != "" {
		u.why += fmt.Sprintf("; %s exists", near)
		u.advice = fmt.Sprintf("Delete the claim and make it anew with storageClassName %s (it cannot be changed), or create StorageClass %s.", near, class)
	}
	if len(names) > 0 {
		u.evidence = append(u.evidence, "the classes that there are: "+list(names))
	} else {
		u.evidence = append(u.evidence, "there is no StorageClass")
	}
	return u
}

func tellVolumes(s *snapshot.Snapshot, class string) []string {
	var ofClass int
	for i := range s.All.Volumes {
		if storagehelpers.GetPersistentVolumeClass(&s.All.Volumes[i]) == class {
			ofClass++
		}
	}
	return []string{fmt.Sprintf("%d of %s of class %q", ofClass, words.IsAre(len(s.All.Volumes), "PersistentVolume"), class)}
}
