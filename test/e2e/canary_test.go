// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign/canary"
	"github.com/ry-ops/cortex/test/harness"
)

// partOfSecret is so long that no other text of a cluster holds it by chance.
const partOfSecret = 10

var _ = It("lets no secret out: not into a status, an event, a log line, a stream, a diagnosis or a dump", func(ctx context.Context) {
	kinds := canary.All()
	names := slices.Sorted(maps.Keys(kinds))
	plantInServer(ctx, kinds, names)
	plantInEvents(ctx, kinds, names)

	told := map[string]string{}
	stream, err := json.Marshal(ask(ctx, "list sandfly hosts"))
	Expect(err).NotTo(HaveOccurred())
	told["the stream"] = string(stream)
	request := onlyRequest(ctx, sandfly)
	Expect(request.Status.Findings).NotTo(BeEmpty())
	status, err := json.Marshal(request)
	Expect(err).NotTo(HaveOccurred())
	told["the status"] = string(status)
	Eventually(func(ctx context.Context) string {
		told["the events of Cortex"] = eventsOf(ctx, v1alpha1.FieldManager)
		return told["the events of Cortex"]
	}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 4).ShouldNot(BeEmpty())
	told["the logs of Cortex"] = logsOf(ctx, "cortex-operator") + logsOf(ctx, "cortex-gateway")
	for name, args := range map[string][]string{
		"kubectl cortex diagnose":         {"diagnose", sandfly, "-n", harness.Namespace, "--verbose"},
		"kubectl cortex diagnose -o json": {"diagnose", "-n", harness.Namespace, "-o", "json"},
		"kubectl cortex dump":             {"dump", "-n", harness.Namespace, "-o", "-"},
	} {
		stdout, stderr, _, err := cluster.Plugin(ctx, args...)
		Expect(err).NotTo(HaveOccurred())
		Expect(stdout).NotTo(BeEmpty(), stderr)
		told[name] = stdout + stderr
	}
	for where, text := range told {
		Expect(text).NotTo(BeEmpty(), where)
		for _, name := range names {
			Expect(kinds[name].Left(text, partOfSecret)).To(BeEmpty(), "%s in %s", name, where)
		}
	}
	GinkgoWriter.Printf("%d kinds of secret, %d places\n", len(kinds), len(told))
	Expect(len(kinds)).To(BeNumerically(">=", 30))
})

// plantInServer puts secrets into the variables, annotations, arguments and the ConfigMap of a server that then crashes,
// and prints them all.
func plantInServer(ctx context.Context, kinds map[string]canary.Canary, names []string) {
	GinkgoHelper()
	data, annotations := map[string]string{}, map[string]string{}
	var env []corev1.EnvVar
	var words []string
	for i, name := range names {
		key := fmt.Sprintf("SETTING_%d", i)
		data[key], annotations["example.com/"+key] = kinds[name].Text, kinds[name].Text
		env = append(env, corev1.EnvVar{Name: key, Value: kinds[name].Text})
		words = append(words, kinds[name].Text)
	}
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: "canaries"}, Data: data}
	Expect(cluster.Create(ctx, settings)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		reset(ctx)
		Expect(cluster.Delete(ctx, settings)).To(Succeed())
	})

	deployment, err := cluster.Deployment(ctx, sandfly)
	Expect(err).NotTo(HaveOccurred())
	before := deployment.DeepCopy()
	template := &deployment.Spec.Template
	template.Annotations = annotations
	container := &template.Spec.Containers[0]
	container.Env = env
	container.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: settings.Name}}}}
	container.Args = append(container.Args, "--last-words=fatal: cannot start: "+strings.Join(words, "\n"))
	Expect(cluster.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
	Expect(cluster.Until(ctx, "the server to crash", func(ctx context.Context) (bool, error) {
		pods, err := cluster.Pods(ctx, deployment.Spec.Selector)
		return len(pods) == 1 && len(pods[0].Status.ContainerStatuses) == 1 && pods[0].Status.ContainerStatuses[0].RestartCount > 0, err
	})).To(Succeed())
}

// plantInEvents puts secrets into what looks like the kubelet's words about the server's pod.
func plantInEvents(ctx context.Context, kinds map[string]canary.Canary, names []string) {
	GinkgoHelper()
	deployment, err := cluster.Deployment(ctx, sandfly)
	Expect(err).NotTo(HaveOccurred())
	pods, err := cluster.Pods(ctx, deployment.Spec.Selector)
	Expect(err).NotTo(HaveOccurred())
	now := metav1.Now()
	for i, name := range names {
		event := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: harness.Namespace, Name: fmt.Sprintf("canary-%d", i)},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: pods[0].Namespace, Name: pods[0].Name, UID: pods[0].UID},
			Type:           corev1.EventTypeWarning, Reason: []string{"Unhealthy", "Failed", "FailedMount"}[i%3],
			Message: "Readiness probe failed: " + kinds[name].Text, Count: 5, FirstTimestamp: now, LastTimestamp: now,
		}
		Expect(cluster.Create(ctx, event)).To(Succeed())
	}
	DeferCleanup(func(ctx context.Context) {
		for i := range names {
			event := &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: fmt.Sprintf("canary-%d", i)}}
			Expect(client.IgnoreNotFound(cluster.Delete(ctx, event))).To(Succeed())
		}
	})
}

// eventsOf are the events that a component has recorded.
func eventsOf(ctx context.Context, component string) string {
	GinkgoHelper()
	var events corev1.EventList
	Expect(cluster.List(ctx, &events, client.InNamespace(harness.Namespace))).To(Succeed())
	var told []string
	for i := range events.Items {
		if events.Items[i].ReportingController == component || events.Items[i].Source.Component == component {
			told = append(told, events.Items[i].Message)
		}
	}
	return strings.Join(told, "\n")
}

// logsOf are the logs of the pods of a Deployment.
func logsOf(ctx context.Context, app string) string {
	GinkgoHelper()
	deployment, err := cluster.Deployment(ctx, app)
	Expect(err).NotTo(HaveOccurred())
	pods, err := cluster.Pods(ctx, deployment.Spec.Selector)
	Expect(err).NotTo(HaveOccurred())
	var told strings.Builder
	for i := range pods {
		raw, err := cluster.Clientset.CoreV1().Pods(pods[i].Namespace).GetLogs(pods[i].Name, &corev1.PodLogOptions{}).DoRaw(ctx)
		Expect(err).NotTo(HaveOccurred())
		told.Write(raw)
	}
	return told.String()
}
