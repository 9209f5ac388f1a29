// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package integration_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/controller/healingrequest"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/gather"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/kube"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/proxy"
	"github.com/ry-ops/cortex/internal/recovery"
	"github.com/ry-ops/cortex/internal/remediation"
	"github.com/ry-ops/cortex/internal/telemetry"
	"github.com/ry-ops/cortex/internal/telemetry/telemetrytest"
	"github.com/ry-ops/cortex/internal/verification"
)

// rollout plays what envtest has not: the server is up once it was looked at for the third time after the change.
type rollout struct {
	backend *mcptest.Backend
	looks   atomic.Int32
}

func (r *rollout) Verify(context.Context, verification.Target) (verification.Outcome, error) {
	if r.looks.Add(1) < 3 {
		return checked(v1alpha1.VerdictUnknown), nil
	}
	if r.looks.Load() == 3 {
		r.backend.Up()
	}
	return checked(v1alpha1.VerdictPassed), nil
}

func checked(verdict v1alpha1.Verdict) verification.Outcome {
	return verification.Outcome{RecheckAfter: time.Second, Verification: v1alpha1.Verification{Verdict: verdict, Checks: []v1alpha1.CheckResult{
		{Name: verification.CheckHandshake, Verdict: verdict, Message: "looked at"},
	}}}
}

// Probe plays a server that nobody reaches, and Logs a kubelet with nothing to say.
func (*rollout) Probe(context.Context, mcpserver.Endpoint) mcpserver.Result {
	return mcpserver.Result{Verdict: v1alpha1.VerdictFailed, Class: v1alpha1.ErrorConnectionRefused, Message: "connection refused"}
}
func (*rollout) Logs(context.Context, string, string, string, bool) (string, error) { return "", nil }

// operate reconciles all requests of a namespace, each time as an operator that has just started.
func operate(ctx context.Context, r *rollout, namespace string, tracer func() *telemetry.Tracer) {
	for ctx.Err() == nil {
		var requests v1alpha1.HealingRequestList
		if api.List(ctx, &requests, client.InNamespace(namespace)) != nil {
			continue
		}
		for i := range requests.Items {
			operator := &healingrequest.Reconciler{
				Client: api, Live: api, Verifier: r, Recorder: &events.FakeRecorder{}, Tracer: tracer(), Clock: clock.RealClock{},
				Gatherer: &gather.Gatherer{Reader: api, Logs: r, Prober: r, Clock: clock.RealClock{}},
				Applier:  &remediation.Applier{Client: api, Reader: api, Clock: clock.RealClock{}},
				Metrics:  healingrequest.NewMetrics(prometheus.NewRegistry()),
			}
			_, _ = operator.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&requests.Items[i])}) // it is asked again
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

var _ = Describe("A trace", func() {
	const (
		name   = "traced-mcp-server"
		trace  = "0af7651916cd43dd8448eb211c80319c"
		secret = "the-argument-of-a-caller"
	)
	It("goes from a client's call through the HealingRequest to the operator, over its restarts, and on to the replay", func(ctx SpecContext) {
		collector := telemetrytest.New(GinkgoTB())
		GinkgoTB().Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
		tracer := func(program string) *telemetry.Tracer {
			t, err := telemetry.New(ctx, program, "test", logr.Discard())
			Expect(err).NotTo(HaveOccurred())
			Expect(t).NotTo(BeNil())
			DeferCleanup(t.Shutdown)
			return t
		}
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "traced-"}}
		Expect(api.Create(ctx, namespace)).To(Succeed())
		meta := metav1.ObjectMeta{Namespace: namespace.Name, Name: name, Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}, Annotations: map[string]string{v1alpha1.AnnotationReplicas: "1"}}
		labels := map[string]string{"app": name}
		Expect(api.Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Name: "mcp", Port: 3000}}}})).To(Succeed())
		Expect(api.Create(ctx, &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](0), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "server", Image: "server:1"}}}},
		}})).To(Succeed())

		backend := mcptest.Stopped(GinkgoTB(), name)
		service := backend.Service()
		service.Namespace = namespace.Name
		servers := mcp.NewRegistry(mcp.Options{Version: "test"})
		DeferCleanup(servers.Close)
		servers.OnAdd(service, true)

		background, stop := context.WithCancel(context.Background())
		DeferCleanup(stop)
		healings, err := kube.Client(config, v1alpha1.GroupVersion, &v1alpha1.HealingRequest{}, &v1alpha1.HealingRequestList{})
		Expect(err).NotTo(HaveOccurred())
		watch := kube.Informer(healings, healing.Resource, &v1alpha1.HealingRequest{}, namespace.Name, nil)
		healer, err := healing.New(healing.Options{Requests: healing.At(healings), Watch: watch, Clock: clock.RealClock{}, Log: logr.Discard()})
		Expect(err).NotTo(HaveOccurred())
		go watch.RunWithContext(background)
		Expect(toolscache.WaitFor(ctx, "", watch.HasSyncedChecker())).To(BeTrue())

		of := tracer("cortex-gateway")
		metrics := prometheus.NewRegistry()
		recoverer := recovery.New(recovery.Options{Healer: healer, Metrics: recovery.NewMetrics(metrics), Tracer: of, Clock: clock.RealClock{}, Log: logr.Discard()})
		tools := proxy.New(proxy.Options{Servers: servers, Recoverer: recoverer, Registry: metrics, Version: "test", Tracer: of, Clock: clock.RealClock{}, Log: logr.Discard()})
		DeferCleanup(func() {
			tools.Close()
			recoverer.Close()
		})
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		server := gateway.New(gateway.Options{MCP: tools, Tracer: of, Ready: func() bool { return true }, Registry: metrics, Clock: clock.RealClock{}, Log: logr.Discard()})
		go func() { _ = server.Serve(background, listener) }()

		world := &rollout{backend: backend}
		operators, turn := []*telemetry.Tracer{tracer("cortex-operator"), tracer("cortex-operator")}, 0
		go operate(background, world, namespace.Name, func() *telemetry.Tracer {
			turn++
			return operators[turn%len(operators)]
		})

		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String()+"/mcp/"+name,
			strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_hosts","arguments":{"x":"`+secret+`"}}}`))
		Expect(err).NotTo(HaveOccurred())
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		req.Header.Set("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
		resp, err := http.DefaultClient.Do(req)
		Expect(err).NotTo(HaveOccurred())
		Expect(resp.Body.Close()).To(Succeed())
		Expect(resp.StatusCode).To(Equal(http.StatusOK))

		// one finds the span of a program; there must be no other of its name.
		one := func(g Gomega, program, name string) telemetrytest.Span {
			var found []telemetrytest.Span
			for _, span := range collector.Named(name) {
				if span.Program == program {
					found = append(found, span)
				}
			}
			g.Expect(found).To(HaveLen(1), "%s %s", program, name)
			return found[0]
		}
		Eventually(func(g Gomega) {
			for _, t := range append(operators, of) {
				g.Expect(t.Flush(ctx)).To(Succeed())
			}
			request := one(g, "cortex-gateway", "POST /mcp/{server}")
			g.Expect(request.Parent()).To(Equal("b7ad6b7169203331"))
			wait := one(g, "cortex-gateway", "heal "+name)
			g.Expect(wait.Text(telemetry.Replay)).To(Or(Equal("replayed"), BeEmpty()))
			replay := one(g, "cortex-gateway", "replay "+name)
			g.Expect(replay.Text(telemetry.Replay)).To(Equal("replayed"))
			g.Expect(replay.Text(telemetry.ToolName)).To(Equal("list_hosts"))
			heal := one(g, "cortex-operator", "heal "+name)
			g.Expect(heal.Parent()).To(Equal(wait.ID()), "the operator's heal is below the gateway's")
			g.Expect(heal.Text(telemetry.Outcome)).To(Equal(v1alpha1.ReasonHealed))
			for _, step := range []string{"diagnose ", "plan ", "apply ", "verify "} {
				g.Expect(one(g, "cortex-operator", step+name).Parent()).To(Equal(heal.ID()), step)
			}
			g.Expect(one(g, "cortex-operator", "apply "+name).Text(telemetry.Action)).To(Equal(string(v1alpha1.ActionScale)))
			for _, span := range collector.Spans() {
				g.Expect(span.Trace()).To(Equal(trace), span.Name)
				g.Expect(span.String()).NotTo(ContainSubstring(secret))
			}
		}).WithTimeout(3 * time.Minute).Should(Succeed())
		Expect(world.looks.Load()).To(BeNumerically(">=", 3), "a verification that was looked at three times is one span")
	}, SpecTimeout(10*time.Minute))
})
