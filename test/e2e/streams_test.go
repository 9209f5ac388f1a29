// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/test/harness"
)

// The streams of a crowd: a hundred in all. Half of each kind is at one gateway, and half at the other.
const (
	asker    = "asker"    // POST /api/tasks
	reader   = "reader"   // GET /api/tasks/{id}/events, of an asker's task
	follower = "follower" // GET /api/heals/{namespace}/{name}/events
	caller   = "caller"   // tools/call at /mcp, with progress

	askers, readers, followers, callers = 40, 20, 20, 20
)

const (
	// outage of the API server.
	outage = 20 * time.Second
	// gate is a condition that the healed pod needs to be ready, so that the heal goes on for as long as a test wants.
	gate corev1.PodConditionType = "test.cortex.dev/open"
)

var _ = Describe("A hundred open streams end in the right event", func() {
	BeforeEach(func() { DeferCleanup(reset) })

	It("though a gateway replica is killed during the heal", func(ctx context.Context) {
		c := gather(ctx, true)
		doomed := c.replicas[0]
		// Tasks of the replica that lives need not come back.
		c.cutSome(func(m *member) bool { return !m.ofTask() })
		Expect(harness.Kill(doomed.Name, "/gateway")).To(Succeed())
		c.gone(func(m *member) bool { return m.At == podURL(doomed) })
		c.comeBack(ctx)
		c.finish(ctx)
		c.judge(func(m *member) bool { return m.ofTask() && m.At == podURL(doomed) })
		restarted(ctx, doomed)
		// Whoever asks what became of a task is told, and whoever asks again has the answer.
		for i, says := range []string{
			0: "The heal " + c.name() + " that it began is Succeeded.",
			2: "those since then: " + c.name() + " (Succeeded)",
		} {
			if says != "" {
				status, text, err := cluster.Read(ctx, gateway+c.members[i].Location())
				Expect(err).NotTo(HaveOccurred())
				Expect(status).To(Equal(http.StatusNotFound), text)
				Expect(text).To(ContainSubstring(says))
			}
		}
		again := ask(ctx, "list sandfly hosts")
		Expect(again[len(again)-1].Answer()).To(ContainSubstring("192.0.2."))
	})

	It("though the operator is killed during the heal", func(ctx context.Context) {
		c := gather(ctx, false)
		c.cutSome(everybody)
		Expect(harness.Kill(steadyLeader(ctx), "/operator")).To(Succeed())
		c.comeBack(ctx)
		c.finish(ctx)
		c.judge(nobody)
		Expect(cluster.Settled(ctx, "cortex-operator")).To(Succeed())
	})

	It("though the API server is gone for 20 s during the heal", func(ctx context.Context) {
		c := gather(ctx, false)
		back, err := harness.Outage(ctx)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(back) // should anything below fail
		over := time.After(outage)
		// The connections that were there are seen to be reset first.
		Eventually(func(ctx context.Context) error {
			_, err := cluster.Requests(ctx, sandfly)
			return err
		}).WithContext(ctx).WithTimeout(outage).WithPolling(time.Second / 10).Should(MatchError(syscall.ECONNREFUSED))
		c.cutSome(everybody)
		<-over // its length is what is tested
		Expect(back(ctx)).To(Succeed())
		c.comeBack(ctx)
		c.finish(ctx)
		c.judge(nobody)
		for _, name := range []string{"cortex-gateway", "cortex-operator"} {
			Expect(cluster.Settled(ctx, name)).To(Succeed())
		}
	})
})

// member is one stream of a crowd.
type member struct {
	*harness.Stream
	kind string
	// cut: its first connection was broken.
	cut bool
	err error
}

// ofTask reports whether it hears a task.
func (m *member) ofTask() bool { return m.kind == asker || m.kind == reader }

func everybody(*member) bool { return true }
func nobody(*member) bool    { return false }

// crowd waits for one heal. The task of the first member began it.
type crowd struct {
	replicas []corev1.Pod
	// byService: all come back by the gateway's Service. Else those of tasks come back to where they were, as they would
	// with sessionAffinity, had each an address of its own.
	byService bool
	members   []*member
	request   v1alpha1.HealingRequest
	running   sync.WaitGroup
	streaming context.Context
}

// gather breaks the server so that its heal goes on until finish, and opens all streams. It returns when everybody has heard that
// the heal is being verified.
func gather(ctx context.Context, byService bool) *crowd {
	GinkgoHelper()
	steadyLeader(ctx)
	c := &crowd{replicas: gatewayPods(ctx), byService: byService}
	Expect(len(c.replicas)).To(BeNumerically(">=", 2))
	// A rollout that takes a minute counts as failed, and is looked at again: an outage and what comes back after it may take longer.
	create(ctx, &v1alpha1.HealingPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: harness.Namespace, Name: "patient"},
		Spec:       v1alpha1.HealingPolicySpec{Timeouts: &v1alpha1.Timeouts{Rollout: &metav1.Duration{Duration: harness.Patience}}},
	})
	gated(ctx)
	sessions := make([]string, callers)
	for i := range sessions {
		sessions[i] = beginSession(ctx, podURL(c.replicas[i%2]))
	}
	Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())

	var stop context.CancelFunc
	c.streaming, stop = context.WithTimeout(context.WithoutCancel(ctx), harness.Patience)
	DeferCleanup(func() {
		stop()
		c.running.Wait()
	})
	for i := range askers {
		c.join(asker, i, &harness.Stream{Post: "/api/tasks", Ask: []byte(`{"query": "list sandfly hosts", "streaming": true}`), Ends: ends("processing_complete")})
		if i == 0 {
			c.awaitVerifying(ctx)
		}
	}
	for i := range readers {
		Eventually(c.members[i].Location).WithContext(ctx).WithTimeout(harness.Patience).ShouldNot(BeEmpty())
		c.join(reader, i, &harness.Stream{Path: c.members[i].Location() + "/events", Ends: ends("processing_complete")})
	}
	for i := range followers {
		c.join(follower, i, &harness.Stream{Path: "/api/heals/" + c.name() + "/events", Ends: ends("healing_complete", "healing_failed")})
	}
	for i := range callers {
		call := fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"%s__list_hosts","arguments":{},"_meta":{"progressToken":%d}}}`, sandfly, i)
		c.join(caller, i, &harness.Stream{Post: "/mcp", Ask: []byte(call), Header: mcpHeader(sessions[i]), Ends: func(e harness.Event) bool { return e.Fields["id"] != nil }})
	}
	Eventually(c.listening).WithContext(ctx).WithTimeout(harness.Patience).Should(Equal(askers + readers + followers + callers))
	c.stillUnderWay(ctx)
	return c
}

// join opens a stream at one of two replicas.
func (c *crowd) join(kind string, i int, s *harness.Stream) {
	m := &member{Stream: s, kind: kind}
	m.At, m.Again = podURL(c.replicas[i%2]), gateway
	if m.ofTask() && !c.byService {
		m.Again = m.At
	}
	c.members = append(c.members, m)
	c.running.Go(func() { m.err = m.Run(c.streaming, cluster) })
}

func (c *crowd) name() string { return client.ObjectKeyFromObject(&c.request).String() }

func (c *crowd) awaitVerifying(ctx context.Context) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, "the heal to be verified", func(ctx context.Context) (bool, error) {
		requests, err := cluster.Requests(ctx, sandfly)
		if err != nil || len(requests) == 0 {
			return false, err
		}
		c.request = requests[0]
		return c.request.DerivePhase() == v1alpha1.PhaseVerifying, nil
	})).To(Succeed())
}

// listening is how many have heard of the fix.
func (c *crowd) listening() (n int) {
	for _, m := range c.members {
		if slices.ContainsFunc(m.Heard(), func(e harness.Heard) bool { return strings.Contains(saying(e), "from 0 to 1") }) {
			n++
		}
	}
	return n
}

// cutSome breaks every fifth connection of some: a laptop changes its network at the worst moment.
func (c *crowd) cutSome(of func(*member) bool) {
	for i, m := range c.members {
		if i%5 == 0 && of(m) {
			m.Cut()
			m.cut = true
		}
	}
}

// gone notes that the connections of some are broken.
func (c *crowd) gone(of func(*member) bool) {
	for _, m := range c.members {
		m.cut = m.cut || of(m)
	}
}

// comeBack waits until everybody whose connection was broken has another one, while the heal is under way.
func (c *crowd) comeBack(ctx context.Context) {
	GinkgoHelper()
	away := func() (n int) {
		for _, m := range c.members {
			if connections, _ := m.Connections(); m.cut && connections < 2 {
				n++
			}
		}
		return n
	}
	Eventually(away).WithContext(ctx).WithTimeout(harness.Patience).Should(BeZero())
	c.stillUnderWay(ctx)
}

func (c *crowd) stillUnderWay(ctx context.Context) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, "the API server to answer", func(ctx context.Context) (bool, error) {
		return true, cluster.Get(ctx, client.ObjectKeyFromObject(&c.request), &c.request)
	})).To(Succeed())
	Expect(c.request.Done()).To(BeFalse(), "the heal was to be under way: %+v", c.request.Status)
}

// finish lets the heal end, and waits for the end of all streams.
func (c *crowd) finish(ctx context.Context) {
	GinkgoHelper()
	open(ctx)
	c.running.Wait()
	Expect(cluster.Get(ctx, client.ObjectKeyFromObject(&c.request), &c.request)).To(Succeed())
	Expect(c.request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded), "%+v", c.request.Status)
	Expect(c.request.Status.Actions).To(HaveLen(1))
	onlyRequest(ctx, sandfly)
}

// judge holds every stream against the heal, and prints how they ended. lost are those whose task was lost.
func (c *crowd) judge(lost func(*member) bool) {
	GinkgoHelper()
	var steps, wrong []string
	for _, entry := range c.request.Status.Progress {
		steps = append(steps, entry.Message)
	}
	ended, reconnects, refusals := map[string]int{}, 0, map[string]int{}
	for i, m := range c.members {
		heard := m.Heard()
		connections, refused := m.Connections()
		reconnects += connections - 1
		for _, text := range refused {
			refusals[text]++
		}
		if why := m.wrong(steps, lost(m), i == 0 || m.kind == reader && m.Path == c.members[0].Path); why != "" {
			wrong = append(wrong, fmt.Sprintf("%s %d at %s: %s", m.kind, i, m.At, why))
			for _, e := range heard {
				GinkgoWriter.Printf("%s %d: %7.3fs connection %d id %d %v\n", m.kind, i, e.At.Seconds(), e.Connection, e.ID, e.Fields)
			}
			continue
		}
		last := heard[len(heard)-1]
		end := strings.TrimSpace(m.kind + ": " + cmp.Or(last.Type(), "answer") + " " + last.Text("status"))
		if lost(m) {
			end += " after task_lost"
		}
		ended[end]++
	}
	GinkgoWriter.Printf("%d streams, %d came back, heal %s in %s\nends: %v\nrefused meanwhile: %v\n", len(c.members), reconnects, c.request.Status.Phase, c.request.Status.Duration, ended, refusals)
	Expect(wrong).To(BeEmpty())
}

// wrong is what is not as it should be of what a member has heard of a heal with these steps that succeeded; empty if all is.
func (m *member) wrong(steps []string, lost, began bool) string {
	heard := m.Heard()
	if m.err != nil || len(heard) == 0 {
		return fmt.Sprintf("%d events, and then %v", len(heard), m.err)
	}
	last := heard[len(heard)-1]
	if n := len(slices.DeleteFunc(m.Heard(), func(e harness.Heard) bool { return !m.Ends(e.Event) })); n != 1 || !m.Ends(last.Event) {
		return fmt.Sprintf("%d last events, and %v at the end", n, last.Fields)
	}
	if m.kind == caller {
		return wrongCall(heard, steps)
	}
	for i, e := range heard {
		if e.ID != i+1 {
			return fmt.Sprintf("event %d has the id %d", i+1, e.ID)
		}
	}
	at := slices.IndexFunc(heard, func(e harness.Heard) bool { return e.Type() == "task_lost" })
	switch {
	case m.kind == follower:
		if kinds := harness.Types(events(heard)); !slices.Equal(kinds, []string{"healing_start", "healing_progress", "healing_complete"}) {
			return fmt.Sprint(kinds)
		}
		return wrongSteps(heard, steps)
	case !lost && at >= 0:
		return "the task is said to be lost"
	case !lost:
		if last.Text("status") != "completed" || !strings.Contains(last.Answer(), "192.0.2.") || count(heard, "healing_complete") != 1 || count(heard, "healing_failed") != 0 {
			return fmt.Sprintf("it ended with %v", last.Fields)
		}
		return wrongSteps(heard, steps)
	case at < 0 || count(heard, "task_lost") != 1:
		return "it is not told, or not once, that the task was lost"
	case last.Text("status") != "failed" || !strings.Contains(last.Answer(), "Ask again"):
		return fmt.Sprintf("it ended with %v", last.Fields)
	case !began:
		if !strings.Contains(last.Answer(), sandfly+"-001") {
			return "the heal that it waited for is not named: " + last.Answer()
		}
		return ""
	case !strings.Contains(last.Answer(), "that it began is Succeeded"):
		return "the end of its heal is not told: " + last.Answer()
	default:
		return wrongSteps(heard[at:], steps)
	}
}

// wrongCall holds what an MCP client was sent against the heal. Each of its calls is told the heal from its start.
func wrongCall(heard []harness.Heard, steps []string) string {
	last := heard[len(heard)-1]
	if answer, _ := json.Marshal(last.Fields); last.Fields["error"] != nil || !strings.Contains(string(answer), "192.0.2.") {
		return "its answer is " + string(answer)
	}
	progress := 0.0
	for i, e := range heard[:len(heard)-1] {
		params, _ := e.Fields["params"].(map[string]any)
		now, _ := params["progress"].(float64)
		if before := i > 0 && heard[i-1].Connection == e.Connection; before && now <= progress {
			return fmt.Sprintf("progress %v after %v", now, progress)
		}
		progress = now
	}
	return wrongSteps(slices.DeleteFunc(heard, func(e harness.Heard) bool { return e.Connection != last.Connection }), steps)
}

// wrongSteps requires every step once and in order, among others that are not the heal's.
func wrongSteps(heard []harness.Heard, steps []string) string {
	var told []string
	for _, e := range heard {
		if slices.Contains(steps, saying(e)) && e.Type() != "healing_complete" {
			told = append(told, saying(e))
		}
	}
	if !slices.Equal(told, steps) {
		return fmt.Sprintf("not every one of %d steps was told once and in order: %q", len(steps), told)
	}
	return ""
}

func count(heard []harness.Heard, kind string) (n int) {
	for _, e := range heard {
		if e.Type() == kind {
			n++
		}
	}
	return n
}

func events(heard []harness.Heard) (all []harness.Event) {
	for _, e := range heard {
		all = append(all, e.Event)
	}
	return all
}

// saying is the text of an event, or of an MCP client's progress.
func saying(e harness.Heard) string {
	if params, ok := e.Fields["params"].(map[string]any); ok {
		text, _ := params["message"].(string)
		return text
	}
	return e.Text("message")
}

func ends(kinds ...string) func(harness.Event) bool {
	return func(e harness.Event) bool { return slices.Contains(kinds, e.Type()) }
}

func mcpHeader(session string) http.Header {
	return http.Header{"Accept": {"application/json, text/event-stream"}, "Mcp-Session-Id": {session}, "Mcp-Protocol-Version": {"2025-11-25"}}
}

// beginSession begins an MCP client's session.
func beginSession(ctx context.Context, gateway string) string {
	GinkgoHelper()
	hello := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"e2e","version":"1"}}}`
	response, err := cluster.PostWith(ctx, gateway+"/mcp", []byte(hello), http.Header{"Accept": {"application/json, text/event-stream"}})
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	Expect(response.StatusCode).To(Equal(http.StatusOK))
	session := response.Header.Get("Mcp-Session-Id")
	Expect(session).NotTo(BeEmpty())
	return session
}

// gated has the sandfly server's pods be ready only once they are let: its heals go on until open is called.
func gated(ctx context.Context) {
	GinkgoHelper()
	deployment, err := cluster.Deployment(ctx, sandfly)
	Expect(err).NotTo(HaveOccurred())
	before := deployment.DeepCopy()
	deployment.Spec.Template.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: gate}}
	Expect(cluster.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
	open(ctx)
	Expect(cluster.Settled(ctx, sandfly)).To(Succeed())
}

// open lets the server's pod be ready.
func open(ctx context.Context) {
	GinkgoHelper()
	Expect(cluster.Until(ctx, "the pod to be let ready", func(ctx context.Context) (bool, error) {
		pods, err := cluster.Pods(ctx, pristine.Spec.Selector)
		opened := false
		for i := range pods {
			pod := &pods[i]
			if pod.DeletionTimestamp != nil || len(pod.Spec.ReadinessGates) == 0 {
				continue
			}
			before := pod.DeepCopy()
			pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: gate, Status: corev1.ConditionTrue})
			if err := cluster.Status().Patch(ctx, pod, client.StrategicMergeFrom(before)); err != nil {
				return false, err
			}
			opened = true
		}
		return opened, err
	})).To(Succeed())
}
