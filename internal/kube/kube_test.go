// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/kube"
)

// api answers lists with one object, and watches with nothing. It is too old to list by a watch.
func api(t *testing.T, object runtime.Object, of schema.GroupVersionKind, meet func(*http.Request)) *rest.Config {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		query := r.URL.Query()
		switch {
		case query.Get("sendInitialEvents") != "":
			status := apierrors.NewInvalid(schema.GroupKind{}, "", nil).Status()
			w.WriteHeader(int(status.Code))
			_ = json.NewEncoder(w).Encode(status)
		case query.Get("watch") != "":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		default:
			meet(r)
			_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": of.GroupVersion().String(), "kind": of.Kind, "metadata": map[string]any{"resourceVersion": "7"}, "items": []any{object}})
		}
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func run(t *testing.T, informer cache.SharedIndexInformer) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { informer.RunWithContext(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	limited, done := context.WithTimeout(ctx, 2*time.Minute)
	defer done()
	if !cache.WaitFor(limited, "", informer.HasSyncedChecker()) {
		t.Fatal("the informer has listed nothing")
	}
}

func TestInformer(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "here", Name: "one", ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}}
	for name, tc := range map[string]struct {
		group      schema.GroupVersion
		resource   string
		kind, list runtime.Object
		called     string
		namespace  string
		with       labels.Set
		path, uses string
		selector   string
	}{
		"of Kubernetes, in one namespace": {corev1.SchemeGroupVersion, "services", &corev1.Service{ObjectMeta: meta}, &corev1.ServiceList{}, "ServiceList", "here", labels.Set{"a": "b"},
			"/api/v1/namespaces/here/services", runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON, "a=b"},
		"of our own, in all": {v1alpha1.GroupVersion, "healingrequests", &v1alpha1.HealingRequest{ObjectMeta: meta}, &v1alpha1.HealingRequestList{}, "HealingRequestList", "", nil,
			"/apis/healing.cortex.dev/v1alpha1/healingrequests", "application/json, */*", ""},
	} {
		t.Run(name, func(t *testing.T) {
			config := api(t, tc.kind, tc.group.WithKind(tc.called), func(r *http.Request) {
				if r.URL.Path != tc.path || r.Header.Get("Accept") != tc.uses || r.URL.Query().Get("labelSelector") != tc.selector {
					t.Errorf("asked for %s, as %s", r.URL, r.Header.Get("Accept"))
				}
			})
			client, err := kube.Client(config, tc.group, tc.kind, tc.list)
			if err != nil {
				t.Fatal(err)
			}
			informer := kube.Informer(client, tc.resource, tc.kind, tc.namespace, tc.with)
			run(t, informer)
			found, exists, err := informer.GetStore().GetByKey("here/one")
			if err != nil || !exists {
				t.Fatalf("%v %v", exists, err)
			}
			if of := found.(metav1.Object); of.GetName() != "one" || of.GetManagedFields() != nil {
				t.Errorf("keeps %+v", of)
			}
		})
	}
}
