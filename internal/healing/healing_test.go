// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package healing_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/kube"
)

const service = "sandfly-mcp-server"

// replica is one gateway: its own client, cache and Healer.
type replica struct {
	*healing.Healer
	healing.Requests
	creates atomic.Int32
	// told counts the steps that all callers together were told.
	told atomic.Int32
	// hold, if set, keeps every create waiting until it is closed.
	hold chan struct{}

	mu          sync.Mutex
	connections []net.Conn
}

// cut closes all connections to the API server, so that every watch has to be established again.
func (r *replica) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, connection := range r.connections {
		_ = connection.Close()
	}
	r.connections = nil
}

func (r *replica) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.connections = append(r.connections, connection)
	return connection, err
}

func newReplica(namespace string, takeUp time.Duration) *replica {
	GinkgoHelper()
	r := &replica{}
	own := rest.CopyConfig(config)
	own.Dial = r.dial
	api, err := kube.Client(own, v1alpha1.GroupVersion, &v1alpha1.HealingRequest{}, &v1alpha1.HealingRequestList{})
	Expect(err).NotTo(HaveOccurred())
	r.Requests = healing.At(api)
	watch := kube.Informer(api, healing.Resource, &v1alpha1.HealingRequest{}, namespace, nil)
	r.Healer, err = healing.New(healing.Options{Requests: r, Watch: watch, TakeUp: takeUp, Clock: clock.RealClock{}, Log: logr.Discard()})
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { watch.RunWithContext(ctx) })
	DeferCleanup(func() { cancel(); running.Wait() })
	Expect(toolscache.WaitFor(ctx, "", watch.HasSyncedChecker())).To(BeTrue())
	return r
}

// Create implements healing.Requests.
func (r *replica) Create(ctx context.Context, request *v1alpha1.HealingRequest) (*v1alpha1.HealingRequest, error) {
	r.creates.Add(1)
	if r.hold != nil {
		<-r.hold
	}
	return r.Requests.Create(ctx, request)
}

// heard is what one caller was told.
type heard struct {
	messages []string
	outcome  healing.Outcome
	err      error
}

func (r *replica) heal(ctx context.Context, namespace string, started time.Time) heard {
	var h heard
	h.outcome, h.err = r.Heal(ctx, failure(namespace, started), func(entry v1alpha1.ProgressEntry) {
		h.messages = append(h.messages, entry.Message)
		r.told.Add(1)
	})
	return h
}

// manyTools are more than a request takes, each of them longer.
func manyTools() []string {
	tools := make([]string, 200)
	for i := range tools {
		tools[i] = fmt.Sprintf("tool-%03d-%s", i, strings.Repeat("x", 200))
	}
	return tools
}

func failure(namespace string, started time.Time) healing.Failure {
	return healing.Failure{
		Service: types.NamespacedName{Namespace: namespace, Name: service}, CallStarted: started, RequestedBy: "test", Task: "task-1",
		Error: v1alpha1.ObservedError{Class: v1alpha1.ErrorConnectionRefused, Message: "dial tcp: connection\x1b[31m refused\n", Endpoint: "http://10.0.0.1:3000/mcp", Tool: "list_hosts"},
		Tools: append(manyTools(), "list_hosts", "evil\x1b[31m name", "list_hosts", ""),
	}
}

// operator plays the operator on one request.
type operator struct {
	ctx context.Context
	key types.NamespacedName
}

func (o operator) write(change func(*v1alpha1.HealingRequestStatus)) {
	GinkgoHelper()
	var request v1alpha1.HealingRequest
	Expect(api.Get(o.ctx, o.key, &request)).To(Succeed())
	before := request.DeepCopy()
	change(&request.Status)
	Expect(api.Status().Patch(o.ctx, &request, client.MergeFrom(before))).To(Succeed())
}

func (o operator) say(messages ...string) {
	GinkgoHelper()
	o.write(func(status *v1alpha1.HealingRequestStatus) {
		now := metav1.NowMicro()
		if status.StartedAt == nil {
			status.StartedAt = &now
		}
		for _, message := range messages {
			status.Progress = append(status.Progress, v1alpha1.ProgressEntry{Time: now, Phase: v1alpha1.PhaseDiagnosing, Message: message})
		}
	})
}

func (o operator) finish(reason string, at time.Time) {
	GinkgoHelper()
	o.write(func(status *v1alpha1.HealingRequestStatus) {
		completed := metav1.NewMicroTime(at)
		status.StartedAt, status.CompletedAt = &completed, &completed
		status.FixApplied = "Scaled Deployment from 0 to 1"
		status.Diagnosis = "scaled to zero"
		meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: reason})
	})
}

func list(ctx context.Context, namespace string) []v1alpha1.HealingRequest {
	GinkgoHelper()
	var requests v1alpha1.HealingRequestList
	Expect(api.List(ctx, &requests, client.InNamespace(namespace))).To(Succeed())
	return requests.Items
}

func create(ctx context.Context, namespace, name string) operator {
	GinkgoHelper()
	Expect(api.Create(ctx, &v1alpha1.HealingRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: service}},
	})).To(Succeed())
	return operator{ctx, types.NamespacedName{Namespace: namespace, Name: name}}
}

// asking starts a caller and gives a channel with what it was told.
func asking(ask func() heard) <-chan heard {
	told := make(chan heard, 1)
	go func() { told <- ask() }()
	return told
}

var _ = Describe("Healer", func() {
	var namespace string
	var first operator

	BeforeEach(func(ctx SpecContext) {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "healing-"}}
		Expect(api.Create(ctx, ns)).To(Succeed())
		namespace = ns.Name
		first = operator{context.Background(), types.NamespacedName{Namespace: namespace, Name: service + "-001"}}
	})

	recorded := func(ctx context.Context) {
		GinkgoHelper()
		Eventually(ctx, func() []v1alpha1.HealingRequest { return list(ctx, namespace) }).ShouldNot(BeEmpty())
	}

	It("shares one request among 200 callers on two replicas, who all hear every step once and in order", func(ctx SpecContext) {
		replicas := []*replica{newReplica(namespace, time.Minute), newReplica(namespace, time.Minute)}
		started, gate := time.Now(), make(chan struct{})
		told := make([]<-chan heard, 200)
		for i := range told {
			told[i] = asking(func() heard {
				<-gate
				return replicas[i%2].heal(ctx, namespace, started)
			})
		}
		close(gate)
		recorded(ctx)
		var want []string
		for i := range 30 {
			want = append(want, fmt.Sprintf("step %d", i))
			first.say(want[i])
		}
		// Whoever came after the end would be told that alone.
		Eventually(ctx, func() int32 { return replicas[0].told.Load() + replicas[1].told.Load() }).Should(BeNumerically(">=", len(told)*len(want)))
		first.finish(v1alpha1.ReasonHealed, time.Now())
		for i := range told {
			var got heard
			Eventually(ctx, told[i]).Should(Receive(&got))
			Expect(got.err).NotTo(HaveOccurred())
			Expect(got.messages).To(Equal(want))
			Expect(got.outcome.Success).To(BeTrue())
			Expect(got.outcome.FixApplied).To(Equal("Scaled Deployment from 0 to 1"))
		}
		requests := list(ctx, namespace)
		Expect(requests).To(HaveLen(1))
		Expect(replicas[0].creates.Load()+replicas[1].creates.Load()).To(BeNumerically("<=", 2), "one attempt a replica")

		By("recording the failure as it was seen, cleaned")
		Expect(requests[0].Labels).To(HaveKeyWithValue(v1alpha1.LabelTarget, service))
		Expect(requests[0].Spec.Trigger).To(Equal(v1alpha1.TriggerMCPFailure))
		Expect(requests[0].Spec.RequestedBy).To(Equal("test"))
		Expect(replicas[1].OfTask("task-1")).To(HaveExactElements(HaveField("Name", service+"-001")))
		Expect(replicas[1].OfTask("task-2")).To(BeEmpty())
		Expect(*requests[0].Spec.Error).To(Equal(v1alpha1.ObservedError{
			Class: v1alpha1.ErrorConnectionRefused, Message: "dial tcp: connection refused", Endpoint: "http://10.0.0.1:3000/mcp", Tool: "list_hosts"}))
		expected := requests[0].Spec.ExpectedTools
		Expect(expected).To(HaveLen(128))
		Expect(expected[:3]).To(HaveExactElements("evil name", "list_hosts", HavePrefix("tool-000-xxx")))
	}, SpecTimeout(time.Minute))

	It("tells every step though writes come together", func(ctx SpecContext) {
		r := newReplica(namespace, time.Minute)
		told := asking(func() heard { return r.heal(ctx, namespace, time.Now()) })
		recorded(ctx)
		first.say("one", "two", "three")
		first.write(func(status *v1alpha1.HealingRequestStatus) {
			now := metav1.NowMicro()
			status.Progress = append(status.Progress, v1alpha1.ProgressEntry{Time: now, Phase: v1alpha1.PhaseVerifying, Message: "four"},
				v1alpha1.ProgressEntry{Time: now, Phase: v1alpha1.PhaseVerifying, Message: "four"})
			status.CompletedAt = &now
			meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionComplete, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonHealthy})
		})
		var got heard
		Eventually(ctx, told).Should(Receive(&got))
		Expect(got.err).NotTo(HaveOccurred())
		Expect(got.messages).To(Equal([]string{"one", "two", "three", "four", "four"}), "the same words twice are two steps")
	}, SpecTimeout(time.Minute))

	It("tells every step once though the watch breaks", func(ctx SpecContext) {
		r := newReplica(namespace, time.Minute)
		told := asking(func() heard { return r.heal(ctx, namespace, time.Now()) })
		recorded(ctx)
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprintf("step %d", i))
			first.say(want[i])
			r.cut()
		}
		first.finish(v1alpha1.ReasonHealed, time.Now())
		var got heard
		Eventually(ctx, told).Should(Receive(&got))
		Expect(got.err).NotTo(HaveOccurred())
		Expect(got.messages).To(Equal(want))
	}, SpecTimeout(time.Minute))

	It("believes what it saw rather than the operator's clock", func(ctx SpecContext) {
		r := newReplica(namespace, time.Minute)
		told := asking(func() heard { return r.heal(ctx, namespace, time.Now()) })
		recorded(ctx)
		first.finish(v1alpha1.ReasonHealed, time.Now().Add(-time.Hour))
		var got heard
		Eventually(ctx, told).Should(Receive(&got))
		Expect(got.err).NotTo(HaveOccurred())
		Expect(got.outcome.Request).To(Equal(service + "-001"))
		Expect(list(ctx, namespace)).To(HaveLen(1))
	}, SpecTimeout(time.Minute))

	It("tells a late joiner everything from the start, also of a heal that a person began", func(ctx SpecContext) {
		byHand := create(context.Background(), namespace, "by-hand")
		byHand.say("one", "two")
		r, started := newReplica(namespace, time.Minute), time.Now()
		told := asking(func() heard { return r.heal(ctx, namespace, started) })
		byHand.say("three")
		byHand.finish(v1alpha1.ReasonManualFixNeeded, time.Now().Add(time.Second))
		var got heard
		Eventually(ctx, told).Should(Receive(&got))
		Expect(got.err).NotTo(HaveOccurred())
		Expect(got.messages).To(Equal([]string{"one", "two", "three"}))
		Expect(got.outcome.Success).To(BeFalse())
		Expect(list(ctx, namespace)).To(HaveLen(1))
		Expect(r.creates.Load()).To(BeZero())
	}, SpecTimeout(time.Minute))

	It("lets anybody follow a heal that a person began, from any step, though it is held and the watch breaks", func(ctx SpecContext) {
		byHand := create(context.Background(), namespace, "by-hand")
		r := newReplica(namespace, time.Millisecond)
		var following *healing.Following
		Eventually(ctx, func() (err error) { following, err = r.Follow(ctx, byHand.key); return err }).Should(Succeed())
		defer following.Leave()
		seen := func() (messages []string) {
			request, _ := following.View()
			for _, entry := range request.Status.Progress {
				messages = append(messages, entry.Message)
			}
			return messages
		}
		byHand.say("one", "two")
		r.cut()
		byHand.write(func(status *v1alpha1.HealingRequestStatus) {
			meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingApproval})
		})
		byHand.say("three")
		Eventually(ctx, seen).Should(HaveExactElements("one", "two", "three"))
		Eventually(ctx, following.Changed()).Should(Receive())
		byHand.finish(v1alpha1.ReasonHealed, time.Now())
		Eventually(ctx, func() bool { request, _ := following.View(); return request.Done() }).Should(BeTrue())

		_, err := r.Follow(ctx, types.NamespacedName{Namespace: namespace, Name: "no-such"})
		Expect(apierrors.IsNotFound(err)).To(BeTrue())
		Expect(r.Since(time.Now().Add(-time.Hour))).To(BeEmpty(), "no call failed: a person asked")
	}, SpecTimeout(time.Minute))

	It("writes a person's answer on the version that was shown, and on no other", func(ctx SpecContext) {
		byHand := create(ctx, namespace, "by-hand")
		r := newReplica(namespace, time.Minute)
		Expect(r.Answer(ctx, byHand.key, "1", v1alpha1.ApprovalApproved, "jane")).To(MatchError(healing.ErrNotWaiting))
		byHand.write(func(status *v1alpha1.HealingRequestStatus) {
			meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingApproval})
		})
		shown := list(ctx, namespace)[0]
		Expect(r.Answer(ctx, byHand.key, "1", v1alpha1.ApprovalApproved, "jane")).To(MatchError(healing.ErrChanged))
		Expect(r.Answer(ctx, byHand.key, shown.ResourceVersion, v1alpha1.ApprovalApproved, "jane")).To(Succeed())
		answered := list(ctx, namespace)[0]
		shown.Spec.Approval, shown.Spec.ApprovedBy = v1alpha1.ApprovalApproved, "jane"
		Expect(answered.Spec).To(Equal(shown.Spec))
		Expect(r.Answer(ctx, byHand.key, answered.ResourceVersion, v1alpha1.ApprovalDenied, "joe")).To(MatchError(healing.ErrNotWaiting))
	}, SpecTimeout(time.Minute))

	It("takes the next number after a heal that ended before the call began", func(ctx SpecContext) {
		create(context.Background(), namespace, service+"-001").finish(v1alpha1.ReasonHealed, time.Now().Add(-time.Minute))
		r := newReplica(namespace, time.Minute)
		told := asking(func() heard { return r.heal(ctx, namespace, time.Now()) })
		Eventually(ctx, func() []v1alpha1.HealingRequest { return list(ctx, namespace) }).Should(HaveLen(2))
		second := operator{context.Background(), types.NamespacedName{Namespace: namespace, Name: service + "-002"}}
		second.finish(v1alpha1.ReasonHealed, time.Now())
		var got heard
		Eventually(ctx, told).Should(Receive(&got))
		Expect(got.outcome.Request).To(Equal(service + "-002"))
	}, SpecTimeout(time.Minute))

	It("starts no heal for a call that began before the last fix", func(ctx SpecContext) {
		create(context.Background(), namespace, service+"-001").finish(v1alpha1.ReasonHealed, time.Now())
		r := newReplica(namespace, time.Minute)
		got := r.heal(ctx, namespace, time.Now().Add(-time.Second*5))
		Expect(got.err).NotTo(HaveOccurred())
		Expect(got.outcome.AlreadyHealed).To(BeTrue())
		Expect(got.outcome.Success).To(BeTrue())
		Expect(list(ctx, namespace)).To(HaveLen(1))
	}, SpecTimeout(time.Minute))

	It("passes over a name that is taken by another target", func(ctx SpecContext) {
		Expect(api.Create(ctx, &v1alpha1.HealingRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: service + "-001"},
			Spec:       v1alpha1.HealingRequestSpec{TargetRef: v1alpha1.TargetReference{Kind: v1alpha1.KindDeployment, Name: "other"}},
		})).To(Succeed())
		r := newReplica(namespace, 50*time.Millisecond)
		got := r.heal(ctx, namespace, time.Now())
		Expect(got.err).To(MatchError(ContainSubstring(service + "-002")))
		Expect(list(ctx, namespace)).To(HaveLen(2))
	}, SpecTimeout(time.Minute))

	It("says that the operator does not answer, in bounded time", func(ctx SpecContext) {
		r := newReplica(namespace, 300*time.Millisecond)
		started := time.Now()
		got := r.heal(ctx, namespace, started)
		Expect(time.Since(started)).To(BeNumerically(">=", 300*time.Millisecond))
		var known *healing.Error
		Expect(errors.As(got.err, &known)).To(BeTrue())
		Expect(known.Message).To(Equal("the Cortex operator has not taken up the request " + service + "-001 within 300ms"))
		Expect(known.Recommendation).To(ContainSubstring("kubectl get pods -n cortex-system"))
	}, SpecTimeout(time.Minute))

	It("ends the wait when the request is deleted", func(ctx SpecContext) {
		r := newReplica(namespace, time.Minute)
		told := asking(func() heard { return r.heal(ctx, namespace, time.Now()) })
		recorded(ctx)
		first.say("one")
		Expect(api.Delete(ctx, &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: service + "-001"}})).To(Succeed())
		// Another one of the same name is not the one that was waited for.
		create(context.Background(), namespace, service+"-001").finish(v1alpha1.ReasonHealed, time.Now())
		var got heard
		Eventually(ctx, told).Should(Receive(&got))
		Expect(got.err).To(MatchError(ContainSubstring("was deleted before the heal ended")))
	}, SpecTimeout(time.Minute))

	It("cancels nothing for the others when a caller leaves, even the one who came first", func(ctx SpecContext) {
		r := newReplica(namespace, time.Minute)
		leaving, leave := context.WithCancelCause(ctx)
		gone := asking(func() heard { return r.heal(leaving, namespace, time.Now()) })
		recorded(ctx)
		started := time.Now()
		told := asking(func() heard { return r.heal(ctx, namespace, started) })
		first.say("one")
		leave(errors.New("the reader left"))
		var got heard
		Eventually(ctx, gone).Should(Receive(&got))
		Expect(got.err).To(MatchError("the reader left"))
		first.finish(v1alpha1.ReasonHealed, time.Now().Add(time.Second))
		Eventually(ctx, told).Should(Receive(&got))
		Expect(got.err).NotTo(HaveOccurred())
		Expect(got.outcome.Success).To(BeTrue())
	}, SpecTimeout(time.Minute))

	It("records the failure though the caller leaves meanwhile", func(ctx SpecContext) {
		r := newReplica(namespace, time.Minute)
		r.hold = make(chan struct{})
		leaving, leave := context.WithCancel(ctx)
		gone := asking(func() heard { return r.heal(leaving, namespace, time.Now()) })
		Eventually(ctx, r.creates.Load).Should(BeEquivalentTo(1))
		leave()
		Eventually(ctx, gone).Should(Receive())
		close(r.hold)
		recorded(ctx)
	}, SpecTimeout(time.Minute))

	It("says what is wrong if the failure cannot be recorded", func(ctx SpecContext) {
		r := newReplica(namespace, time.Minute)
		bad := failure(namespace, time.Now())
		bad.Error.Class = "NoSuchClass"
		_, err := r.Heal(ctx, bad, func(v1alpha1.ProgressEntry) {})
		Expect(err).To(MatchError(ContainSubstring("could not be recorded as a HealingRequest")))
		Expect(err).To(MatchError(ContainSubstring("spec.error.class: Unsupported value")))
	}, SpecTimeout(time.Minute))
})
