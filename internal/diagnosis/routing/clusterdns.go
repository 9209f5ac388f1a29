// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// clusterDNS is the Service of the cluster DNS: kube-dns by custom, and by the label k8s-app whatever its name
// (cluster/addons/dns).
func clusterDNS(s *snapshot.Snapshot) *corev1.Service {
	if service := s.ServiceIn(snapshot.SystemNamespace, "kube-dns"); service != nil {
		return service
	}
	var found *corev1.Service
	for i := range s.All.Services {
		service := &s.All.Services[i]
		if service.Namespace == snapshot.SystemNamespace && service.Labels["k8s-app"] == "kube-dns" && (found == nil || service.Name < found.Name) {
			found = service
		}
	}
	return found
}

// clusterDNSDown finds that the cluster DNS has nobody who answers. It says nothing where neither its endpoints nor its
// pods were read.
func clusterDNSDown(s *snapshot.Snapshot) (finding.Finding, bool) {
	service := clusterDNS(s)
	if !snapshot.HasSelector(service) {
		return finding.Finding{}, false
	}
	owner := ownerOfDNS(s, service)
	published := s.SlicesOf(service)
	ready, addressed := 0, 0
	for _, slice := range published {
		for _, endpoint := range slice.Endpoints {
			addressed++
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				ready++
			}
		}
	}
	var pods []snapshot.Backend
	for _, b := range s.BackendsOf(service) {
		if b.Pod != nil {
			pods = append(pods, b)
		}
		if b.Pod != nil && snapshot.IsReady(b.Pod) {
			return finding.Finding{}, false
		}
	}
	atZero := owner != nil && owner.Scalable() && owner.Replicas == 0
	if ready > 0 || len(published) == 0 && len(pods) == 0 && !atZero {
		return finding.Finding{}, false
	}
	f := finding.New(v1alpha1.CauseDNSFailure, snapshot.Reference(snapshot.KindService, service), v1alpha1.Certain,
		fmt.Sprintf("The cluster DNS does not answer: Service %s in namespace %s has no ready endpoints", service.Name, service.Namespace))
	f.Detail = "ClusterDNS"
	if len(published) > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("endpoints of Service %s: %d, none ready", service.Name, addressed))
	}
	for _, b := range pods[:min(len(pods), maxPodsTold)] {
		f.Evidence = append(f.Evidence, podEvidence(s, b.Pod)...)
	}
	f.Recommendation = fmt.Sprintf("See why its pods are not ready: kubectl describe pods -n %s -l %s", service.Namespace, words.ShowLabels(service.Spec.Selector))
	if owner != nil {
		f.Object = owner.Reference()
	}
	if atZero {
		f.Message += fmt.Sprintf(", since %s is scaled to 0", owner)
		f.Recommendation = fmt.Sprintf("Scale %s to 2, as clusters have it from the start.", owner)
		f.SuggestByHand(finding.Scale(owner, 2)) // it is the whole cluster's, and not one namespace's to change
	}
	f.Object.Namespace = service.Namespace
	return f, true
}

// ownerOfDNS is the workload of the cluster DNS, if it was read.
func ownerOfDNS(s *snapshot.Snapshot, service *corev1.Service) *workload.Workload {
	for _, w := range s.WorkloadsIn(service.Namespace) {
		if snapshot.Selects(service, w.Template.Labels) {
			return w
		}
	}
	return nil
}
