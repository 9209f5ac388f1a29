// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Tool is a GitOps tool, with the kind of its object that keeps others as Git says.
type Tool string

// The tools.
const (
	ArgoCD        Tool = "Argo CD application"
	FluxKustomize Tool = "Flux Kustomization"
	FluxHelm      Tool = "Flux HelmRelease"
)

// managers are the field managers by which each tool writes. Argo CD uses one name for server-side and client-side apply
// (argo-cd, common.ArgoCDSSAManager, which its gitops-engine passes to either kind of kubectl apply); the controllers of
// Flux are named in https://fluxcd.io/flux/components/.
var managers = map[Tool]string{
	ArgoCD: "argocd-controller", FluxKustomize: "kustomize-controller", FluxHelm: "helm-controller",
}

// Labels and annotations of the tools.
const (
	// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
	argoTrackingID    = "argocd.argoproj.io/tracking-id"
	argoInstance      = "argocd.argoproj.io/instance"
	wellKnownInstance = "app.kubernetes.io/instance"
	// https://fluxcd.io/flux/components/kustomize/kustomizations/ and .../helm/helmreleases/
	fluxKustomizeGroup = "kustomize.toolkit.fluxcd.io/"
	fluxHelmGroup      = "helm.toolkit.fluxcd.io/"
)

// Keeper is what keeps an object as Git says.
type Keeper struct {
	Tool Tool
	// Name of the application, Kustomization or HelmRelease, and its Namespace; Argo CD does not always tell the latter.
	Name, Namespace string
	// Mark is the label or annotation that tells it, for evidence.
	Mark string
}

// String names the keeper for people: "Argo CD application sandfly".
func (k Keeper) String() string {
	if k.Namespace == "" {
		return string(k.Tool) + " " + k.Name
	}
	return string(k.Tool) + " " + k.Namespace + "/" + k.Name
}

// Brand names the tool alone: Argo CD, Flux.
func (k Keeper) Brand() string {
	if k.Tool == ArgoCD {
		return "Argo CD"
	}
	return "Flux"
}

// Manager is the field manager by which the tool writes.
func (k Keeper) Manager() string { return managers[k.Tool] }

// GitOps tells what keeps an object as Git says, if anything does. Helm by itself does not: it writes when a person runs it.
//
// Argo CD marks what it applies with an annotation since v3, and with a label before; which one is a setting of it. The label
// app.kubernetes.io/instance is set by many others, so it counts only where Argo CD has written the object. The annotation
// counts only on the object that it names: other tools copy annotations, and Argo CD leaves the copies alone.
func GitOps(object metav1.Object) (Keeper, bool) {
	labels := object.GetLabels()
	if id := object.GetAnnotations()[argoTrackingID]; tracks(id, object) {
		app, _, _ := strings.Cut(id, ":")
		return argo(app, "annotation "+argoTrackingID+"="+id)
	}
	if app := labels[argoInstance]; app != "" {
		return argo(app, "label "+argoInstance+"="+app)
	}
	if k, ok := flux(FluxKustomize, fluxKustomizeGroup, labels); ok {
		return k, true
	}
	if k, ok := flux(FluxHelm, fluxHelmGroup, labels); ok {
		return k, true
	}
	if app := labels[wellKnownInstance]; app != "" && wroteAny(object, managers[ArgoCD]) {
		return argo(app, "label "+wellKnownInstance+"="+app)
	}
	return Keeper{}, false
}

// argo splits the name of an application that is not in the namespace of Argo CD itself, a composite of both
// (https://argo-cd.readthedocs.io/en/stable/operator-manual/app-any-namespace/). No name in Kubernetes holds the "_" between.
func argo(app, mark string) (Keeper, bool) {
	k := Keeper{Tool: ArgoCD, Name: app, Mark: mark}
	if namespace, name, apart := strings.Cut(app, "_"); apart {
		k.Namespace, k.Name = namespace, name
	}
	return k, true
}

func flux(tool Tool, group string, labels map[string]string) (Keeper, bool) {
	k := Keeper{Tool: tool, Name: labels[group+"name"], Namespace: labels[group+"namespace"], Mark: "label " + group + "name=" + labels[group+"name"]}
	return k, k.Name != "" && k.Namespace != ""
}

// tracks reports whether a tracking ID names this object: "<application>:<group>/<kind>:<namespace>/<name>".
func tracks(id string, object metav1.Object) bool {
	parts := strings.Split(id, ":")
	if len(parts) != 3 || parts[2] != object.GetNamespace()+"/"+object.GetName() {
		return false
	}
	return !slices.ContainsFunc(strings.Split(parts[0], "_"), func(name string) bool { return len(validation.IsDNS1123Subdomain(name)) > 0 })
}

func wroteAny(object metav1.Object, manager string) bool {
	return slices.ContainsFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool { return entry.Manager == manager })
}
