// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/remediation"
)

var errLost = errors.New("the connection was lost")

// requests is a cluster of requests and Services.
type requests struct {
	client client.Client
	// lost: the answer of a create does not arrive, though it was made.
	lost bool
	// beforeCreate stands for a leader that is quicker.
	beforeCreate func(client.Client, client.Object)
}

func newRequests(t *testing.T, objects ...client.Object) (*requests, *remediation.Applier) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	r := &requests{}
	r.client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if r.beforeCreate != nil {
				r.beforeCreate(c, obj.DeepCopyObject().(client.Object))
			}
			if err := c.Create(ctx, obj, opts...); err != nil || !r.lost {
				return err
			}
			return errLost
		},
	}).Build()
	return r, &remediation.Applier{Client: r.client, Reader: r.client, Clock: clocktesting.NewFakePassiveClock(now)}
}

func (r *requests) children(t *testing.T) []v1alpha1.HealingRequest {
	t.Helper()
	var all v1alpha1.HealingRequestList
	if err := r.client.List(t.Context(), &all, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	return all.Items
}

func redis() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: "redis", UID: "redis-uid", Labels: map[string]string{v1alpha1.LabelMCPServer: "true"},
	}}
}

// waiting is a request that has a minute left.
func waiting() *v1alpha1.HealingRequest {
	return &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sandfly-001", UID: "parent"},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly"}},
		Status:     v1alpha1.HealingRequestStatus{Deadline: &metav1.MicroTime{Time: now.Add(time.Minute)}},
	}
}

var healRedis = v1alpha1.PlannedAction{
	Type: v1alpha1.ActionHealDependency, Dependency: "redis", Object: v1alpha1.ObjectReference{Kind: "Service", Name: "redis", UID: "redis-uid"},
}

func TestHealDependency(t *testing.T) {
	r, applier := newRequests(t, redis())
	result, err := applier.HealDependency(t.Context(), waiting(), 0, healRedis)
	if err != nil {
		t.Fatal(err)
	}
	all := r.children(t)
	if len(all) != 1 || !dependency.IsChild(&all[0], waiting()) || all[0].Spec.Timeout.Duration != 55*time.Second {
		t.Fatalf("requests %+v", all)
	}
	if result.State != v1alpha1.ActionApplied || result.AppliedAt == nil || result.Detail != "Healing Service redis first: HealingRequest "+all[0].Name {
		t.Errorf("result %+v", result)
	}
}

func TestHealDependencyIsAskedForOnce(t *testing.T) {
	t.Run("though the first answer was lost and the time for another has run out", func(t *testing.T) {
		r, applier := newRequests(t, redis())
		r.lost = true
		if _, err := applier.HealDependency(t.Context(), waiting(), 0, healRedis); !errors.Is(err, errLost) {
			t.Fatalf("error %v", err)
		}
		r.lost = false
		late := waiting()
		late.Status.Deadline.Time = now
		result, err := applier.HealDependency(t.Context(), late, 0, healRedis)
		if err != nil || result.State != v1alpha1.ActionApplied {
			t.Errorf("result %+v, error %v", result, err)
		}
		if all := r.children(t); len(all) != 1 {
			t.Errorf("%d requests", len(all))
		}
	})
	t.Run("beside a second leader", func(t *testing.T) {
		r, applier := newRequests(t, redis())
		r.beforeCreate = func(c client.Client, obj client.Object) {
			if err := c.Create(t.Context(), obj); err != nil {
				t.Error(err)
			}
		}
		result, err := applier.HealDependency(t.Context(), waiting(), 0, healRedis)
		if err != nil || result.State != v1alpha1.ActionApplied {
			t.Errorf("result %+v, error %v", result, err)
		}
		if all := r.children(t); len(all) != 1 {
			t.Errorf("%d requests", len(all))
		}
	})
	t.Run("and anew in the next attempt", func(t *testing.T) {
		r, applier := newRequests(t, redis())
		for attempt := range 2 {
			if _, err := applier.HealDependency(t.Context(), waiting(), attempt, healRedis); err != nil {
				t.Fatal(err)
			}
		}
		if all := r.children(t); len(all) != 2 {
			t.Errorf("%d requests", len(all))
		}
	})
}

func TestHealDependencyAsksForNothing(t *testing.T) {
	strangers := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: dependency.Name("parent", 0, "redis")}}
	tests := map[string]struct {
		parent  func(*v1alpha1.HealingRequest)
		objects []client.Object
		state   v1alpha1.ActionState
		detail  string
	}{
		"of a Service that is gone": {state: v1alpha1.ActionSkipped, detail: "Service redis is gone"},
		"of another Service of that name": {objects: []client.Object{func() client.Object {
			service := redis()
			service.UID = "another"
			return service
		}()}, state: v1alpha1.ActionSkipped, detail: "was deleted and created anew"},
		"of a Service that is not opted in any more": {objects: []client.Object{func() client.Object {
			service := redis()
			service.Labels = nil
			return service
		}()}, state: v1alpha1.ActionSkipped, detail: "is no longer opted in"},
		"of an ancestor": {objects: []client.Object{redis()}, parent: func(r *v1alpha1.HealingRequest) {
			r.Annotations = map[string]string{v1alpha1.AnnotationAncestors: "redis,api"}
		}, state: v1alpha1.ActionFailed, detail: "redis -> api -> sandfly -> redis"},
		"without the time for it": {objects: []client.Object{redis()}, parent: func(r *v1alpha1.HealingRequest) {
			r.Status.Deadline.Time = now.Add(14 * time.Second)
		}, state: v1alpha1.ActionFailed, detail: "of the time for the whole chain 9s is left"},
		"where a stranger has the name": {objects: []client.Object{redis(), strangers}, state: v1alpha1.ActionFailed, detail: "belongs to somebody else"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, applier := newRequests(t, test.objects...)
			before := len(r.children(t))
			parent := waiting()
			if test.parent != nil {
				test.parent(parent)
			}
			result, err := applier.HealDependency(t.Context(), parent, 0, healRedis)
			if err != nil || result.State != test.state || !strings.Contains(result.Detail, test.detail) {
				t.Errorf("result %+v, error %v", result, err)
			}
			if all := r.children(t); len(all) != before {
				t.Errorf("requests %+v", all)
			}
		})
	}
}

func TestDependencyHealedChangesNothing(t *testing.T) {
	r, applier := newRequests(t, redis())
	if result, err := applier.DependencyHealed(t.Context(), waiting(), 0, healRedis); result != nil || err != nil {
		t.Errorf("result %+v, error %v", result, err)
	}
	if all := r.children(t); len(all) > 0 {
		t.Errorf("requests %+v", all)
	}
}
