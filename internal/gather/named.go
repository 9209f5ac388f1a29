// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// maxNamed is how many ConfigMaps or Secrets are read one by one. More than that are listed.
const maxNamed = 32

// secretsUnread is a gap by design, told where the pods name a Secret.
const secretsUnread = "Secrets are not read, by design: that one is missing is known only from the kubelet"

// configMaps reads the names of all ConfigMaps, for who has misspelt one, and the content of those that the pods name.
func (g *Gatherer) configMaps(o *snapshot.Objects, namespace string, named []string) read {
	return read{snapshot.KindConfigMap, func(ctx context.Context) error {
		list := func(l *corev1.ConfigMapList) []corev1.ConfigMap { return l.Items }
		found, err := byName(ctx, g.Reader, snapshot.KindConfigMap, namespace, named, list)
		o.ConfigMaps = append(o.ConfigMaps, found...)
		return err
	}}
}

// secrets does the same for Secrets, for a person who may read them. What is kept is the names of the keys.
func (g *Gatherer) secrets(o *snapshot.Objects, namespace string, named []string) read {
	return read{snapshot.KindSecret, func(ctx context.Context) error {
		list := func(l *corev1.SecretList) []corev1.Secret { return l.Items }
		found, err := byName(ctx, g.Reader, snapshot.KindSecret, namespace, named, list)
		for i := range found {
			secret := &found[i]
			o.Secrets = append(o.Secrets, snapshot.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: secret.Name, Namespace: secret.Namespace, Labels: secret.Labels},
				Type:       secret.Type,
				Keys:       slices.Sorted(maps.Keys(secret.Data)),
			})
		}
		return err
	}}
}

// byName gives all objects of a kind, whole those that are named, and of the others only that they are there.
func byName[T, L any, P interface {
	*T
	client.Object
}, PL interface {
	*L
	client.ObjectList
}](ctx context.Context, reader client.Reader, kind, namespace string, named []string, items func(PL) []T) ([]T, error) {
	var found []T
	if len(named) > maxNamed {
		err := listInto(kind, reader, &found, items, light[T, P], client.InNamespace(namespace)).run(ctx)
		return found, err
	}
	present, err := metadataOf(ctx, reader, kind, namespace)
	if err != nil {
		return nil, err
	}
	var keys []types.NamespacedName
	for i := range present {
		if slices.Contains(named, present[i].Name) {
			keys = append(keys, types.NamespacedName{Namespace: namespace, Name: present[i].Name})
			continue
		}
		bare := P(new(T))
		bare.SetName(present[i].Name)
		bare.SetNamespace(namespace)
		found = append(found, *bare)
	}
	err = getInto[T, P](kind, reader, &found, light[T, P], keys...).run(ctx)
	return found, err
}

// metadataOf lists the metadata of a core kind.
func metadataOf(ctx context.Context, reader client.Reader, kind, namespace string) ([]metav1.PartialObjectMetadata, error) {
	var all []metav1.PartialObjectMetadata
	err := pages(ctx, reader, maxPages, func() *metav1.PartialObjectMetadataList {
		page := &metav1.PartialObjectMetadataList{}
		page.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
		return page
	}, func(page *metav1.PartialObjectMetadataList) { all = append(all, page.Items...) }, client.InNamespace(namespace))
	return all, err
}
