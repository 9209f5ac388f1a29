// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
	"github.com/ry-ops/cortex/internal/gather"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/verification"
)

const app = "sandfly-mcp-server"

var (
	answers = mcpserver.Result{Verdict: v1alpha1.VerdictPassed, Accepted: true, Message: "answered the MCP handshake"}
	hangs   = mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorTimeout, Accepted: true, Message: "connection accepted, no answer in 5s"}
)

// world is one namespace of the API server, with a labelled Service and a Deployment behind it. It plays the parts that
// envtest has not: the Deployment controller, the kubelet, and the MCP server.
type world struct {
	client.Client
	namespace string
	clock     *clocktesting.FakeClock
	mutex     sync.Mutex
	// server is what the server answers, in order; the last answer stays.
	server []mcpserver.Result
}

func newWorld(ctx context.Context) *world { return newWorldIn(ctx, k8sClient) }

func newWorldIn(ctx context.Context, c client.Client) *world {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "heal-"}}
	Expect(c.Create(ctx, namespace)).To(Succeed())
	w := &world{Client: c, namespace: namespace.Name, clock: clocktesting.NewFakeClock(time.Now()), server: []mcpserver.Result{answers}}
	Expect(w.Create(ctx, w.newService())).To(Succeed())
	Expect(w.Create(ctx, w.newDeployment())).To(Succeed())
	w.settle(ctx)
	return w
}

func (w *world) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: map[string]string{"app": app}}
}

func (w *world) newService() *corev1.Service {
	service := &corev1.Service{ObjectMeta: w.meta(app), Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": app},
		Ports:    []corev1.ServicePort{{Name: "mcp", Port: 3000}},
	}}
	service.Labels[v1alpha1.LabelMCPServer] = "true"
	return service
}

func (w *world) newDeployment() *appsv1.Deployment {
	labels := map[string]string{"app": app}
	return &appsv1.Deployment{ObjectMeta: w.meta(app), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](1),
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "sandfly:v1"}}},
		},
	}}
}

func (w *world) deployment(ctx context.Context) *appsv1.Deployment {
	var deployment appsv1.Deployment
	Expect(w.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: app}, &deployment)).To(Succeed())
	return &deployment
}

func (w *world) scale(ctx context.Context, replicas int32) {
	deployment := w.deployment(ctx)
	deployment.Spec.Replicas = &replicas
	deployment.Annotations = map[string]string{v1alpha1.AnnotationReplicas: "3"}
	Expect(w.Update(ctx, deployment)).To(Succeed())
	w.settle(ctx)
}

// settle is what the Deployment controller and the kubelet do, all at once, with pods that become ready.
func (w *world) settle(ctx context.Context) { w.rollOut(ctx, func(*corev1.Pod) {}) }

// rollOut replaces the pods by new ones of the newest template, and publishes their endpoints. spoil may make them ill.
func (w *world) rollOut(ctx context.Context, spoil func(*corev1.Pod)) {
	deployment := w.deployment(ctx)
	Expect(w.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(w.namespace), client.GracePeriodSeconds(0))).To(Succeed())
	replicaSet := w.replicaSet(ctx, deployment)
	ready := int32(0)
	for i := range *deployment.Spec.Replicas {
		pod := w.newPod(ctx, deployment, replicaSet, i, spoil)
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation,
		Replicas:           *deployment.Spec.Replicas, UpdatedReplicas: *deployment.Spec.Replicas,
		ReadyReplicas: ready, AvailableReplicas: ready,
	}
	Expect(w.Status().Update(ctx, deployment)).To(Succeed())
	w.publish(ctx, ready)
}

func (w *world) replicaSet(ctx context.Context, deployment *appsv1.Deployment) *appsv1.ReplicaSet {
	hash := fmt.Sprintf("r%d", deployment.Generation)
	replicaSet := &appsv1.ReplicaSet{ObjectMeta: w.meta(app + "-" + hash), Spec: appsv1.ReplicaSetSpec{
		Replicas: deployment.Spec.Replicas, Selector: deployment.Spec.Selector, Template: deployment.Spec.Template,
	}}
	replicaSet.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	replicaSet.Annotations = map[string]string{"deployment.kubernetes.io/revision": fmt.Sprint(deployment.Generation)}
	Expect(ctrl.SetControllerReference(deployment, replicaSet, scheme)).To(Succeed())
	Expect(client.IgnoreAlreadyExists(w.Create(ctx, replicaSet))).To(Succeed())
	Expect(w.Get(ctx, client.ObjectKeyFromObject(replicaSet), replicaSet)).To(Succeed())
	return replicaSet
}

func (w *world) newPod(ctx context.Context, deployment *appsv1.Deployment, owner *appsv1.ReplicaSet, i int32, spoil func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: w.meta(fmt.Sprintf("%s-%d", owner.Name, i)), Spec: deployment.Spec.Template.Spec}
	pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = owner.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	Expect(ctrl.SetControllerReference(owner, pod, scheme)).To(Succeed())
	Expect(client.IgnoreAlreadyExists(w.Create(ctx, pod))).To(Succeed())
	Expect(w.Get(ctx, client.ObjectKeyFromObject(pod), pod)).To(Succeed())
	pod.Status = corev1.PodStatus{
		Phase:      corev1.PodRunning,
		PodIP:      fmt.Sprintf("10.244.0.%d", 10+i),
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "server", Image: "sandfly:v1", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}},
	}
	spoil(pod)
	Expect(w.Status().Update(ctx, pod)).To(Succeed())
	return pod
}

func (w *world) publish(ctx context.Context, ready int32) {
	slice := &discoveryv1.EndpointSlice{ObjectMeta: w.meta(app + "-slice"), AddressType: discoveryv1.AddressTypeIPv4}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: app, v1alpha1.LabelMCPServer: "true"}
	Expect(client.IgnoreNotFound(w.Delete(ctx, slice.DeepCopy()))).To(Succeed())
	for i := range ready {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{fmt.Sprintf("10.244.0.%d", 10+i)},
			Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		})
	}
	Expect(w.Create(ctx, slice)).To(Succeed())
}

// waiting makes a pod's container wait for a reason.
func waiting(reason, message string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
		status := &pod.Status.ContainerStatuses[0]
		status.Ready = false
		status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
		if reason == "CrashLoopBackOff" {
			status.RestartCount = 4
			status.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
				ExitCode: 1, Reason: "Error", FinishedAt: metav1.Now(),
			}}
		}
	}
}

// Probe plays the MCP server.
func (w *world) Probe(context.Context, mcpserver.Endpoint) mcpserver.Result {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	answer := w.server[0]
	if len(w.server) > 1 {
		w.server = w.server[1:]
	}
	return answer
}

func (w *world) serve(answers ...mcpserver.Result) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.server = answers
}

// Logs plays the kubelet's log endpoint.
func (w *world) Logs(context.Context, string, string, string, bool) (string, error) {
	return "starting\nfatal: state file /scratch/state.db is corrupt\n", nil
}

// operator is a fresh operator that writes through c. Nothing is carried over from one to the next.
func (w *world) operator(c client.Client) *healingrequest.Reconciler {
	return &healingrequest.Reconciler{
		Client:   c,
		Live:     w,
		Gatherer: &gather.Gatherer{Reader: w, Logs: w, Prober: w, Clock: w.clock},
		Applier:  &remediation.Applier{Client: c, Reader: w, Clock: w.clock},
		Verifier: &verification.Verifier{Reader: w, Prober: w},
		Recorder: &events.FakeRecorder{},
		Metrics:  healingrequest.NewMetrics(prometheus.NewRegistry()),
		Clock:    w.clock,
	}
}

func (w *world) request(ctx context.Context, change func(*v1alpha1.HealingRequestSpec)) *v1alpha1.HealingRequest {
	request := &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: app + "-"},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: app}},
	}
	if change != nil {
		change(&request.Spec)
	}
	Expect(w.Create(ctx, request)).To(Succeed())
	return request
}

// step lets a fresh operator reconcile once, and reads what became of the request.
func (w *world) step(ctx context.Context, request *v1alpha1.HealingRequest) ctrl.Result {
	return w.stepWith(ctx, request, w.Client)
}

func (w *world) stepWith(ctx context.Context, request *v1alpha1.HealingRequest, c client.Client) ctrl.Result {
	result, err := w.operator(c).Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(request)})
	Expect(err).NotTo(HaveOccurred())
	Expect(w.Get(ctx, client.ObjectKeyFromObject(request), request)).To(Succeed())
	return result
}

// until steps until the request is in a phase. Each step must change something, so it needs no more than a few.
func (w *world) until(ctx context.Context, request *v1alpha1.HealingRequest, phase v1alpha1.Phase) {
	for range 12 {
		if request.Status.Phase == phase {
			return
		}
		w.step(ctx, request)
	}
	Expect(request.Status.Phase).To(Equal(phase), "after 12 steps; progress: %+v", request.Status.Progress)
}
