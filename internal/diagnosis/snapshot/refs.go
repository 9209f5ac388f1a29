// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// KeyRef is a place where a pod names a ConfigMap or Secret, or a key of one.
type KeyRef struct {
	// Kind is KindConfigMap or KindSecret.
	Kind, Name string
	// Key is empty where the whole object is named.
	Key string
	// Path says where, for people: "container server, env SANDFLY_TOKEN" or "volume config".
	Path string
	// Optional: the pod starts without it.
	Optional bool
}

// KeyRefs are all places of a pod's spec that name a ConfigMap or a Secret, in the order of the spec. Pull secrets are
// not among them: a pod starts without them.
func KeyRefs(spec *corev1.PodSpec) []KeyRef {
	var refs []KeyRef
	for _, volume := range spec.Volumes {
		refs = append(refs, volumeRefs(volume)...)
	}
	for _, c := range spec.InitContainers {
		refs = append(refs, envRefs("init container "+c.Name, c)...)
	}
	for _, c := range spec.Containers {
		refs = append(refs, envRefs("container "+c.Name, c)...)
	}
	return refs
}

func envRefs(where string, c corev1.Container) []KeyRef {
	var refs []KeyRef
	for _, from := range c.EnvFrom {
		path := where + ", envFrom"
		if ref := from.ConfigMapRef; ref != nil {
			refs = append(refs, KeyRef{Kind: KindConfigMap, Name: ref.Name, Path: path, Optional: isTrue(ref.Optional)})
		}
		if ref := from.SecretRef; ref != nil {
			refs = append(refs, KeyRef{Kind: KindSecret, Name: ref.Name, Path: path, Optional: isTrue(ref.Optional)})
		}
	}
	for _, env := range c.Env {
		if env.ValueFrom == nil {
			continue
		}
		path := fmt.Sprintf("%s, env %s", where, env.Name)
		if ref := env.ValueFrom.ConfigMapKeyRef; ref != nil {
			refs = append(refs, KeyRef{Kind: KindConfigMap, Name: ref.Name, Key: ref.Key, Path: path, Optional: isTrue(ref.Optional)})
		}
		if ref := env.ValueFrom.SecretKeyRef; ref != nil {
			refs = append(refs, KeyRef{Kind: KindSecret, Name: ref.Name, Key: ref.Key, Path: path, Optional: isTrue(ref.Optional)})
		}
	}
	return refs
}

func volumeRefs(volume corev1.Volume) []KeyRef {
	path := "volume " + volume.Name
	var refs []KeyRef
	if v := volume.ConfigMap; v != nil {
		refs = append(refs, itemRefs(KeyRef{Kind: KindConfigMap, Name: v.Name, Path: path, Optional: isTrue(v.Optional)}, v.Items)...)
	}
	if v := volume.Secret; v != nil {
		refs = append(refs, itemRefs(KeyRef{Kind: KindSecret, Name: v.SecretName, Path: path, Optional: isTrue(v.Optional)}, v.Items)...)
	}
	if volume.Projected == nil {
		return refs
	}
	for _, source := range volume.Projected.Sources {
		if v := source.ConfigMap; v != nil {
			refs = append(refs, itemRefs(KeyRef{Kind: KindConfigMap, Name: v.Name, Path: path, Optional: isTrue(v.Optional)}, v.Items)...)
		}
		if v := source.Secret; v != nil {
			refs = append(refs, itemRefs(KeyRef{Kind: KindSecret, Name: v.Name, Path: path, Optional: isTrue(v.Optional)}, v.Items)...)
		}
	}
	return refs
}

// itemRefs are one reference a key, or one to the whole.
func itemRefs(whole KeyRef, items []corev1.KeyToPath) []KeyRef {
	if len(items) == 0 {
		return []KeyRef{whole}
	}
	var refs []KeyRef
	for _, item := range items {
		ref := whole
		ref.Key = item.Key
		ref.Path += ", item " + item.Key
		refs = append(refs, ref)
	}
	return refs
}

func isTrue(b *bool) bool { return b != nil && *b }

// EnvValue is the value of an environment variable, as far as it can be known: Secrets' values never are.
type EnvValue struct {
	Name, Value string
	// Source says where the value stands, for people: "env REDIS_ADDR" or "env REDIS_ADDR of ConfigMap sandfly-config".
	Source string
	// ConfigMap that holds the value; empty where it stands in the spec.
	ConfigMap string
}

// Env are the variables of a container whose values are known, in the order in which the kubelet sets them. A value that
// is set twice is told twice, the last one holds.
func (s *Snapshot) Env(c corev1.Container) []EnvValue {
	var env []EnvValue
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil {
			continue
		}
		if cm := s.ConfigMap(from.ConfigMapRef.Name); cm != nil {
			for _, key := range sortedKeys(cm.Data) {
				name := from.Prefix + key
				env = append(env, EnvValue{name, cm.Data[key], fmt.Sprintf("env %s of ConfigMap %s", name, cm.Name), cm.Name})
			}
		}
	}
	for _, variable := range c.Env {
		if variable.ValueFrom == nil {
			env = append(env, EnvValue{variable.Name, variable.Value, "env " + variable.Name, ""})
			continue
		}
		ref := variable.ValueFrom.ConfigMapKeyRef
		if ref == nil {
			continue
		}
		if cm := s.ConfigMap(ref.Name); cm != nil {
			if value, ok := cm.Data[ref.Key]; ok {
				env = append(env, EnvValue{variable.Name, value, fmt.Sprintf("env %s of ConfigMap %s, key %s", variable.Name, cm.Name, ref.Key), cm.Name})
			}
		}
	}
	return env
}
