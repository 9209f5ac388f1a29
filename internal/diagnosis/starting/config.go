// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// rootCA is the ConfigMap that the control plane puts into every namespace. Dumps leave it out, so that it is missed only
// where the kubelet misses it.
const rootCA = "kube-root-ca.crt"

// absence is an object or a key that pods name and that is not there.
type absence struct {
	wanting
	// proven against the objects; else it is the kubelet's word.
	proven bool
	// text is what the kubelet says.
	text string
	// keys that the object has.
	keys []string
}

// configuration finds pods that wait for a ConfigMap, a Secret or a key of one that is not there: by what the kubelet
// says, and by the references of the spec where the objects could be read. Secrets mostly cannot.
func configuration(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[*absence]
	pods := s.LivePods()
	for i := range pods {
		for _, one := range slices.Concat(told(s, &pods[i]), unresolved(s, &pods[i])) {
			known := seen.add(strings.Join([]string{one.kind, one.name, one.key}, "/"), &pods[i], &one)
			known.fault.proven = known.fault.proven || one.proven
		}
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, absenceFinding(s, one))
	}
	return findings
}

// told are the absences that the kubelet tells of a pod and that the objects do not contradict. An object that is there
// by now has come since: the kubelet will find it by itself.
func told(s *snapshot.Snapshot, pod *corev1.Pod) []absence {
	var all []absence
	for _, text := range configTexts(s, pod) {
		for _, w := range namedWantings(pod, text) {
			if one, ok := absent(s, w); ok {
				one.text = text
				all = append(all, one)
			}
		}
	}
	return all
}

// namedWantings are what a text says is wanting and the pod names. A storage driver too may miss a Secret, of another
// namespace.
func namedWantings(pod *corev1.Pod, text string) []wanting {
	var named []wanting
	for _, w := range wantings(text) {
		if w.name == "" {
			w.name = nameIn(pod, w)
		}
		if paths, _ := placesOf(pod, w); w.name != "" && len(paths) > 0 {
			named = append(named, w)
		}
	}
	return named
}

// configTexts are what the kubelet says now of a pod's configuration: of containers that it cannot make, and of volumes
// while none has begun.
func configTexts(s *snapshot.Snapshot, pod *corev1.Pod) []string {
	var texts []string
	for _, c := range snapshot.ContainersOf(pod) {
		reason, message := c.Waits()
		if reason != "CreateContainerConfigError" {
			continue
		}
		if message == "" {
			message = failedText(s, c, "Error: ", func(text string) bool { return len(wantings(text)) > 0 })
		}
		texts = append(texts, message)
	}
	if snapshot.IsHeld(pod) {
		for _, event := range mountEvents(s, pod) {
			texts = append(texts, snapshot.Said(&event))
		}
	}
	return texts
}

// nameIn finds the object whose key a volume names.
func nameIn(pod *corev1.Pod, w wanting) string {
	for _, volume := range pod.Spec.Volumes {
		if volume.Name != w.volume {
			continue
		}
		for _, ref := range snapshot.KeyRefs(&corev1.PodSpec{Volumes: []corev1.Volume{volume}}) {
			if ref.Kind == w.kind && ref.Key == w.key {
				return ref.Name
			}
		}
	}
	return ""
}

// unresolved are the references of a pod that waits for them which name nothing: no word of the kubelet is needed.
func unresolved(s *snapshot.Snapshot, pod *corev1.Pod) []absence {
	var all []absence
	for _, ref := range awaited(pod) {
		if ref.Optional || ref.Name == rootCA || !s.Complete(ref.Kind) {
			continue
		}
		w := wanting{kind: ref.Kind, name: ref.Name, key: ref.Key}
		if strings.HasPrefix(ref.Path, "volume ") {
			w.volume = ref.Path
		}
		if one, ok := absent(s, w); ok && one.proven {
			all = append(all, one)
		}
	}
	return all
}

// awaited are the references that the kubelet resolves next: those of the volumes before any container, those of a
// container when its turn has come.
func awaited(pod *corev1.Pod) []snapshot.KeyRef {
	if pod.Spec.NodeName == "" {
		return nil
	}
	var refs []snapshot.KeyRef
	if snapshot.IsHeld(pod) {
		refs = snapshot.KeyRefs(&corev1.PodSpec{Volumes: pod.Spec.Volumes})
	}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		status := statusOf(pod.Status.InitContainerStatuses, c.Name)
		if waitsToBeMade(status) {
			refs = append(refs, snapshot.KeyRefs(&corev1.PodSpec{InitContainers: []corev1.Container{*c}})...)
		}
		if !snapshot.IsSidecar(c) && (status == nil || status.State.Terminated == nil || status.State.Terminated.ExitCode != 0) {
			return refs // it may yet make what the next ones want
		}
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if waitsToBeMade(statusOf(pod.Status.ContainerStatuses, c.Name)) {
			refs = append(refs, snapshot.KeyRefs(&corev1.PodSpec{Containers: []corev1.Container{*c}})...)
		}
	}
	return refs
}

func statusOf(statuses []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	for i := range statuses {
		if statuses[i].Name == name {
			return &statuses[i]
		}
	}
	return nil
}

// waitsToBeMade reports whether a container has not begun yet, or cannot begin again for its configuration.
func waitsToBeMade(status *corev1.ContainerStatus) bool {
	if status == nil {
		return true
	}
	waiting := status.State.Waiting
	return waiting != nil && (waiting.Reason == "CreateContainerConfigError" || status.LastTerminationState.Terminated == nil && waiting.Reason != "CrashLoopBackOff")
}

// absent judges by the objects. It is false for what is there.
func absent(s *snapshot.Snapshot, w wanting) (absence, bool) {
	there, keys := lookUp(s, w)
	switch {
	case !there && s.Complete(w.kind):
		w.key = ""
		return absence{wanting: w, proven: true}, true
	case !there:
		return absence{wanting: w}, true
	case w.key != "" && !slices.Contains(keys, w.key):
		return absence{wanting: w, proven: true, keys: keys}, true
	default:
		return absence{}, false
	}
}

// lookUp tells whether the object is there, and the keys that it has for this use: a variable is read from the data of a
// ConfigMap alone, never from its binaryData (kubelet_pods.go, makeEnvironmentVariables).
func lookUp(s *snapshot.Snapshot, w wanting) (there bool, keys []string) {
	if w.kind == snapshot.KindSecret {
		secret := s.Secret(w.name)
		if secret == nil {
			return false, nil
		}
		return true, secret.Keys
	}
	cm := s.ConfigMap(w.name)
	if cm == nil {
		return false, nil
	}
	for key := range cm.Data {
		keys = append(keys, key)
	}
	if w.volume != "" {
		for key := range cm.BinaryData {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return true, keys
}

func absenceFinding(s *snapshot.Snapshot, one *sighting[*absence]) finding.Finding {
	a := one.fault
	object, owner := ownerOf(s, one.pod)
	paths, keys := placesOf(one.pod, a.wanting)
	where := owner
	if len(paths) > 0 {
		where += ", " + paths[0]
	}
	f := finding.New(a.cause(), object, v1alpha1.Likely, "")
	if a.proven {
		f.Confidence = v1alpha1.Certain
	}
	if a.text != "" {
		f.Evidence = append(f.Evidence, said(one.pod, a.text))
	}
	if a.proven {
		f.Evidence = append(f.Evidence, a.proof(s))
	}
	f.Evidence = append(f.Evidence, one.tellPods(s))
	if len(paths) > 1 {
		f.Evidence = append(f.Evidence, "it is named in "+strings.Join(paths, "; "))
	}
	if a.key != "" {
		tellKey(s, a, where, &f)
	} else {
		tellObject(s, a, where, keys, &f)
	}
	goBack(s, one.pod, &f, func(spec *corev1.PodSpec) (string, bool) {
		earlier, _ := placesOf(&corev1.Pod{Spec: *spec}, a.wanting)
		return "does not name it", len(earlier) == 0 && resolves(s, spec)
	})
	return f
}

// resolves reports whether nothing that a spec names is known to be missing.
func resolves(s *snapshot.Snapshot, spec *corev1.PodSpec) bool {
	return !slices.ContainsFunc(snapshot.KeyRefs(spec), func(ref snapshot.KeyRef) bool {
		missing, ok := absent(s, wanting{kind: ref.Kind, name: ref.Name, key: ref.Key, volume: ref.Path})
		return ok && missing.proven && !ref.Optional && ref.Name != rootCA
	})
}

func (a *absence) cause() v1alpha1.Cause {
	switch {
	case a.key != "":
		return v1alpha1.CauseConfigKeyNotFound
	case a.kind == snapshot.KindSecret:
		return v1alpha1.CauseSecretNotFound
	default:
		return v1alpha1.CauseConfigMapNotFound
	}
}

func (a *absence) proof(s *snapshot.Snapshot) string {
	if a.key != "" {
		return fmt.Sprintf("keys of %s %s: %s", a.kind, a.name, list(a.keys))
	}
	return fmt.Sprintf("namespace %s has no %s %s", s.Namespace, a.kind, a.name)
}

// placesOf are the places of a pod that name the object, or the key, and the keys that they want of it.
func placesOf(pod *corev1.Pod, w wanting) (paths, keys []string) {
	for _, ref := range snapshot.KeyRefs(&pod.Spec) {
		if ref.Optional || ref.Kind != w.kind || ref.Name != w.name || w.key != "" && ref.Key != w.key {
			continue
		}
		paths = append(paths, ref.Path)
		if ref.Key != "" && !slices.Contains(keys, ref.Key) {
			keys = append(keys, ref.Key)
		}
	}
	return paths, keys
}

func tellObject(s *snapshot.Snapshot, a *absence, where string, keys []string, f *finding.Finding) {
	near := words.Nearest(a.name, namesOf(s, a.kind))
	f.Message = fmt.Sprintf("%s: %s %s is not there", where, a.kind, a.name)
	with := ""
	if len(keys) > 0 {
		with = " with the keys " + list(keys)
	}
	f.Recommendation = fmt.Sprintf("Create %s %s in namespace %s%s.", a.kind, a.name, s.Namespace, with)
	if near != "" {
		f.Message += "; " + near + " is"
		f.Recommendation = fmt.Sprintf("Name %s %s in %s, if that is meant; else create %s%s.", a.kind, near, where, a.name, with)
		f.SuggestedPatch = rename(s, namePlaces[a.kind], a.name, near)
	}
}

func tellKey(s *snapshot.Snapshot, a *absence, where string, f *finding.Finding) {
	f.Message = fmt.Sprintf("%s: key %s is not in %s %s", where, a.key, a.kind, a.name)
	f.Recommendation = fmt.Sprintf("Put the key %s into %s %s, or name the right one in %s.", a.key, a.kind, a.name, where)
	if !a.proven {
		return
	}
	f.Message += "; it has " + list(a.keys)
	if near := words.Nearest(a.key, a.keys); near != "" {
		f.Recommendation = fmt.Sprintf("Name the key %s of %s %s in %s, if that is meant; else put the key %s into it.", near, a.kind, a.name, where, a.key)
		f.SuggestedPatch = rekey(s, a.kind, a.name, a.key, near)
	}
}

func namesOf(s *snapshot.Snapshot, kind string) []string {
	if kind == snapshot.KindSecret {
		return snapshot.NamesIn(s.All.Secrets, s.Namespace, func(o *snapshot.Secret) metav1.Object { return o })
	}
	return snapshot.NamesIn(s.All.ConfigMaps, s.Namespace, func(o *corev1.ConfigMap) metav1.Object { return o })
}

// maxListed bounds how many names are told in one sentence.
const maxListed = 8

// list tells names in a sentence.
func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	more := ""
	if len(names) > maxListed {
		more = fmt.Sprintf(" and %d more", len(names)-maxListed)
	}
	return strings.Join(names[:min(len(names), maxListed)], ", ") + more
}
