// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/workload"
)

// This file makes the changes of a workload that kubectl has a short command for. They are shown by that, and each is nil
// where the workload has not got what is to be changed: such as for a container that only its pods have, since something
// adds it to them.

// podSpec is where a workload keeps the spec of its pods.
const podSpec = "/spec/template/spec"

// PodSpecPatch merges a change into the spec of a workload's pods. It is nil for a pod of its own, most of whose spec cannot
// be changed.
func PodSpecPatch(w *workload.Workload, change any) *Patch {
	if w == nil {
		return nil
	}
	return StrategicPatch(w.Reference(), w.Object.GetNamespace(), inTemplate(change))
}

// PodSpecSet does operations on the spec of a workload's pods, with paths that begin there.
func PodSpecSet(w *workload.Workload, operations ...Operation) *Patch {
	if w == nil {
		return nil
	}
	inSpec := slices.Clone(operations)
	for i := range inSpec {
		inSpec[i].Path = podSpec + inSpec[i].Path
	}
	return JSONPatch(w.Reference(), w.Object.GetNamespace(), inSpec...)
}

// ContainerPatch merges a change into one container of a workload's pods.
func ContainerPatch(w *workload.Workload, container string, change map[string]any) *Patch {
	c := find(w, container)
	if c == nil {
		return nil
	}
	named := map[string]any{"name": container}
	for field, value := range change {
		named[field] = value
	}
	return PodSpecPatch(w, map[string]any{c.list: []any{named}})
}

// SetLimit changes a limit of a container. One that the container has of a LimitRange is added to the workload.
func SetLimit(w *workload.Workload, container string, of corev1.ResourceName, from, to resource.Quantity) *Patch {
	c := find(w, container)
	if c == nil {
		return nil
	}
	patch := ContainerPatch(w, container, map[string]any{"resources": map[string]any{"limits": map[corev1.ResourceName]string{of: to.String()}}})
	if _, own := c.Resources.Limits[of]; own {
		patch = PodSpecSet(w, c.set(Set(c.at("resources", "limits", of), from.String(), to.String()))...)
	}
	return patch.as("kubectl set resources %s -c %s --limits=%s=%s", onCommandLine(w), words.Argument(container), of, to.String())
}

// SetEnv changes a variable of a container that is written out in the workload. It is nil for one that looks like a secret:
// a patch tells the old value and the new one to whoever reads the finding.
func SetEnv(w *workload.Workload, container, name, to string) *Patch {
	c := find(w, container)
	if c == nil {
		return nil
	}
	isIt := func(e corev1.EnvVar) bool { return e.Name == name }
	i := slices.IndexFunc(c.Env, isIt)
	if i < 0 || c.Env[i].ValueFrom != nil || slices.ContainsFunc(c.Env[i+1:], isIt) {
		return nil
	}
	if told := name + "=" + c.Env[i].Value + "\n" + name + "=" + to; foreign.Redact(told) != told {
		return nil
	}
	change := append([]Operation{Test(c.at("env", i, "name"), name)}, Set(c.at("env", i, "value"), c.Env[i].Value, to)...)
	return PodSpecSet(w, c.set(change)...).as("kubectl set env %s -c %s %s", onCommandLine(w), words.Argument(container), words.Quote(name+"="+to))
}

// SetServiceAccount changes the account that a workload's pods run as.
func SetServiceAccount(w *workload.Workload, to string) *Patch {
	if w == nil {
		return nil
	}
	var from any
	if name := w.Template.Spec.ServiceAccountName; name != "" {
		from = name
	}
	return PodSpecSet(w, Set("/serviceAccountName", from, to)...).as("kubectl set serviceaccount %s/%s %s -n %s",
		words.Lower(w.Kind), words.Argument(w.Object.GetName()), words.Argument(to), words.Argument(w.Object.GetNamespace()))
}

// Scale changes the replicas of a workload.
func Scale(w *workload.Workload, to int32) *Patch {
	return JSONPatch(w.Reference(), w.Object.GetNamespace(), Set("/spec/replicas", w.Replicas, to)...).
		as("kubectl scale %s --replicas=%d", onCommandLine(w), to)
}

// container is one of a workload's template, and where it stands there.
type container struct {
	*corev1.Container
	list  string
	index int
}

func find(w *workload.Workload, name string) *container {
	if w == nil {
		return nil
	}
	spec := &w.Template.Spec
	for _, of := range []struct {
		list string
		all  []corev1.Container
	}{{"containers", spec.Containers}, {"initContainers", spec.InitContainers}} {
		if i := slices.IndexFunc(of.all, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
			return &container{&of.all[i], of.list, i}
		}
	}
	return nil
}

// at points to a field of the container.
func (c *container) at(steps ...any) string {
	return Pointer(append([]any{c.list, c.index}, steps...)...)
}

// set makes sure that it is still this container which stands at the place.
func (c *container) set(operations []Operation) []Operation {
	return append([]Operation{Test(c.at("name"), c.Name)}, operations...)
}

func inTemplate(change any) map[string]any {
	return map[string]any{"spec": map[string]any{"template": map[string]any{"spec": change}}}
}

// onCommandLine is the workload as kubectl takes it: "deployment/sandfly -n cortex-system".
func onCommandLine(w *workload.Workload) string {
	return words.Lower(w.Kind) + "/" + words.Argument(w.Object.GetName()) + " -n " + words.Argument(w.Object.GetNamespace())
}
