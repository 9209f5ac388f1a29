// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const testNamespace = "cortex-system"

var testNow = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

// sandfly is a Service and its Deployment of so many replicas, with as many ready pods.
func sandfly(replicas int) []client.Object {
	labels := map[string]string{"app": "sandfly-mcp-server"}
	meta := func(name, uid string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: testNamespace, Name: name, UID: types.UID(uid), CreationTimestamp: metav1.NewTime(testNow.Add(-time.Hour))}
	}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "mcp", Image: "sandfly:1"}}}}
	service := &corev1.Service{ObjectMeta: meta("sandfly-mcp-server", "svc"), Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 3000}}}}
	service.Labels = map[string]string{v1alpha1.LabelMCPServer: "true"}
	deployment := &appsv1.Deployment{ObjectMeta: meta("sandfly-mcp-server", "dep"), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To(int32(replicas)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template,
	}}
	set := &appsv1.ReplicaSet{ObjectMeta: meta("sandfly-mcp-server-abc", "rs")}
	set.Labels = map[string]string{"app": "sandfly-mcp-server", "pod-template-hash": "abc"}
	set.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(deployment, appsv1.SchemeGroupVersion.WithKind("Deployment"))}
	slice := &discoveryv1.EndpointSlice{ObjectMeta: meta("sandfly-mcp-server-1", "slice")}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "sandfly-mcp-server"}
	objects := []client.Object{service, deployment, set, slice}
	for i := range replicas {
		pod := &corev1.Pod{ObjectMeta: meta(fmt.Sprintf("sandfly-mcp-server-abc-%03d", i), fmt.Sprintf("pod-%d", i)), Spec: template.Spec}
		pod.Labels = set.Labels
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "mcp", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.0.0.%d", i)}})
		objects = append(objects, pod)
	}
	return objects
}

// calls counts what a gatherer asks of the API server, and refuses what it is told to.
type calls struct {
	mu      sync.Mutex
	lists   map[string]int
	gets    int
	refused map[string]error
}

func (c *calls) reader(objects ...client.Object) client.Reader {
	c.lists = map[string]int{}
	return fake.NewClientBuilder().WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, cl client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.gets++
			return cl.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, cl client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			kind := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", list), "*v1."), "List")
			c.mu.Lock()
			c.lists[kind]++
			err := c.refused[kind]
			c.mu.Unlock()
			if err != nil {
				return err
			}
			return cl.List(ctx, list, opts...)
		},
	}).Build()
}

type prober struct {
	result mcpserver.Result
	calls  int
}

func (p *prober) Probe(ctx context.Context, _ mcpserver.Endpoint) mcpserver.Result {
	p.calls++
	return p.result
}

type logs map[string]string

func (l logs) Logs(_ context.Context, _, pod, container string, previous bool) (string, error) {
	text, ok := l[fmt.Sprintf("%s/%s/%t", pod, container, previous)]
	if !ok {
		return "", errors.New("no such log")
	}
	return text, nil
}

var sandflyTarget = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}

func forbidden(kind string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: kind}, "", errors.New("no right"))
}

func TestGatherScaledToZero(t *testing.T) {
	counted, probed := &calls{}, &prober{}
	gatherer := &Gatherer{Reader: counted.reader(sandfly(0)...), Logs: logs{}, Prober: probed, Clock: clocktesting.NewFakePassiveClock(testNow)}
	s, err := gatherer.Gather(t.Context(), testNamespace, sandflyTarget, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := Diagnose(s); d.Cause != v1alpha1.CauseScaledToZero || d.Findings[0].Replicas != 1 {
		t.Errorf("cause %s, findings %+v", d.Cause, d.Findings)
	}
	if probed.calls != 0 || counted.gets != 0 {
		t.Errorf("%d handshakes and %d gets for a target at zero", probed.calls, counted.gets)
	}
	for kind, n := range counted.lists {
		if n != 1 {
			t.Errorf("%d lists of %s", n, kind)
		}
	}
	if len(counted.lists) != 8 {
		t.Errorf("listed %v", counted.lists)
	}
}
