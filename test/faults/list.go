// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// LabelFault is on everything that a fault makes which has no namespace, for the clean-up.
const LabelFault = "cortex.test/fault"

// Fault is one way to be broken.
type Fault struct {
	// Name says what is broken. The namespace is named after it.
	Name string
	// Want are the causes that must be found: the first one first, the others anywhere.
	Want []v1alpha1.Cause
	// Detail and Object ("Kind name") of the first finding, where they matter.
	Detail, Object string
	// Says are parts of the first finding's message, evidence or recommendation: what a person needs to know.
	Says []string
	// Serves: the server still answers its callers, so there is nothing to heal and the operator says that it is Healthy.
	Serves bool
	// Break breaks a healthy server before it is created.
	Break func(*World)
}

// Namespace that the fault is made in.
func (f Fault) Namespace() string { return "fault-" + strings.ReplaceAll(f.Name, " ", "-") }

func causes(all ...v1alpha1.Cause) []v1alpha1.Cause { return all }

// Healthy are the controls: what looks odd and is well.
func Healthy() []Fault {
	return []Fault{
		{Name: "control plain", Break: func(*World) {}},
		{Name: "control other port", Break: func(w *World) {
			// targetPort is no port that the container declares; the declaration is only information.
			w.container().Ports = nil
			w.container().ReadinessProbe.HTTPGet.Port = intstr.FromInt32(3000)
			w.service.Spec.Ports[0].Port, w.service.Spec.Ports[0].TargetPort = 80, intstr.FromInt32(3000)
		}},
		{Name: "control optional", Break: func(w *World) {
			source := secretKey("not-there", "key")
			source.SecretKeyRef.Optional = ptr.To(true)
			w.env("TOKEN", source)
		}},
		{Name: "control quota with room", Break: func(w *World) {
			w.add(&corev1.ResourceQuota{ObjectMeta: meta("room"), Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("4")}}})
		}},
	}
}

// Many is a namespace with three faults at once, in servers of their own.
func Many() []Fault {
	return []Fault{
		{Name: "zero", Want: causes(v1alpha1.CauseScaledToZero), Break: func(w *World) { w.deployment.Spec.Replicas = ptr.To[int32](0) }},
		{Name: "image", Want: causes(v1alpha1.CauseImageNotFound), Break: func(w *World) { w.container().Image = "localhost:5001/sandfly:nope" }},
		{Name: "selector", Want: causes(v1alpha1.CauseSelectorMismatch), Break: func(w *World) { w.service.Spec.Selector["app"] = "selectro" }},
	}
}

// All are the faults, in the order of the catalogue.
func All() []Fault {
	var all []Fault
	for _, family := range [][]Fault{routing(), workloads(), scheduling(), starting(), running()} {
		all = append(all, family...)
	}
	return all
}

func routing() []Fault {
	return []Fault{
		{
			Name: "selector mismatch", Want: causes(v1alpha1.CauseSelectorMismatch), Object: "Service " + Name, Says: []string{"sandfly-mcp-sever"},
			Break: func(w *World) { w.service.Spec.Selector["app"] = "sandfly-mcp-sever" },
		},
		{
			Name: "target port name", Want: causes(v1alpha1.CauseTargetPortMismatch), Object: "Service " + Name, Says: []string{"http", "mcp"},
			Break: func(w *World) { w.service.Spec.Ports[0].TargetPort = intstr.FromString("http") },
		},
		{
			Name: "target port number", Want: causes(v1alpha1.CauseTargetPortMismatch), Object: "Service " + Name, Says: []string{"8080", "3000"},
			Break: func(w *World) { w.service.Spec.Ports[0].TargetPort = intstr.FromInt32(8080) },
		},
		{
			Name: "protocol", Want: causes(v1alpha1.CauseProtocolMismatch), Object: "Service " + Name, Says: []string{"UDP"},
			Break: func(w *World) {
				w.service.Spec.Ports[0].Protocol = corev1.ProtocolUDP
				w.service.Spec.Ports[0].TargetPort = intstr.FromInt32(3000)
			},
		},
		{
			Name: "network policy", Serves: true, Want: causes(v1alpha1.CauseNetworkPolicyBlocked), Object: "NetworkPolicy default-deny", Says: []string{"default-deny"},
			Break: func(w *World) {
				w.add(&networkingv1.NetworkPolicy{ObjectMeta: meta("default-deny"), Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}}})
			},
		},
		{
			Name: "route to nowhere", Serves: true, Want: causes(v1alpha1.CauseRouteMismatch), Object: "Ingress " + Name, Says: []string{"sandfly-mcp"},
			Break: func(w *World) {
				backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "sandfly-mcp", Port: networkingv1.ServiceBackendPort{Number: 3000}}}
				w.add(&networkingv1.Ingress{ObjectMeta: meta(Name), Spec: networkingv1.IngressSpec{DefaultBackend: &backend}})
			},
		},
		{
			Name: "upstream address", Want: causes(v1alpha1.CauseUpstreamAddressMismatch), Object: "Deployment " + Name, Says: []string{"sandfly-apii:8080"},
			Break: func(w *World) {
				w.add(&corev1.Service{ObjectMeta: meta("sandfly-api"), Spec: corev1.ServiceSpec{Selector: map[string]string{"app": Name}, Ports: []corev1.ServicePort{{Port: 8080, TargetPort: intstr.FromInt32(3000)}}}})
				w.container().Env = []corev1.EnvVar{{Name: "SANDFLY_API", Value: "sandfly-apii:8080"}}
				w.lastWords("connecting to the API: dial tcp: lookup sandfly-apii: no such host")
			},
		},
	}
}

func workloads() []Fault {
	return []Fault{
		{
			Name: "workload not found", Want: causes(v1alpha1.CauseWorkloadNotFound), Object: "Service " + Name,
			Break: func(w *World) { w.deployment = nil },
		},
		{
			Name: "scaled to zero", Want: causes(v1alpha1.CauseScaledToZero), Object: "Deployment " + Name,
			Break: func(w *World) { w.deployment.Spec.Replicas = ptr.To[int32](0) },
		},
		{
			Name: "rollout paused", Want: causes(v1alpha1.CauseRolloutPaused), Object: "Deployment " + Name,
			Break: func(w *World) { w.deployment.Spec.Paused = true },
		},
		{
			Name: "quota of pods", Want: causes(v1alpha1.CauseQuotaExceeded), Detail: "pods", Object: "ResourceQuota tight", Says: []string{"pods"},
			Break: func(w *World) {
				w.add(&corev1.ResourceQuota{ObjectMeta: meta("tight"), Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}}})
			},
		},
		{
			Name: "quota of memory", Want: causes(v1alpha1.CauseQuotaExceeded), Detail: "requests.memory", Object: "ResourceQuota tight",
			Break: func(w *World) {
				w.add(&corev1.ResourceQuota{ObjectMeta: meta("tight"), Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourceRequestsMemory: resource.MustParse("8Mi")}}})
			},
		},
		{
			Name: "pod security", Want: causes(v1alpha1.CauseAdmissionDenied), Detail: "PodSecurity", Says: []string{"restricted"},
			Break: func(w *World) { w.namespace.Labels["pod-security.kubernetes.io/enforce"] = "restricted" },
		},
		{
			Name: "service account", Want: causes(v1alpha1.CauseServiceAccountNotFound), Object: "Deployment " + Name, Says: []string{"sandfly"},
			Break: func(w *World) { w.pod().ServiceAccountName = "sandfly" },
		},
	}
}

func scheduling() []Fault {
	return []Fault{
		{Name: "cpu", Want: causes(v1alpha1.CauseInsufficientCPU), Object: "Deployment " + Name, Says: []string{"64"}, Break: func(w *World) { w.request(corev1.ResourceCPU, "64") }},
		{Name: "memory", Want: causes(v1alpha1.CauseInsufficientMemory), Object: "Deployment " + Name, Says: []string{"500Gi"}, Break: func(w *World) { w.request(corev1.ResourceMemory, "500Gi") }},
		{Name: "node selector", Want: causes(v1alpha1.CauseNodeSelectorMismatch), Object: "Deployment " + Name, Says: []string{"disk=ssd"}, Break: func(w *World) { w.pod().NodeSelector = map[string]string{"disk": "ssd"} }},
		{
			Name: "node affinity", Want: causes(v1alpha1.CauseNodeAffinityMismatch), Object: "Deployment " + Name, Says: []string{"zone"},
			Break: func(w *World) {
				term := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: corev1.NodeSelectorOpIn, Values: []string{"eu-1"}}}}
				w.pod().Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{term}}}}
			},
		},
		{
			Name: "anti affinity", Serves: true, Want: causes(v1alpha1.CausePodAntiAffinityConflict), Object: "Deployment " + Name,
			Break: func(w *World) {
				w.deployment.Spec.Replicas = ptr.To[int32](2)
				term := corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": Name}}}
				w.pod().Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}}
			},
		},
		{Name: "claim not found", Want: causes(v1alpha1.CauseVolumeClaimNotFound), Says: []string{"sandfly-data"}, Break: func(w *World) { w.claim("sandfly-data") }},
		{
			Name: "storage class", Want: causes(v1alpha1.CauseVolumeClaimUnbound), Detail: "StorageClassNotFound", Object: "PersistentVolumeClaim data", Says: []string{"fast-sdd"},
			Break: func(w *World) {
				w.claim("data")
				w.add(claimFor("data", "fast-sdd", "1Mi", corev1.ReadWriteOnce))
			},
		},
		{
			Name: "capacity", Want: causes(v1alpha1.CauseVolumeClaimUnbound), Detail: "Capacity", Object: "PersistentVolumeClaim data", Says: []string{"2Gi", "1Gi"},
			Break: func(w *World) {
				w.claim("data")
				w.add(volumeOf("fault-capacity", "fault-capacity", "1Gi"))
				w.add(claimFor("data", "fault-capacity", "2Gi", corev1.ReadWriteOnce))
			},
		},
		{
			Name: "access mode", Want: causes(v1alpha1.CauseVolumeClaimUnbound), Detail: "AccessMode", Object: "PersistentVolumeClaim data", Says: []string{"ReadWriteMany"},
			Break: func(w *World) {
				w.claim("data")
				w.add(volumeOf("fault-mode", "fault-mode", "1Gi"))
				w.add(claimFor("data", "fault-mode", "1Gi", corev1.ReadWriteMany))
			},
		},
	}
}

func starting() []Fault {
	return []Fault{
		{Name: "image not found", Want: causes(v1alpha1.CauseImageNotFound), Says: []string{"localhost:5001/sandfly:nope"}, Break: func(w *World) { w.container().Image = "localhost:5001/sandfly:nope" }},
		{
			Name: "pull secret", Want: causes(v1alpha1.CauseImagePullUnauthorized), Says: []string{"registry-credentials"},
			Break: func(w *World) {
				w.container().Image = "localhost:5001/private/sandfly:v2"
				w.pod().ImagePullSecrets = []corev1.LocalObjectReference{{Name: "registry-credentials"}}
			},
		},
		{Name: "registry unreachable", Want: causes(v1alpha1.CauseRegistryUnreachable), Says: []string{"localhost:5002"}, Break: func(w *World) { w.container().Image = "localhost:5002/sandfly:v2" }},
		{Name: "image name", Want: causes(v1alpha1.CauseInvalidImageName), Says: []string{"Sandfly:v2"}, Break: func(w *World) { w.container().Image = "Sandfly:v2" }},
		{
			Name: "config map", Want: causes(v1alpha1.CauseConfigMapNotFound), Object: "Deployment " + Name, Says: []string{"sandfly-confg", "sandfly-config"},
			Break: func(w *World) {
				w.add(&corev1.ConfigMap{ObjectMeta: meta("sandfly-config"), Data: map[string]string{"url": "x"}})
				w.env("SANDFLY_URL", configKey("sandfly-confg", "url"))
			},
		},
		{
			Name: "secret", Want: causes(v1alpha1.CauseSecretNotFound), Object: "Deployment " + Name, Says: []string{"sandfly-tokn", "SANDFLY_TOKEN"},
			Break: func(w *World) { w.env("SANDFLY_TOKEN", secretKey("sandfly-tokn", "token")) },
		},
		{
			Name: "secret key", Want: causes(v1alpha1.CauseConfigKeyNotFound), Object: "Deployment " + Name, Says: []string{"token", "sandfly-credentials", "SANDFLY_TOKEN"},
			Break: func(w *World) {
				w.add(&corev1.Secret{ObjectMeta: meta("sandfly-credentials"), StringData: map[string]string{"api-token": "canary-1f2e3d"}})
				w.env("SANDFLY_TOKEN", secretKey("sandfly-credentials", "token"))
			},
		},
		{
			Name: "config key", Want: causes(v1alpha1.CauseConfigKeyNotFound), Object: "Deployment " + Name, Says: []string{"api-url"},
			Break: func(w *World) {
				w.add(&corev1.ConfigMap{ObjectMeta: meta("sandfly-config"), Data: map[string]string{"api-url": "x"}})
				w.env("SANDFLY_URL", configKey("sandfly-config", "url"))
			},
		},
		{
			Name: "volume mount", Want: causes(v1alpha1.CauseVolumeMountFailed), Object: "Deployment " + Name, Says: []string{"/mnt/not-there"},
			Break: func(w *World) {
				w.pod().Volumes = append(w.pod().Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/mnt/not-there", Type: ptr.To(corev1.HostPathDirectory)}}})
				w.container().VolumeMounts = append(w.container().VolumeMounts, corev1.VolumeMount{Name: "host", MountPath: "/host"})
			},
		},
		{
			Name: "volume permission", Want: causes(v1alpha1.CauseVolumePermissionDenied), Object: "Deployment " + Name, Says: []string{"/scratch"},
			Break: func(w *World) { w.lastWords("opening the state: open /scratch/state.db: permission denied") },
		},
		{Name: "command", Want: causes(v1alpha1.CauseContainerCannotRun), Object: "Deployment " + Name, Says: []string{"/mcpservr"}, Break: func(w *World) { w.container().Command = []string{"/mcpservr"} }},
		{
			Name: "init container", Want: causes(v1alpha1.CauseInitContainerFailed), Object: "Deployment " + Name, Says: []string{"migrate", "no migrations"},
			Break: func(w *World) {
				init := *w.container().DeepCopy()
				init.Name, init.ReadinessProbe, init.Ports = "migrate", nil, nil
				init.Args = append(init.Args, "--last-words=no migrations found")
				w.pod().InitContainers = []corev1.Container{init}
			},
		},
	}
}

func running() []Fault {
	return []Fault{
		{Name: "crash loop", Want: causes(v1alpha1.CauseCrashLoop), Object: "Deployment " + Name, Says: []string{"corrupt"}, Break: func(w *World) { w.args("--fault=crash") }},
		{Name: "out of memory", Want: causes(v1alpha1.CauseOOMKilled), Object: "Deployment " + Name, Says: []string{"64Mi"}, Break: func(w *World) { w.args("--fault=allocate") }},
		{
			Name: "liveness port", Want: causes(v1alpha1.CauseLivenessProbeMisconfigured), Detail: "Port", Object: "Deployment " + Name, Says: []string{"3001", "3000"},
			Break: func(w *World) {
				w.container().LivenessProbe = &corev1.Probe{ProbeHandler: get("/health", intstr.FromInt32(3001)), PeriodSeconds: 1, FailureThreshold: 2, InitialDelaySeconds: 2}
			},
		},
		{
			Name: "readiness port", Want: causes(v1alpha1.CauseReadinessProbeMisconfigured), Detail: "Port", Object: "Deployment " + Name, Says: []string{"3001", "3000"},
			Break: func(w *World) { w.container().ReadinessProbe.HTTPGet.Port = intstr.FromInt32(3001) },
		},
		{
			Name: "readiness path", Want: causes(v1alpha1.CauseReadinessProbeMisconfigured), Detail: "Path", Object: "Deployment " + Name, Says: []string{"/healthz"},
			Break: func(w *World) { w.container().ReadinessProbe.HTTPGet.Path = "/healthz" },
		},
		{
			Name: "readiness scheme", Want: causes(v1alpha1.CauseReadinessProbeMisconfigured), Detail: "Scheme", Object: "Deployment " + Name,
			Break: func(w *World) { w.container().ReadinessProbe.HTTPGet.Scheme = corev1.URISchemeHTTPS },
		},
		{
			Name: "startup probe", Want: causes(v1alpha1.CauseStartupProbeFailing), Object: "Deployment " + Name,
			Break: func(w *World) {
				w.args("--fault=slow-start", "--delay=5m")
				w.container().StartupProbe = &corev1.Probe{ProbeHandler: get("/health", intstr.FromString("mcp")), PeriodSeconds: 1, FailureThreshold: 6}
			},
		},
		{
			Name: "port conflict", Want: causes(v1alpha1.CausePortConflict), Object: "Deployment " + Name, Says: []string{"3000"},
			Break: func(w *World) {
				second := *w.container().DeepCopy()
				second.Name, second.Ports, second.ReadinessProbe = "sidecar", nil, nil
				w.pod().Containers = append(w.pod().Containers, second)
			},
		},
		{
			Name: "dependency", Want: causes(v1alpha1.CauseWorkloadNotFound, v1alpha1.CauseDependencyUnavailable), Object: "Service sandfly-db", Says: []string{"sandfly-db"},
			Break: func(w *World) {
				w.add(&corev1.Service{ObjectMeta: meta("sandfly-db"), Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "sandfly-db"}, Ports: []corev1.ServicePort{{Port: 5432}}}})
				w.container().Env = []corev1.EnvVar{{Name: "DATABASE", Value: "sandfly-db:5432"}}
				w.lastWords("connecting to the database: dial tcp: sandfly-db:5432: connect: connection refused")
			},
		},
		{
			Name: "credentials", Want: causes(v1alpha1.CauseCredentialsRejected), Object: "Deployment " + Name,
			Break: func(w *World) {
				w.lastWords(`connecting to the database: pq: password authentication failed for user "sandfly"`)
			},
		},
	}
}

// NoName makes a server that ends because a name does not resolve.
func NoName(w *World) {
	w.add(&corev1.Service{ObjectMeta: meta("sandfly-api"), Spec: corev1.ServiceSpec{Selector: map[string]string{"app": Name}, Ports: []corev1.ServicePort{{Port: 8080, TargetPort: intstr.FromInt32(3000)}}}})
	w.container().Env = []corev1.EnvVar{{Name: "SANDFLY_API", Value: "sandfly-api:8080"}}
	w.lastWords("connecting to the API: dial tcp: lookup sandfly-api: Temporary failure in name resolution")
}
