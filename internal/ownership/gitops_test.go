// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ownership_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/ownership"
)

const (
	trackingID  = "argocd.argoproj.io/tracking-id"
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
)

// sandfly is an object with labels and annotations.
func sandfly(labels, annotations map[string]string, fields ...metav1.ManagedFieldsEntry) *metav1.ObjectMeta {
	return &metav1.ObjectMeta{Namespace: "mcp", Name: "sandfly", Labels: labels, Annotations: annotations, ManagedFields: fields}
}

type set = map[string]string

var (
	argoTracked = set{trackingID: "shop:apps/Deployment:mcp/sandfly"}
	fluxed      = set{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	helmed      = set{"helm.toolkit.fluxcd.io/name": "sandfly", "helm.toolkit.fluxcd.io/namespace": "mcp"}
)

func TestGitOps(t *testing.T) {
	for name, test := range map[string]struct {
		object *metav1.ObjectMeta
		want   string
	}{
		"Argo CD by its annotation":                  {sandfly(nil, argoTracked), "Argo CD application shop"},
		"an application of another namespace":        {sandfly(nil, set{trackingID: "team-a_shop:apps/Deployment:mcp/sandfly"}), "Argo CD application team-a/shop"},
		"an annotation that was copied":              {sandfly(nil, set{trackingID: "shop:apps/Deployment:other/sandfly"}), ""},
		"an annotation of no form":                   {sandfly(nil, set{trackingID: "shop"}), ""},
		"an annotation that names no application":    {sandfly(nil, set{trackingID: "rm -rf /:apps/Deployment:mcp/sandfly"}), ""},
		"Argo CD by its label":                       {sandfly(set{"argocd.argoproj.io/instance": "shop"}, nil), "Argo CD application shop"},
		"the well-known label alone":                 {sandfly(set{"app.kubernetes.io/instance": "shop"}, nil), ""},
		"the well-known label, and Argo CD wrote it": {sandfly(set{"app.kubernetes.io/instance": "shop"}, nil, wrote("argocd-controller", 1, replicas)), "Argo CD application shop"},
		"the well-known label of a Helm release":     {sandfly(set{"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "Helm"}, set{"meta.helm.sh/release-name": "shop"}, wrote("helm", 1, replicas)), ""},
		"a Kustomization":                            {sandfly(fluxed, nil), "Flux Kustomization flux-system/apps"},
		"a HelmRelease":                              {sandfly(helmed, nil), "Flux HelmRelease mcp/sandfly"},
		"half of the labels":                         {sandfly(set{"kustomize.toolkit.fluxcd.io/name": "apps"}, nil), ""},
		"nobody":                                     {sandfly(nil, nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			keeper, ok := ownership.GitOps(test.object)
			if got := keeper.String(); ok != (test.want != "") || ok && got != test.want {
				t.Errorf("%q %t, want %q", got, ok, test.want)
			}
		})
	}
}

func TestHoldsField(t *testing.T) {
	manifest := set{trackingID: argoTracked[trackingID], lastApplied: `{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"sidecar"},{"name":"server","resources":{"limits":{"memory":"64Mi"}}}]}}}}`}
	restart := []string{"spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"}
	count := []string{"spec", "replicas"}
	for name, test := range map[string]struct {
		object *metav1.ObjectMeta
		path   []string
		want   ownership.Hold
	}{
		"no tool":                                       {sandfly(nil, nil, applied("argocd-controller", 1, replicas)), count, ownership.NotHeld},
		"applied on the server's side":                  {sandfly(nil, argoTracked, applied("argocd-controller", 1, replicas)), count, ownership.Holds},
		"by another tool's manager":                     {sandfly(nil, argoTracked, applied("kustomize-controller", 1, replicas)), count, ownership.MayHold},
		"a count that was written since":                {sandfly(nil, argoTracked, applied("argocd-controller", 9, image), wrote("kubectl", 1, replicas)), count, ownership.MayHold},
		"a restart":                                     {sandfly(nil, argoTracked, applied("argocd-controller", 9, image)), restart, ownership.NotHeld},
		"a second restart":                              {sandfly(nil, argoTracked, applied("argocd-controller", 9, image), wrote("cortex-operator", 1, restarted)), restart, ownership.NotHeld},
		"a restart that stands in Git":                  {sandfly(nil, argoTracked, applied("argocd-controller", 9, restarted)), restart, ownership.Holds},
		"the template":                                  {sandfly(nil, argoTracked, applied("argocd-controller", 9, image)), []string{"spec", "template"}, ownership.Holds},
		"a manifest with it":                            {sandfly(nil, manifest), count, ownership.Holds},
		"a manifest with it, scaled since":              {sandfly(nil, manifest, wrote("kubectl", 1, replicas)), count, ownership.Holds},
		"a manifest without it":                         {sandfly(nil, manifest), []string{"spec", "paused"}, ownership.NotHeld},
		"a container of a manifest":                     {sandfly(nil, manifest), memory, ownership.Holds},
		"another container of a manifest":               {sandfly(nil, manifest), []string{"spec", "template", "spec", "containers", ownership.Item("sidecar"), "resources"}, ownership.NotHeld},
		"an old manifest, applied on the server now":    {sandfly(nil, set{trackingID: argoTracked[trackingID], lastApplied: `{"spec":{}}`}, applied("argocd-controller", 1, image)), count, ownership.MayHold},
		"a manifest of kubectl, adopted by Flux":        {sandfly(fluxed, set{lastApplied: `{"spec":{"replicas":2}}`}), count, ownership.MayHold},
		"a Kustomization":                               {sandfly(fluxed, nil, applied("kustomize-controller", 1, replicas)), count, ownership.Holds},
		"a Kustomization that leaves it alone":          {sandfly(fluxed, set{"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}, applied("kustomize-controller", 1, replicas)), count, ownership.NotHeld},
		"a Kustomization that is disabled for it":       {sandfly(fluxed, set{"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}, applied("kustomize-controller", 1, replicas)), count, ownership.NotHeld},
		"a Kustomization that is disabled by a label":   {sandfly(set{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system", "kustomize.toolkit.fluxcd.io/reconcile": "disabled"}, nil, applied("kustomize-controller", 1, replicas)), count, ownership.NotHeld},
		"an order to Flux, which Argo CD does not hear": {sandfly(nil, set{trackingID: argoTracked[trackingID], "kustomize.toolkit.fluxcd.io/ssa": "Ignore"}, applied("argocd-controller", 1, replicas)), count, ownership.Holds},
		"a HelmRelease":                                 {sandfly(helmed, nil, wrote("helm-controller", 1, replicas)), count, ownership.Holds},
		"nothing of who wrote what":                     {sandfly(fluxed, nil), count, ownership.MayHold},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := ownership.HoldsField(test.object, test.path...); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}
