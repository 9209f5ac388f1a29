// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"os/exec"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

var service = v1alpha1.ObjectReference{Kind: "Service", Name: "sandfly"}

func TestCommand(t *testing.T) {
	elsewhere := service
	elsewhere.Namespace = "other"
	for want, p := range map[string]*Patch{
		`kubectl patch service sandfly -n ns --type=merge -p '{"spec":{"a":null}}'`:   MergePatch(service, "ns", map[string]any{"spec": map[string]any{"a": nil}}),
		`kubectl patch service sandfly -n other --type=strategic -p '{"a":"<&>"}'`:    StrategicPatch(elsewhere, "ns", map[string]string{"a": "<&>"}),
		`kubectl patch service sandfly -n ns --type=merge -p '{"a":"it'\''s $(me)"}'`: MergePatch(service, "ns", map[string]string{"a": "it's $(me)"}),
		`kubectl patch service sandfly -n ns --type=json -p '[{"op":"test","path":"/a~1b","value":1},{"op":"replace","path":"/a~1b","value":2}]'`: JSONPatch(
			service, "ns", Set(Pointer("a/b"), 1, 2)...),
		`kubectl patch service sandfly -n ns --type=json -p '[{"op":"test","path":"/a/0","value":null},{"op":"add","path":"/a/0","value":2}]'`: JSONPatch(
			service, "ns", Set(Pointer("a", 0), nil, 2)...),
	} {
		if p.Command("ns") != want || p.Shown != want {
			t.Errorf("%s, shown as %s, want %s", p.Command("ns"), p.Shown, want)
		}
	}
	if p := JSONPatch(service, "ns"); p != nil {
		t.Errorf("a patch of no operation: %s", p.Data)
	}
}

// TestCommandIsSafe has a shell read a command of a hostile name and value: each stays one argument.
func TestCommandIsSafe(t *testing.T) {
	bad := `$(touch /tmp/x);'"\` + "`id`" + ` & \n'`
	p := MergePatch(v1alpha1.ObjectReference{Kind: bad, Name: bad}, bad, map[string]string{"a": bad})
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `kubectl() { printf '<%s>\n' "$@"; }; `+p.Command(bad)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []string{"<patch>", "<" + strings.ToLower(bad) + ">", "<" + bad + ">", "<-n>", "<" + bad + ">", "<--type=merge>", "<-p>", "<" + p.Data + ">", ""}
	if got := string(out); got != strings.Join(want, "\n") {
		t.Errorf("the shell reads %s", got)
	}
}

// TestSuggest holds that a patch comes out only with the command that says it, and the two together or neither.
func TestSuggest(t *testing.T) {
	ok := MergePatch(service, "ns", map[string]string{"a": "b"})
	for name, row := range map[string]struct {
		do            func(*Finding)
		command, data bool
	}{
		"suggested":                    {func(f *Finding) { f.Suggest(ok) }, true, true},
		"for people":                   {func(f *Finding) { f.SuggestByHand(ok) }, true, false},
		"for people after all":         {func(f *Finding) { f.Suggest(ok); f.SuggestByHand(ok) }, true, false},
		"taken back":                   {func(f *Finding) { f.Suggest(ok); f.Suggest(nil) }, false, false},
		"another command instead":      {func(f *Finding) { f.Suggest(ok); f.SuggestedPatch = "kubectl rollout undo x" }, true, false},
		"no command":                   {func(f *Finding) { f.Patch = ok }, false, false},
		"long":                         {func(f *Finding) { f.Suggest(MergePatch(service, "ns", strings.Repeat("x", maxPatch))) }, false, false},
		"long, shown shortly":          {func(f *Finding) { f.Suggest(MergePatch(service, "ns", strings.Repeat("x", maxPatch)).as("kubectl x")) }, false, false},
		"invisible":                    {func(f *Finding) { f.Suggest(MergePatch(service, "ns", "a\u202eb")) }, false, false},
		"invisible, not shown":         {func(f *Finding) { f.Suggest(MergePatch(service, "ns", "a\u202eb").as("kubectl x")) }, false, false},
		"a break of the line":          {func(f *Finding) { f.Suggest(MergePatch(service, "ns", "a").as("kubectl x\ny")) }, false, false},
		"an object that cannot exist":  {func(f *Finding) { f.Suggest(MergePatch(v1alpha1.ObjectReference{Name: "--all"}, "ns", "a")) }, false, false},
		"a change that is no document": {func(f *Finding) { f.Suggest(MergePatch(service, "ns", func() {})) }, false, false},
	} {
		f := New("X", service, v1alpha1.Certain, "")
		row.do(&f)
		shown := Bounded([]Finding{f})[0]
		if (shown.SuggestedPatch != "") != row.command || (shown.Patch != nil) != row.data {
			t.Errorf("%s: %q, %v", name, shown.SuggestedPatch, shown.Patch)
		}
	}
}

func TestApply(t *testing.T) {
	object := func() *appsv1.Deployment {
		return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "sandfly"}, Spec: appsv1.DeploymentSpec{
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{SchedulerName: "mine", Containers: []corev1.Container{{Name: "a", Image: "a:1"}, {Name: "b", Image: "b:1"}}}},
		}}
	}
	spec := func(change any) map[string]any {
		return map[string]any{"spec": map[string]any{"template": map[string]any{"spec": change}}}
	}
	named := spec(map[string]any{"containers": []any{map[string]string{"name": "b", "image": "b:2"}}})
	for name, row := range map[string]struct {
		patch *Patch
		want  string // images and scheduler
	}{
		"strategic":                   {StrategicPatch(service, "ns", named), "a:1 b:2 mine"},
		"merge takes a list whole":    {MergePatch(service, "ns", named), "b:2 mine"},
		"json":                        {JSONPatch(service, "ns", Set("/spec/template/spec/schedulerName", "mine", "yours")...), "a:1 b:1 yours"},
		"somebody was there before":   {JSONPatch(service, "ns", Set("/spec/template/spec/schedulerName", "his", "yours")...), ""},
		"all or none":                 {JSONPatch(service, "ns", append(Set("/spec/template/spec/schedulerName", "mine", "yours"), Test("/spec/paused", true))...), ""},
		"no such place":               {JSONPatch(service, "ns", Set("/spec/template/spec/containers/2/image", "b:1", "b:2")...), ""},
		"not there, as it should be":  {JSONPatch(service, "ns", Test("/spec/template/spec/tolerations", nil)), "a:1 b:1 mine"},
		"there, though it should not": {JSONPatch(service, "ns", Set("/spec/template/spec/schedulerName", nil, "yours")...), ""},
		"of no type":                  {&Patch{Patch: v1alpha1.Patch{Type: "x", Data: "{}"}}, ""},
		"no object any more":          {MergePatch(service, "ns", spec("x")), ""},
	} {
		got, err := row.patch.Apply(object())
		if err != nil {
			if row.want != "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		pods := got.(*appsv1.Deployment).Spec.Template.Spec
		told := ""
		for _, c := range pods.Containers {
			told += c.Image + " "
		}
		if told += pods.SchedulerName; told != row.want {
			t.Errorf("%s: %s, want %s", name, told, row.want)
		}
	}
}
