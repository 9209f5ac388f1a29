// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
	"github.com/ry-ops/cortex/internal/gather"
	"github.com/ry-ops/cortex/internal/remediation"
)

// storm is many towns under one operator, in real time. It plays their Deployment controller, and notes when changes begin and end.
type storm struct {
	towns   []*town
	byName  map[string]*town
	mutex   sync.Mutex
	moments []moment
	// changed and over are the workloads whose change was noted, and the requests whose end was.
	changed, over map[client.ObjectKey]bool
}

func newStorm(ctx context.Context) *storm {
	s := &storm{byName: map[string]*town{}, changed: map[client.ObjectKey]bool{}, over: map[client.ObjectKey]bool{}}
	for range stormTowns {
		town := newTown(ctx)
		for i := range stormHouses {
			town.build(ctx, fmt.Sprintf("down-%02d", i)).atZero = true
		}
		s.towns = append(s.towns, town)
		s.byName[town.namespace] = town
		// Other worlds list the requests of all namespaces.
		DeferCleanup(func(ctx context.Context) error {
			return town.DeleteAllOf(ctx, &v1alpha1.HealingRequest{}, client.InNamespace(town.namespace))
		})
	}
	return s
}

// found builds all that was declared.
func (s *storm) found(ctx context.Context) {
	for _, town := range s.towns {
		inParallel(town.houses, func(h *house) {
			town.found(ctx, h)
			town.settleHouse(ctx, h)
		})
	}
}

// strike asks for a heal of each house that is down, under its name.
func (s *storm) strike(ctx context.Context) {
	for _, town := range s.towns {
		inParallel(town.houses, func(h *house) {
			if h.atZero {
				Expect(town.Create(ctx, &v1alpha1.HealingRequest{
					ObjectMeta: metav1.ObjectMeta{Namespace: town.namespace, Name: h.name},
					Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: h.name}},
				})).To(Succeed())
			}
		})
	}
}

// run starts an operator for all towns, which is the operator's user and has the time of the day, and what else happens in them.
func (s *storm) run(ctx context.Context, config *rest.Config) {
	namespaces := make([]string, 0, len(s.towns))
	for _, town := range s.towns {
		namespaces = append(namespaces, town.namespace)
	}
	direct, err := client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	own := &world{Client: direct, server: s.towns[0].server}
	manage(ctx, config, namespaces, func(mgr ctrl.Manager) *healingrequest.Reconciler {
		operator := own.operator(mgr.GetClient())
		operator.Clock = clock.RealClock{}
		operator.Gatherer = &gather.Gatherer{Reader: own, Logs: own, Prober: own, Clock: operator.Clock}
		operator.Applier = &remediation.Applier{Client: operator.Client, Reader: own, Clock: operator.Clock}
		operator.Recorder = mgr.GetEventRecorder(v1alpha1.FieldManager)
		return operator
	})
	s.play(ctx)
}

// play is the Deployment controller: workers that settle what a watch says was changed.
func (s *storm) play(ctx context.Context) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	due := make(chan *appsv1.Deployment, stormTowns*(stormHouses+stormWell))
	var players sync.WaitGroup
	play := func(part func()) {
		players.Go(func() {
			defer GinkgoRecover()
			part()
		})
	}
	deployments, requests := follow(running, &appsv1.DeploymentList{}), follow(running, &v1alpha1.HealingRequestList{})
	play(func() {
		defer close(due)
		for event := range deployments {
			deployment, ok := event.Object.(*appsv1.Deployment)
			if ok && s.byName[deployment.Namespace] != nil && deployment.Generation > deployment.Status.ObservedGeneration {
				s.begins(deployment)
				due <- deployment
			}
		}
	})
	play(func() {
		for event := range requests {
			if request, ok := event.Object.(*v1alpha1.HealingRequest); ok && s.byName[request.Namespace] != nil {
				s.ends(request)
			}
		}
	})
	for range 4 {
		play(func() {
			for deployment := range due {
				town := s.byName[deployment.Namespace]
				for _, house := range town.houses {
					if house.name == deployment.Name && running.Err() == nil {
						town.settleHouse(context.WithoutCancel(running), house) // what it has begun, it ends
					}
				}
			}
		})
	}
	DeferCleanup(func() {
		stop()
		players.Wait()
	})
}

// follow gives each change of all objects of a kind from now on. A watch alone does not: the API server ends one whose client does not
// keep up.
func follow(ctx context.Context, kind client.ObjectList) <-chan watch.Event {
	GinkgoHelper()
	api, err := client.NewWithWatch(restConfig, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	Expect(api.List(ctx, kind)).To(Succeed())
	watcher, err := toolswatch.NewRetryWatcherWithContext(ctx, kind.GetResourceVersion(), &toolscache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return api.Watch(ctx, kind, &client.ListOptions{Raw: &options})
		},
	})
	Expect(err).NotTo(HaveOccurred())
	return watcher.ResultChan()
}

// begins notes a change that bears the stamp of a request.
func (s *storm) begins(deployment *appsv1.Deployment) {
	if uid, _, _ := strings.Cut(deployment.Annotations[v1alpha1.AnnotationAppliedBy], "/"); uid != "" {
		s.note(s.changed, deployment, true)
	}
}

// ends notes that a request which changed something is over.
func (s *storm) ends(request *v1alpha1.HealingRequest) {
	if changedAndOver(request) {
		s.note(s.over, request, false)
	}
}

func changedAndOver(request *v1alpha1.HealingRequest) bool {
	return request.Done() && request.Status.FixApplied != ""
}

// unseen are the requests that changed something and are over, and whose end was not noted yet.
func (s *storm) unseen(ctx context.Context) []client.ObjectKey {
	var unseen []client.ObjectKey
	for _, town := range s.towns {
		for _, requests := range town.requests(ctx) {
			for _, request := range requests {
				s.mutex.Lock()
				if key := client.ObjectKeyFromObject(request); changedAndOver(request) && !s.over[key] {
					unseen = append(unseen, key)
				}
				s.mutex.Unlock()
			}
		}
	}
	return unseen
}

func (s *storm) note(noted map[client.ObjectKey]bool, obj client.Object, begins bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key := client.ObjectKeyFromObject(obj)
	if noted[key] {
		return
	}
	noted[key] = true
	version, err := strconv.ParseUint(obj.GetResourceVersion(), 10, 64)
	Expect(err).NotTo(HaveOccurred())
	s.moments = append(s.moments, moment{version: version, namespace: obj.GetNamespace(), begins: begins})
}
