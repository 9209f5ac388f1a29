// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healingrequest_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/verification"
	"github.com/ry-ops/cortex/test/audit"
)

// underway is a heal by a running operator.
type underway struct {
	name string
	flow workflow
	want end
	w    *world

	request    *v1alpha1.HealingRequest
	generation int64
	// acting is held while the cluster acts: an undisturbed run never looks in the middle of that either.
	acting sync.RWMutex
}

// begin breaks the world as the workflow has it, starts an operator that sees it as its own, and asks for a heal.
func (u *underway) begin(ctx context.Context, own *world, config *rest.Config) {
	u.flow.mess(ctx, u.w)
	// The API keeps seconds: the pods that are there must be older than the fix.
	nextSecond()
	u.w.clock.SetTime(time.Now())
	u.generation = u.w.deployment(ctx).Generation
	manage(ctx, config, []string{u.w.namespace}, func(mgr ctrl.Manager) *healingrequest.Reconciler {
		operator := own.operator(mgr.GetClient())
		operator.Gatherer = wholeGatherer{operator.Gatherer, &u.acting}
		operator.Verifier = wholeVerifier{operator.Verifier, &u.acting}
		operator.Recorder = mgr.GetEventRecorder(v1alpha1.FieldManager)
		return operator
	})
	u.request = u.w.request(ctx, u.flow.spec)
}

// nextSecond waits for less than a second.
func nextSecond() {
	GinkgoHelper()
	now := time.Now().Unix()
	Eventually(func() int64 { return time.Now().Unix() }).WithTimeout(patience).WithPolling(10 * time.Millisecond).Should(BeNumerically(">", now))
}

type wholeGatherer struct {
	healingrequest.Gatherer
	acting *sync.RWMutex
}

func (g wholeGatherer) Gather(ctx context.Context, namespace string, target v1alpha1.TargetReference, observed *v1alpha1.ObservedError) (*snapshot.Snapshot, error) {
	g.acting.RLock()
	defer g.acting.RUnlock()
	return g.Gatherer.Gather(ctx, namespace, target, observed)
}

type wholeVerifier struct {
	healingrequest.Verifier
	acting *sync.RWMutex
}

func (v wholeVerifier) Verify(ctx context.Context, target verification.Target) (verification.Outcome, error) {
	v.acting.RLock()
	defer v.acting.RUnlock()
	return v.Verifier.Verify(ctx, target)
}

func (u *underway) look(ctx context.Context) *v1alpha1.HealingRequest {
	GinkgoHelper()
	Expect(u.w.Get(ctx, client.ObjectKeyFromObject(u.request), u.request)).To(Succeed())
	return u.request
}

// act lets the cluster, people and time do what they do.
func (u *underway) act(ctx context.Context) {
	u.acting.Lock()
	defer u.acting.Unlock()
	u.w.act(ctx, u.flow, u.look(ctx))
}

// until drives the heal on until something is so.
func (u *underway) until(so func() bool) {
	GinkgoHelper()
	Eventually(so).WithTimeout(patience).WithPolling(time.Second/5).Should(BeTrue(), "%s: %+v", u.name, &u.request.Status)
}

// endsAsWanted asserts that it came to the same end as an undisturbed one.
func (u *underway) endsAsWanted(ctx context.Context) {
	GinkgoHelper()
	Expect(u.w.end(ctx, u.look(ctx), u.generation)).To(Equal(u.want), u.name)
}

// together does something for all heals at once.
func together(all []*underway, do func(*underway)) {
	var heals sync.WaitGroup
	for _, one := range all {
		heals.Go(func() {
			defer GinkgoRecover()
			do(one)
		})
	}
	heals.Wait()
}

var _ = Describe("A watch that expires", func() {
	It("again and again, while the target changes and nobody watches, changes nothing about how a heal ends", func(ctx context.Context) {
		var heals []*underway
		for _, flow := range workflows() {
			if !flow.byHand {
				want, _ := undisturbed(ctx, flow)
				heals = append(heals, &underway{name: flow.name, flow: flow, want: want})
			}
		}
		var expired atomic.Int64
		together(heals, func(u *underway) {
			watches := &watches{}
			u.w = newWorld(ctx)
			u.begin(ctx, u.w, by(watches, restConfig))
			u.unwatched(ctx, watches)
			Eventually(watches.expired).WithTimeout(patience).Should(BeNumerically(">", 0), u.name)
			expired.Add(int64(watches.expired()))
		})
		for _, heal := range heals {
			heal.endsAsWanted(ctx)
		}
		AddReportEntry("expired watches", fmt.Sprintf("%d heals, %d watches", len(heals), expired.Load()))
	})

	It("does not hide that a request was deleted whose name another one has by now", func(ctx context.Context) {
		watches := &watches{}
		first := &underway{w: newWorld(ctx), flow: workflows()[0]}
		w := first.w
		first.begin(ctx, w, by(watches, restConfig))
		first.until(func() bool { return first.look(ctx).Status.Phase == v1alpha1.PhaseVerifying })
		second := &underway{w: w, request: w.request(ctx, nil)}
		second.until(func() bool { return second.look(ctx).Status.Phase == v1alpha1.PhaseBlocked })
		third := &underway{w: w, request: &v1alpha1.HealingRequest{Spec: first.request.Spec}}
		third.request.Namespace, third.request.Name = w.namespace, first.request.Name
		watches.gap(func() {
			Expect(w.Delete(ctx, first.request)).To(Succeed())
			nextSecond() // the third is younger than the second, and not its twin: it has to wait
			Expect(w.Create(ctx, third.request)).To(Succeed())
			w.settle(ctx)
		})
		second.until(func() bool { return second.look(ctx).Succeeded() })
		third.until(func() bool { return third.look(ctx).Succeeded() })
	})
})

// unwatched drives a heal to its end. All that the cluster, people and time do happens while no watch is open.
func (u *underway) unwatched(ctx context.Context, watches *watches) {
	acted := "" // the request as it was when they had done so last
	for {
		u.until(func() bool {
			phase := u.look(ctx).Status.Phase
			waits := phase == v1alpha1.PhaseVerifying || phase == v1alpha1.PhaseAwaitingApproval
			return u.request.Done() || waits && u.request.ResourceVersion != acted
		})
		if u.request.Done() {
			return
		}
		watches.gap(func() {
			deployment, now := u.w.deployment(ctx), u.w.clock.Now()
			u.act(ctx)
			if deployment.Generation == deployment.Status.ObservedGeneration && u.w.clock.Now().After(now) {
				// Time alone wakes nobody here.
				before := deployment.DeepCopy()
				deployment.Labels["somebody"] = "was-here"
				// Whatever the operator has written since: what woke it before the gap it may still be at work on.
				Expect(u.w.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
			}
			acted = u.look(ctx).ResourceVersion
		})
	}
}

// fragile is a control plane of its own, whose API server can be killed. Its etcd goes on.
type fragile struct {
	env   *envtest.Environment
	admin client.Client
	// operator is the config of the operator's own user.
	operator *rest.Config
	// health is where the API server tells how it is.
	health rest.Interface
	// pid is the file with the process ID of the API server.
	pid string
}

func newFragile(ctx context.Context) *fragile {
	GinkgoHelper()
	folder := GinkgoT().TempDir()
	f := &fragile{pid: filepath.Join(folder, "pid"), env: &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		CRDInstallOptions:     envtest.CRDInstallOptions{MaxTime: patience},
	}}
	// envtest keeps the process to itself.
	wrapper := filepath.Join(folder, "kube-apiserver")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >'%s'\nexec '%s/kube-apiserver' \"$@\"\n", f.pid, os.Getenv("KUBEBUILDER_ASSETS"))
	Expect(os.WriteFile(wrapper, []byte(script), 0o700)).To(Succeed())
	server := f.env.ControlPlane.GetAPIServer()
	server.Path, server.CertDir = wrapper, GinkgoT().TempDir()
	config, err := f.env.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(f.env.Stop)
	f.admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	clientset, err := kubernetes.NewForConfig(config)
	Expect(err).NotTo(HaveOccurred())
	f.health = clientset.Discovery().RESTClient()
	f.operator, err = audit.Account(ctx, f.env, f.admin, audit.Operator, manifests)
	Expect(err).NotTo(HaveOccurred())
	f.operator.QPS, f.operator.Burst = 1000, 1000
	return f
}

// kill ends the API server as a machine that fails does.
func (f *fragile) kill() {
	GinkgoHelper()
	text, err := os.ReadFile(f.pid)
	Expect(err).NotTo(HaveOccurred())
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	Expect(err).NotTo(HaveOccurred())
	Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
	Eventually(func() error {
		conn, err := net.Dial("tcp", f.env.ControlPlane.GetAPIServer().SecureServing.HostPort())
		if err == nil {
			conn.Close()
		}
		return err
	}).WithTimeout(patience).Should(MatchError(syscall.ECONNREFUSED))
}

// back starts the API server again, on the same port, and waits until it is well.
func (f *fragile) back(ctx context.Context) {
	GinkgoHelper()
	server := f.env.ControlPlane.GetAPIServer()
	server.Args = nil //nolint:staticcheck // they hold what it was started with, and would be given twice
	Expect(server.Start()).To(Succeed())
	// It is healthy before it has read the roles, and an Event that it refuses is given up by client-go.
	Eventually(func() error { return f.health.Get().AbsPath("/readyz").Do(ctx).Error() }).WithTimeout(patience).Should(Succeed())
}

var _ = Describe("An API server that is killed and comes back", func() {
	// Without leader election: a lease that cannot be renewed in time ends the operator's process, and what a new one makes of each
	// moment is tried where operators die. Here one process goes on, with all that is in its memory and its caches.
	It("at any moment of a heal changes nothing about how it ends, and what is told of it is told once", func(ctx context.Context) {
		server := newFragile(ctx)
		var heals []*underway
		moments := map[*underway]*standstill{}
		for _, flow := range workflows() {
			if flow.name != "scaled to zero" && flow.name != "crash loop, mended by a restart" {
				continue
			}
			want, _ := undisturbed(ctx, flow)
			add := func(when string, moment *standstill) {
				heal := &underway{name: flow.name + ", " + when, flow: flow, want: want}
				moments[heal] = moment
				heals = append(heals, heal)
			}
			for n := 1; n <= audit.MaxWrites; n++ {
				add(fmt.Sprintf("before write %d", n), newStandstill(n, false))
				add(fmt.Sprintf("after write %d", n), newStandstill(n, true))
			}
			add("while it is verified", newStandstill(0, false))
		}
		together(heals, func(u *underway) {
			u.w = newWorldIn(ctx, server.admin)
			direct, err := client.New(server.operator, client.Options{Scheme: scheme})
			Expect(err).NotTo(HaveOccurred())
			own := &world{Client: direct, namespace: u.w.namespace, clock: u.w.clock, server: u.w.server}
			u.begin(ctx, own, by(moments[u], server.operator))
			u.reach(ctx, moments[u])
		})
		server.kill()
		for _, moment := range moments {
			close(moment.cut)
		}
		server.back(ctx)
		for _, moment := range moments {
			close(moment.well)
		}
		together(heals, func(u *underway) {
			u.until(func() bool {
				u.act(ctx)
				return u.request.Done()
			})
			// One whose answer was lost midway is sent and answered again.
			Eventually(moments[u].answered).WithTimeout(patience).Should(BeNumerically(">=", 2), "the Events of %s", u.name)
		})
		for _, heal := range heals {
			heal.endsAsWanted(ctx)
			heal.toldOnce(ctx)
		}
		AddReportEntry("API server killed", fmt.Sprintf("%d cases", len(heals)))
	})
})

// reach drives a heal to a moment.
func (u *underway) reach(ctx context.Context, moment *standstill) {
	u.until(func() bool {
		if moment.n == 0 {
			return u.look(ctx).Status.Phase == v1alpha1.PhaseVerifying
		}
		if !closed(moment.reached) {
			u.act(ctx)
		}
		return closed(moment.reached)
	})
}

// toldOnce asserts that the end of a heal was told once of the request and once of the Service, and nothing else was.
func (u *underway) toldOnce(ctx context.Context) {
	GinkgoHelper()
	var told eventsv1.EventList
	Expect(u.w.List(ctx, &told, client.InNamespace(u.w.namespace))).To(Succeed())
	var of []string
	for _, event := range told.Items {
		if !ours(&event) {
			continue
		}
		Expect(event.Series).To(BeNil(), u.name)
		of = append(of, event.Regarding.Kind+" "+event.Reason)
	}
	Expect(of).To(ConsistOf("HealingRequest "+u.want.Reason, "Service "+u.want.Reason), u.name)
}
