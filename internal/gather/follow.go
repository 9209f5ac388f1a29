// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/workload"
)

// maxNodes bounds the nodes that are read one by one. The pods of more nodes than that stand for the others.
const maxNodes = 16

// followReads are what the first reads lead on to: what the pods of these targets name and stand on. All of it is one
// round trip more, of parallel reads, and is made only for a target that is not well.
func (g *Gatherer) followReads(o *snapshot.Objects, namespace string, needs needs) []read {
	in := client.InNamespace(namespace)
	reads := []read{
		listInto(snapshot.KindServiceAccount, g.Reader, &o.ServiceAccounts, func(l *corev1.ServiceAccountList) []corev1.ServiceAccount { return l.Items }, light, in),
		listInto(snapshot.KindPersistentVolumeClaim, g.Reader, &o.Claims, func(l *corev1.PersistentVolumeClaimList) []corev1.PersistentVolumeClaim { return l.Items }, light, in),
		listInto(snapshot.KindResourceQuota, g.Reader, &o.Quotas, func(l *corev1.ResourceQuotaList) []corev1.ResourceQuota { return l.Items }, light, in),
		listInto(snapshot.KindLimitRange, g.Reader, &o.LimitRanges, func(l *corev1.LimitRangeList) []corev1.LimitRange { return l.Items }, light, in),
		listInto(snapshot.KindNetworkPolicy, g.Reader, &o.NetworkPolicies, func(l *networkingv1.NetworkPolicyList) []networkingv1.NetworkPolicy { return l.Items }, light, in),
		listInto(snapshot.KindPodDisruptionBudget, g.Reader, &o.Budgets, func(l *policyv1.PodDisruptionBudgetList) []policyv1.PodDisruptionBudget { return l.Items }, light, in),
		listInto(snapshot.KindIngress, g.Reader, &o.Ingresses, func(l *networkingv1.IngressList) []networkingv1.Ingress { return l.Items }, light, in),
		getInto(snapshot.KindNamespace, g.Reader, &o.Namespaces, light, types.NamespacedName{Name: namespace}),
		g.routes(o, namespace),
		g.metrics(o, namespace),
		g.configMaps(o, namespace, needs.configMaps),
	}
	switch {
	case g.Secrets:
		reads = append(reads, g.secrets(o, namespace, needs.secrets))
	case len(needs.secrets) > 0:
		o.Gaps = append(o.Gaps, secretsUnread)
	}
	if needs.volumes {
		reads = append(reads,
			listInto(snapshot.KindPersistentVolume, g.Reader, &o.Volumes, func(l *corev1.PersistentVolumeList) []corev1.PersistentVolume { return l.Items }, light),
			listInto(snapshot.KindStorageClass, g.Reader, &o.StorageClasses, func(l *storagev1.StorageClassList) []storagev1.StorageClass { return l.Items }, light))
	}
	if needs.revisions {
		reads = append(reads, listInto(snapshot.KindControllerRevision, g.Reader, &o.ControllerRevisions, func(l *appsv1.ControllerRevisionList) []appsv1.ControllerRevision { return l.Items }, light, in))
	}
	return reads
}

// needs are what pods name and stand on.
type needs struct {
	configMaps, secrets, nodes []string
	// unscheduled: a pod has no node, so all nodes are looked at. elsewhere: so are the pods that fill them.
	unscheduled, elsewhere bool
	// volumes: a pod mounts a claim.
	volumes bool
	// revisions: a workload keeps its earlier templates in ControllerRevisions.
	revisions bool
}

func needsOf(targets []*snapshot.Snapshot) needs {
	var n needs
	for _, s := range targets {
		if spec := s.PodSpec(); spec != nil {
			n.follow(s, spec)
		}
		for i := range s.Pods {
			n.pod(&s.Pods[i])
		}
	}
	for _, list := range []*[]string{&n.configMaps, &n.secrets, &n.nodes} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	n.nodes = n.nodes[:min(len(n.nodes), maxNodes)]
	return n
}

// follow notes what the template names, and that of the pods that run, where it differs.
func (n *needs) follow(s *snapshot.Snapshot, spec *corev1.PodSpec) {
	specs := []*corev1.PodSpec{spec}
	for i := range s.Pods[:min(len(s.Pods), maxLogPods)] {
		specs = append(specs, &s.Pods[i].Spec)
	}
	for _, spec := range specs {
		for _, ref := range snapshot.KeyRefs(spec) {
			if ref.Kind == snapshot.KindConfigMap {
				n.configMaps = append(n.configMaps, ref.Name)
			} else {
				n.secrets = append(n.secrets, ref.Name)
			}
		}
		for _, ref := range spec.ImagePullSecrets {
			n.secrets = append(n.secrets, ref.Name)
		}
		for _, volume := range spec.Volumes {
			n.volumes = n.volumes || volume.PersistentVolumeClaim != nil || volume.Ephemeral != nil
		}
	}
	if s.Workload != nil {
		n.volumes = n.volumes || hasClaimTemplates(s.Workload)
		n.revisions = n.revisions || s.Workload.Kind != v1alpha1.KindDeployment
		// Pods that are wanted and not there may be kept away by the nodes too.
		n.unscheduled = n.unscheduled || s.Workload.Kind == "DaemonSet" && s.Workload.Ready < s.Workload.Replicas
	}
}

// hasClaimTemplates reports whether a workload makes a claim for each of its pods.
func hasClaimTemplates(w *workload.Workload) bool {
	set, ok := w.Object.(*appsv1.StatefulSet)
	return ok && len(set.Spec.VolumeClaimTemplates) > 0
}

func (n *needs) pod(pod *corev1.Pod) {
	if pod.Spec.NodeName != "" {
		n.nodes = append(n.nodes, pod.Spec.NodeName)
		return
	}
	n.unscheduled = true
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			n.elsewhere = n.elsewhere || strings.Contains(condition.Message, "Insufficient") || strings.Contains(condition.Message, "affinity") ||
				strings.Contains(condition.Message, "free ports") || strings.Contains(condition.Message, "spread")
		}
	}
}
