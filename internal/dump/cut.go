// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// written are the kinds of which it is told who wrote which field: who scaled a workload, who cordoned a node, and when the
// API server saw a lease renewed.
var written = []string{snapshot.KindDeployment, snapshot.KindStatefulSet, snapshot.KindDaemonSet, snapshot.KindNode, snapshot.KindLease}

// cutMetadata leaves out of the metadata what is about other things than the fault.
func cutMetadata(kind string, object map[string]any) {
	metadata := child(object, "metadata")
	if metadata == nil {
		return
	}
	if !slices.Contains(written, kind) {
		delete(metadata, "managedFields")
	}
	if entries, ok := metadata["managedFields"].([]any); ok {
		for _, entry := range entries {
			if entry, ok := entry.(map[string]any); ok {
				cutValues(entry["fieldsV1"])
			}
		}
	}
	annotations := child(metadata, "annotations")
	if applied, ok := annotations[lastApplied].(string); ok {
		delete(annotations, lastApplied)
		if replicas := replicasOf(applied); replicas != "" {
			annotations[lastApplied] = replicas
		}
	}
}

// cutValues drops the items of lists that are told by their value and not by a name (KEP-555).
func cutValues(fields any) {
	set, ok := fields.(map[string]any)
	if !ok {
		return
	}
	for key, below := range set {
		if strings.HasPrefix(key, "v:") {
			delete(set, key)
			continue
		}
		cutValues(below)
	}
}

// replicasOf is all that a diagnosis looks for in a manifest that was applied.
func replicasOf(manifest string) string {
	var applied struct {
		Spec struct {
			Replicas *int32 `json:"replicas"`
		} `json:"spec"`
	}
	if json.Unmarshal([]byte(manifest), &applied) != nil || applied.Spec.Replicas == nil {
		return ""
	}
	raw, err := json.Marshal(applied)
	if err != nil {
		return ""
	}
	return string(raw)
}

// cutNode keeps what decides about pods. Addresses and the identities of the machine are nobody's business.
func cutNode(node map[string]any) {
	delete(child(node, "metadata"), "annotations")
	keep(child(node, "spec"), "taints", "unschedulable")
	status := child(node, "status")
	keep(status, "capacity", "allocatable", "conditions", "nodeInfo", "images")
	keep(child(status, "nodeInfo"), "kubeletVersion", "containerRuntimeVersion", "osImage", "operatingSystem", "architecture", "kernelVersion")
}

func cutPod(pod map[string]any) {
	status := child(pod, "status")
	delete(status, "hostIP")
	delete(status, "hostIPs")
}

// cutService leaves out the addresses that the world sees.
func cutService(service map[string]any) {
	spec := child(service, "spec")
	for _, field := range []string{"externalIPs", "loadBalancerIP", "loadBalancerSourceRanges"} {
		delete(spec, field)
	}
	delete(child(service, "status"), "loadBalancer")
}

func cutIngress(ingress map[string]any) { delete(ingress, "status") }

// cutVolume keeps what a claim is matched with. Where the volume really is, the claim does not ask.
func cutVolume(volume map[string]any) {
	keep(child(volume, "spec"), "accessModes", "capacity", "claimRef", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName", "volumeMode")
}

// cutStorageClass leaves out what the provisioner is told.
func cutStorageClass(class map[string]any) { delete(class, "parameters") }

func cutConfigMap(configMap map[string]any) {
	for key := range child(configMap, "binaryData") {
		child(configMap, "binaryData")[key] = ""
	}
}

// keep leaves only some fields.
func keep(fields map[string]any, names ...string) {
	for name := range fields {
		if !slices.Contains(names, name) {
			delete(fields, name)
		}
	}
}

// child is a field that is an object itself, or an empty one, or nil.
func child(object map[string]any, name string) map[string]any {
	below, _ := object[name].(map[string]any)
	return below
}
