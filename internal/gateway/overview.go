// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/healing"
	"github.com/ry-ops/cortex/internal/history"
	"github.com/ry-ops/cortex/internal/mcp"
)

const (
	// week is how far the page looks back. Requests are kept for as long by default.
	week = 7 * 24 * time.Hour
	// maxHeals bounds the heals of one answer.
	maxHeals = 500
	// maxStep bounds a step of a heal, in characters (api/v1alpha1, status.progress).
	maxStep = 512
)

// serverState is what is known of a server at a glance.
type serverState string

// The states. A server whose pods are not ready may be down unnoticed: it is healed once somebody asks it something.
const (
	stateUp      serverState = "up"
	stateDown    serverState = "down"
	stateHealing serverState = "healing"
	stateWaiting serverState = "waiting"
	stateUnknown serverState = "unknown"
)

// shownServer is a server as GET /api/services tells it.
type shownServer struct {
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"`
	State     serverState `json:"state"`
	// Ready endpoints, and tools that it is known to have.
	Ready int `json:"ready"`
	Tools int `json:"tools"`
	// Summary of the last seven days.
	Summary history.Summary `json:"summary"`
	// Heal is the one under way; else the last one; else null.
	Heal *shownHeal `json:"heal"`
}

// shownHeal is a heal as GET /api/heals tells it: what kubectl cortex history -o json has, and what a page needs to show it as it
// happens and to ask a person.
type shownHeal struct {
	history.Heal
	Service string `json:"service"`
	// Seconds that the heal took; 0 while it is under way.
	Seconds float64 `json:"seconds"`
	// Progress and Plan are told while the heal is under way.
	Progress []shownStep    `json:"progress,omitempty"`
	Plan     []history.Move `json:"plan,omitempty"`
	// Question is there where the heal waits for a person.
	Question *waitingFor `json:"question,omitempty"`
}

type shownStep struct {
	Time    string         `json:"time"`
	Phase   v1alpha1.Phase `json:"phase"`
	Message string         `json:"message"`
}

// services tells the servers that the caller may use, what they are doing now and how often they were healed.
func (s *Server) services(w http.ResponseWriter, r *http.Request) {
	servers, requests, ok := s.overview(w, r)
	if !ok {
		return
	}
	rows, last := map[types.NamespacedName]history.Row{}, map[types.NamespacedName]*v1alpha1.HealingRequest{}
	for _, row := range history.Over(requests, s.Clock.Now()).Services {
		rows[types.NamespacedName{Namespace: row.Namespace, Name: row.Target}] = row
	}
	for i := range requests { // the newest first
		key := serviceOf(&requests[i])
		if last[key] == nil || last[key].Done() && !requests[i].Done() {
			last[key] = &requests[i]
		}
	}
	shown := make([]shownServer, 0, len(servers))
	for _, server := range servers {
		key := server.Key()
		ready, known := server.Ready()
		one := shownServer{
			Namespace: key.Namespace, Name: key.Name, State: stateOf(ready, known, last[key]), Ready: ready, Tools: len(server.ToolNames()),
			Summary: rows[types.NamespacedName{Namespace: key.Namespace, Name: string(v1alpha1.KindService) + " " + key.Name}].Summary,
		}
		if request := last[key]; request != nil {
			heal := s.shown(r, request)
			one.Heal = &heal
		}
		shown = append(shown, one)
	}
	s.tell(w, map[string]any{"services": shown})
}

func stateOf(ready int, known bool, last *v1alpha1.HealingRequest) serverState {
	switch {
	case last != nil && last.Held() != nil:
		return stateWaiting
	case last != nil && !last.Done():
		return stateHealing
	case !known:
		return stateUnknown
	case ready == 0:
		return stateDown
	default:
		return stateUp
	}
}

// heals tells the heals of the servers that the caller may use, the newest first: those that were created since a moment (by
// default a week ago) and those that are under way.
func (s *Server) heals(w http.ResponseWriter, r *http.Request) {
	query, now := r.URL.Query(), s.Clock.Now()
	since := now.Add(-week)
	if text := query.Get("since"); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			s.refuse(w, http.StatusBadRequest, "since must be a moment such as "+healing.Timestamp(now.Add(-week))+"; leave it out for the last seven days")
			return
		}
	}
	_, requests, ok := s.overview(w, r)
	if !ok {
		return
	}
	heals, older := []shownHeal{}, 0
	for i := range requests {
		request := &requests[i]
		key := serviceOf(request)
		if only := query.Get("service"); only != "" && only != key.Name || request.Done() && request.CreationTimestamp.Time.Before(since) {
			continue
		}
		if len(heals) == maxHeals {
			older++
			continue
		}
		heals = append(heals, s.shown(r, request))
	}
	s.tell(w, map[string]any{"since": healing.Timestamp(since), "now": healing.Timestamp(now), "heals": heals, "older": older})
}

// overview gives the servers that the caller may use, and all requests about them, the newest first. Without a result the answer
// is written.
func (s *Server) overview(w http.ResponseWriter, r *http.Request) ([]*mcp.Server, []v1alpha1.HealingRequest, bool) {
	if !s.Ready() {
		refuseUnready(w)
		return nil, nil, false
	}
	servers, err := s.Servers(r.Context())
	if err != nil {
		s.refuse(w, http.StatusServiceUnavailable, err.Error())
		return nil, nil, false
	}
	return servers, s.requestsAbout(servers), true
}

func (s *Server) requestsAbout(servers []*mcp.Server) []v1alpha1.HealingRequest {
	visible := map[types.NamespacedName]bool{}
	for _, server := range servers {
		visible[server.Key()] = true
	}
	about := slices.DeleteFunc(s.Heals.All(), func(request v1alpha1.HealingRequest) bool { return !visible[serviceOf(&request)] })
	slices.SortFunc(about, func(a, b v1alpha1.HealingRequest) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(b.Name, a.Name))
	})
	return about
}

// serviceOf is the Service that a request is about; without a name while a workload's is not known yet.
func serviceOf(request *v1alpha1.HealingRequest) types.NamespacedName {
	key := types.NamespacedName{Namespace: request.Namespace}
	switch ref := request.Spec.TargetRef; {
	case request.Status.ServiceRef != nil:
		key.Name = request.Status.ServiceRef.Name
	case ref.Kind == "" || ref.Kind == v1alpha1.KindService:
		key.Name = ref.Name
	}
	return key
}

func (s *Server) shown(r *http.Request, request *v1alpha1.HealingRequest) shownHeal {
	shown := shownHeal{Heal: history.HealOf(request), Service: foreign.Line(serviceOf(request).Name, maxName)}
	status := request.Status
	if request.Done() {
		if status.StartedAt != nil && status.CompletedAt != nil {
			shown.Seconds = status.CompletedAt.Sub(status.StartedAt.Time).Seconds()
		}
		return shown
	}
	for _, entry := range status.Progress {
		shown.Progress = append(shown.Progress, shownStep{entry.Time.UTC().Format("2006-01-02T15:04:05.000Z"), entry.Phase, foreign.Line(entry.Message, maxStep)})
	}
	shown.Plan = history.PlanOf(request)
	shown.Question = s.questionOf(r, request)
	return shown
}

// tell answers with what changes all the time.
func (s *Server) tell(w http.ResponseWriter, body any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.WriteTimeout))
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, body)
}
