// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// needy is a server whose pods are not ready, and name a ConfigMap and a Secret.
func needy() []client.Object {
	objects := sandfly(1)
	template := &objects[1].(*appsv1.Deployment).Spec.Template.Spec
	template.Containers[0].Env = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "named"}, Key: "k"}}}}
	template.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "credentials"}}}}
	pod := objects[4].(*corev1.Pod)
	pod.Spec.Containers, pod.Spec.NodeName = template.Containers, "node-1"
	pod.Status.Conditions[0].Status = corev1.ConditionFalse
	in := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: testNamespace, Name: name} }
	return append(objects,
		&corev1.ConfigMap{ObjectMeta: in("named"), Data: map[string]string{"k": "v"}},
		&corev1.ConfigMap{ObjectMeta: in("other"), Data: map[string]string{"secret": "hunter2"}},
		&corev1.Secret{ObjectMeta: in("credentials"), Data: map[string][]byte{"token": []byte("hunter2")}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Status: corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: []string{"x"}}}}},
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}},
		&policyv1.PodDisruptionBudget{ObjectMeta: in("one"), Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{}}},
		&policyv1.PodDisruptionBudget{ObjectMeta: in("none")},
		&policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "elsewhere"}, Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{}}},
	)
}

func TestFollowReadsWhatIsNamed(t *testing.T) {
	s := gather(t, gathererOf(&calls{}, needy()))
	if cm := s.ConfigMap("named"); cm == nil || cm.Data["k"] != "v" {
		t.Errorf("the ConfigMap that is named: %+v", cm)
	}
	if cm := s.ConfigMap("other"); cm == nil || len(cm.Data) != 0 {
		t.Errorf("of another only the name is known: %+v", cm)
	}
	if budgets := s.Budgets(); len(budgets) != 1 || budgets[0].Name != "one" || len(s.All.Budgets) != 2 || !s.Complete(snapshot.KindPodDisruptionBudget) {
		t.Errorf("budgets %+v", budgets)
	}
	if len(s.All.Nodes) != 1 || s.Node("node-1") == nil || len(s.All.Nodes[0].Status.Images) != 0 {
		t.Errorf("nodes %+v", s.All.Nodes)
	}
	if s.Complete(snapshot.KindSecret) || len(s.All.Secrets) != 0 || !strings.Contains(strings.Join(s.Gaps(), "\n"), "by design") {
		t.Errorf("Secrets %+v, gaps %q", s.All.Secrets, s.Gaps())
	}
}

func TestSecretsValuesAreNeverKept(t *testing.T) {
	gatherer := gathererOf(&calls{}, needy())
	gatherer.Secrets = true
	s := gather(t, gatherer)
	if secret := s.Secret("credentials"); secret == nil || !slices.Equal(secret.Keys, []string{"token"}) {
		t.Errorf("%+v", secret)
	}
	if strings.Contains(fmt.Sprintf("%+v", s.All), "hunter2") {
		t.Error("a value was kept")
	}
}

// TestFollowIsLeftOutWhereAllIsWell holds what a healthy server and one at zero cost.
func TestFollowIsLeftOutWhereAllIsWell(t *testing.T) {
	counted := &calls{}
	gatherer := gathererOf(counted, sandfly(1))
	gatherer.Prober = &prober{result: mcpserver.Result{Verdict: v1alpha1.VerdictPassed}}
	s := gather(t, gatherer)
	counted.wantOneListAKind(t)
	if s.Complete(snapshot.KindConfigMap) {
		t.Error("what was not read counts as read: its absence would be a finding")
	}
}

func TestFollowLooksAtAllNodesForAPodWithoutOne(t *testing.T) {
	objects := needy()
	pod := objects[4].(*corev1.Pod)
	pod.Spec.NodeName = ""
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/2 nodes are available: 2 Insufficient cpu."}}
	elsewhere := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "big"}, Spec: corev1.PodSpec{NodeName: "node-2", Containers: []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "hunter2"}}}}}}
	s := gather(t, gathererOf(&calls{}, append(objects, elsewhere)))
	if len(s.All.Nodes) != 2 || !s.Complete(snapshot.KindNode) || !s.Complete(snapshot.KindPodElsewhere) || len(s.All.Pods) != 2 {
		t.Errorf("%d nodes, %d pods, unread %q", len(s.All.Nodes), len(s.All.Pods), s.All.Unread)
	}
	if strings.Contains(fmt.Sprintf("%+v", s.All), "hunter2") {
		t.Error("more than its place was kept of a pod of another namespace")
	}
}

func TestNamespaceReadsOnceForAllTargets(t *testing.T) {
	objects := needy()
	objects = append(objects, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: "another"}})
	counted := &calls{}
	targets, err := gathererOf(counted, objects).Namespace(t.Context(), testNamespace)
	if err != nil || len(targets) != 2 || targets[0].Service.Name != "another" || targets[1].Workload == nil || targets[1].ConfigMap("named") == nil {
		t.Errorf("%d targets, %v", len(targets), err)
	}
	if counted.lists["Service"] != 1 || counted.lists["Deployment"] != 1 || counted.lists["Ingress"] != 1 {
		t.Errorf("lists %v", counted.lists)
	}
}

// TestAnErrorOfTheKubeletIsNoLog: it comes as the body of a log, with status 200.
func TestAnErrorOfTheKubeletIsNoLog(t *testing.T) {
	wanted := []logWanted{{snapshot.ContainerKey{Pod: "p", Container: "c"}, true}}
	found, gaps := sortLogs(wanted, []string{"unable to retrieve container logs for containerd://e663"}, []error{nil})
	if len(found) != 0 || len(gaps) != 0 {
		t.Errorf("logs %v, gaps %q", found, gaps)
	}
}
