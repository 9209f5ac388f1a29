// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/test/faults"
	"github.com/ry-ops/cortex/test/harness"
)

// classesNamespace has one server for each row of the table of failures, or one for each row and way.
const classesNamespace = "fault-classes"

// lost is a row of which the answer to a call is lost, or is none, while the server itself works on.
type lost struct {
	reason mcpserver.Reason
	// fault of test/mcpserver, in the words of its /fault.
	fault string
	// runs: the tool has run when its answer is lost.
	runs bool
}

// onTheWire are the rows that an answer on an open session makes.
var onTheWire = []lost{
	{mcpserver.FirstByteTimeout, "mode=hang", true},
	{mcpserver.AnswerTimeout, "mode=stall-body", true},
	{mcpserver.TLSWanted, "mode=tls", false},
	{mcpserver.ServerError, "mode=status&code=503", true},
	{mcpserver.Dropped, "mode=reset", true},
	{mcpserver.StreamCut, "mode=cut-stream", true},
	{mcpserver.SessionLost, "mode=lose-session", false},
	{mcpserver.NotMCP, "mode=web-page", true},
	{mcpserver.Redirected, "mode=status&code=307", false},
	{mcpserver.BadStatus, "mode=status&code=418", false},
	{mcpserver.RPCError, "mode=rpc-error", true},
	{mcpserver.RateLimited, "mode=status&code=429", false},
	{mcpserver.Unauthorized, "mode=status&code=401", false},
	{mcpserver.RequestTooLarge, "mode=status&code=413", false},
	{mcpserver.AnswerTooLarge, "mode=flood", true},
}

// notProduced are the rows that are not had on a cluster, and why.
var notProduced = map[mcpserver.Reason]string{
	mcpserver.NoRoute:     "a kernel says so once a second to each who asks (net.ipv4.icmp_ratelimit), so that an address of nobody is met as this row or as DialTimeout",
	mcpserver.DialFailed:  "it is what a kernel says that forbids a connection (EPERM): that takes a rule in the node's packet filter",
	mcpserver.BadTLS:      "the servers of a cluster are asked in plain HTTP (mcpserver.EndpointOf), so that no handshake of TLS can fail",
	mcpserver.Unexplained: "it is what nothing else explains: whoever knows how to make it would explain it",
	mcpserver.Exhausted:   "a gateway without descriptors or ports fails every other test beside this one; the kernel's word for it is put in by test/mcpserver",
	mcpserver.Panicked:    "it takes a fault in the gateway's own code, which has none on purpose",
}

// tool of the sample server, and how it is asked for.
type tool struct {
	name      string
	hints     mcp.Hints
	arguments map[string]any
	// question to a task, with a place for the server's name.
	question string
	// answer is a part of it.
	answer string
}

var (
	reads = tool{"list_hosts", mcp.Hints{Given: true, ReadOnly: true, Idempotent: true}, nil, "List the hosts of %s", "12 hosts"}
	scans = tool{"start_scan", mcp.Hints{Given: true}, map[string]any{"host_id": "hst-1001"}, "Start a scan on %s host_id=hst-1001", "started"}
)

// tries is how many calls fail before a server counts as failed, where each may be made again: a bad answer on a session that was open
// may be that of the session.
func tries(class v1alpha1.ErrorClass) int {
	switch class {
	case v1alpha1.ErrorSessionLost:
		return 3
	case v1alpha1.ErrorUnavailable, v1alpha1.ErrorProtocol, v1alpha1.ErrorStreamCut:
		return 2
	default:
		return 1
	}
}

var _ = Describe("The classes of failure on a real cluster", Label("classes", elsewhere), Ordered, ContinueOnFailure, func() {
	all := &observations{produced: map[mcpserver.Reason]bool{}}

	BeforeAll(func(ctx context.Context) {
		DeferCleanup(clearFaults)
		Expect(cluster.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: classesNamespace, Labels: map[string]string{faults.LabelFault: "true"}}})).To(Succeed())
		Expect(cluster.Create(ctx, &v1alpha1.HealingPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: classesNamespace, Name: "many"},
			// All of them fail at once, which is no storm here.
			Spec: v1alpha1.HealingPolicySpec{Limits: &v1alpha1.Limits{
				MaxConcurrentPerNamespace: ptr.To[int32](100), MaxConcurrent: ptr.To[int32](100), StormBrake: &v1alpha1.StormBrake{UnhealthyPercent: ptr.To[int32](100)},
			}},
		})).To(Succeed())
		Expect(cluster.Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: classesNamespace, Name: "asks"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cortex-mcp-user"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: harness.Namespace, Name: "cortex-demo"}},
		})).To(Succeed())
	})

	It("are had from servers that answer badly, are not reached and say no, and match the table", func(ctx context.Context) {
		var group errgroup.Group
		group.SetLimit(8)
		produce := func(reason mcpserver.Reason, how string, produce func(*witness) error) {
			group.Go(func() error { all.of(reason, how, produce); return nil })
		}
		// The slow ones first.
		for _, row := range notReached {
			for name, ask := range ways {
				produce(row.reason, name, func(w *witness) error { return row.produce(ctx, w, name, ask) })
			}
		}
		for _, row := range onTheWire {
			produce(row.reason, "on the wire", func(w *witness) error { return row.produce(ctx, w) })
		}
		for reason, other := range others {
			produce(reason, "", func(w *witness) error { return other(ctx, w) })
		}
		_ = group.Wait() // what went wrong is in what is amiss, of every row
		Expect(all.amiss).To(BeEmpty(), strings.Join(all.amiss, "\n"))
	})

	It("are had from a cluster without DNS", func(ctx context.Context) {
		all.amiss = nil
		all.of(mcpserver.NoResolver, "", func(w *witness) error { return withoutDNS(ctx, w) })
		Expect(all.amiss).To(BeEmpty(), strings.Join(all.amiss, "\n"))
	})

	It("have nobody healed where the table says so, to the end", func(ctx context.Context) {
		for _, row := range mcp.Failures() {
			if row.Heals {
				continue
			}
			for _, how := range []string{"", "byapi", "bymcp"} { // a row has one server, or one for each way
				requests, err := of(row.Reason, how).requests(ctx)
				Expect(err).NotTo(HaveOccurred())
				Expect(requests).To(BeEmpty(), string(row.Reason)+how)
			}
		}
	})

	It("are all produced, or it is said why not", func() {
		for _, row := range mcp.Failures() {
			_, left := notProduced[row.Reason]
			Expect(all.produced[row.Reason]).NotTo(Equal(left), "%s: either produce it here, or say why not", row.Reason)
		}
	})
})

// observations of all rows: what did not match the table.
type observations struct {
	mu       sync.Mutex
	produced map[mcpserver.Reason]bool
	amiss    []string
}

// of has a row produced, and notes what is amiss: one row does not end the others.
func (o *observations) of(reason mcpserver.Reason, how string, produce func(*witness) error) {
	w := &witness{row: mcp.FailureOf(reason), how: how}
	began := time.Now()
	err := produce(w)
	o.mu.Lock()
	defer o.mu.Unlock()
	GinkgoWriter.Printf("%s %s in %s\n", reason, how, time.Since(began).Round(time.Millisecond))
	for _, line := range w.lines {
		GinkgoWriter.Printf("  %s\n", line)
	}
	o.produced[reason] = o.produced[reason] || w.seen > 0
	o.amiss = append(o.amiss, w.amiss...)
	if err != nil {
		o.amiss = append(o.amiss, fmt.Sprintf("producing %s %s: %v", reason, w.how, err))
	}
}

// witness of one row.
type witness struct {
	row mcp.Failure
	how string
	// seen counts what was compared.
	seen  int
	lines []string
	amiss []string
}

// expect notes a claim that does not hold.
func (w *witness) expect(holds bool, format string, args ...any) {
	w.seen++
	if !holds {
		w.amiss = append(w.amiss, fmt.Sprintf("%s %s: ", w.row.Reason, w.how)+fmt.Sprintf(format, args...))
	}
}

// outcome is what became of a call, as its user was told.
type outcome struct {
	// answer of the tool, also one that is its own error; empty if there is none.
	answer string
	// told is why there is none.
	told string
	// said is what was told meanwhile.
	said []string
	// healing: the user saw a heal begin.
	healing bool
	// class and mayHaveRun are the facts of an error at /mcp.
	facts *facts
	// amiss is what no such user may see, such as a stream without an end.
	amiss string
}

type facts struct {
	Class      v1alpha1.ErrorClass `json:"class"`
	MayHaveRun bool                `json:"mayHaveRun"`
}

func (o outcome) all() string {
	return strings.Join(append(slices.Clone(o.said), o.told, o.answer), "\n")
}

// way is one by which users come.
type way func(ctx context.Context, server string, t tool) (outcome, error)

var ways = map[string]way{"byapi": byAPI, "bymcp": byMCP}

// step is one call that fails, or more, and what must be seen of them.
type step struct {
	tool tool
	// sent: the call reached the server. lost: so many calls ran and got no answer.
	sent bool
	lost int
	// mended: the server comes to work while the call waits.
	mended bool
	runs   int
	// requests are new.
	requests []v1alpha1.HealingRequest
}

// check compares what was seen with the row.
func (w *witness) check(s step, got outcome) {
	row, verdict := w.row, mcp.Replay(w.row.Class(), s.sent, s.tool.hints)
	w.lines = append(w.lines, fmt.Sprintf("%s: %d runs, %d heals, answer %.40q, told %.600q, said %q, facts %+v", s.tool.name, s.runs, len(s.requests), got.answer, got.told, got.said, got.facts))
	what := func(text string) string {
		return fmt.Sprintf("%s: %s\n    %s", s.tool.name, text, w.lines[len(w.lines)-1])
	}
	w.expect(got.amiss == "", "%s", what(got.amiss))
	w.expect(row.Reach == mcp.Perhaps || (row.Reach == mcp.Always) == s.sent, "%s", what("the table says that it reaches the server "+string(row.Reach)))
	// Heals?
	want := 0
	if row.Heals {
		want = 1
	}
	w.expect(len(s.requests) == want, "%s", what(fmt.Sprintf("the table says %d HealingRequests", want)))
	for _, request := range s.requests {
		w.expect(request.Spec.Error != nil && request.Spec.Error.Class == row.Class(), "%s", what(fmt.Sprintf("the HealingRequest says %+v", request.Spec.Error)))
	}
	// What the user sees.
	issue := regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(row.Issue), "xx", `\d\d`))
	replays := verdict.Replay && s.mended
	if row.Heals || !replays {
		w.expect(issue.MatchString(got.all()), "%s", what(fmt.Sprintf("the user does not see %q", row.Issue)))
	}
	w.expect(row.Heals || !got.healing, "%s", what("the user sees a heal"))
	// Replays?
	if replays {
		w.expect(strings.Contains(got.answer, s.tool.answer), "%s", what("there is no answer"))
		w.expect(s.runs == s.lost+1, "%s", what(fmt.Sprintf("it must run %d times", s.lost+1)))
		w.expect(strings.Contains(got.all(), "again: "+verdict.Reason), "%s", what("the user is not told that it is called again, nor why: "+verdict.Reason))
		return
	}
	w.expect(got.answer == "" && got.told != "", "%s", what("there must be no answer"))
	w.expect(s.runs == s.lost, "%s", what(fmt.Sprintf("it must run %d times", s.lost)))
	w.expect(w.how != "bymcp" && got.facts == nil || got.facts != nil && got.facts.Class == row.Class() && got.facts.MayHaveRun == s.sent, "%s", what("the facts are others"))
	switch {
	case !row.Heals:
		w.expect(strings.Contains(got.told, row.Advice), "%s", what("the user is not told what to do: "+row.Advice))
	case verdict.Replay:
		w.expect(strings.Contains(got.told, "was not healed") && strings.Contains(got.told, "Recommendation: "), "%s", what("the user is not told what to do"))
	default:
		w.expect(strings.Contains(got.told, "a second time: "+verdict.Reason), "%s", what("the user is not told that it was not called again, nor why: "+verdict.Reason))
	}
}
