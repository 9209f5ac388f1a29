// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/policy"
	"github.com/ry-ops/cortex/test/audit"
)

// What fails in the storm: 300 Services, evenly over so many towns that those whose brake does not hold want more places
// than there are in all.
const (
	stormTowns  = 6
	stormHouses = 50
	stormWell   = 60 // of the town that stays below the share of the brake: 50 of 110 are 45%
	stormHeld   = 20 // of the halted town, when some of it is back: 40%, where the brake would not take hold
	stormLeft   = 12 // of the halted town, when most of it is back: 24%, where the brake lets go at 25%
	// stormPatience is for a busy machine. The whole takes about 90 s, half of them in wait for a recheck.
	stormPatience = 8 * time.Minute
)

var _ = Describe("A storm of failures", Label("storm"), Ordered, func() {
	var (
		config      *rest.Config
		s           *storm
		halted      *town
		open        []*town
		generations map[client.ObjectKey]int64
		all         = policy.Default().Limits
	)

	BeforeAll(func(ctx context.Context) {
		var err error
		config, err = audit.Account(ctx, env, k8sClient, audit.Operator, manifests)
		Expect(err).NotTo(HaveOccurred())
		// The operator's own bounds only make it slower: with 50 in a second it takes two minutes.
		config.QPS, config.Burst = 1000, 1000
		s = newStorm(ctx)
		halted, open = s.towns[0], s.towns[1:]
		for range stormWell { // one town has the default brake, and more that works than does not
			open[0].build(ctx, fmt.Sprintf("well-%02d", len(open[0].houses)))
		}
		for _, town := range open[1:] {
			town.neverHalt(ctx)
		}
		s.found(ctx)
		s.run(ctx, config)
		generations = s.generations(ctx)
		s.strike(ctx)
	})

	AfterEach(func(ctx context.Context) {
		// At every moment that the API server knows: it numbers its writes. An end that the watch has not shown yet would look
		// like a change that goes on.
		Eventually(s.unseen).WithArguments(ctx).WithTimeout(stormPatience).WithPolling(time.Second / 4).Should(BeEmpty())
		inTown, inAll := s.atOnce()
		AddReportEntry("changes at once", fmt.Sprintf("%d in a namespace, %d in all", inTown, inAll))
		Expect(inTown).To(BeNumerically("<=", all.MaxConcurrentPerNamespace))
		Expect(inAll).To(BeNumerically("<=", all.MaxConcurrent))
	})

	It("heals what may be healed, within the limits, and holds the brake where all is down", func(ctx context.Context) {
		for _, town := range open {
			Eventually(town.ends).WithArguments(ctx).WithTimeout(stormPatience).WithPolling(time.Second/4).
				Should(Equal(map[string]int{v1alpha1.ReasonHealed: stormHouses}), "nothing is starved in %s", town.namespace)
		}
		Eventually(halted.ends).WithArguments(ctx).WithTimeout(stormPatience).WithPolling(time.Second / 4).
			Should(Equal(map[string]int{v1alpha1.ReasonStormBrake: stormHouses}))
		for key, generation := range s.generations(ctx) {
			change := int64(1)
			if key.Namespace == halted.namespace || strings.HasPrefix(key.Name, "well") {
				change = 0
			}
			Expect(generation-generations[key]).To(Equal(change), "changes of %s", key)
		}
		s.cost(open...)
	})

	It("heals the rest when most of the halted town is back, and not before", func(ctx context.Context) {
		for _, left := range []int{stormHeld, stormLeft} {
			inParallel(halted.houses[left:], func(h *house) { halted.comeBack(ctx, h.name) })
			end := v1alpha1.ReasonStormBrake
			if left == stormLeft {
				end = v1alpha1.ReasonHealed
			}
			Eventually(halted.ends).WithArguments(ctx).WithTimeout(stormPatience).WithPolling(time.Second / 4).
				Should(Equal(map[string]int{v1alpha1.ReasonHealthy: stormHouses - left, end: left}))
		}
		for key, generation := range s.generations(ctx) {
			if key.Namespace == halted.namespace {
				Expect(generation-generations[key]).To(BeEquivalentTo(1), "changes of %s", key)
			}
		}
		s.cost(halted)
	})
})

// neverHalt makes a policy that lets heals go on however much is down.
func (t *town) neverHalt(ctx context.Context) {
	Expect(t.Create(ctx, &v1alpha1.HealingPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "never-halt"},
		Spec: v1alpha1.HealingPolicySpec{Limits: &v1alpha1.Limits{
			StormBrake: &v1alpha1.StormBrake{UnhealthyPercent: ptr.To[int32](100)},
		}},
	})).To(Succeed())
}

// comeBack is what the cluster does by itself: somebody else scales a Deployment.
func (t *town) comeBack(ctx context.Context, name string) {
	deployment := t.live(ctx, name)
	if *deployment.Spec.Replicas == 0 {
		deployment.Spec.Replicas = ptr.To[int32](1)
		Expect(t.Update(ctx, deployment)).To(Succeed())
	}
}

// ends counts the requests of a town by how they ended, or why they are held back, or by their phase.
func (t *town) ends(ctx context.Context) map[string]int {
	ends := map[string]int{}
	for _, requests := range t.requests(ctx) {
		for _, request := range requests {
			end := string(request.DerivePhase())
			for _, condition := range request.Status.Conditions {
				held := condition.Type == v1alpha1.ConditionPlanned && end == string(v1alpha1.PhaseBlocked)
				if held || condition.Type == v1alpha1.ConditionComplete {
					end = condition.Reason
				}
			}
			ends[end]++
		}
	}
	return ends
}

// generations are those of all Deployments.
func (s *storm) generations(ctx context.Context) map[client.ObjectKey]int64 {
	generations := map[client.ObjectKey]int64{}
	for _, town := range s.towns {
		var deployments appsv1.DeploymentList
		Expect(town.List(ctx, &deployments, client.InNamespace(town.namespace))).To(Succeed())
		for i := range deployments.Items {
			generations[client.ObjectKeyFromObject(&deployments.Items[i])] = deployments.Items[i].Generation
		}
	}
	return generations
}

// cost asserts what the heals of towns have cost, by the API server's own audit log, and reports it.
func (s *storm) cost(towns ...*town) {
	GinkgoHelper()
	total, most, heals, kinds := 0, audit.Count{}, 0, audit.Count{}
	for _, town := range towns {
		entries := asked().In(town.namespace)
		of := map[string]audit.Entries{}
		for _, entry := range entries {
			// The request and what it heals have one name, and an Event is named after what it is of.
			name, _, _ := strings.Cut(entry.Name, ".")
			of[name] = append(of[name], entry)
		}
		for _, house := range town.houses {
			if !house.atZero {
				Expect(of[house.name].Writes()).To(BeEmpty(), house.name)
				continue
			}
			writes := of[house.name].Writes()
			heals++
			total += writes.Total()
			for what, n := range writes {
				kinds[what] += n
			}
			if writes.Total() > most.Total() {
				most = writes
			}
		}
	}
	AddReportEntry("writes per heal", fmt.Sprintf("of %d heals: mean %.2f, most %s; in all %s", heals, float64(total)/float64(heals), most, kinds))
	Expect(total).To(Equal(kinds.Total()))
	Expect(most.Total()).To(BeNumerically("<=", audit.MaxWrites), most.String())
}

// moment is a change that began or ended, as the API server numbers it.
type moment struct {
	version   uint64
	namespace string
	begins    bool
}

// atOnce is how many changes were under way at once at most, in one namespace and in all: from the write of a Deployment to that of
// the end of its request.
func (s *storm) atOnce() (inTown, inAll int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	slices.SortFunc(s.moments, func(a, b moment) int { return cmp.Compare(a.version, b.version) })
	underway := map[string]int{}
	sum := 0
	for _, moment := range s.moments {
		step := -1
		if moment.begins {
			step = 1
		}
		sum += step
		underway[moment.namespace] += step
		inTown, inAll = max(inTown, underway[moment.namespace]), max(inAll, sum)
	}
	return inTown, inAll
}
