// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/telemetry"
	"github.com/ry-ops/cortex/internal/telemetry/telemetrytest"
	"github.com/ry-ops/cortex/test/harness"
)

// What a caller says, and what it is answered. Nobody else may be told.
const (
	toldWord     = "marmoset"   // of a question
	toldArgument = "hst-1004"   // of a tool call
	toldResult   = "192.0.2.22" // of its result
	madeUp       = "wolpertinger"
)

// callerSpan is that of an MCP client that is traced itself.
const callerTrace, callerSpan = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

var _ = Describe("Telemetry, once it is switched on as docs/telemetry.md says", Ordered, ContinueOnFailure, func() {
	var collector *telemetrytest.Receiver

	BeforeAll(func(ctx context.Context) {
		here, err := cluster.Here(ctx)
		Expect(err).NotTo(HaveOccurred())
		collector = telemetrytest.At(GinkgoTB(), here)
		asShipped(ctx, "cortex-gateway", "cortex-operator")
		for _, command := range [][]string{
			{"set", "env", "deployment/cortex-gateway", "deployment/cortex-operator", "OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL},
			{"patch", "deployment/cortex-gateway", "--type=json", "-p", `[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--access-log"}]`},
		} {
			Expect(cluster.Kubectl(ctx, append(command, "-n", harness.Namespace)...)).To(Succeed())
		}
		Expect(cluster.Settled(ctx, "cortex-gateway")).To(Succeed())
		steadyLeader(ctx)
	})

	It("tells of the heal that a question waits for", func(ctx context.Context) {
		ask(ctx, "list sandfly hosts") // its tools are known from now on
		before := scraped(ctx)
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		Expect(healed(ask(ctx, "get_host id="+toldArgument+"; "+toldWord)).Answer()).To(ContainSubstring(toldResult))

		top := traced(ctx, collector, "execute_tool get_host", "invoke_agent cortex", "POST /api/tasks")
		Expect(top.Parent()).To(BeEmpty())
		counted(ctx, before,
			`cortex_gateway_tasks_total{status="completed"}`,
			`cortex_gateway_tool_call_duration_seconds_count{class="OK",server="`+sandfly+`"}`,
		)
		Eventually(accessLog).WithContext(ctx).WithArguments(top.Trace()).WithTimeout(harness.Patience).Should(HaveExactElements(
			access{"POST", "/api/tasks", http.StatusOK, "system:serviceaccount:" + harness.Namespace + ":cortex-demo", "complete"}))
		nothingTold(ctx, collector)
	})

	It("tells of the heal that an MCP client waits for, in the client's own trace", func(ctx context.Context) {
		token, err := cluster.Token(ctx)
		Expect(err).NotTo(HaveOccurred())
		inTrace := &http.Client{Transport: traceable{bearer{token}}}
		client := sdk.NewClient(&sdk.Implementation{Name: "e2e", Version: "1"}, nil)
		session, err := client.Connect(ctx, &sdk.StreamableClientTransport{Endpoint: gateway + "/mcp/" + sandfly, HTTPClient: inTrace}, nil)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { _ = session.Close() })
		_, err = session.ListTools(ctx, nil)
		Expect(err).NotTo(HaveOccurred())
		before := scraped(ctx)
		Expect(cluster.Scale(ctx, sandfly, 0)).To(Succeed())
		ctx, cancel := context.WithTimeout(ctx, harness.Patience)
		defer cancel()
		result, err := session.CallTool(ctx, &sdk.CallToolParams{Name: "get_host", Arguments: map[string]any{"id": toldArgument}})
		Expect(err).NotTo(HaveOccurred())
		Expect(json.Marshal(result)).To(ContainSubstring(toldResult))

		top := traced(ctx, collector, "tools/call get_host", "POST /mcp/{server}")
		Expect(top.Trace()).To(Equal(callerTrace))
		Expect(top.Parent()).To(Equal(callerSpan))
		counted(ctx, before, `cortex_gateway_mcp_calls_total{class="ConnectionRefused",result="recovered",server="`+sandfly+`"}`)
		Eventually(accessLog).WithContext(ctx).WithArguments(callerTrace).WithTimeout(harness.Patience).Should(ContainElement(
			access{"POST", "/mcp/{server}", http.StatusOK, "system:serviceaccount:" + harness.Namespace + ":cortex-demo", "complete"}))
		nothingTold(ctx, collector)
	})

	It("has no label and no span that a caller made up", func(ctx context.Context) {
		session, err := connectMCP(ctx, "/mcp/"+sandfly, &hears{})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { _ = session.Close() })
		_, err = session.CallTool(ctx, &sdk.CallToolParams{Name: madeUp})
		Expect(err).To(HaveOccurred())
		_, err = connectMCP(ctx, "/mcp/"+madeUp, &hears{})
		Expect(err).To(HaveOccurred())
		ask(ctx, "list the hosts of "+madeUp)

		Eventually(func() int { return len(collector.Named("tools/call")) }).WithContext(ctx).WithTimeout(harness.Patience).Should(BeNumerically(">", 0),
			"the call of a tool that there is not is told")
		for _, span := range collector.Spans() {
			Expect(span.Name).NotTo(ContainSubstring(madeUp))
		}
		var services corev1.ServiceList
		Expect(cluster.List(ctx, &services, client.MatchingLabels{v1alpha1.LabelMCPServer: "true"})).To(Succeed())
		names := map[string]bool{}
		for _, s := range services.Items {
			names[s.Name], names[s.Namespace] = true, true
		}
		series := 0
		for _, one := range scraped(ctx).ours() {
			series++
			for _, label := range labels.FindAllStringSubmatch(one, -1) {
				key, value := label[1], label[2]
				switch key {
				case "server", "target", "namespace":
					Expect(names).To(HaveKey(value), one)
				default:
					Expect(value).To(MatchRegexp(`^[A-Za-z0-9_ .+]{0,32}$`), one)
				}
			}
		}
		GinkgoWriter.Printf("%d series, %d spans\n", series, len(collector.Spans()))
		Expect(series).To(BeNumerically(">", 50))
	})
})

// asShipped has Deployments be as they are now when the test is over.
func asShipped(ctx context.Context, names ...string) {
	GinkgoHelper()
	shipped := map[string]*appsv1.Deployment{}
	for _, name := range names {
		shipped[name] = remember(ctx, name)
		for _, container := range shipped[name].Spec.Template.Spec.Containers {
			Expect(container.Args).NotTo(ContainElement("--access-log"))
			Expect(container.Env).NotTo(ContainElement(HaveField("Name", HavePrefix("OTEL_"))))
		}
	}
	DeferCleanup(func(ctx context.Context) {
		for _, name := range names {
			deployment, err := cluster.Deployment(ctx, name)
			Expect(err).NotTo(HaveOccurred())
			before := deployment.DeepCopy()
			deployment.Spec.Template = shipped[name].Spec.Template
			Expect(cluster.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
		}
		for _, name := range names {
			Expect(cluster.Settled(ctx, name)).To(Succeed())
		}
		steadyLeader(ctx)
	})
}

// traceable sends the place of its caller in a trace along.
type traceable struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t traceable) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(telemetry.Header, "00-"+callerTrace+"-"+callerSpan+"-01")
	return t.next.RoundTrip(r)
}

// traced waits until the collector has all of the trace in which the sandfly server's only heal is, and holds that against the tree in
// docs/telemetry.md. above are the spans of the gateway above its heal, from the inner to the outer ones, of which the last is returned.
func traced(ctx context.Context, collector *telemetrytest.Receiver, above ...string) (top telemetrytest.Span) {
	GinkgoHelper()
	request := onlyRequest(ctx, sandfly)
	Expect(request.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
	at := regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-01$`).FindStringSubmatch(request.Annotations[v1alpha1.AnnotationTraceparent])
	Expect(at).NotTo(BeNil(), "%v", request.Annotations)
	Eventually(func(g Gomega) {
		spans, named := map[string]telemetrytest.Span{}, map[string][]telemetrytest.Span{}
		for _, span := range collector.Spans() {
			if span.Trace() == at[1] {
				spans[span.ID()], named[span.Program+" "+span.Name] = span, append(named[span.Program+" "+span.Name], span)
			}
		}
		one := func(name string) telemetrytest.Span {
			g.Expect(named[name]).To(HaveLen(1), name)
			return named[name][0]
		}
		wait := one("cortex-gateway heal " + sandfly)
		g.Expect(wait.ID()).To(Equal(at[2]), "the annotation names the gateway's heal")
		g.Expect(wait.Text(telemetry.Outcome)).To(Equal("healed"))
		g.Expect(wait.Text(telemetry.Request)).To(Equal(request.Name))
		top = wait
		for _, name := range above {
			g.Expect(spans).To(HaveKey(top.Parent()), "above "+top.Name)
			top = spans[top.Parent()]
			g.Expect(top.Program + " " + top.Name).To(Equal("cortex-gateway " + name))
		}
		replay := one("cortex-gateway replay " + sandfly)
		g.Expect(replay.Parent()).To(Equal(wait.Parent()))
		g.Expect(replay.Text(telemetry.Replay)).To(Equal("replayed"))
		g.Expect(replay.Text(telemetry.ToolName)).To(Equal("get_host"))

		heal := one("cortex-operator heal " + sandfly)
		g.Expect(heal.Parent()).To(Equal(wait.ID()))
		g.Expect(heal.Text(telemetry.Request)).To(Equal(request.Name))
		g.Expect(heal.Text(telemetry.Cause)).To(Equal(string(v1alpha1.CauseScaledToZero)))
		g.Expect(heal.Text(telemetry.Outcome)).To(Equal(v1alpha1.ReasonHealed))
		var last telemetrytest.Span
		for _, step := range []string{"diagnose ", "plan ", "apply ", "verify "} {
			span := one("cortex-operator " + step + sandfly)
			g.Expect(span.Parent()).To(Equal(heal.ID()), step)
			g.Expect(span.StartTimeUnixNano).To(BeNumerically(">=", last.GetStartTimeUnixNano()), step)
			last = span
		}
		g.Expect(one("cortex-operator apply " + sandfly).Text(telemetry.Action)).To(Equal(string(v1alpha1.ActionScale)))
		g.Expect(last.Text(telemetry.Verdict)).To(Equal(string(v1alpha1.VerdictPassed)))
		for _, span := range spans {
			GinkgoWriter.Printf("%s < %s %s %s, %v\n", span.ID(), span.Parent(), span.Program, span.Name, time.Duration(span.EndTimeUnixNano-span.StartTimeUnixNano))
		}
	}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 4).Should(Succeed())
	return top
}

// nothingTold requires that what a caller said, was answered and proved itself with is in no span, no metric and no line of the
// access log.
func nothingTold(ctx context.Context, collector *telemetrytest.Receiver) {
	GinkgoHelper()
	token, err := cluster.Token(ctx)
	Expect(err).NotTo(HaveOccurred())
	secret := []string{toldWord, toldArgument, toldResult, token}
	spans := collector.Spans()
	Expect(spans).NotTo(BeEmpty())
	var told []string
	for _, span := range spans {
		told = append(told, span.String())
	}
	for pod, text := range scraped(ctx) {
		Expect(text).NotTo(BeEmpty(), pod)
		told = append(told, text)
	}
	log := accessLines(ctx)
	Expect(log).NotTo(BeEmpty())
	for _, text := range append(told, log...) {
		for _, word := range secret {
			Expect(text).NotTo(ContainSubstring(word))
		}
	}
}

// access is a line of the access log, without what differs from run to run.
type access struct {
	Method, Route string
	Status        int
	Caller, Ended string
}

// accessLog are the lines of a trace, of requests that were answered with something and took some time.
func accessLog(ctx context.Context, trace string) (lines []access) {
	GinkgoHelper()
	for _, text := range accessLines(ctx) {
		var line struct {
			access
			Bytes   int
			Seconds float64
			Trace   string
		}
		Expect(json.Unmarshal([]byte(text), &line)).To(Succeed(), text)
		if line.Trace == trace && line.Bytes > 0 && line.Seconds > 0 {
			lines = append(lines, line.access)
		}
	}
	return lines
}

func accessLines(ctx context.Context) (lines []string) {
	GinkgoHelper()
	for text := range strings.Lines(logsOf(ctx, "cortex-gateway")) {
		if strings.Contains(text, `"logger":"access"`) {
			lines = append(lines, text)
		}
	}
	return lines
}

// metrics are what each pod of gateway and operator has at /metrics.
type metrics map[string]string

var (
	// labels are a label and its value in the text form of Prometheus.
	labels = regexp.MustCompile(`(\w+)="([^"]*)"`)
	ours   = regexp.MustCompile(`(?m)^cortex_.*$`)
)

func scraped(ctx context.Context) metrics {
	GinkgoHelper()
	all := metrics{}
	for name, port := range map[string]int{"cortex-gateway": 8000, "cortex-operator": 8080} {
		deployment, err := cluster.Deployment(ctx, name)
		Expect(err).NotTo(HaveOccurred())
		pods, err := cluster.Pods(ctx, deployment.Spec.Selector)
		Expect(err).NotTo(HaveOccurred())
		for i := range pods {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d/metrics", pods[i].Status.PodIP, port), nil)
			Expect(err).NotTo(HaveOccurred())
			resp, err := http.DefaultClient.Do(req)
			Expect(err).NotTo(HaveOccurred())
			text, err := io.ReadAll(resp.Body)
			Expect(err).NotTo(HaveOccurred())
			Expect(resp.Body.Close()).To(Succeed())
			Expect(resp.StatusCode).To(Equal(http.StatusOK))
			all[pods[i].Name] = string(text)
		}
	}
	return all
}

// ours are the lines of our own series.
func (m metrics) ours() (lines []string) {
	for _, text := range m {
		lines = append(lines, ours.FindAllString(text, -1)...)
	}
	return lines
}

// of is a series' value, added up over the pods.
func (m metrics) of(series string) (sum float64) {
	for _, line := range m.ours() {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			one, err := strconv.ParseFloat(value, 64)
			Expect(err).NotTo(HaveOccurred(), line)
			sum += one
		}
	}
	return sum
}

// counted waits until one heal of the sandfly server is counted by gateway and operator, and once what else is named.
func counted(ctx context.Context, before metrics, series ...string) {
	GinkgoHelper()
	series = append(series,
		`cortex_gateway_heals_followed_total{result="succeeded",server="`+sandfly+`"}`,
		`cortex_gateway_replays_total{decision="replayed",server="`+sandfly+`"}`,
		`cortex_heals_total{cause="ScaledToZero",namespace="`+harness.Namespace+`",outcome="Healed",target="`+sandfly+`"}`,
		`cortex_heal_duration_seconds_count{outcome="Healed"}`,
		`cortex_actions_total{state="Applied",type="Scale"}`,
		`cortex_actions_total{state="Verified",type="Scale"}`,
	)
	Eventually(func(g Gomega) {
		now := scraped(ctx)
		for _, one := range series {
			g.Expect(now.of(one)-before.of(one)).To(BeEquivalentTo(1), one)
		}
	}).WithContext(ctx).WithTimeout(harness.Patience).WithPolling(time.Second / 4).Should(Succeed())
}
