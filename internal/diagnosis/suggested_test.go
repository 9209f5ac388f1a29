// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/workload"
)

// patched calls a function for each patch of each fixture.
func patched(t *testing.T, with func(*testing.T, *fixture, finding.Finding, client.Object)) {
	t.Helper()
	done := 0
	for _, f := range loadFixtures(t) {
		for _, found := range Diagnose(f.snapshot()).Findings {
			if found.Patch == nil {
				continue
			}
			done++
			t.Run(strings.TrimPrefix(f.path, "testdata/"), func(t *testing.T) {
				object := f.object(found.Patch.Object)
				if object == nil {
					t.Fatalf("a patch of %s %s, which the fixture has not or which is not Cortex's to change", found.Patch.Object.Kind, found.Patch.Object.Name)
				}
				with(t, &f, found, object)
			})
		}
	}
	if done < 50 {
		t.Errorf("%d patches in all", done)
	}
	t.Logf("%d patches", done)
}

// object is a workload or a Service of the fixture.
func (f *fixture) object(of v1alpha1.ObjectReference) client.Object {
	for _, object := range changeable(f.objects) {
		if kindOf(object) == of.Kind && object.GetName() == of.Name && object.GetNamespace() == testNamespace {
			return object
		}
	}
	return nil
}

func kindOf(object client.Object) string {
	if w, ok := workload.From(object); ok {
		return string(w.Kind)
	}
	return snapshot.KindService
}

func changeable(o *snapshot.Objects) []client.Object {
	var all []client.Object
	for i := range o.Deployments {
		all = append(all, &o.Deployments[i])
	}
	for i := range o.StatefulSets {
		all = append(all, &o.StatefulSets[i])
	}
	for i := range o.DaemonSets {
		all = append(all, &o.DaemonSets[i])
	}
	for i := range o.Services {
		all = append(all, &o.Services[i])
	}
	return all
}

// TestPatchesApply holds that each patch does something to its object, and to nothing but its spec, and that it is not
// suggested again of an object that has it.
func TestPatchesApply(t *testing.T) {
	patched(t, func(t *testing.T, f *fixture, found finding.Finding, object client.Object) {
		before := object.DeepCopyObject()
		after, err := found.Patch.Apply(object)
		if err != nil {
			t.Fatalf("%s: %v", found.SuggestedPatch, err)
		}
		if !equality.Semantic.DeepEqual(before, object) {
			t.Error("the object that was read is changed")
		}
		if equality.Semantic.DeepEqual(object, after) {
			t.Errorf("%s changes nothing", found.SuggestedPatch)
		}
		if diff := cmp.Diff(besidesSpec(t, object), besidesSpec(t, after)); diff != "" {
			t.Errorf("%s changes more than the spec:\n%s", found.SuggestedPatch, diff)
		}
		if _, err := found.Patch.Apply(after); err != nil && found.Patch.Type != v1alpha1.PatchJSON {
			t.Errorf("a second time: %v", err)
		}
		put(object, after)
		defer put(object, before)
		for _, again := range Diagnose(f.snapshot()).Findings {
			if again.Patch != nil && *again.Patch == *found.Patch {
				t.Errorf("%s is suggested again", found.SuggestedPatch)
			}
		}
	})
}

func besidesSpec(t *testing.T, object runtime.Object) map[string]any {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	delete(fields, "spec")
	return fields
}

func put(into client.Object, object runtime.Object) {
	switch o := into.(type) {
	case *appsv1.Deployment:
		*o = *object.(*appsv1.Deployment)
	case *appsv1.StatefulSet:
		*o = *object.(*appsv1.StatefulSet)
	case *appsv1.DaemonSet:
		*o = *object.(*appsv1.DaemonSet)
	case *corev1.Service:
		*o = *object.(*corev1.Service)
	}
}

// TestPatchesAreWhatIsShown holds that the command which a person approves does what the patch does.
func TestPatchesAreWhatIsShown(t *testing.T) {
	patched(t, func(t *testing.T, _ *fixture, found finding.Finding, object client.Object) {
		command := found.SuggestedPatch
		if command == found.Patch.Command(testNamespace) {
			return
		}
		want := object.DeepCopyObject()
		obey(t, command, want.(client.Object))
		got, err := found.Patch.Apply(object)
		if err != nil {
			t.Fatal(err)
		}
		if !equality.Semantic.DeepEqual(want, got) {
			t.Errorf("%s and the patch differ (-command +patch):\n%s", command, cmp.Diff(want, got))
		}
	})
}

var (
	setLimit   = regexp.MustCompile(`^kubectl set resources (\w+)/(\S+) -n \S+ -c (\S+) --limits=(\w+)=(\S+)$`)
	setEnv     = regexp.MustCompile(`^kubectl set env (\w+)/(\S+) -n \S+ -c (\S+) '(\w+)=([^']*)'$`)
	setAccount = regexp.MustCompile(`^kubectl set serviceaccount (\w+)/(\S+) (\S+) -n \S+$`)
	scale      = regexp.MustCompile(`^kubectl scale (\w+)/(\S+) -n \S+ --replicas=(\d+)$`)
)

// obey does what kubectl does of a command.
func obey(t *testing.T, command string, object client.Object) {
	t.Helper()
	w, ok := workload.From(object)
	if !ok {
		t.Fatalf("%s is of no workload", command)
	}
	named := func(parts []string) bool {
		return len(parts) > 2 && parts[1] == strings.ToLower(string(w.Kind)) && parts[2] == object.GetName()
	}
	spec := &w.Template.Spec
	container := func(name string) *corev1.Container {
		for _, list := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
			if i := slices.IndexFunc(list, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
				return &list[i]
			}
		}
		t.Fatalf("%s is of no container", command)
		return nil
	}
	if parts := setLimit.FindStringSubmatch(command); named(parts) {
		resources := &container(parts[3]).Resources
		if resources.Limits == nil {
			resources.Limits = corev1.ResourceList{}
		}
		resources.Limits[corev1.ResourceName(parts[4])] = resource.MustParse(parts[5])
	} else if parts := setEnv.FindStringSubmatch(command); named(parts) {
		env := container(parts[3]).Env
		env[slices.IndexFunc(env, func(e corev1.EnvVar) bool { return e.Name == parts[4] })].Value = parts[5]
	} else if parts := setAccount.FindStringSubmatch(command); named(parts) {
		spec.ServiceAccountName = parts[3]
	} else if parts := scale.FindStringSubmatch(command); named(parts) {
		count, _ := strconv.ParseInt(parts[3], 10, 32)
		replicas := int32(count)
		switch o := object.(type) {
		case *appsv1.Deployment:
			o.Spec.Replicas = &replicas
		case *appsv1.StatefulSet:
			o.Spec.Replicas = &replicas
		}
	} else {
		t.Fatalf("nobody knows what %s does to %s", command, w)
	}
}
