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

// This file tells an absence to people.

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
		return fmt.Sprintf("%s %s has the keys %s", a.kind, a.name, list(a.keys))
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
		f.Suggest(rename(s, namePlaces[a.kind], a.name, near))
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
		f.Suggest(rekey(s, a.kind, a.name, a.key, near))
	}
}

func namesOf(s *snapshot.Snapshot, kind string) []string {
	names := snapshot.NamesIn(s.All.ConfigMaps, s.Namespace, func(o *corev1.ConfigMap) metav1.Object { return o })
	if kind == snapshot.KindSecret {
		names = snapshot.NamesIn(s.All.Secrets, s.Namespace, func(o *snapshot.Secret) metav1.Object { return o })
	}
	slices.Sort(names) // of two that are as near the first is told
	return names
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
