// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// town is a world of several services that need each other. A service is well if all that it needs are well.
type town struct {
	*world
	houses []*house
}

// house is one Service with a Deployment behind it.
type house struct {
	name  string
	needs []string
	// atZero: it is scaled to zero at first. broken: its image is not there. lame: its pods never get ready.
	// stuck: it stays down until it is restarted.
	atZero, broken, lame, stuck bool
	built                       bool
}

func newTown(ctx context.Context) *town {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "town-"}}
	Expect(k8sClient.Create(ctx, namespace)).To(Succeed())
	return &town{world: &world{
		Client: k8sClient, namespace: namespace.Name, clock: clocktesting.NewFakeClock(time.Now()), server: []mcpserver.Result{answers},
	}}
}

// build declares a service. What it is like may be changed until the first round.
func (t *town) build(_ context.Context, name string, needs ...string) *house {
	h := &house{name: name, needs: needs}
	t.houses = append(t.houses, h)
	return h
}

// ask makes a request of a person for a Service, after all houses were built.
func (t *town) ask(ctx context.Context, service string, change func(*v1alpha1.HealingRequestSpec)) *v1alpha1.HealingRequest {
	t.catchUp(ctx)
	return t.request(ctx, func(spec *v1alpha1.HealingRequestSpec) {
		spec.TargetRef.Name = service
		if change != nil {
			change(spec)
		}
	})
}

// requests are all that there are, by their Service.
func (t *town) requests(ctx context.Context) map[string][]*v1alpha1.HealingRequest {
	var list v1alpha1.HealingRequestList
	Expect(t.List(ctx, &list, client.InNamespace(t.namespace))).To(Succeed())
	all := map[string][]*v1alpha1.HealingRequest{}
	for i := range list.Items {
		name := list.Items[i].Spec.TargetRef.Name
		all[name] = append(all[name], &list.Items[i])
	}
	return all
}

func (t *town) live(ctx context.Context, name string) *appsv1.Deployment {
	var deployment appsv1.Deployment
	Expect(t.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: name}, &deployment)).To(Succeed())
	return &deployment
}

// catchUp is what the controllers and the kubelet do, until nothing changes any more.
func (t *town) catchUp(ctx context.Context) {
	for _, h := range t.houses {
		if !h.built {
			t.found(ctx, h)
		}
	}
	for range t.houses {
		for _, h := range t.houses {
			t.settleHouse(ctx, h)
		}
	}
}

func (t *town) found(ctx context.Context, h *house) {
	meta := func() metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: t.namespace, Name: h.name, Labels: map[string]string{"app": h.name}}
	}
	service := &corev1.Service{ObjectMeta: meta(), Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": h.name}, Ports: []corev1.ServicePort{{Name: "mcp", Port: 3000}},
	}}
	service.Labels[v1alpha1.LabelMCPServer] = "true"
	service.Annotations = map[string]string{v1alpha1.AnnotationDependsOn: strings.Join(h.needs, ",")}
	Expect(t.Create(ctx, service)).To(Succeed())
	deployment := &appsv1.Deployment{ObjectMeta: meta(), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](1),
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": h.name}},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": h.name}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: h.name + ":v1"}}},
		},
	}}
	if h.atZero {
		deployment.Spec.Replicas = ptr.To[int32](0)
		deployment.Annotations = map[string]string{v1alpha1.AnnotationReplicas: "1"}
	}
	Expect(t.Create(ctx, deployment)).To(Succeed())
	h.built = true
}

// well reports whether a service can do its work.
func (t *town) well(ctx context.Context, name string) bool {
	var slice discoveryv1.EndpointSlice
	err := t.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: name + "-slice"}, &slice)
	return client.IgnoreNotFound(err) == nil && err == nil && len(slice.Endpoints) > 0
}

// settleHouse makes the pods of a service what they have to be.
func (t *town) settleHouse(ctx context.Context, h *house) {
	deployment := t.live(ctx, h.name)
	restarted := deployment.Spec.Template.Annotations[v1alpha1.AnnotationRestartedAt] != ""
	spoil := func(*corev1.Pod) {}
	switch {
	case h.broken:
		spoil = waiting("ImagePullBackOff", `Back-off pulling image "c:v1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/c:v1": not found`)
	case h.lame:
		spoil = notReady
	case h.stuck && !restarted, slices.ContainsFunc(h.needs, func(need string) bool { return !t.well(ctx, need) }):
		spoil = waiting("CrashLoopBackOff", "back-off 40s")
	}
	var ready []*corev1.Pod
	replicas := *deployment.Spec.Replicas
	set := t.revision(ctx, deployment, restarted)
	for range replicas {
		if pod := t.settlePod(ctx, h, set, spoil); pod.Status.ContainerStatuses[0].Ready {
			ready = append(ready, pod)
		}
	}
	status := appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: replicas, UpdatedReplicas: replicas,
		ReadyReplicas: int32(len(ready)), AvailableReplicas: int32(len(ready)),
	}
	deployment.Status = status
	Expect(t.Status().Update(ctx, deployment)).To(Succeed())
	t.publishHouse(ctx, h.name, ready)
}

// revision is the ReplicaSet of the newest template. The pods of the one before are gone.
func (t *town) revision(ctx context.Context, deployment *appsv1.Deployment, restarted bool) *appsv1.ReplicaSet {
	hash, before := "r1", ""
	if restarted {
		hash, before = "r2", "r1"
	}
	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: t.namespace, Name: deployment.Name + "-" + hash,
			Labels:      map[string]string{"app": deployment.Name, appsv1.DefaultDeploymentUniqueLabelKey: hash},
			Annotations: map[string]string{"deployment.kubernetes.io/revision": hash[1:]},
		},
		Spec: appsv1.ReplicaSetSpec{Replicas: deployment.Spec.Replicas, Selector: deployment.Spec.Selector, Template: deployment.Spec.Template},
	}
	Expect(ctrl.SetControllerReference(deployment, set, scheme)).To(Succeed())
	Expect(client.IgnoreAlreadyExists(t.Create(ctx, set))).To(Succeed())
	Expect(t.Get(ctx, client.ObjectKeyFromObject(set), set)).To(Succeed())
	if before != "" {
		Expect(t.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(t.namespace), client.GracePeriodSeconds(0),
			client.MatchingLabels{"app": deployment.Name, appsv1.DefaultDeploymentUniqueLabelKey: before})).To(Succeed())
	}
	return set
}

func (t *town) settlePod(ctx context.Context, h *house, set *appsv1.ReplicaSet, spoil func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: set.Name + "-0", Labels: set.Labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: h.name + ":v1"}}},
	}
	Expect(ctrl.SetControllerReference(set, pod, scheme)).To(Succeed())
	Expect(client.IgnoreAlreadyExists(t.Create(ctx, pod))).To(Succeed())
	Expect(t.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.244.0.%d", 10+slices.Index(t.houses, h)),
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "server", Image: h.name + ":v1", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}},
	}
	spoil(pod)
	Expect(t.Status().Update(ctx, pod)).To(Succeed())
	return pod
}

func (t *town) publishHouse(ctx context.Context, name string, ready []*corev1.Pod) {
	slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: name + "-slice"}}
	_, err := ctrl.CreateOrUpdate(ctx, t.Client, slice, func() error {
		slice.AddressType = discoveryv1.AddressTypeIPv4
		slice.Labels = map[string]string{discoveryv1.LabelServiceName: name, v1alpha1.LabelMCPServer: "true"}
		slice.Ports = []discoveryv1.EndpointPort{{Name: ptr.To("mcp"), Port: ptr.To[int32](3000)}}
		slice.Endpoints = nil
		for _, pod := range ready {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
				Addresses: []string{pod.Status.PodIP}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
				TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod.Name, UID: pod.UID},
			})
		}
		return nil
	})
	Expect(err).NotTo(HaveOccurred())
}
