// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package verification_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/mcpserver"
	"github.com/ry-ops/cortex/internal/verification"
)

const (
	passes  = v1alpha1.VerdictPassed
	fails   = v1alpha1.VerdictFailed
	unknown = v1alpha1.VerdictUnknown
)

type test struct {
	spoil   func(*world)
	verdict v1alpha1.Verdict
	// check that decided, and a part of what it said.
	check, message string
}

func run(t *testing.T, tests map[string]test) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			if test.spoil != nil {
				test.spoil(w)
			}
			got := w.verify(t, w)
			if got.Verdict != test.verdict || got.Last().Name != test.check || !strings.Contains(got.Last().Message, test.message) {
				t.Errorf("Verify = %+v\nwant %s at %s: %s", got, test.verdict, test.check, test.message)
			}
			if got.Verdict == passes && (len(got.Checks) != 5 || got.RecheckAfter != 0 || got.PathClosed) {
				t.Errorf("passed with %+v", got)
			}
			if gone := w.workload == nil || w.workload.GetUID() != w.target.Workload.UID; got.Gone != gone {
				t.Errorf("Gone is %v", got.Gone)
			}
			for _, check := range got.Checks {
				if len([]rune(check.Message)) > 512 {
					t.Errorf("the message of %s is longer than the API takes", check.Name)
				}
			}
		})
	}
}

func TestRollout(t *testing.T) {
	const check = verification.CheckRollout
	run(t, map[string]test{
		"all is well":                       {nil, passes, verification.CheckStability, "2 pods are ready"},
		"gone":                              {func(w *world) { w.workload = nil }, fails, check, "Deployment sandfly is gone"},
		"made anew":                         {func(w *world) { w.workload.SetUID("another") }, fails, check, "deleted and created anew"},
		"the counts are of the spec before": {func(w *world) { w.workload.SetGeneration(3) }, unknown, check, "waiting for the controller to see the new spec"},
		"the old revision still answers": {func(w *world) {
			w.old()
			w.deployment().Status = appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 1, AvailableReplicas: 2}
		}, unknown, check, "1 of 2 new replicas created"},
		"old pods are left":                       {func(w *world) { w.deployment().Status.Replicas = 3 }, unknown, check, "1 old replicas still to go"},
		"counts that still speak of deleted pods": {func(w *world) { w.pods = w.pods[:1] }, unknown, check, "1 of 2 pods are ready"},
		"pods of another workload do not count": {func(w *world) {
			w.pods[1].OwnerReferences[0].Name = "sandfly-canary-new"
		}, unknown, check, "1 of 2 pods are ready"},
		"scaled to zero meanwhile": {func(w *world) {
			w.deployment().Spec.Replicas = ptr.To[int32](0)
			w.deployment().Status, w.pods = appsv1.DeploymentStatus{ObservedGeneration: 2}, nil
		}, unknown, check, "Deployment sandfly asks for no pods"},
		"a new pod crashes again": {func(w *world) {
			w.deployment().Status.AvailableReplicas = 1
			waits(w.pods[0], "CrashLoopBackOff")
			restarted(w.pods[0], 3, 9*time.Second)
		}, fails, check, "new pod sandfly-new-0, container server: CrashLoopBackOff (exit code 137, OOMKilled)"},
		"an old pod that crashes does not speak for the fix": {func(w *world) {
			w.deployment().Status.AvailableReplicas = 1
			w.old()
			waits(w.pods[0], "CrashLoopBackOff")
		}, unknown, check, "1 of 2 replicas available"},
		"a new pod that is being created has time": {func(w *world) {
			w.deployment().Status.AvailableReplicas = 1
			waits(w.pods[0], "ContainerCreating")
		}, unknown, check, "1 of 2 replicas available"},
		"paused before the newest template": {func(w *world) {
			w.deployment().Spec.Paused = true
			w.deployment().Status.UpdatedReplicas = 0
		}, fails, check, "Deployment sandfly is paused: 2 pods of an older template stay"},
		"paused and scaled": {func(w *world) {
			w.deployment().Spec.Paused = true
			w.deployment().Status = appsv1.DeploymentStatus{ObservedGeneration: 2}
		}, unknown, check, "0 of 2 new replicas created"},
		"paused and complete":           {func(w *world) { w.deployment().Spec.Paused = true }, passes, verification.CheckStability, ""},
		"out of time":                   {func(w *world) { w.outOfTime(since.Add(time.Second)) }, fails, check, "made no progress within its deadline: 1 of 2 new replicas created"},
		"out of time before the change": {func(w *world) { w.outOfTime(since.Add(-time.Second)) }, unknown, check, "1 of 2 new replicas created"},
		"out of time by the spec before": {func(w *world) {
			w.outOfTime(since.Add(time.Second))
			w.workload.SetGeneration(3)
		}, unknown, check, "waiting for the controller"},
	})
}

func (w *world) outOfTime(at time.Time) {
	w.deployment().Status.UpdatedReplicas = 1
	w.deployment().Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", LastUpdateTime: metav1.NewTime(at),
	}}
}

// TestRolloutThatItsStrategyEnds: what the strategy never does is not waited for, and it is told.
func TestRolloutThatItsStrategyEnds(t *testing.T) {
	const check = verification.CheckRollout
	onDelete := appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}
	partition := func(n int32) appsv1.StatefulSetUpdateStrategy {
		return appsv1.StatefulSetUpdateStrategy{RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &n}}
	}
	run(t, map[string]test{
		"OnDelete: the change reached no pod": {func(w *world) {
			w.statefulSet(onDelete)
			w.old()
		}, fails, check, "no pod was made anew: 0 of 2 pods are of the newest template, and the update strategy OnDelete replaces a pod only once it is deleted"},
		"OnDelete: the pods are still to be made": {func(w *world) {
			w.statefulSet(onDelete).Status = appsv1.StatefulSetStatus{ObservedGeneration: 2, CurrentRevision: "a", UpdateRevision: "b"}
			w.pods = nil
		}, unknown, check, "0 of 2 new replicas created"},
		"OnDelete: pods were deleted and made anew": {func(w *world) {
			w.statefulSet(onDelete).Status.UpdatedReplicas = 2
		}, passes, verification.CheckStability, ""},
		"OnDelete: nothing of it was changed": {func(w *world) {
			w.statefulSet(onDelete)
			w.old()
			w.target.Since = time.Time{}
		}, passes, verification.CheckStability, ""},
		"OnDelete: one was made anew, and is not ready": {func(w *world) {
			w.statefulSet(onDelete).Status.AvailableReplicas = 1
		}, unknown, check, "0 of 2 new replicas created"},
		"no strategy in the way": {func(w *world) { w.statefulSet(partition(0)) }, unknown, check, "0 of 2 new replicas created"},
		"partition: as far as it goes": {func(w *world) {
			w.statefulSet(partition(1)).Status.UpdatedReplicas = 1
		}, passes, verification.CheckStability, ""},
		"partition: not as far yet": {func(w *world) { w.statefulSet(partition(1)) }, unknown, check, "0 of 2 new replicas created"},
		"partition: counts from the first ordinal": {func(w *world) {
			set := w.statefulSet(partition(6))
			set.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 5}
			set.Status.UpdatedReplicas = 1
		}, passes, verification.CheckStability, ""},
		"partition: from the first ordinal, not as far yet": {func(w *world) {
			w.statefulSet(partition(6)).Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 5}
		}, unknown, check, "0 of 2 new replicas created"},
		"partition: beyond all pods": {func(w *world) {
			w.statefulSet(partition(9))
			w.old()
		}, fails, check, "partition 9 of the update strategy leaves 2 as they are"},
		"partition: the counts are of the spec before": {func(w *world) {
			w.statefulSet(partition(9)).Generation = 3
			w.old()
		}, unknown, check, "waiting for the controller"},
		"DaemonSet OnDelete: the change reached no pod": {func(w *world) {
			w.daemonSet(appsv1.OnDeleteDaemonSetStrategyType)
			w.old()
		}, fails, check, "no pod was made anew"},
		"DaemonSet OnDelete: pods were made anew": {func(w *world) {
			w.daemonSet(appsv1.OnDeleteDaemonSetStrategyType).Status.UpdatedNumberScheduled = 2
		}, passes, verification.CheckStability, ""},
		"DaemonSet that rolls": {func(w *world) { w.daemonSet(appsv1.RollingUpdateDaemonSetStrategyType) }, unknown, check, "0 of 2 new replicas created"},
	})
	w := newWorld()
	w.statefulSet(partition(1)).Status.UpdatedReplicas = 1
	if told := w.verify(t, w).Checks[0].Message; !strings.Contains(told, "1 of 2 pods are of the newest template, and partition 1") {
		t.Errorf("it passes without a word of the partition: %s", told)
	}
}

func TestEndpoints(t *testing.T) {
	const check = verification.CheckEndpoints
	stranger := discoveryv1.Endpoint{Addresses: []string{"10.244.0.99"}, TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "other-1"}}
	run(t, map[string]test{
		"the Service is gone": {func(w *world) { w.service = nil }, fails, check, "Service sandfly is gone"},
		"not published":       {func(w *world) { w.slice = nil }, unknown, check, "no ready endpoint is published yet"},
		"not ready": {func(w *world) {
			for i := range w.slice.Endpoints {
				w.slice.Endpoints[i].Conditions.Ready = ptr.To(false)
			}
		}, unknown, check, "no ready endpoint is published yet"},
		"no word of being ready means ready": {func(w *world) { w.slice.Endpoints[0].Conditions.Ready = nil }, passes, verification.CheckStability, ""},
		"of another workload": {func(w *world) {
			w.slice.Endpoints = []discoveryv1.Endpoint{stranger}
		}, unknown, check, "1 ready, and none of them is a pod of Deployment sandfly"},
		"of a pod that had the same name before": {func(w *world) {
			for i := range w.slice.Endpoints {
				w.slice.Endpoints[i].TargetRef.UID += "-before"
			}
		}, unknown, check, "none of them is a pod of Deployment sandfly"},
		"known by the address alone": {func(w *world) {
			for i := range w.slice.Endpoints {
				w.slice.Endpoints[i].TargetRef = nil
			}
		}, passes, verification.CheckStability, ""},
		"the Service was pointed elsewhere": {func(w *world) {
			w.service.Spec.Selector = map[string]string{"app": "other"}
		}, fails, check, "Service sandfly selects app=other, and no pod of Deployment sandfly has these labels"},
		"endpoints by hand": {func(w *world) { w.service.Spec.Selector = nil }, passes, verification.CheckStability, ""},
		"the Service has no MCP port": {func(w *world) {
			w.service.Spec.Ports = []corev1.ServicePort{{Name: "a", Port: 1}, {Name: "b", Port: 2}}
		}, fails, verification.CheckHandshake, "2 ports and none is named"},
	})
}

// TestOthersBehindTheService: where other pods answer as well, the workload's own has to.
func TestOthersBehindTheService(t *testing.T) {
	for name, test := range map[string]struct {
		own     mcpserver.Result
		verdict v1alpha1.Verdict
		message string
	}{
		"it answers":    {answers, passes, ""},
		"the others do": {refused, unknown, "pod sandfly-new-1 itself connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.slice.Endpoints = append(w.slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.244.0.99"}})
			w.probe = func(endpoint mcpserver.Endpoint) mcpserver.Result {
				if strings.Contains(endpoint.URL, "10.96.0.9") {
					return answers
				}
				return test.own
			}
			got := w.verify(t, w)
			if got.Verdict != test.verdict || !strings.Contains(got.Last().Message, test.message) {
				t.Errorf("%+v", got)
			}
			if !strings.Contains(got.Checks[1].Message, "2 ready, and 1 beside them") {
				t.Errorf("the others are not told: %+v", got.Checks[1])
			}
			want := []string{"http://10.96.0.9:3000/mcp", "http://10.244.0.11:3000/mcp"}
			if asked := []string{w.probed[0].URL, w.probed[1].URL}; !slices.Equal(asked, want) || w.probed[1].Host != w.probed[0].Host {
				t.Errorf("asked %q, want %q", asked, want)
			}
		})
	}
}

func TestTools(t *testing.T) {
	many := make([]string, mcpserver.MaxTools)
	for i := range many {
		many[i] = fmt.Sprintf("tool-%03d-%s", i, strings.Repeat("x", 100))
	}
	has := func(tools ...string) func(*world) {
		return func(w *world) {
			result := answers
			result.Tools = tools
			w.says(result)
		}
	}
	expects := func(spoil func(*world), tools ...string) func(*world) {
		return func(w *world) {
			spoil(w)
			w.target.ExpectedTools = tools
		}
	}
	const check, end = verification.CheckTools, verification.CheckStability
	run(t, map[string]test{
		"none is expected":      {has("list"), passes, end, ""},
		"the same":              {expects(has("list", "run"), "list", "run"), passes, end, ""},
		"more":                  {expects(has("list", "run", "stop"), "list", "run"), passes, end, ""},
		"fewer":                 {expects(has("list"), "list", "run"), unknown, check, "1 tool, missing: run"},
		"none":                  {expects(has(), "list", "run"), unknown, check, "0 tools, missing: list, run"},
		"others":                {expects(has("list", "go"), "list", "run"), unknown, check, "2 tools, missing: run; new: go"},
		"very many are gone":    {expects(has("list"), many...), unknown, check, " and 127 more; new: list"},
		"cut off, may be there": {expects(has(many...), "tool-000-"+strings.Repeat("x", 100), "zoom"), passes, end, ""},
		"cut off, is not there": {expects(has(many...), "list"), unknown, check, "128 tools, missing: list"},
	})
	w := newWorld()
	expects(has("list", "run", "stop"), "list", "run")(w)
	got := w.verify(t, w)
	if told := got.Checks[3].Message; told != "3 tools, all that were there before, and new: stop" || !slices.Equal(got.Tools, []string{"list", "run", "stop"}) {
		t.Errorf("%s; tools %q", told, got.Tools)
	}
	expects(has("list"), "list", "run")(w)
	if got := w.verify(t, w); got.RecheckAfter != 1950*time.Millisecond || !slices.Equal(got.Tools, []string{"list"}) {
		t.Errorf("%+v: missing tools may still be loading, and no watch tells", got)
	}
}

// TestStability: the pods were made 5 s after the change, ready 5 s later, and now it is 20 s after the change.
func TestStability(t *testing.T) {
	const check = verification.CheckStability
	steady := func(stability time.Duration, spoil func(*world)) func(*world) {
		return func(w *world) {
			w.target.Stability = stability
			spoil(w)
		}
	}
	as := func(*world) {}
	run(t, map[string]test{
		"ready for as long":                                {steady(10*time.Second, as), passes, check, "2 pods are ready for 10s without a restart"},
		"not ready for as long":                            {steady(11*time.Second, as), unknown, check, "2 pods are ready for 10s of 11s"},
		"a restart after it was ready":                     {steady(8*time.Second, func(w *world) { restarted(w.pods[0], 1, 15*time.Second) }), unknown, check, "2 pods are ready for 5s of 8s: pod sandfly-new-0, container server restarted (exit code 137, OOMKilled)"},
		"a restart before it was ready":                    {steady(10*time.Second, func(w *world) { restarted(w.pods[0], 1, 8*time.Second) }), passes, check, ""},
		"restarts that grow":                               {steady(time.Second, func(w *world) { restarted(w.pods[1], 2, 8*time.Second) }), fails, check, "pod sandfly-new-1, container server restarted 2 times since the change (exit code 137, OOMKilled)"},
		"restarts of before":                               {steady(10*time.Second, func(w *world) { w.old(); restarted(w.pods[1], 9, -time.Minute) }), passes, check, ""},
		"old pods count from the change":                   {steady(21*time.Second, func(w *world) { w.old() }), unknown, check, "ready for 19.5s of 21s"},
		"nothing was changed":                              {steady(10*time.Minute, func(w *world) { w.old(); w.target.Since = time.Time{}; restarted(w.pods[0], 9, -2*time.Hour) }), passes, check, ""},
		"nothing was changed, and it crashes now and then": {steady(30*time.Second, func(w *world) { w.old(); w.target.Since = time.Time{}; restarted(w.pods[0], 9, 0) }), unknown, check, "restarted (exit code 137"},
		"a clock that is ahead":                            {steady(5*time.Second, func(w *world) { w.target.Now = since.Add(-time.Minute) }), unknown, check, "ready for 0s of 5s"},
		"not asked for, and restarts":                      {steady(0, func(w *world) { restarted(w.pods[1], 3, 8*time.Second) }), passes, check, ""},
	})
	w := newWorld()
	w.target.Stability = 13 * time.Second
	if got := w.verify(t, w); got.RecheckAfter != 3*time.Second {
		t.Errorf("looks again after %s, want the 3s that are left", got.RecheckAfter)
	}
}

// TestItsLastAnswer: the server answers the handshake and ends over it.
func TestItsLastAnswer(t *testing.T) {
	const check = verification.CheckStability
	for name, test := range map[string]struct {
		then    func(*corev1.Pod)
		verdict v1alpha1.Verdict
		message string
	}{
		"is in a back-off": {func(pod *corev1.Pod) { waits(pod, "CrashLoopBackOff"); restarted(pod, 1, 20*time.Second) }, fails, "CrashLoopBackOff (exit code 137, OOMKilled)"},
		"has just ended": {func(pod *corev1.Pod) {
			notReady(pod)
			pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3}}
		}, unknown, "1 of 2 pods are still ready: pod sandfly-new-0, container server ended (exit code 3)"},
		"is not ready any more": {notReady, unknown, "pod sandfly-new-0 is not"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.probe = func(mcpserver.Endpoint) mcpserver.Result {
				var pod corev1.Pod
				if err := w.api.Get(t.Context(), client.ObjectKeyFromObject(w.pods[0]), &pod); err != nil {
					t.Fatal(err)
				}
				test.then(&pod)
				if err := w.api.Status().Update(t.Context(), &pod); err != nil {
					t.Fatal(err)
				}
				return answers
			}
			got := w.verify(t, w)
			if got.Verdict != test.verdict || got.Last().Name != check || !strings.Contains(got.Last().Message, test.message) {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("its pod was deleted", func(t *testing.T) {
		w := newWorld()
		w.probe = func(mcpserver.Endpoint) mcpserver.Result {
			if err := w.api.Delete(t.Context(), w.pods[0]); err != nil {
				t.Fatal(err)
			}
			return answers
		}
		if got := w.verify(t, w); got.Verdict != unknown || got.Last().Name != check {
			t.Errorf("%+v", got)
		}
	})
}

// TestPause: the data plane has no watch, so the server is asked again by the clock (ADR 0004).
func TestPause(t *testing.T) {
	for waited, want := range map[time.Duration]time.Duration{
		0: 50 * time.Millisecond, 100 * time.Millisecond: 50 * time.Millisecond, 5 * time.Second: 500 * time.Millisecond, time.Minute: 2 * time.Second,
	} {
		w := newWorld()
		w.says(refused)
		w.target.Begun = now.Add(-waited)
		if got := w.verify(t, w); got.RecheckAfter != want || got.Verdict != unknown {
			t.Errorf("after %s: %+v, want to look again after %s", waited, got, want)
		}
	}
}

type probeFunc func(context.Context) mcpserver.Result

func (p probeFunc) Probe(ctx context.Context, _ mcpserver.Endpoint) mcpserver.Result { return p(ctx) }

func TestTheHandshakeIsBounded(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Second: time.Second} {
		w := newWorld()
		w.target.Handshake = asked
		began := time.Now()
		w.verify(t, probeFunc(func(ctx context.Context) mcpserver.Result {
			if deadline, ok := ctx.Deadline(); !ok || deadline.Before(began.Add(want)) || deadline.After(time.Now().Add(want)) {
				t.Errorf("asked for %s, it has %s", asked, time.Until(deadline))
			}
			return answers
		}))
	}
}
