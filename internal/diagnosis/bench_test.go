// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// A namespace of so many Services with ten pods each.
const (
	someServices = 50
	manyServices = 200
	podsEach     = 10
)

// BenchmarkDiagnose is the diagnosis of one target of a namespace, from the lists to the answer. The second size tells
// whether its cost is that of the target or that of the namespace.
func BenchmarkDiagnose(b *testing.B) {
	for _, services := range []int{someServices, manyServices} {
		for _, of := range benchTargets() {
			b.Run(fmt.Sprintf("%d-pods/%s", services*podsEach, []string{"well", "", "", "crashing", "waiting", "node-away"}[of]), func(b *testing.B) {
				o := namespaceOf(services)
				b.ReportAllocs()
				for b.Loop() {
					diagnoseOne(o, of)
				}
			})
		}
	}
}

// BenchmarkAssemble is the part of it that comes before the checks.
func BenchmarkAssemble(b *testing.B) {
	for _, services := range []int{someServices, manyServices} {
		b.Run(fmt.Sprintf("%d-pods", services*podsEach), func(b *testing.B) {
			o := namespaceOf(services)
			b.ReportAllocs()
			for b.Loop() {
				snapshot.Assemble(testNamespace, targetNamed(0), o)
			}
		})
	}
}

// BenchmarkDiagnoseNamespace is the diagnosis of every Service of a namespace.
func BenchmarkDiagnoseNamespace(b *testing.B) {
	for _, services := range []int{someServices, manyServices} {
		b.Run(fmt.Sprintf("%d-pods", services*podsEach), func(b *testing.B) {
			o := namespaceOf(services)
			b.ReportAllocs()
			for b.Loop() {
				for i := range services {
					diagnoseOne(o, i)
				}
			}
		})
	}
}

// TestCostOfOneTarget holds that a namespace of four times the size does not make the diagnosis of one target of it use
// four times the memory: what belongs to others is looked at, and not copied.
func TestCostOfOneTarget(t *testing.T) {
	if underRace {
		t.Skip("the race detector empties sync.Pools at random, so every regexp allocates: `make test` runs this without it")
	}
	for _, of := range benchTargets() {
		small, large := bytesFor(namespaceOf(someServices), of), bytesFor(namespaceOf(manyServices), of)
		if large > 2*small {
			t.Errorf("target %d: %d bytes of a namespace of %d pods, %d of one of %d", of, small, someServices*podsEach, large, manyServices*podsEach)
		}
	}
}

// bytesFor is what one diagnosis allocates, on average.
func bytesFor(o *snapshot.Objects, of int) uint64 {
	const runs = 10
	var before, after runtime.MemStats
	diagnoseOne(o, of)
	runtime.ReadMemStats(&before)
	for range runs {
		diagnoseOne(o, of)
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

// benchTargets are numbers of Services that are well, crash, wait for an image, and have a pod on a node that is away.
func benchTargets() []int { return []int{0, 3, 4, 5} }

func targetNamed(i int) v1alpha1.TargetReference {
	return v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: fmt.Sprintf("mcp-server-%03d", i)}
}

func diagnoseOne(o *snapshot.Objects, i int) Diagnosis {
	s := snapshot.Assemble(testNamespace, targetNamed(i), o)
	s.Now, s.Unprobed = testNow, true
	return Diagnose(s)
}

// namespaceOf makes the lists of a namespace and of its cluster: of every ten Services one crashes, one waits for its
// image, and one has a pod on a node that is away.
func namespaceOf(services int) *snapshot.Objects {
	o := &snapshot.Objects{}
	for i := range 20 {
		addNode(o, i)
	}
	for i := range services {
		addServer(o, i)
	}
	for i := range 20 * services {
		pod := &o.Pods[20+i%(services*podsEach)] // the first twenty are kube-proxy's
		o.Events = append(o.Events, corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: fmt.Sprintf("%s.%x", pod.Name, i)}, Reason: "Unhealthy", Type: corev1.EventTypeWarning, Count: 3,
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: testNamespace, Name: pod.Name, UID: pod.UID},
			Message:        `Readiness probe failed: Get "http://10.244.1.7:3000/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
			LastTimestamp:  metav1.NewTime(testNow.Add(-time.Duration(i) * time.Second)), Source: corev1.EventSource{Component: "kubelet", Host: pod.Spec.NodeName},
		})
	}
	for i := range 3 {
		o.Quotas = append(o.Quotas, corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: fmt.Sprintf("quota-%d", i)}, Status: corev1.ResourceQuotaStatus{
			Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("5000"), corev1.ResourceRequestsMemory: resource.MustParse("2Ti")},
			Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2000"), corev1.ResourceRequestsMemory: resource.MustParse("1Ti")},
		}})
	}
	return o
}

const nodeAway = 7

func nodeNamed(i int) string { return fmt.Sprintf("node-%02d", i) }

func addNode(o *snapshot.Objects, i int) {
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastTransitionTime: metav1.NewTime(testNow.Add(-time.Hour))}
	if i == nodeAway {
		ready.Status, ready.Reason, ready.Message = corev1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status."
	}
	o.Nodes = append(o.Nodes, corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeNamed(i), UID: types.UID(nodeNamed(i)), CreationTimestamp: metav1.NewTime(testNow.Add(-time.Hour)), Labels: map[string]string{corev1.LabelHostname: nodeNamed(i), corev1.LabelOSStable: "linux"}},
		Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse}, {Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse}, ready}},
	})
	o.Pods = append(o.Pods, corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: snapshot.SystemNamespace, Name: "kube-proxy-" + nodeNamed(i), UID: types.UID("kube-proxy-" + nodeNamed(i)), CreationTimestamp: metav1.NewTime(testNow.Add(-time.Hour))},
		Spec:       corev1.PodSpec{NodeName: nodeNamed(i), Containers: []corev1.Container{{Name: "kube-proxy"}}},
		Status:     runningStatus("kube-proxy", true),
	})
}

func addServer(o *snapshot.Objects, i int) {
	name := targetNamed(i).Name
	labels := map[string]string{"app": name}
	created := metav1.NewTime(testNow.Add(-time.Hour))
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "mcp", Image: "registry.example.com/" + name + ":1.4", Ports: []corev1.ContainerPort{{ContainerPort: 3000}},
		Env:            []corev1.EnvVar{{Name: "UPSTREAM", Value: fmt.Sprintf("http://mcp-server-%03d:3000", i/2)}, {Name: "TOKEN", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: "token"}}}},
		EnvFrom:        []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz"}}},
	}}}}
	o.Services = append(o.Services, corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name, UID: types.UID("svc-" + name)}, Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.1", Selector: labels, Ports: []corev1.ServicePort{{Port: 3000}}}})
	o.ConfigMaps = append(o.ConfigMaps, corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name}, Data: map[string]string{"LEVEL": "info", "REGION": "eu"}})
	o.Secrets = append(o.Secrets, snapshot.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name}, Keys: []string{"token"}})
	o.Deployments = append(o.Deployments, appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name, UID: types.UID("dep-" + name), Generation: 1, CreationTimestamp: created},
		Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](podsEach), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template},
		Status:     appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: podsEach, UpdatedReplicas: podsEach, ReadyReplicas: podsEach, AvailableReplicas: podsEach},
	})
	for revision := range 3 {
		hash := fmt.Sprintf("5b8f%d", revision)
		rs := appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
			Namespace: testNamespace, Name: name + "-" + hash, UID: types.UID("rs-" + name + hash), CreationTimestamp: created, Labels: map[string]string{"app": name, appsv1.DefaultDeploymentUniqueLabelKey: hash},
			Annotations:     map[string]string{"deployment.kubernetes.io/revision": fmt.Sprint(revision + 1)},
			OwnerReferences: []metav1.OwnerReference{{Kind: "Deployment", Name: name, UID: types.UID("dep-" + name), Controller: ptr.To(true)}},
		}, Spec: appsv1.ReplicaSetSpec{Template: template}}
		o.ReplicaSets = append(o.ReplicaSets, rs)
	}
	slice := discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name + "-x7k2p", Labels: map[string]string{discoveryv1.LabelServiceName: name}}}
	for j := range podsEach {
		pod := serverPod(&o.ReplicaSets[len(o.ReplicaSets)-1], i, j)
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{pod.Status.PodIP}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(snapshot.IsReady(&pod))}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: pod.Name}})
		o.Pods = append(o.Pods, pod)
	}
	o.EndpointSlices = append(o.EndpointSlices, slice)
}

func serverPod(rs *appsv1.ReplicaSet, i, j int) corev1.Pod {
	name := fmt.Sprintf("%s-%05d", rs.Name, j)
	node := (i*3 + j) % 20
	if node == nodeAway && i%10 != 5 {
		node++
	}
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(testNow.Add(-time.Hour)), Labels: rs.Labels,
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: rs.Name, UID: rs.UID, Controller: ptr.To(true)}}},
		Spec:   *rs.Spec.Template.Spec.DeepCopy(),
		Status: runningStatus("mcp", true),
	}
	pod.Spec.NodeName, pod.Status.PodIP = nodeNamed(node), fmt.Sprintf("10.244.%d.%d", node, (i*podsEach+j)%250)
	switch i % 10 {
	case 3:
		pod.Status = runningStatus("mcp", false)
		pod.Status.ContainerStatuses[0].RestartCount = 5
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s restarting failed container=mcp"}}
		pod.Status.ContainerStatuses[0].LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: metav1.NewTime(testNow.Add(-time.Minute))}}
	case 4:
		pod.Status = runningStatus("mcp", false)
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image"}}
	}
	return pod
}

func runningStatus(container string, ready bool) corev1.PodStatus {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	since := metav1.NewTime(testNow.Add(-time.Hour))
	return corev1.PodStatus{
		Phase:             corev1.PodRunning,
		Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: since}, {Type: corev1.ContainersReady, Status: status, LastTransitionTime: since}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: container, Ready: ready, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: since}}}},
	}
}
