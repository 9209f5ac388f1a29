// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing/healingtest"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/task"
)

// person is an Approver that knows one name, or fails.
type person struct {
	name string
	err  error
}

func (p person) MayAnswer(*http.Request, types.NamespacedName) (string, bool, error) {
	return p.name, p.name != "", p.err
}

var waiting = types.NamespacedName{Namespace: "mcp", Name: "sandfly-001"}

// withHeals is a gateway that knows one server, a heal of it that waits for a person, and one of a server that the caller may not use.
func withHeals(t *testing.T, approver gateway.Approver) (string, *healingtest.World) {
	t.Helper()
	world := healingtest.New()
	for _, name := range []string{"sandfly", "hidden"} {
		request := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "mcp", Name: name + "-001"}}
		request.Spec.TargetRef, request.Spec.Trigger = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: name}, v1alpha1.TriggerMCPFailure
		if err := world.Create(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	world.Write(waiting, func(status *v1alpha1.HealingRequestStatus) {
		status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingApproval}}
	})
	registry := mcp.NewRegistry(mcp.Options{Log: logr.Discard()})
	t.Cleanup(registry.Close)
	registry.OnAdd(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mcp", Name: "sandfly"},
		Spec:       corev1.ServiceSpec{ClusterIP: "127.0.0.1", Ports: []corev1.ServicePort{{Port: 1}}},
	}, true)
	o := options(t, &loop{body: echo})
	o.Heals, o.Approver, o.Log = world.Healer(), approver, logr.Discard()
	o.Guard = func(next http.Handler) http.Handler { return next }
	o.Servers = func(context.Context) ([]*mcp.Server, error) { return registry.Servers(), nil }
	url, _ := serve(t, o)
	return url, world
}

func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// Nobody is told of a server that they may not use.
func TestHealsAreThoseOfTheServersOfTheCaller(t *testing.T) {
	url, _ := withHeals(t, nil)
	status, heals := fetch(t, http.MethodGet, url+"/api/heals", "")
	if status != http.StatusOK || !strings.Contains(heals, `"mayAnswer":false,"command":"kubectl cortex approve sandfly-001 -n mcp"`) || strings.Contains(heals, "hidden") {
		t.Errorf("%d %s", status, heals)
	}
	status, services := fetch(t, http.MethodGet, url+"/api/services", "")
	if status != http.StatusOK || !strings.Contains(services, `"name":"sandfly","state":"waiting"`) || strings.Contains(services, "hidden") {
		t.Errorf("%d %s", status, services)
	}
	if status, text := fetch(t, http.MethodGet, url+"/api/heals?since=yesterday", ""); status != http.StatusBadRequest || !strings.Contains(text, "since must be a moment such as") {
		t.Errorf("%d %s", status, text)
	}
	if _, none := fetch(t, http.MethodGet, url+"/api/heals?service=other", ""); !strings.Contains(none, `"heals":[]`) {
		t.Error(none)
	}
}

func TestWhoMayAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		approver   gateway.Approver
		heal, body string
		want       int
		text       string
	}{
		"nobody":              {nil, "sandfly-001", `{"approval":"Approved","version":"VERSION"}`, http.StatusForbidden, "kubectl cortex approve sandfly-001 -n mcp"},
		"somebody else":       {person{}, "sandfly-001", `{"approval":"Approved","version":"VERSION"}`, http.StatusForbidden, "you may not answer"},
		"it is not known":     {person{"jane", errors.New("away")}, "sandfly-001", `{"approval":"Approved","version":"VERSION"}`, http.StatusServiceUnavailable, "nothing was done"},
		"yes":                 {person{name: "jane"}, "sandfly-001", `{"approval":"Approved","version":"VERSION"}`, http.StatusOK, `"approvedBy":"jane"`},
		"no":                  {person{name: "jane"}, "sandfly-001", `{"approval":"Denied","version":"VERSION"}`, http.StatusOK, `"approval":"Denied"`},
		"another version":     {person{name: "jane"}, "sandfly-001", `{"approval":"Approved","version":"1"}`, http.StatusConflict, "look at it again"},
		"no version":          {person{name: "jane"}, "sandfly-001", `{"approval":"Approved"}`, http.StatusBadRequest, "version"},
		"maybe":               {person{name: "jane"}, "sandfly-001", `{"approval":"Maybe","version":"VERSION"}`, http.StatusBadRequest, "Denied"},
		"it waits for no one": {person{name: "jane"}, "hidden-001", `{"approval":"Approved","version":"VERSION"}`, http.StatusConflict, "does not wait"},
		"it is not there":     {person{name: "jane"}, "other-001", `{"approval":"Approved","version":"VERSION"}`, http.StatusNotFound, "there is no HealingRequest mcp/other-001"},
		"no JSON":             {person{name: "jane"}, "sandfly-001", `yes`, http.StatusBadRequest, "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			url, world := withHeals(t, tc.approver)
			version := world.Read(waiting).ResourceVersion
			status, text := fetch(t, http.MethodPost, url+"/api/heals/mcp/"+tc.heal+"/approval", strings.Replace(tc.body, "VERSION", version, 1))
			if status != tc.want || !strings.Contains(text, tc.text) {
				t.Errorf("%d %s", status, text)
			}
			spec := world.Read(waiting).Spec
			if want := tc.want == http.StatusOK; (spec.Approval != "") != want || (spec.ApprovedBy == "jane") != want {
				t.Errorf("recorded %q by %q", spec.Approval, spec.ApprovedBy)
			}
			if !json.Valid([]byte(text)) {
				t.Error(text)
			}
		})
	}
}

func TestAHealIsFollowedByWhoMayUseItsServer(t *testing.T) {
	url, world := withHeals(t, nil)
	// It has the name of a server, and nobody knows yet of which one it is.
	workload := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: "mcp", Name: "workload-001"}}
	workload.Spec.TargetRef = v1alpha1.TargetReference{Kind: v1alpha1.KindDeployment, Name: "sandfly"}
	if err := world.Create(t.Context(), workload); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"sandfly-001": http.StatusOK, "hidden-001": http.StatusNotFound, "none-001": http.StatusNotFound, "workload-001": http.StatusNotFound,
	} {
		got := get(t, url, "/api/heals/mcp/"+name+"/events")
		_ = got.body.Close()
		if got.status != want {
			t.Errorf("%s: %d, want %d", name, got.status, want)
		}
	}
}

// Anybody can make up the id of a task that nobody knows.
func TestALostTaskIsToldOfNoServerOfOthers(t *testing.T) {
	url, _ := withHeals(t, nil)
	id := task.NewID(time.Now().Add(-time.Minute))
	for _, path := range []string{"", "/events"} {
		text := read(t, get(t, url, "/api/tasks/"+id+path).body)
		if !strings.Contains(text, "mcp/sandfly-001") || strings.Contains(text, "hidden") {
			t.Errorf("%s: %s", path, text)
		}
	}
}
