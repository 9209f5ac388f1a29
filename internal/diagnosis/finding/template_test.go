// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/workload"
)

func sandfly() *workload.Workload {
	limits := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}
	w, _ := workload.From(&appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "sandfly"},
		Spec: appsv1.StatefulSetSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "proxy", Resources: corev1.ResourceRequirements{Limits: limits}}},
			Containers: []corev1.Container{{Name: "bare"}, {Name: "mcp", Resources: corev1.ResourceRequirements{Limits: limits}, Env: []corev1.EnvVar{
				{Name: "TWICE", Value: "1"}, {Name: "URL", Value: "http://$(HOST):1"}, {Name: "TWICE", Value: "2"}, {Name: "SIGNED", Value: "http://a:1/?password=hunter2"}, {Name: "FROM", ValueFrom: &corev1.EnvVarSource{}},
			}}},
		}}},
	})
	return w
}

func TestShortCommands(t *testing.T) {
	w := sandfly()
	from, to := resource.MustParse("64Mi"), resource.MustParse("128Mi")
	for name, row := range map[string]struct {
		patch         *Patch
		command, data string
	}{
		"limit": {
			SetLimit(w, "mcp", corev1.ResourceMemory, from, to), "kubectl set resources statefulset/sandfly -n ns -c mcp --limits=memory=128Mi",
			`[{"op":"test","path":"/spec/template/spec/containers/1/name","value":"mcp"},` +
				`{"op":"test","path":"/spec/template/spec/containers/1/resources/limits/memory","value":"64Mi"},` +
				`{"op":"replace","path":"/spec/template/spec/containers/1/resources/limits/memory","value":"128Mi"}]`,
		},
		"limit of a sidecar": {
			SetLimit(w, "proxy", corev1.ResourceMemory, from, to), "kubectl set resources statefulset/sandfly -n ns -c proxy --limits=memory=128Mi",
			`[{"op":"test","path":"/spec/template/spec/initContainers/0/name","value":"proxy"},` +
				`{"op":"test","path":"/spec/template/spec/initContainers/0/resources/limits/memory","value":"64Mi"},` +
				`{"op":"replace","path":"/spec/template/spec/initContainers/0/resources/limits/memory","value":"128Mi"}]`,
		},
		"limit of a LimitRange": {
			SetLimit(w, "bare", corev1.ResourceMemory, from, to), "kubectl set resources statefulset/sandfly -n ns -c bare --limits=memory=128Mi",
			`{"spec":{"template":{"spec":{"containers":[{"name":"bare","resources":{"limits":{"memory":"128Mi"}}}]}}}}`,
		},
		"limit of what a webhook adds": {patch: SetLimit(w, "istio-proxy", corev1.ResourceMemory, from, to)},
		"limit of a pod of its own":    {patch: SetLimit(nil, "mcp", corev1.ResourceMemory, from, to)},
		"variable": {
			SetEnv(w, "mcp", "URL", "http://it's:2"), `kubectl set env statefulset/sandfly -n ns -c mcp 'URL=http://it'\''s:2'`,
			`[{"op":"test","path":"/spec/template/spec/containers/1/name","value":"mcp"},` +
				`{"op":"test","path":"/spec/template/spec/containers/1/env/1/name","value":"URL"},` +
				`{"op":"test","path":"/spec/template/spec/containers/1/env/1/value","value":"http://$(HOST):1"},` +
				`{"op":"replace","path":"/spec/template/spec/containers/1/env/1/value","value":"http://it's:2"}]`,
		},
		"variable that is set twice":  {patch: SetEnv(w, "mcp", "TWICE", "3")},
		"variable with a secret":      {patch: SetEnv(w, "mcp", "SIGNED", "http://b:1/")},
		"variable from elsewhere":     {patch: SetEnv(w, "mcp", "FROM", "3")},
		"variable that is not there":  {patch: SetEnv(w, "bare", "URL", "3")},
		"container that is not there": {patch: ContainerPatch(w, "istio-proxy", map[string]any{"image": "x"})},
		"spec of a pod of its own":    {patch: PodSpecPatch(nil, map[string]any{"schedulerName": "x"})},
		"operation on it":             {patch: PodSpecSet(nil, Add("/schedulerName", "x"))},
		"account of a pod of its own": {patch: SetServiceAccount(nil, "x")},
		"no operation":                {patch: PodSpecSet(w)},
		"account where there was none": {
			SetServiceAccount(w, "mcp"), "kubectl set serviceaccount statefulset/sandfly mcp -n ns",
			`[{"op":"test","path":"/spec/template/spec/serviceAccountName","value":null},{"op":"add","path":"/spec/template/spec/serviceAccountName","value":"mcp"}]`,
		},
	} {
		switch {
		case row.patch == nil || row.data == "":
			if row.patch != nil || row.data != "" {
				t.Errorf("%s: %v", name, row.patch)
			}
		case row.patch.Shown != row.command || row.patch.Data != row.data:
			t.Errorf("%s: %s\n%s", name, row.patch.Shown, row.patch.Data)
		default:
			if _, err := row.patch.Apply(w.Object); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
