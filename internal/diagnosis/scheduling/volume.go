// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	storagehelpers "k8s.io/component-helpers/storage/volume"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// fault is one thing in which a volume is not what a claim asks for.
type fault struct{ detail, why string }

// offer is a volume and all in which it differs from a claim.
type offer struct {
	volume *corev1.PersistentVolume
	faults []fault
}

// faultsOf compares a volume with a claim as the volume controller does (component-helpers FindMatchingVolume, and
// checkVolumeSatisfyClaim of kubernetes pkg/controller/volume/persistentvolume).
func faultsOf(s *snapshot.Snapshot, volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) []fault {
	var faults []fault
	add := func(detail, format string, args ...any) {
		faults = append(faults, fault{detail, fmt.Sprintf(format, args...)})
	}
	if why := taken(volume, claim); why != "" {
		add(detailAlreadyBound, "%s", why)
	}
	if has, wants := storagehelpers.GetPersistentVolumeClass(volume), storagehelpers.GetPersistentVolumeClaimClass(claim); has != wants {
		add(detailClass, "storageClassName is %q, the claim asks for %q", has, wants)
	}
	if has, wants := volume.Spec.Capacity[corev1.ResourceStorage], claim.Spec.Resources.Requests[corev1.ResourceStorage]; has.Cmp(wants) < 0 {
		add(detailCapacity, "capacity is %s, the claim asks for %s", has.String(), wants.String())
	}
	if !storagehelpers.CheckAccessModes(claim, volume) {
		add(detailAccessMode, "accessModes are %s, the claim asks for %s", modes(volume.Spec.AccessModes), modes(claim.Spec.AccessModes))
	}
	if storagehelpers.CheckVolumeModeMismatches(&claim.Spec, &volume.Spec) {
		add(detailVolumeMode, "volumeMode is not the claim's")
	}
	if selector, err := metav1.LabelSelectorAsSelector(claim.Spec.Selector); claim.Spec.Selector != nil && (err != nil || !selector.Matches(labels.Set(volume.Labels))) {
		add(detailSelector, "its labels are %q, the claim selects %s", labels.Set(volume.Labels).String(), metav1.FormatLabelSelector(claim.Spec.Selector))
	}
	if s.Complete(snapshot.KindNode) && len(s.All.Nodes) > 0 && !slices.ContainsFunc(s.All.Nodes, func(n corev1.Node) bool {
		return storagehelpers.CheckNodeAffinity(volume, n.Labels) == nil
	}) {
		add(detailNodeAffinity, "it is only on nodes with %s, and there is none", requirements(volume.Spec.NodeAffinity.Required))
	}
	return faults
}

// taken says why a volume is not to be had, whatever it is like.
func taken(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) string {
	ref := volume.Spec.ClaimRef
	same := ref != nil && ref.Namespace == claim.Namespace && ref.Name == claim.Name
	switch {
	case volume.DeletionTimestamp != nil:
		return "it is being deleted"
	case ref != nil && !same:
		return fmt.Sprintf("it is %s claim %s/%s", strings.ToLower(string(cmp.Or(volume.Status.Phase, corev1.VolumeBound)))+boundBy(volume), ref.Namespace, ref.Name)
	case same && (volume.Status.Phase == corev1.VolumeReleased || ref.UID != "" && claim.UID != "" && ref.UID != claim.UID):
		return "it was released by an earlier claim of the same name, and still names that one in claimRef"
	case volume.Status.Phase == corev1.VolumeFailed:
		return "its phase is Failed"
	default:
		return ""
	}
}

func boundBy(volume *corev1.PersistentVolume) string {
	switch volume.Status.Phase {
	case corev1.VolumeReleased:
		return " by"
	case corev1.VolumeAvailable:
		return " and kept for"
	default:
		return " to"
	}
}

func modes(all []corev1.PersistentVolumeAccessMode) string {
	var told []string
	for _, mode := range all {
		told = append(told, string(mode))
	}
	return strings.Join(told, ",")
}

// kindWord is what names of volumes and claims end in to tell which they are: redis-data-pv and redis-data-pvc.
var kindWord = regexp.MustCompile(`(?:[-.]?(?:pvc?|claim|volume|vol))+\z`)

func stem(name string) string { return kindWord.ReplaceAllString(name, "") }

// meantFor reports whether a volume says that it is for a claim: by its claimRef, or by its name. A claim of one word,
// such as data, names nothing.
func meantFor(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) bool {
	if ref := volume.Spec.ClaimRef; ref != nil && ref.Namespace == claim.Namespace && ref.Name == claim.Name {
		return true
	}
	want := stem(claim.Name)
	return strings.Contains(want, "-") && strings.Contains("-"+stem(volume.Name)+"-", "-"+want+"-")
}

// nearestOffer is the volume that was most likely meant for a claim: the one of its name, else the one that differs least.
// Volumes that a provisioner made for other claims were never on offer.
func nearestOffer(s *snapshot.Snapshot, claim *corev1.PersistentVolumeClaim) *offer {
	var best *offer
	var named bool
	volumes := slices.Clone(s.All.Volumes)
	slices.SortFunc(volumes, func(a, b corev1.PersistentVolume) int { return strings.Compare(a.Name, b.Name) })
	for i := range volumes {
		volume := &volumes[i]
		if provisionedForOther(volume, claim) {
			continue
		}
		o, ofName := &offer{volume, faultsOf(s, volume, claim)}, meantFor(volume, claim)
		if best == nil || ofName && !named || ofName == named && o.nearer(best) {
			best, named = o, ofName
		}
		if len(o.faults) == 0 {
			return o
		}
	}
	if best == nil || !named && len(best.faults) > 1 {
		return nil
	}
	return best
}

// nearer compares two volumes: the one that lacks less, and of equals the one that is to be had.
func (o *offer) nearer(than *offer) bool {
	return cmp.Or(cmp.Compare(len(o.faults), len(than.faults)), boolInt(o.has(detailAlreadyBound))-boolInt(than.has(detailAlreadyBound))) < 0
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// provisionedForOther reports whether a provisioner made the volume, for the claim that it names.
func provisionedForOther(volume *corev1.PersistentVolume, claim *corev1.PersistentVolumeClaim) bool {
	_, provisioned := volume.Annotations["pv.kubernetes.io/provisioned-by"]
	ref := volume.Spec.ClaimRef
	return provisioned && ref != nil && (ref.Namespace != claim.Namespace || ref.Name != claim.Name)
}
