// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kube connects to the API server for a few kinds, with no more of client-go than that needs: whatever imports its clientset,
// or the client or the cache of controller-runtime, links and registers every kind of Kubernetes (docs/adr/0034).
package kube

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Client speaks about kinds of one group, in protobuf if that is how they are made, else in JSON. A kind that is listed needs its list
// among them. It has a rate limit of its own, which is the config's.
func Client(config *rest.Config, group schema.GroupVersion, kinds ...runtime.Object) (rest.Interface, error) {
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(group, kinds...)
	metav1.AddToGroupVersion(scheme, group)
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &group, "/apis"
	if group.Group == "" {
		config.APIPath = "/api"
	}
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	if _, ok := kinds[0].(runtime.ProtobufMarshaller); ok {
		config.ContentType = runtime.ContentTypeProtobuf
		config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	}
	return rest.RESTClientFor(config)
}

// Informer is one watch on the objects of a kind that have some labels, in one namespace or, if that is empty, in all. What it holds
// is shared: nobody may change it.
func Informer(client rest.Interface, resource string, kind runtime.Object, namespace string, with labels.Set) cache.SharedIndexInformer {
	source := cache.NewFilteredListWatchFromClient(client, resource, namespace, func(options *metav1.ListOptions) {
		options.LabelSelector = with.String()
	})
	informer := cache.NewSharedIndexInformerWithOptions(source, kind, cache.SharedIndexInformerOptions{Indexers: cache.Indexers{}})
	_ = informer.SetTransform(withoutManagedFields) // refused only once it runs
	return informer
}

// withoutManagedFields leaves out what is long and read by nobody here.
func withoutManagedFields(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	return object, nil
}
