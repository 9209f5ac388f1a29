// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/test/faults"
	"github.com/ry-ops/cortex/test/harness"
)

// byAPI asks as people do: a task, and its events to the end.
func byAPI(ctx context.Context, server string, t tool) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	events, err := cluster.Ask(ctx, gateway, fmt.Sprintf(t.question, server))
	if err != nil {
		return outcome{}, err
	}
	var got outcome
	ends := 0
	for _, event := range events {
		switch event.Type() {
		case "healing_start":
			got.healing = true
			got.said = append(got.said, event.Text("issue"))
		case "healing_progress", "healing_complete", "healing_failed":
			got.said = append(got.said, event.Text("message"))
		case "processing_complete":
			ends++
		}
	}
	last := events[len(events)-1]
	switch {
	case ends != 1 || last.Type() != "processing_complete":
		got.amiss = fmt.Sprintf("%d ends, and the last event is %s", ends, last.Type())
	case last.Text("status") == "completed":
		got.answer = last.Answer()
	default:
		got.told = last.Answer()
	}
	return got, nil
}

// bearer proves who asks.
type bearer struct{ token string }

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

// hears collects the progress of a call.
type hears struct {
	mu   sync.Mutex
	said []string
}

func (h *hears) progress(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.said = append(h.said, r.Params.Message)
}

func (h *hears) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.said)
}

// connectMCP opens a client's session at a path of the gateway.
func connectMCP(ctx context.Context, path string, heard *hears) (*sdk.ClientSession, error) {
	token, err := cluster.Token(ctx)
	if err != nil {
		return nil, err
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "e2e", Version: "1"}, &sdk.ClientOptions{ProgressNotificationHandler: heard.progress})
	return client.Connect(ctx, &sdk.StreamableClientTransport{Endpoint: gateway + path, HTTPClient: &http.Client{Transport: bearer{token}}}, nil)
}

// byMCP asks as an MCP client does: what only reads at the server's own address, what changes something at that of all.
func byMCP(ctx context.Context, server string, t tool) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	path, name := "/mcp", server+"__"+t.name
	if t.hints.ReadOnly {
		path, name = "/mcp/"+server, t.name
	}
	heard := &hears{}
	session, err := connectMCP(ctx, path, heard)
	if err != nil {
		return outcome{}, fmt.Errorf("connecting to %s: %w", path, err)
	}
	defer session.Close()
	params := &sdk.CallToolParams{Name: name, Arguments: t.arguments}
	params.SetProgressToken("e2e")
	result, err := session.CallTool(ctx, params)
	var got outcome
	var wire *jsonrpc.Error
	switch {
	case errors.As(err, &wire):
		got.told, got.facts = wire.Message, &facts{}
		if err := json.Unmarshal(wire.Data, got.facts); err != nil {
			got.facts = nil // it is no error of the gateway's
		}
	case err != nil:
		return outcome{}, fmt.Errorf("calling %s: %w", name, err)
	default:
		for _, content := range result.Content {
			if text, ok := content.(*sdk.TextContent); ok {
				got.answer += text.Text
			}
		}
	}
	// The client hands progress out beside the answer: what is on its way gets a moment, and a heal of which the beginning was heard a
	// longer one.
	answered := time.Now()
	for got.said = heard.all(); !ended(got.said) && (time.Since(answered) < time.Second || begun(got.said) && time.Since(answered) < 20*time.Second); got.said = heard.all() {
		select {
		case <-ctx.Done():
			return got, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	got.healing = begun(got.said)
	return got, nil
}

// begun reports whether the beginning of a heal was told.
func begun(said []string) bool {
	return slices.ContainsFunc(said, func(text string) bool { return strings.Contains(text, " does not answer: ") })
}

// ended reports whether the story of a heal is whole: the operator says that the service is restored before the gateway says what
// that means for the call.
func ended(said []string) bool {
	has := func(text string) bool {
		return slices.ContainsFunc(said, func(one string) bool { return strings.Contains(one, text) })
	}
	return has("Service restored: ") && has("alling ") || has("Manual fix needed: ")
}

// subject is a server of the sample program in the namespace of this test.
type subject struct{ name string }

func (s subject) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: classesNamespace, Name: s.name, Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}}
}

func (s subject) key() client.ObjectKey {
	return client.ObjectKey{Namespace: classesNamespace, Name: s.name}
}

// of names a server after a row. One word, so that a question can name it.
func of(reason mcpserver.Reason, how string) subject {
	return subject{strings.ToLower(string(reason)) + how}
}

// workload makes the server without a Service, and waits until it serves.
func (s subject) workload(ctx context.Context, args ...string) error {
	if err := faults.MakeWorkload(ctx, cluster, classesNamespace, s.name, args...); err != nil {
		return err
	}
	_, err := s.address(ctx)
	return err
}

// address of the server's one pod, once it is ready and no other is there.
func (s subject) address(ctx context.Context) (ip string, err error) {
	err = cluster.Until(ctx, s.name+" to have one pod, which is ready", func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		if err := cluster.List(ctx, &pods, client.InNamespace(classesNamespace), client.MatchingLabels{"app": s.name}); err != nil || len(pods.Items) != 1 {
			return false, err
		}
		pod := pods.Items[0]
		ip = pod.Status.PodIP
		return pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}), nil
	})
	return ip, err
}

// request speaks with the server itself, past everything that is under test.
func (s subject) request(ctx context.Context, method, path string) ([]byte, error) {
	ip, err := s.address(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+ip+":3000"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s of %s: %s: %s", path, s.name, response.Status, body)
	}
	return body, err
}

// breakWith sets a fault, in the words of /fault.
func (s subject) breakWith(ctx context.Context, fault string) error {
	_, err := s.request(ctx, http.MethodPost, "/fault?"+fault)
	return err
}

// runs is how often the server has counted a tool.
func (s subject) runs(ctx context.Context, t tool) (int, error) {
	body, err := s.request(ctx, http.MethodGet, "/fault/counts")
	if err != nil {
		return 0, err
	}
	counts := map[string]int{}
	err = json.Unmarshal(body, &counts)
	return counts[t.name], err
}

// requests of the server's heals, the oldest first.
func (s subject) requests(ctx context.Context) ([]v1alpha1.HealingRequest, error) {
	var requests v1alpha1.HealingRequestList
	err := cluster.List(ctx, &requests, client.InNamespace(classesNamespace), client.MatchingLabels{v1alpha1.LabelTarget: s.name})
	slices.SortFunc(requests.Items, func(a, b v1alpha1.HealingRequest) int { return strings.Compare(a.Name, b.Name) })
	return requests.Items, err
}

// healsAfter waits until there are more requests than before, and all are over. wanted says whether there will be any.
func (s subject) healsAfter(ctx context.Context, before int, wanted bool) (requests []v1alpha1.HealingRequest, err error) {
	if !wanted {
		requests, err = s.requests(ctx)
		return requests[min(before, len(requests)):], err
	}
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	waited := cluster.Until(ctx, "the heals of "+s.name+" to end", func(ctx context.Context) (bool, error) {
		requests, err = s.requests(ctx)
		return len(requests) > before && !slices.ContainsFunc(requests, func(r v1alpha1.HealingRequest) bool { return !r.Done() }), err
	})
	if waited != nil && len(requests) > before {
		return nil, waited
	}
	return requests[min(before, len(requests)):], err // none is for the witness to tell
}

// known waits until the gateway knows the server, and if listed /mcp its tools. A task lists them when they are first asked for.
func (s subject) known(ctx context.Context, listed bool) error {
	heard := &hears{}
	session, err := connectMCP(ctx, "/mcp", heard)
	if err != nil {
		return err
	}
	defer session.Close()
	return cluster.Until(ctx, "the gateway to know "+s.name, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if listed {
			tools, err := session.ListTools(ctx, nil)
			if err != nil || !slices.ContainsFunc(tools.Tools, func(t *sdk.Tool) bool { return t.Name == s.name+"__"+reads.name }) {
				return false, err
			}
		}
		services, err := shownServices(ctx)
		return slices.ContainsFunc(services, func(shown shownService) bool { return shown.Name == s.name }), err
	})
}

type shownService struct {
	Name string `json:"name"`
}

// shownServices are those of GET /api/services.
func shownServices(ctx context.Context) ([]shownService, error) {
	token, err := cluster.Token(ctx)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway+"/api/services", nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: bearer{token}}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var shown struct{ Services []shownService }
	err = json.NewDecoder(response.Body).Decode(&shown)
	return shown.Services, err
}

// alerts is a call that goes well: it leaves the gateway with a session that works.
var alerts = tool{"get_alerts", mcp.Hints{Given: true, ReadOnly: true, Idempotent: true}, nil, "Get the security alerts of %s", "5 security alerts"}

// well calls until an answer comes: the heal before may not be known everywhere yet.
func (s subject) well(ctx context.Context, ask way) error {
	return cluster.Until(ctx, s.name+" to answer through the gateway", func(ctx context.Context) (bool, error) {
		got, err := ask(ctx, s.name, alerts)
		if err == nil && got.answer == "" {
			err = errors.New(got.told)
		}
		return err == nil, err
	})
}

// step makes one call while a fault is there for so many, and looks at what became of it.
func (s subject) step(ctx context.Context, w *witness, ask way, fault string, t step) error {
	if err := s.well(ctx, ask); err != nil {
		return err
	}
	known, err := s.requests(ctx)
	if err != nil {
		return err
	}
	ran, err := s.runs(ctx, t.tool)
	if err != nil {
		return err
	}
	if err := s.breakWith(ctx, fault); err != nil {
		return err
	}
	got, err := ask(ctx, s.name, t.tool)
	if err != nil {
		return err
	}
	if t.requests, err = s.healsAfter(ctx, len(known), w.row.Heals); err != nil {
		return err
	}
	if t.runs, err = s.runs(ctx, t.tool); err != nil {
		return err
	}
	t.runs -= ran
	w.check(t, got)
	return s.breakWith(ctx, "mode=none")
}

// healthy makes a server that serves, and waits until the gateway knows it.
func (s subject) healthy(ctx context.Context) error {
	if err := (faults.Fault{Name: s.name, Break: func(*faults.World) {}}).MakeBeside(ctx, cluster, classesNamespace); err != nil {
		return err
	}
	if _, err := s.address(ctx); err != nil {
		return err
	}
	return s.known(ctx, true)
}

// produce has each way call each tool while the answers are lost.
func (l lost) produce(ctx context.Context, w *witness) error {
	s := of(l.reason, "")
	if err := s.healthy(ctx); err != nil {
		return err
	}
	sent := w.row.Reach == mcp.Always || w.row.Reach == mcp.Perhaps && l.runs
	for _, name := range []string{"byapi", "bymcp"} {
		for _, t := range []tool{reads, scans} {
			w.how = name
			times := 1
			if w.row.Heals && mcp.Replay(w.row.Class(), sent, t.hints).Replay {
				times = tries(w.row.Class())
			}
			expected := step{tool: t, sent: sent, mended: true}
			if l.runs {
				expected.lost = times
			}
			if err := s.step(ctx, w, ways[name], fmt.Sprintf("%s&times=%d&runs=%t", l.fault, times, l.runs), expected); err != nil {
				return fmt.Errorf("%s of %s: %w", t.name, name, err)
			}
		}
	}
	return nil
}

// missing is a row of a server that is not reached at all: its Service is broken from the beginning.
type missing struct {
	reason mcpserver.Reason
	// args of the server.
	args []string
	// fault that the server has, in the words of /fault; empty for none.
	fault string
	// service of the server, whose pod is at an address.
	service func(ctx context.Context, s subject, ip string) error
	// mend is what a person does meanwhile; nil for nothing.
	mend func(ctx context.Context, s subject) error
	// mended: the heal, or the person, makes it work while the call waits.
	mended bool
}

const deafPort = 3001

var notReached = []missing{
	{
		reason: mcpserver.SessionTimeout, fault: "mode=hang", mended: true,
		service: func(ctx context.Context, s subject, _ string) error {
			return s.service(ctx, corev1.ServiceSpec{Selector: map[string]string{"app": s.name}, Ports: ports(intstr.FromString("mcp"))})
		},
	},
	{
		reason: mcpserver.DialTimeout, args: []string{fmt.Sprintf("--deaf=:%d", deafPort)}, mended: true,
		service: func(ctx context.Context, s subject, _ string) error {
			return s.service(ctx, corev1.ServiceSpec{Selector: map[string]string{"app": s.name}, Ports: ports(intstr.FromInt32(deafPort))})
		},
		mend: func(ctx context.Context, s subject) error {
			var service corev1.Service
			if err := cluster.Get(ctx, s.key(), &service); err != nil {
				return err
			}
			before := service.DeepCopy()
			service.Spec.Ports = ports(intstr.FromString("mcp"))
			return cluster.Patch(ctx, &service, client.MergeFrom(before))
		},
	},
	{
		reason: mcpserver.NoSuchName,
		service: func(ctx context.Context, s subject, _ string) error {
			return s.service(ctx, corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: ports(intstr.FromInt32(3000))})
		},
	},
	{
		reason: mcpserver.AddressRefused,
		service: func(ctx context.Context, s subject, _ string) error {
			if err := s.endpoint(ctx, multicast); err != nil {
				return err
			}
			if err := s.service(ctx, corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: ports(intstr.FromInt32(3000))}); err != nil {
				return err
			}
			return s.resolves(ctx, multicast)
		},
	},
}

// multicast is never dialled, by the gateway nor by the kernel (RFC 2365: it would not leave the node).
const multicast = "239.255.0.1"

func ports(target intstr.IntOrString) []corev1.ServicePort {
	return []corev1.ServicePort{{Name: "mcp", Port: 3000, TargetPort: target}}
}

// service creates the server's Service.
func (s subject) service(ctx context.Context, spec corev1.ServiceSpec) error {
	return cluster.Create(ctx, &corev1.Service{ObjectMeta: s.meta(), Spec: spec})
}

// resolves waits until the cluster's DNS gives the name of the Service an address: it may hear of the Service later than the gateway, and
// remembers for half a minute that there is no such name.
func (s subject) resolves(ctx context.Context, address string) error {
	var dns corev1.Service
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: "kube-dns"}, &dns); err != nil {
		return err
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(dns.Spec.ClusterIP, "53"))
	}}
	return cluster.Until(ctx, "the name of "+s.name+" to be known", func(ctx context.Context) (bool, error) {
		addresses, err := resolver.LookupHost(ctx, s.name+"."+classesNamespace+".svc.cluster.local.")
		return slices.Contains(addresses, address), err
	})
}

// endpoint writes the server's endpoint by hand.
func (s subject) endpoint(ctx context.Context, address string) error {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: s.meta(), AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)}}},
		Ports:     []discoveryv1.EndpointPort{{Name: ptr.To("mcp"), Port: ptr.To[int32](3000)}},
	}
	slice.Labels[discoveryv1.LabelServiceName] = s.name
	return cluster.Create(ctx, slice)
}

// produce has one way call a server that it cannot reach, with a tool that must not run twice: since it did not run, it may be called
// again.
func (m missing) produce(ctx context.Context, w *witness, name string, ask way) error {
	s := of(m.reason, name)
	if err := s.workload(ctx, m.args...); err != nil {
		return err
	}
	ip, err := s.address(ctx)
	if err != nil {
		return err
	}
	if m.fault != "" {
		if err := s.breakWith(ctx, m.fault); err != nil {
			return err
		}
	}
	if err := m.service(ctx, s, ip); err != nil {
		return err
	}
	if err := errors.Join(s.routed(ctx, len(m.args) > 0), s.known(ctx, false)); err != nil {
		return err
	}
	return s.unreached(ctx, w, ask, m.mended, m.mend)
}

// routed waits until the node's packet filter knows where the Service leads: until then connections are refused, or go in circles. Where
// the server is deaf none is taken.
func (s subject) routed(ctx context.Context, deaf bool) error {
	var service corev1.Service
	if err := cluster.Get(ctx, s.key(), &service); err != nil || service.Spec.ClusterIP == corev1.ClusterIPNone {
		return err
	}
	return cluster.Until(ctx, "Service "+s.name+" to lead somewhere", func(ctx context.Context) (bool, error) {
		dialer := net.Dialer{Timeout: 300 * time.Millisecond}
		connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(service.Spec.ClusterIP, "3000"))
		if err == nil {
			_ = connection.Close()
		}
		var network net.Error
		return err == nil || deaf && errors.As(err, &network) && network.Timeout(), nil
	})
}

// unreached calls, mends once there is a heal, and looks at what became of the call.
func (s subject) unreached(ctx context.Context, w *witness, ask way, mended bool, mend func(context.Context, subject) error) error {
	known, err := s.requests(ctx)
	if err != nil {
		return err
	}
	type result struct {
		outcome
		err error
	}
	asked := make(chan result, 1)
	go func() {
		got, err := ask(ctx, s.name, scans)
		asked <- result{got, err}
	}()
	if mend != nil {
		err := cluster.Until(ctx, "a heal of "+s.name, func(ctx context.Context) (bool, error) {
			requests, err := s.requests(ctx)
			return len(requests) > len(known), err
		})
		if err == nil {
			err = mend(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	got := <-asked
	if got.err != nil {
		return got.err
	}
	t := step{tool: scans, mended: mended}
	if t.requests, err = s.healsAfter(ctx, len(known), w.row.Heals); err != nil {
		return err
	}
	if t.runs, err = s.runs(ctx, t.tool); err != nil {
		return err
	}
	w.check(t, got.outcome)
	return nil
}

// others are the rows that are had in a way of their own.
var others = map[mcpserver.Reason]func(context.Context, *witness) error{
	mcpserver.Refused:        scaledToZero,
	mcpserver.DependencyDown: withoutDependency,
	mcpserver.ToolError:      saysNo,
	mcpserver.Canceled:       leaves,
}

// scaledToZero has nobody there, for each way once.
func scaledToZero(ctx context.Context, w *witness) error {
	s := of(mcpserver.Refused, "")
	if err := s.healthy(ctx); err != nil {
		return err
	}
	for name, ask := range ways {
		if err := s.scale(ctx, 0); err != nil {
			return err
		}
		w.how = name
		if err := s.unreached(ctx, w, ask, true, nil); err != nil {
			return err
		}
	}
	return nil
}

// scale sets the replicas, and waits until no pod is there if that is none.
func (s subject) scale(ctx context.Context, replicas int32) error {
	var deployment appsv1.Deployment
	if err := cluster.Get(ctx, s.key(), &deployment); err != nil {
		return err
	}
	before := deployment.DeepCopy()
	deployment.Spec.Replicas = &replicas
	if err := cluster.Patch(ctx, &deployment, client.MergeFrom(before)); err != nil || replicas > 0 {
		return err
	}
	return cluster.Until(ctx, "the pods of "+s.name+" to be gone", func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		err := cluster.List(ctx, &pods, client.InNamespace(classesNamespace), client.MatchingLabels{"app": s.name})
		return len(pods.Items) == 0, err
	})
}

// withoutDependency has a tool say that what it depends on cannot be reached: that is healed, and a tool that only reads is called
// again. One that changes something keeps its own answer.
func withoutDependency(ctx context.Context, w *witness) error {
	s, needed := of(mcpserver.DependencyDown, ""), subject{"neededbyit"}
	if err := errors.Join(s.healthy(ctx), needed.healthy(ctx)); err != nil {
		return err
	}
	var service corev1.Service
	if err := cluster.Get(ctx, s.key(), &service); err != nil {
		return err
	}
	before := service.DeepCopy()
	service.Annotations = map[string]string{v1alpha1.AnnotationDependsOn: needed.name}
	if err := cluster.Patch(ctx, &service, client.MergeFrom(before)); err != nil {
		return err
	}
	for _, name := range []string{"byapi", "bymcp"} {
		w.how = name
		if err := needed.scale(ctx, 0); err != nil {
			return err
		}
		if err := s.step(ctx, w, ways[name], "mode=dependency-down&times=1", step{tool: reads, sent: true, lost: 1, mended: true}); err != nil {
			return err
		}
	}
	for i, name := range []string{"byapi", "bymcp"} {
		w.how = name
		if err := s.breakWith(ctx, "mode=dependency-down&times=1"); err != nil {
			return err
		}
		got, err := ways[name](ctx, s.name, scans)
		if err != nil {
			return err
		}
		ran, err := s.runs(ctx, scans)
		if err != nil {
			return err
		}
		w.expect(ran == i+1 && strings.Contains(got.answer, "connect ECONNREFUSED 10.96.0.12:5432"), "a tool that changes something ran %d times, and the user is told %q, %q", ran, got.answer, got.told)
	}
	return nil
}

// unknown is a host that the sample server does not have.
var unknown = tool{"start_scan", mcp.Hints{Given: true}, map[string]any{"host_id": "hst-9999"}, "Start a scan on %s host_id=hst-9999", `there is no host "hst-9999"`}

// saysNo has the tool itself answer with an error.
func saysNo(ctx context.Context, w *witness) error {
	s := of(mcpserver.ToolError, "")
	if err := s.healthy(ctx); err != nil {
		return err
	}
	for name, ask := range ways {
		w.how = name
		ran, err := s.runs(ctx, unknown)
		if err != nil {
			return err
		}
		got, err := ask(ctx, s.name, unknown)
		if err != nil {
			return err
		}
		now, err := s.runs(ctx, unknown)
		if err != nil {
			return err
		}
		requests, err := s.requests(ctx)
		if err != nil {
			return err
		}
		w.expect(strings.Contains(got.answer, unknown.answer), "the user does not get the tool's own words: %+v", got)
		w.expect(now-ran == 1, "it ran %d times", now-ran)
		w.expect(len(requests) == 0 && !got.healing && !w.row.Heals, "it was healed: %+v", got)
	}
	return nil
}

// leaves has the caller leave while the tool runs. At /api nobody can: a task goes on without its reader.
func leaves(ctx context.Context, w *witness) error {
	s := of(mcpserver.Canceled, "")
	if err := s.healthy(ctx); err != nil {
		return err
	}
	w.how = "bymcp"
	if err := s.breakWith(ctx, "mode=slow-tool&delay=1m"); err != nil {
		return err
	}
	session, err := connectMCP(ctx, "/mcp", &hears{})
	if err != nil {
		return err
	}
	defer session.Close()
	calling, leave := context.WithCancel(ctx)
	defer leave()
	asked := make(chan error, 1)
	go func() {
		_, err := session.CallTool(calling, &sdk.CallToolParams{Name: s.name + "__" + scans.name, Arguments: scans.arguments})
		asked <- err
	}()
	if err := cluster.Until(ctx, "the tool to run", func(ctx context.Context) (bool, error) {
		ran, err := s.runs(ctx, scans)
		return ran == 1, err
	}); err != nil {
		return err
	}
	leave()
	err = <-asked
	w.expect(errors.Is(err, context.Canceled), "the caller gets %v", err)
	if err := s.breakWith(ctx, "mode=none"); err != nil {
		return err
	}
	if err := s.well(ctx, byMCP); err != nil { // the gateway is done with the call before
		return err
	}
	ran, err := s.runs(ctx, scans)
	if err != nil {
		return err
	}
	requests, err := s.requests(ctx)
	w.expect(ran == 1, "it ran %d times", ran)
	w.expect(len(requests) == 0 && !w.row.Heals, "it was healed")
	return err
}

// withoutDNS has the cluster's DNS away while a headless server is called, for each way once.
func withoutDNS(ctx context.Context, w *witness) error {
	for name := range ways {
		if err := of(mcpserver.NoResolver, name).workload(ctx); err != nil {
			return err
		}
	}
	if err := stopDNS(ctx); err != nil {
		return err
	}
	for name, ask := range ways {
		w.how = name
		s := of(mcpserver.NoResolver, name)
		ip, err := s.address(ctx)
		if err != nil {
			return err
		}
		if err := s.endpoint(ctx, ip); err != nil {
			return err
		}
		if err := s.service(ctx, corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: ports(intstr.FromInt32(3000))}); err != nil {
			return err
		}
		if err := s.known(ctx, false); err != nil {
			return err
		}
		if err := s.unreached(ctx, w, ask, false, nil); err != nil {
			return err
		}
	}
	return nil
}

var dnsKey = client.ObjectKey{Namespace: metav1.NamespaceSystem, Name: "coredns"}

// stopDNS takes the cluster's DNS away until the end of the spec.
func stopDNS(ctx context.Context) error {
	var deployment appsv1.Deployment
	if err := cluster.Get(ctx, dnsKey, &deployment); err != nil {
		return err
	}
	DeferCleanup(scaleDNS, ptr.Deref(deployment.Spec.Replicas, 1))
	return scaleDNS(ctx, 0)
}

// scaleDNS sets the replicas of the cluster's DNS and waits until they are so. A pod that is ending answers still, and is asked where
// there is no other.
func scaleDNS(ctx context.Context, replicas int32) error {
	var deployment appsv1.Deployment
	if err := cluster.Get(ctx, dnsKey, &deployment); err != nil {
		return err
	}
	before := deployment.DeepCopy()
	deployment.Spec.Replicas = &replicas
	if err := cluster.Patch(ctx, &deployment, client.MergeFrom(before)); err != nil {
		return err
	}
	return cluster.Until(ctx, "CoreDNS to be as it shall", func(ctx context.Context) (bool, error) {
		if err := cluster.Get(ctx, dnsKey, &deployment); err != nil {
			return false, err
		}
		var pods corev1.PodList
		err := cluster.List(ctx, &pods, client.InNamespace(dnsKey.Namespace), client.MatchingLabels(deployment.Spec.Selector.MatchLabels))
		return deployment.Status.ObservedGeneration >= deployment.Generation && len(pods.Items) == int(replicas) && deployment.Status.ReadyReplicas == replicas, err
	})
}
