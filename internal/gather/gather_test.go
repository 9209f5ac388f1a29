// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

const testNamespace = "cortex-system"

var testNow = time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)

// sandfly is a Service and its Deployment of so many replicas, with as many ready pods.
func sandfly(replicas int) []client.Object {
	labels := map[string]string{"app": "sandfly-mcp-server"}
	meta := func(name, uid string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: testNamespace, Name: name, UID: types.UID(uid), CreationTimestamp: metav1.NewTime(testNow.Add(-time.Hour))}
	}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "mcp", Image: "sandfly:1"}}}}
	service := &corev1.Service{ObjectMeta: meta("sandfly-mcp-server", "svc"), Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 3000}}}}
	service.Labels = map[string]string{v1alpha1.LabelMCPServer: "true"}
	deployment := &appsv1.Deployment{ObjectMeta: meta("sandfly-mcp-server", "dep"), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To(int32(replicas)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template,
	}}
	set := &appsv1.ReplicaSet{ObjectMeta: meta("sandfly-mcp-server-abc", "rs")}
	set.Labels = map[string]string{"app": "sandfly-mcp-server", "pod-template-hash": "abc"}
	set.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(deployment, appsv1.SchemeGroupVersion.WithKind("Deployment"))}
	slice := &discoveryv1.EndpointSlice{ObjectMeta: meta("sandfly-mcp-server-1", "slice")}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "sandfly-mcp-server"}
	objects := []client.Object{service, deployment, set, slice}
	for i := range replicas {
		pod := &corev1.Pod{ObjectMeta: meta(fmt.Sprintf("sandfly-mcp-server-abc-%03d", i), fmt.Sprintf("pod-%d", i)), Spec: template.Spec}
		pod.Labels = set.Labels
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "mcp", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.0.0.%d", i)}})
		objects = append(objects, pod)
	}
	return objects
}

// calls counts what a gatherer asks of the API server, and refuses what it is told to.
type calls struct {
	mu      sync.Mutex
	lists   map[string]int
	gets    int
	refused map[string]error
}

func (c *calls) reader(objects ...client.Object) client.Reader {
	c.lists = map[string]int{}
	return fake.NewClientBuilder().WithObjects(objects...).WithIndex(&corev1.Event{}, "involvedObject.kind", func(o client.Object) []string {
		return []string{o.(*corev1.Event).InvolvedObject.Kind}
	}).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, cl client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.gets++
			return cl.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, cl client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			kind := kindOf(list)
			c.mu.Lock()
			c.lists[kind]++
			err := c.refused[kind]
			c.mu.Unlock()
			if err != nil {
				return err
			}
			return cl.List(ctx, list, opts...)
		},
	}).Build()
}

// kindOf names the kind of a list: of a list of metadata, with an asterisk.
func kindOf(list client.ObjectList) string {
	name := fmt.Sprintf("%T", list)
	kind := strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "List")
	switch of := strings.TrimSuffix(list.GetObjectKind().GroupVersionKind().Kind, "List"); kind {
	case "PartialObjectMetadata":
		return of + "*"
	case "Unstructured":
		return of
	}
	return kind
}

type prober struct {
	result mcpserver.Result
	calls  int
}

func (p *prober) Probe(_ context.Context, _ mcpserver.Endpoint) mcpserver.Result {
	p.calls++
	return p.result
}

type probeFunc func(context.Context) mcpserver.Result

func (p probeFunc) Probe(ctx context.Context, _ mcpserver.Endpoint) mcpserver.Result { return p(ctx) }

type logFunc func(context.Context) (string, error)

func (l logFunc) Logs(ctx context.Context, _, _, _ string, _ bool) (string, error) { return l(ctx) }

// logs are the texts by pod, container and whether it is the previous run's.
type logs struct {
	texts map[string]string
	calls atomic.Int32
}

func (l *logs) Logs(_ context.Context, _, pod, container string, previous bool) (string, error) {
	l.calls.Add(1)
	text, ok := l.texts[fmt.Sprintf("%s/%s/%t", pod, container, previous)]
	if !ok {
		return "", errors.New("no such log")
	}
	return text, nil
}

var sandflyTarget = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: "sandfly-mcp-server"}

func forbidden(kind string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: kind}, "", errors.New("no right"))
}

func gathererOf(counted *calls, objects []client.Object) *Gatherer {
	return &Gatherer{Reader: counted.reader(objects...), Clock: clocktesting.NewFakePassiveClock(testNow)}
}

func gather(t *testing.T, g *Gatherer) *snapshot.Snapshot {
	t.Helper()
	s, err := g.Gather(t.Context(), testNamespace, sandflyTarget, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantOneListAKind holds the cost of a diagnosis: one round trip, however many pods there are.
func (c *calls) wantOneListAKind(t *testing.T) {
	t.Helper()
	if c.gets != 0 {
		t.Errorf("%d gets", c.gets)
	}
	want := map[string]int{"Service": 1, "EndpointSlice": 1, "Deployment": 1, "StatefulSet": 1, "DaemonSet": 1, "ReplicaSet": 1, "Pod": 1, "Event": 1, "HorizontalPodAutoscaler": 1}
	if diff := cmp.Diff(want, c.lists); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestGatherScaledToZeroCostsOneRoundTrip(t *testing.T) {
	counted, probed, read := &calls{}, &prober{}, &logs{}
	gatherer := gathererOf(counted, sandfly(0))
	gatherer.Prober, gatherer.Logs = probed, read
	d := diagnosis.Diagnose(gather(t, gatherer))
	if d.Cause != v1alpha1.CauseScaledToZero || d.Findings[0].Replicas != 1 || d.Workload == nil || d.Workload.UID != "dep" {
		t.Errorf("cause %s, workload %+v, findings %+v", d.Cause, d.Workload, d.Findings)
	}
	if probed.calls != 0 || read.calls.Load() != 0 {
		t.Errorf("%d handshakes and %d logs for a target at zero", probed.calls, read.calls.Load())
	}
	counted.wantOneListAKind(t)
}

func TestGatherManyPods(t *testing.T) {
	counted := &calls{}
	gatherer := gathererOf(counted, sandfly(200))
	read := &logs{texts: map[string]string{}}
	gatherer.Prober, gatherer.Logs = &prober{result: mcpserver.Result{Verdict: v1alpha1.VerdictPassed}}, read
	s := gather(t, gatherer)
	if d := diagnosis.Diagnose(s); d.Cause != v1alpha1.CauseHealthy || len(s.Pods) != 200 || s.ReadyEndpoints() != 200 {
		t.Errorf("cause %s, %d pods, %d endpoints", d.Cause, len(s.Pods), s.ReadyEndpoints())
	}
	if n := read.calls.Load(); n != maxLogPods {
		t.Errorf("%d logs", n)
	}
	counted.wantOneListAKind(t)
}

func TestGatherForbiddenKindsAreGaps(t *testing.T) {
	for kind, cause := range map[string]v1alpha1.Cause{
		"Service":       v1alpha1.CauseUnknown,
		"EndpointSlice": v1alpha1.CauseScaledToZero,
		"Deployment":    v1alpha1.CauseNoReadyEndpoints,
		"StatefulSet":   v1alpha1.CauseScaledToZero,
		"DaemonSet":     v1alpha1.CauseScaledToZero,
		"ReplicaSet":    v1alpha1.CauseScaledToZero,
		"Pod":           v1alpha1.CauseScaledToZero,
		"Event":         v1alpha1.CauseScaledToZero,
	} {
		t.Run(kind, func(t *testing.T) {
			counted := &calls{refused: map[string]error{kind: forbidden(kind)}}
			s := gather(t, gathererOf(counted, sandfly(0)))
			if s.Complete(kind) || !slices.Contains(s.Gaps(), "not allowed to read "+kind+"s") {
				t.Errorf("unread %q, gaps %q", s.All.Unread, s.Gaps())
			}
			if d := diagnosis.Diagnose(s); d.Cause != cause {
				t.Errorf("cause %s, want %s", d.Cause, cause)
			}
		})
	}
}

func TestGatherWithoutTheEssentialIsAnError(t *testing.T) {
	refused := map[string]error{}
	for _, kind := range []string{snapshot.KindService, snapshot.KindDeployment, snapshot.KindStatefulSet, snapshot.KindDaemonSet} {
		refused[kind] = forbidden(kind)
	}
	_, err := gathererOf(&calls{refused: refused}, sandfly(0)).Gather(t.Context(), testNamespace, sandflyTarget, nil)
	if !apierrors.IsForbidden(err) {
		t.Errorf("error %v", err)
	}
	delete(refused, snapshot.KindDaemonSet)
	if _, err := gathererOf(&calls{refused: refused}, sandfly(0)).Gather(t.Context(), testNamespace, sandflyTarget, nil); err != nil {
		t.Errorf("with one kind of workload read: %v", err)
	}
}

func TestGatherEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	gatherer := gathererOf(&calls{}, sandfly(1))
	gatherer.Prober = probeFunc(func(ctx context.Context) mcpserver.Result {
		cancel()
		<-ctx.Done()
		return mcpserver.Result{Verdict: v1alpha1.VerdictUnknown}
	})
	if _, err := gatherer.Gather(ctx, testNamespace, sandflyTarget, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// pager gives one more page for ever, and refuses to be asked for anything but the next bounded one.
type pager struct{ client.Reader }

func (p pager) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	asked := (&client.ListOptions{}).ApplyOptions(opts)
	if asked.Limit != pageSize || asked.Continue != "" && asked.Continue != "more" {
		return fmt.Errorf("asked for %+v", asked)
	}
	if _, isPods := list.(*corev1.PodList); isPods && asked.Continue == "more" {
		list.(*corev1.PodList).Items = []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "of a later page"}}}
		list.SetContinue("more")
		return nil
	}
	if err := p.Reader.List(ctx, list, opts...); err != nil {
		return err
	}
	list.SetContinue("more")
	return nil
}

func TestGatherBoundsItsLists(t *testing.T) {
	counted := &calls{}
	gatherer := gathererOf(counted, sandfly(1))
	gatherer.Reader = pager{gatherer.Reader}
	s := gather(t, gatherer)
	if counted.lists["StatefulSet"] != maxPages || s.Complete(snapshot.KindPod) || !strings.Contains(s.Gaps()[0], "too many") {
		t.Errorf("%v pages, gaps %q", counted.lists, s.Gaps())
	}
	if s.Service == nil || s.Workload == nil {
		t.Error("what was read before the bound is lost")
	}
}

func TestGatherHandshakesOnlyWithWhatShouldAnswer(t *testing.T) {
	notReady := func(objects []client.Object) {
		objects[3].(*discoveryv1.EndpointSlice).Endpoints[0].Conditions.Ready = ptr.To(false)
	}
	for name, test := range map[string]struct {
		replicas int
		change   func([]client.Object)
		refused  map[string]error
		want     int
	}{
		"ready":             {replicas: 1, want: 1},
		"not ready":         {replicas: 1, change: notReady},
		"at zero":           {replicas: 0},
		"slices unread":     {replicas: 1, refused: map[string]error{snapshot.KindEndpointSlice: forbidden("x")}, want: 1},
		"at zero, unread":   {replicas: 0, refused: map[string]error{snapshot.KindEndpointSlice: forbidden("x")}},
		"no selector":       {replicas: 1, change: func(o []client.Object) { o[0].(*corev1.Service).Spec.Selector = nil; notReady(o) }, want: 1},
		"port not known":    {replicas: 1, change: func(o []client.Object) { o[0].(*corev1.Service).Spec.Ports = nil }},
		"no Service":        {replicas: 1, change: func(o []client.Object) { o[0].SetName("another") }},
		"at zero, but pods": {replicas: 1, change: func(o []client.Object) { o[1].(*appsv1.Deployment).Spec.Replicas = ptr.To[int32](0) }},
	} {
		t.Run(name, func(t *testing.T) {
			objects := sandfly(test.replicas)
			if test.change != nil {
				test.change(objects)
			}
			probed := &prober{}
			gatherer := gathererOf(&calls{refused: test.refused}, objects)
			gatherer.Prober = probed
			if s := gather(t, gatherer); probed.calls != test.want || (s.Handshake != nil) != (test.want > 0) {
				t.Errorf("%d handshakes, result %v", probed.calls, s.Handshake)
			}
		})
	}
}

func TestGatherBoundsTheHandshake(t *testing.T) {
	gatherer, began := gathererOf(&calls{}, sandfly(1)), time.Now()
	gatherer.Prober = probeFunc(func(ctx context.Context) mcpserver.Result {
		deadline, ok := ctx.Deadline()
		if !ok || deadline.Before(began.Add(handshakeTimeout)) || deadline.After(time.Now().Add(handshakeTimeout)) {
			t.Errorf("the handshake has %s", time.Until(deadline))
		}
		return mcpserver.Result{}
	})
	gather(t, gatherer)
}

func TestGatherReadsTheLogsThatMatter(t *testing.T) {
	objects := sandfly(5)
	crash := func(i int) {
		pod := objects[4+i].(*corev1.Pod)
		pod.Status.Conditions[0].Status = corev1.ConditionFalse
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{
			{Name: "mcp", RestartCount: 2, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}, LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}},
			{Name: "sidecar", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
		}
	}
	crash(3)
	crash(4)
	read := &logs{texts: map[string]string{"sandfly-mcp-server-abc-003/mcp/true": "panic: password=hunter2\x1b[0m\n"}}
	gatherer := gathererOf(&calls{}, objects)
	gatherer.Logs = read
	s := gather(t, gatherer)
	want := map[snapshot.ContainerKey]snapshot.ContainerLog{{Pod: "sandfly-mcp-server-abc-003", Container: "mcp"}: {Previous: "panic: password=[redacted]"}}
	if diff := cmp.Diff(want, s.Logs); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
	if n := read.calls.Load(); n != 2 || len(s.Gaps()) != 1 || s.Gaps()[0] != "reading the log of container mcp of Pod sandfly-mcp-server-abc-004: no such log" {
		t.Errorf("%d logs read, gaps %q", n, s.Gaps())
	}
}

func TestGatherBoundsTheLogs(t *testing.T) {
	gatherer := gathererOf(&calls{}, sandfly(1))
	gatherer.Logs = logFunc(func(ctx context.Context) (string, error) {
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left > logTimeout {
			t.Errorf("a log has %s", left)
		}
		return "", ctx.Err()
	})
	gather(t, gatherer)
}

func TestLogsOf(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	waits := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	for name, test := range map[string]struct {
		init, main corev1.ContainerStatus
		want       []logWanted
	}{
		"starting":        {main: corev1.ContainerStatus{Name: "mcp", State: waits}},
		"running":         {main: corev1.ContainerStatus{Name: "mcp", State: running}, want: []logWanted{{snapshot.ContainerKey{Pod: "p", Container: "mcp"}, false}}},
		"running again":   {main: corev1.ContainerStatus{Name: "mcp", State: running, RestartCount: 1, LastTerminationState: ended(1)}, want: []logWanted{{snapshot.ContainerKey{Pod: "p", Container: "mcp"}, true}, {snapshot.ContainerKey{Pod: "p", Container: "mcp"}, false}}},
		"backing off":     {main: corev1.ContainerStatus{Name: "mcp", State: waits, RestartCount: 1, LastTerminationState: ended(1)}, want: []logWanted{{snapshot.ContainerKey{Pod: "p", Container: "mcp"}, true}}},
		"first end":       {main: corev1.ContainerStatus{Name: "mcp", State: ended(1)}, want: []logWanted{{snapshot.ContainerKey{Pod: "p", Container: "mcp"}, false}}},
		"init well ended": {init: corev1.ContainerStatus{Name: "init", State: ended(0)}, main: corev1.ContainerStatus{Name: "mcp", State: waits}},
		"init failed":     {init: corev1.ContainerStatus{Name: "init", State: ended(1)}, main: corev1.ContainerStatus{Name: "mcp", State: waits}, want: []logWanted{{snapshot.ContainerKey{Pod: "p", Container: "init"}, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{test.main}}}
			if test.init.Name != "" {
				pod.Status.InitContainerStatuses = []corev1.ContainerStatus{test.init}
			}
			if diff := cmp.Diff(test.want, logsOf(pod), cmp.AllowUnexported(logWanted{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestGatherForAWorkload(t *testing.T) {
	counted := &calls{}
	gatherer := gathererOf(counted, sandfly(2))
	s, err := gatherer.Gather(t.Context(), testNamespace, v1alpha1.TargetReference{Kind: v1alpha1.KindDeployment, Name: "sandfly-mcp-server"}, &v1alpha1.ObservedError{Message: "x"})
	if err != nil || s.Service == nil || s.Service.UID != "svc" || s.ReadyEndpoints() != 2 || s.Error.Message != "x" || !s.Now.Equal(testNow) {
		t.Errorf("error %v, snapshot %+v", err, s)
	}
}

func TestKubeLogsAsksForABoundedTail(t *testing.T) {
	var query string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Path + "?" + r.URL.Query().Encode()
		_, _ = w.Write([]byte("the log"))
	}))
	defer server.Close()
	kube, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	text, err := KubeLogs{Client: kube}.Logs(t.Context(), "ns", "pod-1", "mcp", true)
	if err != nil || text != "the log" {
		t.Errorf("%q, %v", text, err)
	}
	if want := "/api/v1/namespaces/ns/pods/pod-1/log?container=mcp&limitBytes=262144&previous=true&tailLines=50"; query != want {
		t.Errorf("asked %s, want %s", query, want)
	}
}
