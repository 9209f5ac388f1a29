// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduling

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// small is a cluster of nodes named after their zone, with what each test puts on them.
func small(change func(*snapshot.Objects)) *cluster {
	o := &snapshot.Objects{}
	for _, name := range []string{"a", "b", "c"} {
		node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"zone": name}}}
		node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}
		o.Nodes = append(o.Nodes, node)
	}
	o.Namespaces = []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"team": "shop"}}}}
	change(o)
	return newCluster(&snapshot.Snapshot{Namespace: "cortex-system", All: o}, nobody)
}

func on(node, namespace string, labels map[string]string) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "on-" + node, Labels: labels}}
	pod.Spec.NodeName, pod.Status.Phase = node, corev1.PodRunning
	return pod
}

// fits are the nodes that a predicate lets a pod on.
func fits(c *cluster, p predicate, pod *corev1.Pod) string {
	m, names := &misfit{pod: pod, meant: c.nodes, why: map[*node]map[string]string{}}, ""
	for _, n := range m.pass(c, p) {
		names += n.Name
	}
	return names
}

func row(name string) predicate {
	for _, p := range append(narrowing(), excluding()...) {
		if p.name == name {
			return p
		}
	}
	panic("no row " + name)
}

var red = map[string]string{"colour": "red"}

func redIn(key string, change func(*corev1.PodAffinityTerm)) []corev1.PodAffinityTerm {
	term := corev1.PodAffinityTerm{LabelSelector: &metav1.LabelSelector{MatchLabels: red}, TopologyKey: key}
	if change != nil {
		change(&term)
	}
	return []corev1.PodAffinityTerm{term}
}

func TestAntiAffinity(t *testing.T) {
	c := small(func(o *snapshot.Objects) {
		o.Pods = []corev1.Pod{on("a", "cortex-system", red), on("b", "shop", red)}
		ended := on("c", "cortex-system", red)
		ended.Status.Phase = corev1.PodFailed
		o.Pods = append(o.Pods, ended)
	})
	for name, test := range map[string]struct {
		terms []corev1.PodAffinityTerm
		want  string
	}{
		"of its own namespace": {redIn("zone", nil), "bc"},
		"of a named namespace": {redIn("zone", func(t *corev1.PodAffinityTerm) { t.Namespaces = []string{"shop"} }), "ac"},
		"of selected namespaces": {redIn("zone", func(t *corev1.PodAffinityTerm) {
			t.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "shop"}}
		}), "ac"},
		"of all namespaces":   {redIn("zone", func(t *corev1.PodAffinityTerm) { t.NamespaceSelector = &metav1.LabelSelector{} }), "c"},
		"a label of no node":  {redIn("rack", nil), "abc"},
		"no selector":         {redIn("zone", func(t *corev1.PodAffinityTerm) { t.LabelSelector = nil }), "abc"},
		"of another revision": {redIn("zone", func(t *corev1.PodAffinityTerm) { t.MatchLabelKeys = []string{"revision"} }), "abc"},
	} {
		pod := podOf(func(p *corev1.Pod) {
			p.Labels = map[string]string{"revision": "2"}
			p.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: test.terms}}
		})
		if got := fits(c, row("anti-affinity"), pod); got != test.want {
			t.Errorf("%s: fits on %q, want %q", name, got, test.want)
		}
	}
}

func TestPodAffinity(t *testing.T) {
	c := small(func(o *snapshot.Objects) { o.Pods = []corev1.Pod{on("a", "cortex-system", red), on("b", "shop", nil)} })
	pod := podOf(func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{PodAffinity: &corev1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: redIn("zone", nil)}}
	})
	if got := fits(c, row("pod affinity"), pod); got != "a" {
		t.Errorf("fits on %q", got)
	}
	pod.Labels = red // it means itself, but it is not the first
	if got := fits(c, row("pod affinity"), pod); got != "a" {
		t.Errorf("one that is not the first fits on %q", got)
	}
	c = small(func(*snapshot.Objects) {})
	if got := fits(c, row("pod affinity"), pod); got != "abc" {
		t.Errorf("the first of its group fits on %q", got)
	}
}

func TestTopologySpread(t *testing.T) {
	honor := corev1.NodeInclusionPolicyHonor
	five := int32(5)
	c := small(func(o *snapshot.Objects) {
		o.Pods = []corev1.Pod{on("a", "cortex-system", red), on("b", "cortex-system", red), on("c", "shop", red)}
		o.Nodes[2].Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
	})
	for name, test := range map[string]struct {
		change func(*corev1.TopologySpreadConstraint)
		want   string
	}{
		"the tainted zone is empty": {func(*corev1.TopologySpreadConstraint) {}, "c"},
		"the tainted zone is left":  {func(s *corev1.TopologySpreadConstraint) { s.NodeTaintsPolicy = &honor }, "abc"},
		"a wider skew":              {func(s *corev1.TopologySpreadConstraint) { s.MaxSkew = 2 }, "abc"},
		"only wished for":           {func(s *corev1.TopologySpreadConstraint) { s.WhenUnsatisfiable = corev1.ScheduleAnyway }, "abc"},
		"more zones than there are": {func(s *corev1.TopologySpreadConstraint) { s.NodeTaintsPolicy = &honor; s.MinDomains = &five }, "c"},
		"a label of no node":        {func(s *corev1.TopologySpreadConstraint) { s.TopologyKey = "rack" }, ""},
		"pods that are not its own": {func(s *corev1.TopologySpreadConstraint) {
			s.LabelSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"colour": "blue"}}
		}, "abc"},
		"a key of another revision": {func(s *corev1.TopologySpreadConstraint) { s.MatchLabelKeys = []string{"revision"} }, "abc"},
		"a selector that is no label": {func(s *corev1.TopologySpreadConstraint) {
			s.LabelSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "x", Operator: "?"}}}
		}, "abc"},
	} {
		constraint := corev1.TopologySpreadConstraint{MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: &metav1.LabelSelector{MatchLabels: red}}
		test.change(&constraint)
		pod := podOf(func(p *corev1.Pod) {
			p.Labels = map[string]string{"colour": "red", "revision": "2"}
			p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{constraint}
		})
		if got := fits(c, row("spread"), pod); got != test.want {
			t.Errorf("%s: fits on %q, want %q", name, got, test.want)
		}
	}
}

// TestRequests holds what counts as a request: the rules are the scheduler's.
func TestRequests(t *testing.T) {
	cpu := func(quantity string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(quantity)}}
	}
	always := corev1.ContainerRestartPolicyAlways
	whole := cpu("5")
	for name, test := range map[string]struct {
		spec corev1.PodSpec
		want string
	}{
		"containers add up":        {corev1.PodSpec{Containers: []corev1.Container{{Resources: cpu("1")}, {Resources: cpu("500m")}}}, "1500m"},
		"the largest init counts":  {corev1.PodSpec{InitContainers: []corev1.Container{{Resources: cpu("2")}, {Resources: cpu("3")}}, Containers: []corev1.Container{{Resources: cpu("1")}}}, "3"},
		"a sidecar is one of them": {corev1.PodSpec{InitContainers: []corev1.Container{{Resources: cpu("2"), RestartPolicy: &always}}, Containers: []corev1.Container{{Resources: cpu("1")}}}, "3"},
		"overhead is added":        {corev1.PodSpec{Overhead: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m")}, Containers: []corev1.Container{{Resources: cpu("1")}}}, "1250m"},
		"the pod as a whole":       {corev1.PodSpec{Resources: &whole, Containers: []corev1.Container{{Resources: cpu("1")}}}, "5"},
		"nothing":                  {corev1.PodSpec{Containers: []corev1.Container{{}}}, "0"},
	} {
		got := requestsOf(&corev1.Pod{Spec: test.spec})[corev1.ResourceCPU]
		if got.Cmp(resource.MustParse(test.want)) != 0 {
			t.Errorf("%s: %s, want %s", name, got.String(), test.want)
		}
	}
}

func TestAmount(t *testing.T) {
	for _, test := range []struct {
		quantity, want string
		name           corev1.ResourceName
	}{
		{"12", "12", corev1.ResourceCPU}, {"1250m", "1.25", corev1.ResourceCPU}, {"250m", "250m", corev1.ResourceCPU}, {"0", "0", corev1.ResourceCPU}, {"-300m", "-300m", corev1.ResourceCPU}, {"10", "10", corev1.ResourceCPU},
		{"15671348Ki", "14.9Gi", corev1.ResourceMemory}, {"3000Mi", "2.9Gi", corev1.ResourceMemory}, {"300Mi", "300Mi", corev1.ResourceMemory}, {"20Gi", "20Gi", corev1.ResourceMemory}, {"100", "100", corev1.ResourceMemory}, {"0", "0", corev1.ResourceMemory},
	} {
		if got := amount(resource.MustParse(test.quantity), test.name); got != test.want {
			t.Errorf("%s of %s is told as %s, want %s", test.quantity, test.name, got, test.want)
		}
	}
}

func TestMeantFor(t *testing.T) {
	for _, test := range []struct {
		volume, claim string
		want          bool
	}{
		{"redis-cart-pv", "redis-cart-pvc", true}, {"redis-cart-volume", "redis-cart", true}, {"prod-redis-cart-pv", "redis-cart-pvc", true},
		{"data-of-others", "data", false}, {"redis-cart2-pv", "redis-cart-pvc", false}, {"pvc-0b2f", "redis-cart-pvc", false}, {"pv", "pvc", false},
	} {
		volume, claim := &corev1.PersistentVolume{}, &corev1.PersistentVolumeClaim{}
		volume.Name, claim.Name = test.volume, test.claim
		if got := meantFor(volume, claim); got != test.want {
			t.Errorf("%s for %s: %t", test.volume, test.claim, got)
		}
	}
}
