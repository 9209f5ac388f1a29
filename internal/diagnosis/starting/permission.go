// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// The details of VolumePermissionDenied.
const (
	detailDenied   = "Denied"
	detailReadOnly = "ReadOnly"
)

// refused is a container that ends because it may not use a volume.
type refused struct {
	snapshot.Container
	denial
	mount  corev1.VolumeMount
	volume *corev1.Volume
	// guessed: the line names no path from the root, and the container has but one volume to write to.
	guessed bool
}

// permission finds crashing containers whose last words are that a path of a volume is refused to them. The path must be
// one of their mounts: any other is no matter of a volume.
func permission(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[refused]
	for _, c := range s.Containers() {
		if one, ok := refusedOf(s, c); ok {
			seen.add(c.Spec.Name+one.mount.Name, c.Pod, one)
		}
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, refusedFinding(s, one))
	}
	return findings
}

func refusedOf(s *snapshot.Snapshot, c snapshot.Container) (refused, bool) {
	last, ok := failing(s, c)
	if !ok {
		return refused{}, false
	}
	one, ok := deniedIn(s.LogOf(c.Pod, c.Spec.Name))
	if !ok && last != nil { // the end of the log, where terminationMessagePolicy asks for it
		one, ok = deniedIn(last.Message)
	}
	if !ok {
		return refused{}, false
	}
	if len(one.paths) == 0 && c.Spec.WorkingDir != "" {
		one.paths = []string{path.Clean(c.Spec.WorkingDir)}
	}
	found := refused{Container: c, denial: one}
	if found.mount, ok = mountOf(c.Spec, one.paths); !ok && len(one.paths) == 0 {
		found.mount, ok = onlyMount(c)
		found.guessed = true
	}
	found.volume = volumeOf(&c.Pod.Spec, found.mount.Name)
	found.guessed = found.guessed && !notHandedOver(&c.Pod.Spec, c.Spec, found.volume)
	if !ok {
		return refused{}, false
	}
	// A file system that turned read-only by itself is a fault of the storage, and another cause.
	return found, !one.readOnly || isReadOnly(found.mount, found.volume)
}

func volumeOf(spec *corev1.PodSpec, name string) *corev1.Volume {
	for i := range spec.Volumes {
		if spec.Volumes[i].Name == name {
			return &spec.Volumes[i]
		}
	}
	return nil
}

// notHandedOver reports whether the spec leaves a volume to whoever owns its files, and the container is not root: nothing
// but luck lets it write there. An emptyDir is everybody's (pkg/volume/emptydir, perm 0777).
func notHandedOver(spec *corev1.PodSpec, c corev1.Container, volume *corev1.Volume) bool {
	user, _, fsGroup := identity(spec, &c)
	switch {
	case volume == nil || user == nil || *user == 0:
		return false
	case volume.HostPath != nil || volume.NFS != nil:
		return true
	default:
		return volume.PersistentVolumeClaim != nil && fsGroup == nil
	}
}

// mountOf finds the mount that a path is below; of nested ones the inner.
func mountOf(c corev1.Container, paths []string) (corev1.VolumeMount, bool) {
	var best corev1.VolumeMount
	for _, mount := range c.VolumeMounts {
		for _, file := range paths {
			if below(file, mount.MountPath) && len(mount.MountPath) > len(best.MountPath) {
				best = mount
			}
		}
	}
	return best, best.MountPath != ""
}

// onlyMount is the only mount that a container can write to, if it has just one.
func onlyMount(c snapshot.Container) (only corev1.VolumeMount, ok bool) {
	for _, mount := range c.Spec.VolumeMounts {
		for i := range c.Pod.Spec.Volumes {
			volume := &c.Pod.Spec.Volumes[i]
			if volume.Name != mount.Name || isReadOnly(mount, volume) {
				continue
			}
			if ok {
				return corev1.VolumeMount{}, false
			}
			only, ok = mount, true
		}
	}
	return only, ok
}

// isReadOnly reports whether the spec makes a mount read-only. Those of ConfigMaps, Secrets and the like always are.
func isReadOnly(mount corev1.VolumeMount, volume *corev1.Volume) bool {
	if mount.ReadOnly || volume == nil {
		return mount.ReadOnly
	}
	claim, nfs := volume.PersistentVolumeClaim, volume.NFS
	return isGiven(volume) || claim != nil && claim.ReadOnly || nfs != nil && nfs.ReadOnly
}

// isGiven reports whether the kubelet writes a volume's files.
func isGiven(volume *corev1.Volume) bool {
	return volume.ConfigMap != nil || volume.Secret != nil || volume.Projected != nil || volume.DownwardAPI != nil
}

// ownerUnset reports whether the spec itself speaks for the volume: it chooses the user, and nothing gives that user the
// files of a volume that keeps the owner it was made with.
func (r refused) ownerUnset() bool {
	user, _, fsGroup := identity(&r.Pod.Spec, &r.Spec)
	kept := r.volume != nil && (r.volume.PersistentVolumeClaim != nil || r.volume.HostPath != nil)
	return kept && user != nil && *user != 0 && (fsGroup == nil || r.volume.HostPath != nil)
}

func refusedFinding(s *snapshot.Snapshot, one *sighting[refused]) finding.Finding {
	r := one.fault
	what := "may not use"
	f := finding.New(v1alpha1.CauseVolumePermissionDenied, s.Owner(r.Container), v1alpha1.Likely, "", "it says: "+r.line)
	f.Detail = detailDenied
	if r.readOnly {
		what, f.Detail, f.Confidence = "writes to", detailReadOnly, v1alpha1.Certain
	}
	if r.guessed {
		what, f.Confidence = "is refused a file, maybe below", v1alpha1.Possible
		if r.ownerUnset() {
			f.Confidence = v1alpha1.Likely
		}
	}
	f.Message = fmt.Sprintf("%s crashes: it %s %s, where volume %s%s is mounted%s", words.UpperFirst(s.In(r.Container)), what, r.mount.MountPath, r.mount.Name,
		tellSource(r.volume), when(isReadOnly(r.mount, r.volume), " read-only"))
	f.Evidence = append(f.Evidence, tellUser(&r.Pod.Spec, &r.Spec), one.tellPods(s), s.TellRevision(r.Container))
	advice, patch := permissionAdvice(s, r)
	f.Recommendation = advice
	f.SuggestByHand(patch) // that it is refused a file is told by its log alone
	goBack(s, r.Pod, &f, func(spec *corev1.PodSpec) (string, bool) {
		user, earlier := tellUser(&r.Pod.Spec, &r.Spec), snapshot.ContainerIn(spec, r.Spec.Name)
		if earlier == nil || tellUser(spec, earlier) == user {
			return "", false
		}
		return "ran otherwise: " + tellUser(spec, earlier), true
	})
	return f
}

// permissionAdvice: the kubelet hands a volume to the group fsGroup, but never a hostPath or an NFS export (API,
// PodSecurityContext.FSGroup; pkg/volume, SupportsOwnershipManagement).
func permissionAdvice(s *snapshot.Snapshot, r refused) (advice string, patch *finding.Patch) {
	in := s.In(r.Container)
	switch {
	case r.readOnly && r.volume != nil && isGiven(r.volume):
		return fmt.Sprintf("Let %s write elsewhere, such as to an emptyDir: the files of volume %s are read-only.", in, r.mount.Name), nil
	case r.readOnly:
		return fmt.Sprintf("Set readOnly of volumeMount %s of %s to false, if it is to write there.", r.mount.Name, in), nil
	case r.volume != nil && (r.volume.HostPath != nil || r.volume.NFS != nil):
		return fmt.Sprintf("Give the directory%s to the user that %s runs as (%s); fsGroup does not change such a volume.", tellSource(r.volume), in, tellUser(&r.Pod.Spec, &r.Spec)), nil
	}
	advice = fmt.Sprintf("Set securityContext.fsGroup of the pods to the group of the user that %s runs as, or runAsUser to the owner of the volume.", in)
	user, group, fsGroup := identity(&r.Pod.Spec, &r.Spec)
	if group == nil {
		group = user
	}
	if fsGroup != nil || group == nil || *group == 0 {
		return advice, nil
	}
	return advice, finding.PodSpecPatch(s.Workload, map[string]any{"securityContext": map[string]int64{"fsGroup": *group}})
}

// identity is who a container runs as, as far as the spec tells: of the container before of the pod.
func identity(spec *corev1.PodSpec, c *corev1.Container) (user, group, fsGroup *int64) {
	if of := spec.SecurityContext; of != nil {
		user, group, fsGroup = of.RunAsUser, of.RunAsGroup, of.FSGroup
	}
	if c != nil && c.SecurityContext != nil {
		if c.SecurityContext.RunAsUser != nil {
			user = c.SecurityContext.RunAsUser
		}
		if c.SecurityContext.RunAsGroup != nil {
			group = c.SecurityContext.RunAsGroup
		}
	}
	return user, group, fsGroup
}

func tellUser(spec *corev1.PodSpec, c *corev1.Container) string {
	user, group, fsGroup := identity(spec, c)
	return strings.Join([]string{"runAsUser " + tellID(user, "of the image"), "runAsGroup " + tellID(group, "of the image"), "fsGroup " + tellID(fsGroup, "not set")}, ", ")
}

func tellID(id *int64, otherwise string) string {
	if id == nil {
		return otherwise
	}
	return fmt.Sprint(*id)
}
