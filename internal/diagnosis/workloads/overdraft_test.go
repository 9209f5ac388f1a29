// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestParseOverdraft(t *testing.T) {
	for text, want := range map[string]string{
		`pods "x" is forbidden: exceeded quota: cpu, requested: requests.cpu=1, used: requests.cpu=10, limited: requests.cpu=1`:                                                                    "cpu [requests.cpu 1 10 1]",
		`(combined from similar events): Error creating: pods "x-abc" is forbidden: exceeded quota: q, requested: limits.cpu=500m,pods=1, used: limits.cpu=2,pods=3, limited: limits.cpu=2,pods=3`: "q [limits.cpu 500m 2 2] [pods 1 3 3]",
		`exceeded quota: q, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=0, limited: requests.nvidia.com/gpu=0`:                                                             "q [requests.nvidia.com/gpu 1 0 0]",
		`exceeded quota: q, requested: requests.memory=300Mi, used: requests.memory=3000Mi, limited: requests.memory=3Gi`:                                                                          "q [requests.memory 300Mi 3000Mi 3Gi]",
		`exceeded quota: q, requested: pods=1, used: pods=x, limited: pods=1`:                                                                                                                      "q [pods 1 0 1]",
		`exceeded quota: q, requested: pods=1, used: pods=1, limited: services=1`:                                                                                                                  "",
		`exceeded quota: q, requested: pods=1, used:`:                                                                                                                                              "",
		`exceeded quota`: "",
		`failed quota: q: must specify requests.cpu for: c`: "",
		``: "",
	} {
		quota, lacks, ok := parseOverdraft(text)
		var told []string
		for _, c := range lacks {
			told = append(told, fmt.Sprintf(" [%s %s %s %s]", c.resource, &c.asked, &c.used, &c.hard))
		}
		if got := quota + strings.Join(told, ""); ok != (want != "") || ok && got != want {
			t.Errorf("%q:\n got %q %t\nwant %q", text, got, ok, want)
		}
	}
}

// FuzzParseOverdraft holds that what is believed stands in the text.
func FuzzParseOverdraft(f *testing.F) {
	f.Add(`exceeded quota: cpu, requested: requests.cpu=1, used: requests.cpu=10, limited: requests.cpu=1`)
	f.Add(`exceeded quota: q, requested: a=1,b=2,, used: a=1e99999,b=-1, limited: a=,b=9`)
	f.Fuzz(func(t *testing.T, text string) {
		quota, lacks, ok := parseOverdraft(text)
		if ok != (len(lacks) > 0) || !strings.Contains(text, quota) {
			t.Errorf("%q: %q %v %t", text, quota, lacks, ok)
		}
		for _, c := range lacks {
			if c.resource == "" || !strings.Contains(text, string(c.resource)+"=") {
				t.Errorf("%q is not in %q", c.resource, text)
			}
			_, _ = c.tell("one pod"), c.room(1)
		}
	})
}

func list(pairs string) corev1.ResourceList { return parseResources(pairs) }

func TestFootprint(t *testing.T) {
	sidecar := ptr.To(corev1.ContainerRestartPolicyAlways)
	container := func(requests, limits string) corev1.Container {
		return corev1.Container{Resources: corev1.ResourceRequirements{Requests: list(requests), Limits: list(limits)}}
	}
	restartable := container("cpu=100m", "")
	restartable.RestartPolicy = sidecar
	defaults := []corev1.LimitRange{{Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, DefaultRequest: list("cpu=250m"), Default: list("cpu=500m")}}}}}
	for name, test := range map[string]struct {
		spec   corev1.PodSpec
		ranges []corev1.LimitRange
		want   string
	}{
		"nothing is asked for":      {spec: corev1.PodSpec{Containers: []corev1.Container{{}}}, want: "pods=1,count/pods=1"},
		"containers add up":         {spec: corev1.PodSpec{Containers: []corev1.Container{container("cpu=1", ""), container("cpu=500m", "")}}, want: "cpu=1500m,requests.cpu=1500m"},
		"a limit is a request":      {spec: corev1.PodSpec{Containers: []corev1.Container{container("", "memory=1Gi")}}, want: "requests.memory=1Gi,memory=1Gi,limits.memory=1Gi"},
		"the range defaults":        {spec: corev1.PodSpec{Containers: []corev1.Container{{}}}, ranges: defaults, want: "requests.cpu=250m,limits.cpu=500m"},
		"the template wins":         {spec: corev1.PodSpec{Containers: []corev1.Container{container("cpu=2", "")}}, ranges: defaults, want: "requests.cpu=2,limits.cpu=500m"},
		"the largest init counts":   {spec: corev1.PodSpec{InitContainers: []corev1.Container{container("cpu=3", ""), container("cpu=2", "")}, Containers: []corev1.Container{container("cpu=1", "")}}, want: "requests.cpu=3"},
		"a sidecar stays":           {spec: corev1.PodSpec{InitContainers: []corev1.Container{restartable, container("cpu=3", "")}, Containers: []corev1.Container{container("cpu=1", "")}}, want: "requests.cpu=3100m"},
		"extended resources":        {spec: corev1.PodSpec{Containers: []corev1.Container{container("", "nvidia.com/gpu=2")}}, want: "requests.nvidia.com/gpu=2"},
		"resources of the pod":      {spec: corev1.PodSpec{Containers: []corev1.Container{container("cpu=1", "")}, Resources: &corev1.ResourceRequirements{Requests: list("cpu=4")}}, want: "requests.cpu=4"},
		"the overhead of a runtime": {spec: corev1.PodSpec{Containers: []corev1.Container{container("cpu=1", "")}, Overhead: list("cpu=100m")}, want: "requests.cpu=1100m"},
	} {
		takes := footprint(&test.spec, test.ranges)
		for name2, want := range list(test.want) {
			if got := takes[name2]; got.Cmp(want) != 0 {
				t.Errorf("%s: %s is %s, want %s", name, name2, &got, &want)
			}
		}
	}
}

func TestCovers(t *testing.T) {
	scope := func(name corev1.ResourceQuotaScope, op corev1.ScopeSelectorOperator, values ...string) corev1.ResourceQuota {
		return corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{ScopeSelector: &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{{ScopeName: name, Operator: op, Values: values}}}}}
	}
	spec := &corev1.PodSpec{PriorityClassName: "high", Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list("cpu=1")}}}}
	for name, test := range map[string]struct {
		quota corev1.ResourceQuota
		want  bool
	}{
		"no scope":              {corev1.ResourceQuota{}, true},
		"not best effort":       {corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Scopes: []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeNotBestEffort, corev1.ResourceQuotaScopeNotTerminating}}}, true},
		"best effort":           {corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Scopes: []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeBestEffort}}}, false},
		"terminating":           {corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Scopes: []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeTerminating}}}, false},
		"its class":             {scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpIn, "high"), true},
		"another class":         {scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpIn, "low"), false},
		"not its class":         {scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpNotIn, "high"), false},
		"any class":             {scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpExists), true},
		"no class":              {scope(corev1.ResourceQuotaScopePriorityClass, corev1.ScopeSelectorOpDoesNotExist), false},
		"a scope of tomorrow":   {scope("Tomorrow", corev1.ScopeSelectorOpExists), false},
		"affinity to elsewhere": {scope(corev1.ResourceQuotaScopeCrossNamespacePodAffinity, corev1.ScopeSelectorOpExists), false},
	} {
		if got := covers(&test.quota, spec, nil); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestRoomIsWrittenAsAPersonWould(t *testing.T) {
	for want, c := range map[string]charge{
		"12":     {"requests.cpu", resource.MustParse("1"), resource.MustParse("10"), resource.MustParse("1")},
		"3600Mi": {"requests.memory", resource.MustParse("300Mi"), resource.MustParse("3000Mi"), resource.MustParse("3Gi")},
		"2Gi":    {"requests.storage", resource.MustParse("1Gi"), resource.MustParse("0"), resource.MustParse("500Mi")},
		"1":      {"requests.cpu", resource.MustParse("500m"), resource.Quantity{}, resource.MustParse("0")},
	} {
		if got := c.room(2); got != want {
			t.Errorf("%s: %q, want %q", c.resource, got, want)
		}
	}
}

func TestHardOfIsTheStatus(t *testing.T) {
	q := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}, Spec: corev1.ResourceQuotaSpec{Hard: list("pods=1")}}
	if hard := hardOf(q)["pods"]; hard.Value() != 1 {
		t.Error("a quota without status has the limits of its spec")
	}
	q.Status.Hard = list("pods=5")
	if hard := hardOf(q)["pods"]; hard.Value() != 5 {
		t.Error("the admission goes by the status")
	}
}

func TestTight(t *testing.T) {
	for name, test := range map[string]struct {
		hard, used string
		want       bool
	}{
		"512Mi left":          {"requests.storage=10Gi", "requests.storage=9728Mi", true},
		"room":                {"requests.storage=10Gi", "requests.storage=1Gi", false},
		"storage is no limit": {"pods=1", "pods=1", false},
	} {
		q := &corev1.ResourceQuota{Status: corev1.ResourceQuotaStatus{Hard: list(test.hard), Used: list(test.used)}}
		if got := tight(q); (len(got) > 0) != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
