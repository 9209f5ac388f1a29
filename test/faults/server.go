// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package faults breaks MCP servers on a real cluster, each in one way and in a namespace of its own, and says what a
// diagnosis must find. The e2e tests run it.
package faults

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const (
	// Name of the Service and the Deployment that a fault breaks in a namespace of its own.
	Name = "sandfly-mcp-server"
	// image of the sample MCP server, as the local cluster has it.
	image = "cortex-mcpserver:dev"
)

// World is what a fault is made in: a healthy server, until it is broken.
type World struct {
	namespace  *corev1.Namespace
	service    *corev1.Service
	deployment *appsv1.Deployment
	// extras are created first.
	extras []client.Object
}

// healthy is a server as a user would deploy it, with a name of which its labels are made.
func healthy(namespace, name string) *World {
	labels := func() map[string]string { return map[string]string{"app": name} } // each its own: a fault changes one
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels()}
	w := &World{
		namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{LabelFault: "true"}}},
		service: &corev1.Service{ObjectMeta: *meta.DeepCopy(), Spec: corev1.ServiceSpec{
			Selector: labels(), Ports: []corev1.ServicePort{{Name: "mcp", Port: 3000, TargetPort: intstr.FromString("mcp")}},
		}},
		deployment: &appsv1.Deployment{ObjectMeta: *meta.DeepCopy(), Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels()},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels()}, Spec: podSpec()},
		}},
	}
	w.service.Labels[v1alpha1.LabelMCPServer] = "true"
	return w
}

func podSpec() corev1.PodSpec {
	return corev1.PodSpec{
		AutomountServiceAccountToken:  ptr.To(false),
		EnableServiceLinks:            ptr.To(false),
		TerminationGracePeriodSeconds: ptr.To[int64](1),
		SecurityContext:               &corev1.PodSecurityContext{RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To[int64](65532), FSGroup: ptr.To[int64](65532)},
		Containers: []corev1.Container{{
			Name: "server", Image: image, ImagePullPolicy: corev1.PullIfNotPresent,
			Command:        []string{"/mcpserver"},
			Args:           []string{"--profile=sandfly", "--scratch=/scratch"},
			Ports:          []corev1.ContainerPort{{Name: "mcp", ContainerPort: 3000}},
			ReadinessProbe: &corev1.Probe{ProbeHandler: get("/health", intstr.FromString("mcp")), PeriodSeconds: 1},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5m"), corev1.ResourceMemory: resource.MustParse("16Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
			},
			VolumeMounts: []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}},
		}},
		Volumes: []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
	}
}

func get(path string, port intstr.IntOrString) corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: port}}
}

// pod is the pod that the Deployment makes.
func (w *World) pod() *corev1.PodSpec { return &w.deployment.Spec.Template.Spec }

// container is the server's.
func (w *World) container() *corev1.Container { return &w.pod().Containers[0] }

// args adds arguments.
func (w *World) args(args ...string) { w.container().Args = append(w.container().Args, args...) }

// lastWords makes the container a program that prints a line and ends.
func (w *World) lastWords(line string) { w.args("--last-words=" + line) }

// request asks for so much.
func (w *World) request(of corev1.ResourceName, quantity string) {
	w.container().Resources.Requests[of] = resource.MustParse(quantity)
	delete(w.container().Resources.Limits, of)
}

// add makes another object, in the same namespace.
func (w *World) add(object client.Object) {
	object.SetNamespace(w.namespace.Name)
	w.extras = append(w.extras, object)
}

// meta names an object.
func meta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// claim makes the pod mount a claim.
func (w *World) claim(name string) {
	w.pod().Volumes = append(w.pod().Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
	}})
	w.container().VolumeMounts = append(w.container().VolumeMounts, corev1.VolumeMount{Name: "data", MountPath: "/data"})
}

// claimFor is a claim for a volume.
func claimFor(name, class, size string, mode corev1.PersistentVolumeAccessMode) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: meta(name), Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{mode},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
	}}
}

// volumeOf is a volume that no other fault's claim fits: it is of a class of the fault's own, which need not exist.
func volumeOf(name, class, size string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{LabelFault: "true"}},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:               corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/tmp/" + name}},
		},
	}
}

// env names a variable that is read from elsewhere.
func (w *World) env(name string, source corev1.EnvVarSource) {
	w.container().Env = append(w.container().Env, corev1.EnvVar{Name: name, ValueFrom: &source})
}

func secretKey(name, key string) corev1.EnvVarSource {
	return corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key}}
}

func configKey(name, key string) corev1.EnvVarSource {
	return corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key}}
}
