// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/verification"
)

const name = "sandfly"

// The change was made at half past a second, as real ones are; the look is 20 s after that second began.
var (
	since = time.Date(2026, 11, 23, 3, 0, 0, 500_000_000, time.UTC)
	now   = since.Add(20 * time.Second).Truncate(time.Second)
)

var (
	answers = mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true, Message: "answered", Tools: []string{"list", "run"}}
	refused = mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorConnectionRefused, Message: "connection refused"}
	dropped = mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorTimeout, Message: "no connection in 5s"}
	hangs   = mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorTimeout, Accepted: true, Message: "connection accepted, no answer in 5s"}
)

// world is a target that is well: a workload with two pods that were made since the change, and a Service that leads to
// them. Tests spoil it.
type world struct {
	workload client.Object
	pods     []*corev1.Pod
	service  *corev1.Service
	slice    *discoveryv1.EndpointSlice
	others   []client.Object
	target   verification.Target
	self     types.NamespacedName
	probe    func(mcpserver.Endpoint) mcpserver.Result
	// probed are the endpoints that were asked.
	probed []mcpserver.Endpoint
	api    client.Client
	// hide refuses to list what it gives an error for.
	hide func(client.ObjectList) error
}

func newWorld() *world {
	labels := map[string]string{"app": name}
	w := &world{
		workload: &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Generation: 2, UID: "deployment"},
			Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: labels}},
			Status:     appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2},
		},
		service: &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
			Spec:       corev1.ServiceSpec{ClusterIP: "10.96.0.9", Selector: labels, Ports: []corev1.ServicePort{{Name: "mcp", Port: 3000}}},
		},
		target: verification.Target{
			Namespace: "ns", Service: name, Now: now, Begun: since, Since: since,
			Workload: v1alpha1.ObjectReference{Kind: "Deployment", Name: name, UID: "deployment"},
		},
		probe: func(mcpserver.Endpoint) mcpserver.Result { return answers },
	}
	w.pods = []*corev1.Pod{w.newPod(0), w.newPod(1)}
	w.slice = &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name + "-x", Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		Ports:      []discoveryv1.EndpointPort{{Name: ptr.To("mcp"), Port: ptr.To[int32](3000)}},
		Endpoints:  []discoveryv1.Endpoint{endpointOf(w.pods[0]), endpointOf(w.pods[1])},
	}
	return w
}

// newPod is made 5 s after the change, and ready 5 s later: for 10 s now.
func (w *world) newPod(i int) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: fmt.Sprintf("%s-new-%d", name, i), UID: types.UID(fmt.Sprintf("pod-%d", i)),
		Labels:            map[string]string{"app": name, appsv1.DefaultDeploymentUniqueLabelKey: "new"},
		CreationTimestamp: metav1.NewTime(since.Add(5 * time.Second).Truncate(time.Second)),
		OwnerReferences:   []metav1.OwnerReference{{Kind: "ReplicaSet", Name: name + "-new", Controller: ptr.To(true)}},
	}}
	pod.Spec.Containers = []corev1.Container{{Name: "server", Ports: []corev1.ContainerPort{{ContainerPort: 3000}}}}
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.244.0.%d", 10+i),
		Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(since.Add(10 * time.Second))}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "server", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
	}
	return pod
}

func endpointOf(pod *corev1.Pod) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{
		Addresses: []string{pod.Status.PodIP}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}
}

func (w *world) deployment() *appsv1.Deployment { return w.workload.(*appsv1.Deployment) }

// statefulSet has an update under way that its strategy may hold back: none of its two pods is of the newest template.
func (w *world) statefulSet(strategy appsv1.StatefulSetUpdateStrategy) *appsv1.StatefulSet {
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Generation: 2, UID: "set"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}, UpdateStrategy: strategy,
		},
		Status: appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: 2, AvailableReplicas: 2, CurrentRevision: "a", UpdateRevision: "b"},
	}
	w.ownedBy(set, "StatefulSet", set.UID)
	return set
}

func (w *world) daemonSet(strategy appsv1.DaemonSetUpdateStrategyType) *appsv1.DaemonSet {
	set := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Generation: 2, UID: "set"},
		Spec: appsv1.DaemonSetSpec{
			Selector:       &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}},
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: strategy},
		},
		Status: appsv1.DaemonSetStatus{ObservedGeneration: 2, DesiredNumberScheduled: 2, CurrentNumberScheduled: 2, NumberAvailable: 2},
	}
	w.ownedBy(set, "DaemonSet", set.UID)
	return set
}

func (w *world) ownedBy(workload client.Object, kind string, uid types.UID) {
	w.workload = workload
	w.target.Workload = v1alpha1.ObjectReference{Kind: kind, Name: name, UID: uid}
	for _, pod := range w.pods {
		pod.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: ptr.To(true)}}
	}
}

// old makes the pods older than the change.
func (w *world) old() {
	for _, pod := range w.pods {
		pod.CreationTimestamp = metav1.NewTime(since.Add(-time.Hour))
		pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(since.Add(-time.Hour))
	}
}

func notReady(pod *corev1.Pod) {
	pod.Status.Conditions[0].Status = corev1.ConditionFalse
	pod.Status.ContainerStatuses[0].Ready = false
}

func waits(pod *corev1.Pod, reason string) {
	notReady(pod)
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
}

// restarted: the container ended some time after the change, and runs again.
func restarted(pod *corev1.Pod, times int32, after time.Duration) {
	status := &pod.Status.ContainerStatuses[0]
	status.RestartCount = times
	status.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled", FinishedAt: metav1.NewTime(since.Add(after))}
}

func (w *world) policies(policies ...networkingv1.NetworkPolicy) {
	for i := range policies {
		w.others = append(w.others, &policies[i])
	}
}

// operator puts the operator's pod into the cluster, and tells it its name.
func (w *world) operator() *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "cortex-system", Name: "operator-1", Labels: map[string]string{"app": "cortex-operator"}}}
	pod.Status.PodIP = "10.244.9.9"
	w.self = client.ObjectKeyFromObject(pod)
	w.others = append(w.others, pod, namespace("cortex-system", "team", "sre"), namespace("ns", "team", "shop"))
	return pod
}

func namespace(name, key, value string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name, key: value}}}
}

// Probe plays the MCP server.
func (w *world) Probe(_ context.Context, endpoint mcpserver.Endpoint) mcpserver.Result {
	w.probed = append(w.probed, endpoint)
	return w.probe(endpoint)
}

func (w *world) says(result mcpserver.Result) {
	w.probe = func(mcpserver.Endpoint) mcpserver.Result { return result }
}

func (w *world) verify(t *testing.T, prober mcpserver.Prober) verification.Outcome {
	t.Helper()
	objects := w.others
	for _, pod := range w.pods {
		objects = append(objects, pod)
	}
	if w.workload != nil {
		objects = append(objects, w.workload)
	}
	if w.service != nil {
		objects = append(objects, w.service)
	}
	if w.slice != nil {
		objects = append(objects, w.slice)
	}
	w.api = fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if w.hide != nil {
				if err := w.hide(list); err != nil {
					return err
				}
			}
			return c.List(ctx, list, options...)
		},
	}).Build()
	verifier := verification.Verifier{Reader: w.api, Prober: prober, Self: w.self}
	outcome, err := verifier.Verify(t.Context(), w.target)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}
