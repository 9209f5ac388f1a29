// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Resource is what HealingRequests are called in a URL.
const Resource = "healingrequests"

// Requests are the HealingRequests at the API server. Their errors are the API's.
type Requests interface {
	reader
	// Create makes a request, and returns it as the API server has it.
	Create(ctx context.Context, request *v1alpha1.HealingRequest) (*v1alpha1.HealingRequest, error)
	// Patch changes a request by a JSON merge patch.
	Patch(ctx context.Context, key types.NamespacedName, patch []byte) error
}

// reader shows a request, or a NotFound error of the API.
type reader interface {
	Get(ctx context.Context, key types.NamespacedName) (*v1alpha1.HealingRequest, error)
}

// At gives the requests at an API server, by a client for their group.
func At(api rest.Interface) Requests { return requests{api} }

type requests struct{ api rest.Interface }

func (r requests) Create(ctx context.Context, request *v1alpha1.HealingRequest) (*v1alpha1.HealingRequest, error) {
	created := &v1alpha1.HealingRequest{}
	return created, r.api.Post().Namespace(request.Namespace).Resource(Resource).Body(request).Do(ctx).Into(created)
}

func (r requests) Get(ctx context.Context, key types.NamespacedName) (*v1alpha1.HealingRequest, error) {
	found := &v1alpha1.HealingRequest{}
	return found, r.api.Get().Namespace(key.Namespace).Resource(Resource).Name(key.Name).Do(ctx).Into(found)
}

func (r requests) Patch(ctx context.Context, key types.NamespacedName, patch []byte) error {
	return r.api.Patch(types.MergePatchType).Namespace(key.Namespace).Resource(Resource).Name(key.Name).Body(patch).Do(ctx).Error()
}

// Indexes of the watched requests.
const (
	byTarget = "target" // the Service, as NAMESPACE/NAME
	byTask   = "task"   // the id of the task that caused it
)

var indexers = toolscache.Indexers{
	byTarget: indexer(func(request *v1alpha1.HealingRequest) string {
		if !targets(request, request.Spec.TargetRef.Name) {
			return ""
		}
		return types.NamespacedName{Namespace: request.Namespace, Name: request.Spec.TargetRef.Name}.String()
	}),
	byTask: indexer(func(request *v1alpha1.HealingRequest) string { return request.Annotations[v1alpha1.AnnotationTask] }),
}

// indexer makes an index of a value of requests. Those without the value are not in it.
func indexer(value func(*v1alpha1.HealingRequest) string) toolscache.IndexFunc {
	return func(obj any) ([]string, error) {
		if request, ok := obj.(*v1alpha1.HealingRequest); ok && value(request) != "" {
			return []string{value(request)}, nil
		}
		return nil, nil
	}
}

// watched are the requests that the watch has told of. They are shared by all who look at them: nobody may change them.
type watched struct{ store toolscache.Indexer }

// Get needs no API server.
func (w watched) Get(_ context.Context, key types.NamespacedName) (*v1alpha1.HealingRequest, error) {
	obj, exists, err := w.store.GetByKey(key.String())
	if request, ok := obj.(*v1alpha1.HealingRequest); ok && exists && err == nil {
		return request, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: Resource}, key.Name)
}

// all are copies as far as their slices and maps.
func (w watched) all() []v1alpha1.HealingRequest { return listed(w.store.List()) }

func (w watched) by(index, value string) []v1alpha1.HealingRequest {
	found, _ := w.store.ByIndex(index, value) // fails only if there is no such index
	return listed(found)
}

func listed(found []any) []v1alpha1.HealingRequest {
	requests := make([]v1alpha1.HealingRequest, 0, len(found))
	for _, obj := range found {
		if request, ok := obj.(*v1alpha1.HealingRequest); ok {
			requests = append(requests, *request)
		}
	}
	return requests
}
