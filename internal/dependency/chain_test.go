// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dependency

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

var now = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

// root is a request of a person for a Service, with two minutes left.
func root(service string) *v1alpha1.HealingRequest {
	request := &v1alpha1.HealingRequest{}
	request.Namespace, request.Name, request.UID = "ns", service+"-001", types.UID("uid-"+service)
	request.Spec.TargetRef = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: service}
	request.Spec.RequestedBy, request.Spec.Mode = "anna", v1alpha1.ModeApproval
	request.Status.Deadline = &metav1.MicroTime{Time: now.Add(2 * time.Minute)}
	return request
}

// child is the request that a parent makes for a dependency, as the API server would store it.
func child(parent *v1alpha1.HealingRequest, service string) *v1alpha1.HealingRequest {
	request := New(parent, 0, service, now)
	request.UID = types.UID("uid-" + request.Name)
	request.Status.Deadline = &metav1.MicroTime{Time: now.Add(request.Spec.Timeout.Duration)}
	return request
}

func over(request *v1alpha1.HealingRequest, reason string) *v1alpha1.HealingRequest {
	request.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason}}
	return request
}

func leadsTo(request *v1alpha1.HealingRequest, workload types.UID) *v1alpha1.HealingRequest {
	request.Status.WorkloadRef = &v1alpha1.ObjectReference{Kind: "Deployment", UID: workload}
	return request
}

func list(requests ...*v1alpha1.HealingRequest) []v1alpha1.HealingRequest {
	var all []v1alpha1.HealingRequest
	for _, request := range requests {
		all = append(all, *request)
	}
	return all
}

func TestCycle(t *testing.T) {
	a := root("a")
	b := child(a, "b")
	c := child(b, "c")
	// Another chain that comes from the other end: x waits for y, y for a.
	x := root("x")
	y := child(x, "y")
	ya := child(y, "a")
	tests := map[string]struct {
		request  *v1alpha1.HealingRequest
		service  string
		requests []v1alpha1.HealingRequest
		want     []string
	}{
		"a chain":                       {c, "d", list(a, b, c), nil},
		"itself":                        {a, "a", list(a), []string{"a", "a"}},
		"its parent":                    {b, "a", list(a, b), []string{"a", "b", "a"}},
		"the first of the chain":        {c, "a", list(a, b, c), []string{"a", "b", "c", "a"}},
		"not the first":                 {c, "b", list(a, b, c), []string{"b", "c", "b"}},
		"known by the annotation alone": {c, "a", nil, []string{"a", "b", "c", "a"}},
		"two chains that meet":          {a, "x", list(a, x, y, ya), []string{"a", "x", "y", "a"}},
		"two chains that do not meet":   {a, "x", list(a, x, y), nil},
		"what is over waits for nobody": {a, "x", list(a, x, over(child(x, "a"), v1alpha1.ReasonHealed)), nil},
		"whose parent is over is waited for by nobody": {a, "x", list(a, over(root("x"), v1alpha1.ReasonDeadlineExceeded), child(x, "a")), nil},
		"another Service of the same workload": {
			b, "a-headless", list(leadsTo(root("a"), "w"), b, leadsTo(root("a-headless"), "w")), []string{"a", "b", "a"},
		},
		"a workload is healed by the name of its Service": {a, "b", func() []v1alpha1.HealingRequest {
			workload := root("b-workload")
			workload.Spec.TargetRef.Kind = v1alpha1.KindDeployment
			workload.Status.ServiceRef = &v1alpha1.ObjectReference{Name: "b"}
			return list(a, workload, child(workload, "a"))
		}(), []string{"a", "b", "a"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Cycle(test.request, test.service, test.requests)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// However requests come to wait for each other: as long as none is made that Cycle refuses, they do not wait in a ring.
func TestNoRingIsEverMade(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		requests := list(root("s0"), root("s1"), root("s2"), root("s3"))
		for range 20 {
			parent := requests[random.IntN(len(requests))]
			service := fmt.Sprintf("s%d", random.IntN(6))
			if Cycle(&parent, service, requests) != nil {
				continue
			}
			one := child(&parent, service)
			one.UID = types.UID(fmt.Sprintf("uid-%d", len(requests)))
			requests = append(requests, *one)
			w := waitsOf(requests)
			for from := range w.on {
				for _, next := range w.on[from] {
					if w.path(next, from, nil) != nil {
						t.Fatalf("seed %d: %s waits for itself by %s", seed, from, next)
					}
				}
			}
		}
	}
}

func TestChainIsBounded(t *testing.T) {
	request := root("a")
	request.Annotations = map[string]string{v1alpha1.AnnotationAncestors: strings.Repeat("x, ,", 100)}
	if got := Chain(request); len(got) != MaxDepth+1 {
		t.Errorf("%d in the chain", len(got))
	}
}

func TestNewChild(t *testing.T) {
	parent := child(root("a"), "b")
	got := New(parent, 2, "c", now)
	if got.Spec.Trigger != v1alpha1.TriggerDependency || got.Spec.RequestedBy != "anna" || got.Spec.Mode != v1alpha1.ModeApproval ||
		got.Spec.TargetRef != (v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "c"}) || got.Labels[v1alpha1.LabelTarget] != "c" {
		t.Errorf("child %+v", got)
	}
	if owner := got.OwnerReferences[0]; owner.UID != parent.UID || owner.Name != parent.Name || *owner.Controller || *owner.BlockOwnerDeletion || !IsChild(got, parent) {
		t.Errorf("owner %+v", owner)
	}
	if ancestors := got.Annotations[v1alpha1.AnnotationAncestors]; ancestors != "a,b" {
		t.Errorf("ancestors %q", ancestors)
	}
	// 120 s, less 5 s of the root's own and 5 s of b's.
	if got.Spec.Timeout.Duration != 110*time.Second {
		t.Errorf("timeout %s", got.Spec.Timeout.Duration)
	}
}

func TestName(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	for _, service := range []string{"postgres", strings.Repeat("a", 63), strings.Repeat("a", 253)} {
		name := Name("uid", 0, service)
		if !valid.MatchString(name) || len(name) > 253 || !strings.HasPrefix(name, service[:min(len(service), 200)]) {
			t.Errorf("name %q", name)
		}
		if name != Name("uid", 0, service) {
			t.Error("the name changes")
		}
	}
	names := []string{Name("uid", 0, "a"), Name("uid", 1, "a"), Name("uid2", 0, "a"), Name("uid", 0, "b"), Name("uid", 11, "a")}
	if slices.Sort(names); len(slices.Compact(names)) != 5 {
		t.Errorf("names %v", names)
	}
}

func TestRefusal(t *testing.T) {
	left := func(d time.Duration) *v1alpha1.HealingRequest {
		request := root("a")
		request.Status.Deadline = &metav1.MicroTime{Time: now.Add(d)}
		return request
	}
	fresh := root("a")
	fresh.Status.Deadline = nil
	deep := root("a")
	deep.Annotations = map[string]string{v1alpha1.AnnotationAncestors: "s1,s2,s3,s4,s5,s6,s7,s8,s9,s10,s11,s12,s13,s14,s15"}
	tests := map[string]struct {
		parent  *v1alpha1.HealingRequest
		service string
		want    string
	}{
		"time enough":  {left(15 * time.Second), "b", ""},
		"too little":   {left(15*time.Second - time.Millisecond), "b", "Service b is not healed first: a heal takes at least 10s, and of the time for the whole chain 10s is left"},
		"none":         {left(0), "b", "Service b is not healed first: a heal takes at least 10s, and of the time for the whole chain 0s is left"},
		"not taken up": {fresh, "b", "Service b is not healed first: a heal takes at least 10s, and of the time for the whole chain 0s is left"},
		"a cycle":      {left(time.Minute), "a", "the dependencies form a cycle, and none of them can be healed first: a -> a"},
		"too deep":     {deep, "b", "is as long as one may be (16)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Refusal(test.parent, test.service, nil, now)
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
