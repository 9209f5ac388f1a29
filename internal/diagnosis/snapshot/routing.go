// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ry-ops/cortex/internal/workload"
)

// Backend is a pod that a Service leads to, or the template of one that is yet to come.
type Backend struct {
	// Name for people: "Pod sandfly-mcp-server-7d9c-aaaaa" or "Deployment sandfly-mcp-server".
	Name        string
	Namespace   string
	Labels      map[string]string
	Annotations map[string]string
	Spec        *corev1.PodSpec
	// IPs that are known of a pod.
	IPs []string
	// Pod is nil for a template.
	Pod *corev1.Pod
}

// BackendsOf are the live pods that a Service selects; where there are none, the templates of the workloads that it
// selects. A Service may select the pods of several workloads, such as a canary.
func (s *Snapshot) BackendsOf(service *corev1.Service) []Backend {
	if !HasSelector(service) {
		return nil
	}
	var found []Backend
	for i := range s.All.Pods {
		pod := &s.All.Pods[i]
		if pod.Namespace == service.Namespace && IsLive(pod) && Selects(service, pod.Labels) {
			found = append(found, BackendOf(pod))
		}
	}
	slices.SortFunc(found, func(a, b Backend) int { return NewestFirst(a.Pod, b.Pod) })
	if len(found) > 0 {
		return found
	}
	for _, w := range s.All.workloads(service.Namespace) {
		if Selects(service, w.Template.Labels) {
			found = append(found, TemplateOf(w))
		}
	}
	return found
}

// BackendOf is a pod that is there.
func BackendOf(pod *corev1.Pod) Backend {
	b := Backend{Name: "Pod " + pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, Annotations: pod.Annotations, Spec: &pod.Spec, Pod: pod}
	for _, ip := range pod.Status.PodIPs {
		b.IPs = append(b.IPs, ip.IP)
	}
	if len(b.IPs) == 0 && pod.Status.PodIP != "" {
		b.IPs = []string{pod.Status.PodIP}
	}
	return b
}

// TemplateOf is a pod as a workload would make it.
func TemplateOf(w *workload.Workload) Backend {
	return Backend{
		Name: w.String(), Namespace: w.Object.GetNamespace(), Labels: w.Template.Labels, Annotations: w.Template.Annotations, Spec: &w.Template.Spec,
	}
}

// LongRunning are the containers of a pod that run beside each other: the ordinary ones, and init containers that restart
// (sidecars, KEP-753).
func LongRunning(spec *corev1.PodSpec) []corev1.Container {
	sidecars := Keep(spec.InitContainers, func(c *corev1.Container) bool {
		return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	})
	return slices.Concat(spec.Containers, sidecars)
}

// PortOf finds the number that a Service's port leads to in a pod: a number as it stands, a name by the container port of
// this name and protocol (k8s.io/kubernetes/pkg/api/v1/pod, FindPort).
func PortOf(port corev1.ServicePort, spec *corev1.PodSpec) (int32, bool) {
	if port.TargetPort.Type == intstr.Int {
		if port.TargetPort.IntVal == 0 {
			return port.Port, true // the API server's default
		}
		return port.TargetPort.IntVal, true
	}
	for _, c := range LongRunning(spec) {
		for _, p := range c.Ports {
			if p.Name == port.TargetPort.StrVal && ProtocolOf(p.Protocol) == ProtocolOf(port.Protocol) {
				return p.ContainerPort, true
			}
		}
	}
	return 0, false
}

// ProtocolOf is TCP where none is written, as the API server has it.
func ProtocolOf(protocol corev1.Protocol) corev1.Protocol {
	if protocol == "" {
		return corev1.ProtocolTCP
	}
	return protocol
}

// ServiceIn finds a Service of any namespace that was read.
func (s *Snapshot) ServiceIn(namespace, name string) *corev1.Service {
	return find(s.All.Services, namespace, name, func(o *corev1.Service) metav1.Object { return o })
}

// ServicesKnown reports whether every Service of a namespace was read, so that one that is not among them does not exist.
// Of other namespaces than the target's that is only known where some of theirs were read; of the system's namespace a
// reader may have asked for the cluster DNS alone.
func (s *Snapshot) ServicesKnown(namespace string) bool {
	if !s.Complete(KindService) || namespace == s.Namespace {
		return s.Complete(KindService)
	}
	return namespace != SystemNamespace && slices.ContainsFunc(s.All.Services, func(service corev1.Service) bool { return service.Namespace == namespace })
}

// SlicesOf are the EndpointSlices of any Service that was read.
func (s *Snapshot) SlicesOf(service *corev1.Service) []discoveryv1.EndpointSlice {
	return s.All.slicesOf(service)
}

// ServicesFull returns the ResourceQuota that lets a namespace have no Service more, if there is one.
func (s *Snapshot) ServicesFull(namespace string) *corev1.ResourceQuota {
	for i := range s.All.Quotas {
		quota := &s.All.Quotas[i]
		for _, name := range []corev1.ResourceName{corev1.ResourceServices, "count/services"} {
			hard, limited := quota.Status.Hard[name]
			used, counted := quota.Status.Used[name]
			if quota.Namespace == namespace && limited && counted && used.Cmp(hard) >= 0 {
				return quota
			}
		}
	}
	return nil
}

// LabelsOfNamespace are the labels of a namespace. Each has the one with its name; whether all are known is the second
// result.
func (s *Snapshot) LabelsOfNamespace(name string) (map[string]string, bool) {
	labels := map[string]string{corev1.LabelMetadataName: name}
	found := find(s.All.Namespaces, "", name, func(o *corev1.Namespace) metav1.Object { return o })
	if found == nil {
		return labels, false
	}
	for key, value := range found.Labels {
		labels[key] = value
	}
	return labels, true
}

// IsNamespace reports whether a name is known to be one of a namespace.
func (s *Snapshot) IsNamespace(name string) bool {
	_, known := s.LabelsOfNamespace(name)
	return known || name == s.Namespace || name == metav1.NamespaceDefault || name == SystemNamespace ||
		slices.ContainsFunc(s.All.Services, func(service corev1.Service) bool { return service.Namespace == name })
}

// WorkloadsIn are the workloads of any namespace that were read, by kind and name.
func (s *Snapshot) WorkloadsIn(namespace string) []*workload.Workload {
	return s.All.workloads(namespace)
}
