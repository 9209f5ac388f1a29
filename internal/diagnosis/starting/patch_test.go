// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/workload"
)

func withTemplate(spec corev1.PodSpec) *snapshot.Snapshot {
	w, _ := workload.From(&appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "sandfly"},
		Spec:       appsv1.DaemonSetSpec{Template: corev1.PodTemplateSpec{Spec: spec}},
	})
	return &snapshot.Snapshot{Namespace: "ns", Workload: w, All: &snapshot.Objects{}}
}

// TestPatchTouchesOnlyWhatIsMeant has one name as that of a ConfigMap, of a Secret, of a volume and of a claim.
func TestPatchTouchesOnlyWhatIsMeant(t *testing.T) {
	reference := corev1.LocalObjectReference{Name: "x"}
	s := withTemplate(corev1.PodSpec{
		ImagePullSecrets: []corev1.LocalObjectReference{reference},
		Volumes: []corev1.Volume{
			{Name: "x", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: reference, Items: []corev1.KeyToPath{{Key: "k", Path: "x"}}}}},
			{Name: "y", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "x", Items: []corev1.KeyToPath{{Key: "k", Path: "k"}}}}},
			{Name: "z", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: reference}}}}}},
		},
		InitContainers: []corev1.Container{{Name: "x", EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: reference}}}}},
		Containers: []corev1.Container{{Name: "x", Env: []corev1.EnvVar{
			{Name: "A", Value: "x"},
			{Name: "B", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: reference, Key: "k"}}},
			{Name: "C", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "other"}, Key: "k"}}},
		}}},
	})
	for patch, want := range map[*finding.Patch][]string{
		rename(s, namePlaces[configMap], "x", "n"): {"/volumes/0/configMap/name"},
		rename(s, namePlaces[secret], "x", "n"):    {"/containers/0/env/1/valueFrom/secretKeyRef/name", "/initContainers/0/envFrom/0/secretRef/name", "/volumes/1/secret/secretName", "/volumes/2/projected/sources/0/secret/name"},
		rename(s, pullPlaces, "x", "n"):            {"/imagePullSecrets/0/name"},
		rekey(s, configMap, "x", "k", "n"):         {"/volumes/0/configMap/items/0/key"},
		rekey(s, secret, "x", "k", "n"):            {"/containers/0/env/1/valueFrom/secretKeyRef/key", "/volumes/1/secret/items/0/key"},
	} {
		command := patch.Command("ns")
		if !strings.HasPrefix(command, "kubectl patch daemonset sandfly -n ns --type=json -p '[") || strings.Count(command, `"op":"replace"`) != len(want) || strings.Count(command, `"op":"test"`) != len(want) {
			t.Errorf("want %d places: %s", len(want), command)
		}
		for _, place := range want {
			if !strings.Contains(command, `"/spec/template/spec`+place+`"`) {
				t.Errorf("%s is not in %s", place, command)
			}
		}
	}
}

func TestNoPatchWhereNothingIsMeant(t *testing.T) {
	s := withTemplate(corev1.PodSpec{})
	for _, patch := range []*finding.Patch{rename(s, pullPlaces, "x", "n"), rename(s, pullPlaces, "x", ""), rekey(s, secret, "x", "k", "n"), rekey(&snapshot.Snapshot{}, secret, "x", "k", "n"), rename(&snapshot.Snapshot{}, pullPlaces, "x", "n")} {
		if patch != nil {
			t.Error(patch.Data)
		}
	}
}
