// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ui_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/chat"
	"github.com/ry-ops/cortex/internal/gateway"
	"github.com/ry-ops/cortex/internal/healing/healingtest"
	"github.com/ry-ops/cortex/internal/mcp"
	"github.com/ry-ops/cortex/internal/mcp/mcptest"
	"github.com/ry-ops/cortex/internal/task"
	"github.com/ry-ops/cortex/test/browser"
	"github.com/ry-ops/cortex/test/steady"
)

const (
	namespace = "cortex-system"
	sandfly   = "sandfly-mcp-server"
)

// chromium is nil where there is none.
var chromium *browser.Browser

func TestMain(m *testing.M) {
	var err error
	chromium, err = browser.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the tests of the page in a browser are LEFT OUT:", err)
		if !errors.Is(err, browser.ErrNone) {
			os.Exit(1)
		}
	}
	code := m.Run()
	if chromium != nil {
		chromium.Close()
	}
	os.Exit(code)
}

// script is a Loop that a test plays: it is told what to tell.
type script func(ctx context.Context, query chat.Query, emit func(chat.Event)) (chat.Status, string)

func (s script) Run(ctx context.Context, query chat.Query, emit func(chat.Event)) *chat.Outcome {
	emit(chat.ProcessingStart{Query: query.Text})
	status, text := s(ctx, query, emit)
	result := chat.Message{Role: "assistant", Model: "rules", Content: []chat.Block{{Type: "text", Text: text}}}
	emit(chat.ProcessingComplete{ID: query.ID, Status: status, Result: result})
	return &chat.Outcome{Status: status, Result: result}
}

// world is a gateway with a page that is open.
type world struct {
	*testing.T
	heals *healingtest.World
	page  *browser.Page
	url   string
	// expected are the complaints of the browser that the test causes.
	expected []string
}

// setup of a world.
type setup struct {
	loop     script
	view     browser.View
	at       string
	approver gateway.Approver
	servers  []string
	known    func(conversation, caller string) error
	heals    func(*healingtest.World)
	// before stands before the gateway.
	before func(http.Handler) http.Handler
	// through gives the address that leads to the gateway's.
	through func(address string) string
}

func (s setup) start(t *testing.T) *world {
	t.Helper()
	if chromium == nil {
		t.Skip(browser.ErrNone)
	}
	w := &world{T: t, heals: healingtest.New()}
	registry := mcp.NewRegistry(mcp.Options{Log: logr.Discard()})
	t.Cleanup(registry.Close)
	for _, name := range append(s.servers, sandfly) {
		registry.OnAdd(mcptest.Start(t, name).Service(), true)
		registry.Slices().OnAdd(&discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			Endpoints:  []discoveryv1.Endpoint{{Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(name == sandfly)}}},
		}, true)
	}
	if s.heals != nil {
		s.heals(w.heals)
	}
	handler := gateway.New(gateway.Options{
		Loop: s.loop, Known: s.known, Heals: w.heals.Healer(), Ready: func() bool { return true }, Registry: prometheus.NewRegistry(),
		Servers:  func(context.Context) ([]*mcp.Server, error) { return registry.Servers(), nil },
		Approver: s.approver, Clock: clock.RealClock{}, Log: logr.Discard(),
	}).Handler()
	if s.before != nil {
		handler = s.before(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() { steady.Stop(server) })
	w.url = server.URL
	if s.through != nil {
		w.url = "http://" + s.through(server.Listener.Addr().String())
	}
	if s.view.Width == 0 {
		s.view = browser.Wide
	}
	page, err := chromium.Open(w.url+"/"+s.at, browser.Folder(t.ArtifactDir()), t.Name(), s.view)
	if err != nil {
		t.Fatal(err)
	}
	w.page = page
	t.Cleanup(func() {
		if problems := page.Problems(w.expected...); len(problems) > 0 {
			t.Errorf("the browser complains: %s", strings.Join(problems, "\n"))
		}
		page.Close()
	})
	return w
}

func (w *world) do(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) evaluate(expression string, result any) {
	w.Helper()
	w.do(w.page.Evaluate(expression, result))
}

// fits requires that all can be seen without scrolling to the side, that all text stands out from what is behind it as WCAG AA
// asks, and that all that can be used has a name.
func (w *world) fits() {
	w.Helper()
	var faults []string
	w.evaluate(faultsOfThePage, &faults)
	if len(faults) > 0 {
		w.Errorf("faults of the page:\n%s", strings.Join(faults, "\n"))
	}
}

const faultsOfThePage = `(() => {
  const faults = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push("it is " + root.scrollWidth + " wide and " + root.clientWidth + " can be seen");
  const rgba = (text) => text.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; } return [255, 255, 255]; };
  for (const e of document.body.querySelectorAll("*")) {
    if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(e), [a, b] = [light(rgba(e.closest("svg") ? style.fill : style.color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faults.push("contrast " + ((a + 0.05) / (b + 0.05)).toFixed(2) + ": " + e.textContent.slice(0, 40));
  }
  for (const e of document.querySelectorAll("button, a, input, textarea, svg[role], section, form, article")) {
    if (!e.checkVisibility()) continue;
    const labels = (e.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent).join("");
    if (!(e.textContent.trim() || labels || e.ariaLabel || e.labels?.length)) faults.push("no name: " + e.outerHTML.slice(0, 80));
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) faults.push("two have the id " + id);
  return faults;
})()`

func TestAnAnswerGrows(t *testing.T) {
	more := make(chan struct{})
	w := setup{loop: func(_ context.Context, _ chat.Query, emit func(chat.Event)) (chat.Status, string) {
		emit(extra(map[string]any{"type": "tool_start", "id": "1", "service": sandfly, "tool": "list_hosts", "arguments": "{}"}))
		<-more
		emit(extra(map[string]any{"type": "tool_result", "id": "1", "service": sandfly, "tool": "list_hosts", "success": true, "message": "12 hosts"}))
		emit(extra(map[string]any{"type": "text_delta", "text": "There are "}))
		<-more
		emit(extra(map[string]any{"type": "something_new", "text": "which this page does not know"}))
		emit(extra(map[string]any{"type": "text_delta", "text": "twelve"}))
		return chat.StatusCompleted, "There are twelve hosts."
	}}.start(t)
	w.do(w.page.Ask("list sandfly hosts"))
	w.do(w.page.Says(".call", "list_hosts on sandfly-mcp-server …"))
	more <- struct{}{}
	w.do(w.page.Says(".call.good", "12 hosts"))
	w.do(w.page.Says(".answer", "There are"))
	w.do(w.page.Shot("growing"))
	more <- struct{}{}
	w.do(w.page.Says(".answer", "There are twelve hosts."))
	w.do(w.page.Says(".state", "Answered after"))
	w.do(w.page.Until(`document.getElementById("status").textContent === "Answer: There are twelve hosts."`))
	w.fits()
}

// unknown is an event that not every gateway tells.
type unknown struct {
	chat.Event
	data string
}

// MarshalJSON writes the event as it is.
func (e unknown) MarshalJSON() ([]byte, error) { return []byte(e.data), nil }

func extra(fields map[string]any) chat.Event {
	data, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return unknown{data: string(data)}
}

// key of the request that the tests are about.
var key = types.NamespacedName{Namespace: namespace, Name: sandfly + "-001"}

func create(w *healingtest.World) {
	request := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	request.Spec.TargetRef = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: sandfly}
	request.Spec.Trigger = v1alpha1.TriggerMCPFailure
	if err := w.Create(context.Background(), request); err != nil {
		panic(err)
	}
}

// told are the steps of a heal that the page shows.
func (w *world) told() []string {
	var steps []string
	w.evaluate(`[...document.querySelectorAll(".steps li span")].map((e) => e.textContent)`, &steps)
	return steps
}

func (w *world) stages() string {
	text := ""
	w.evaluate(`[...document.querySelectorAll(".stages li")].map((e) => e.dataset.stage + " " + e.className).join(", ")`, &text)
	return text
}

func TestAHealIsShownAsItHappens(t *testing.T) {
	for name, view := range map[string]browser.View{"wide": browser.Wide, "narrow": browser.Narrow, "dark": {Width: 1100, Height: 900, Dark: true}} {
		t.Run(name, func(t *testing.T) {
			steps := make(chan string)
			w := setup{view: view, heals: create, loop: func(_ context.Context, _ chat.Query, emit func(chat.Event)) (chat.Status, string) {
				emit(chat.HealingStart{Service: sandfly, Issue: "connect ECONNREFUSED"})
				for step := range steps {
					emit(chat.HealingProgress{Service: sandfly, Message: step})
				}
				emit(chat.HealingComplete{Service: sandfly, Success: true, Message: "Scaled deployment sandfly-mcp-server from 0 to 1"})
				return chat.StatusCompleted, "{\"hosts\":[{\"name\":\"web-1\",\"address\":\"192.0.2.10\"},{\"name\":\"db-1\",\"address\":\"192.0.2.11\"}]}"
			}}.start(t)
			w.do(w.page.Ask("list sandfly hosts"))
			w.do(w.page.Says("h3", "Investigating issue with sandfly-mcp-server…"))
			say := func(phase v1alpha1.Phase, message string) {
				w.heals.Write(key, func(status *v1alpha1.HealingRequestStatus) {
					now := metav1.NowMicro()
					status.StartedAt = &now
					status.Progress = append(status.Progress, v1alpha1.ProgressEntry{Time: now, Phase: phase, Message: message})
					if phase != v1alpha1.PhaseDiagnosing {
						status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionTrue}}
					}
					if phase == v1alpha1.PhaseVerifying {
						status.Conditions = append(status.Conditions, metav1.Condition{Type: v1alpha1.ConditionRemediated, Status: metav1.ConditionTrue})
					}
				})
				steps <- message
			}
			say(v1alpha1.PhaseDiagnosing, "Checking pod status... 0 pods")
			say(v1alpha1.PhaseDiagnosing, "Diagnosis: Deployment sandfly-mcp-server is scaled to 0 (through the scale subresource at 17:26:47 UTC), so Service sandfly-mcp-server has no endpoints.")
			w.do(w.page.Until(`document.querySelectorAll(".steps time[datetime]").length === 2`))
			if got, want := w.stages(), "diagnose now, fix todo, verify todo, retry todo"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			say(v1alpha1.PhaseRemediating, "Scaled deployment sandfly-mcp-server from 0 to 1")
			w.do(w.page.Until(`document.querySelector("[data-stage=fix].now")`))
			say(v1alpha1.PhaseVerifying, "Waiting for rollout to complete...")
			w.do(w.page.Until(`document.querySelector("[data-stage=verify].now")`))
			w.do(w.page.Shot("healing"))
			w.fits()
			close(steps)
			w.do(w.page.Says("h3", "Service restored: sandfly-mcp-server"))
			w.do(w.page.Says(".answer", "192.0.2.11"))
			if got, want := w.stages(), "diagnose done, fix done, verify done, retry done"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if steps := w.told(); len(steps) != 4 {
				t.Errorf("got %d steps: %q", len(steps), steps)
			}
			w.do(w.page.Shot("restored"))
			w.fits()
		})
	}
}

const patch = "kubectl patch deployment sandfly-mcp-server -n cortex-system --type=json -p '[{\"op\":\"replace\"}]'"

func TestAHealThatFailsTellsWhatToDo(t *testing.T) {
	w := setup{heals: create, loop: func(_ context.Context, _ chat.Query, emit func(chat.Event)) (chat.Status, string) {
		emit(chat.HealingStart{Service: sandfly, Issue: "connect ECONNREFUSED"})
		emit(chat.HealingProgress{Service: sandfly, Message: "Checking pod status... 1 pod, image cannot be pulled"})
		emit(chat.HealingFailed{Service: sandfly, Message: "Unable to fix automatically: the image is not there", Recommendation: "Check the image's name and tag."})
		return chat.StatusFailed, "sandfly-mcp-server does not answer and was not healed."
	}}.start(t)
	w.heals.Finish(key, v1alpha1.ReasonManualFixNeeded)
	w.heals.Write(key, func(status *v1alpha1.HealingRequestStatus) {
		status.SuggestedPatch, status.Cause = patch, v1alpha1.CauseImageNotFound
	})
	w.do(w.page.Ask("list sandfly hosts"))
	w.do(w.page.Says("h3", "Manual fix needed: sandfly-mcp-server"))
	w.do(w.page.Says(".heal", "Check the image's name and tag."))
	w.do(w.page.Says(".heal .command code", patch))
	w.do(w.page.Says(".answer.bad", "was not healed"))
	if got, want := w.stages(), "diagnose done, fix failed, verify left, retry left"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	w.do(w.page.Shot("failed"))
	w.do(w.page.Click(".heal .command button"))
	w.do(w.page.Until(`/Copied|Press/.test(document.querySelector(".heal .command button").innerText)`))
	w.fits()
}

func TestForeignTextIsText(t *testing.T) {
	const markup = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`
	w := setup{heals: create, loop: func(_ context.Context, query chat.Query, emit func(chat.Event)) (chat.Status, string) {
		emit(extra(map[string]any{"type": "tool_start", "id": "1", "service": markup, "tool": markup}))
		emit(extra(map[string]any{"type": "tool_result", "id": "1", "message": markup}))
		emit(chat.HealingStart{Service: markup, Issue: markup})
		emit(chat.HealingProgress{Service: markup, Message: markup})
		emit(chat.HealingFailed{Service: markup, Message: markup, Recommendation: markup})
		return chat.StatusCompleted, markup
	}}.start(t)
	w.do(w.page.Ask(markup))
	w.do(w.page.Says(".answer", markup))
	for _, selector := range []string{".question", ".call", ".call .note", ".heal h3", ".heal > .note", ".steps", ".ending"} {
		w.do(w.page.Says(selector, markup))
	}
	var title string
	var made, refused int
	w.evaluate("document.title", &title)
	w.evaluate(`document.querySelectorAll("#turns img, #turns script").length`, &made)
	if title != "Ask · Cortex" || made != 0 {
		t.Errorf("foreign text became markup: title %q, %d elements", title, made)
	}
	w.do(w.page.Shot("foreign"))
	// The policy is the second wall: were there a bug, the browser would not follow it.
	w.expected = []string{"TrustedHTML", "forbidden by the policy", "violates the following Content Security Policy", "Trusted Type"}
	w.evaluate(`(() => { try { document.body.innerHTML = "<b>"; return 0; } catch { return 1; } })()`, &refused)
	if refused != 1 {
		t.Error("the policy lets text become markup")
	}
}

// TestAHealThatIsKnown: who asks while a heal is known to have failed is told its end alone.
func TestAHealThatIsKnown(t *testing.T) {
	w := setup{heals: create, loop: func(_ context.Context, _ chat.Query, emit func(chat.Event)) (chat.Status, string) {
		emit(chat.HealingFailed{Service: sandfly, Message: "Unable to fix automatically: the image is not there", Recommendation: "Check the image's name and tag."})
		return chat.StatusFailed, "sandfly-mcp-server does not answer and was not healed."
	}}.start(t)
	w.heals.Finish(key, v1alpha1.ReasonManualFixNeeded)
	w.heals.Write(key, func(status *v1alpha1.HealingRequestStatus) { status.SuggestedPatch = patch })
	w.do(w.page.Ask("list sandfly hosts"))
	w.do(w.page.Says("h3", "Manual fix needed: sandfly-mcp-server"))
	w.do(w.page.Says(".heal", "Check the image's name and tag."))
	w.do(w.page.Says(".heal .command code", patch))
	w.fits()
}

// cable is a connection that can be cut.
type cable struct {
	mu   sync.Mutex
	open map[net.Conn]bool
	down bool
}

func (c *cable) through(t *testing.T) func(string) string {
	return func(address string) string {
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = listener.Close()
			c.cut(true)
		})
		go func() {
			for {
				near, err := listener.Accept()
				if err != nil {
					return
				}
				far, err := (&net.Dialer{}).Dial("tcp", address)
				if err != nil || !c.keep(near, far) {
					_ = near.Close()
					continue
				}
				go func() { _, _ = far.(*net.TCPConn).ReadFrom(near); _ = far.Close() }()
				go func() { _, _ = near.(*net.TCPConn).ReadFrom(far); _ = near.Close() }()
			}
		}()
		return listener.Addr().String()
	}
}

func (c *cable) keep(ends ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[net.Conn]bool{}
	}
	for _, end := range ends {
		c.open[end] = true
	}
	return !c.down
}

// cut cuts all connections; if it stays down, no other can be made.
func (c *cable) cut(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for end := range c.open {
		_ = end.Close()
	}
	c.down = down
}

func TestItGoesOnAfterTheConnectionWasCut(t *testing.T) {
	steps := make(chan string)
	c := &cable{}
	w := setup{heals: create, through: c.through(t), loop: func(_ context.Context, _ chat.Query, emit func(chat.Event)) (chat.Status, string) {
		emit(chat.HealingStart{Service: sandfly, Issue: "connect ECONNREFUSED"})
		for step := range steps {
			emit(chat.HealingProgress{Service: sandfly, Message: step})
		}
		emit(chat.HealingComplete{Service: sandfly, Success: true, Message: "Restarted"})
		return chat.StatusCompleted, "the answer"
	}}.start(t)
	w.expected = []string{"net::ERR_"}
	w.do(w.page.Ask("list sandfly hosts"))
	steps <- "one"
	w.do(w.page.Says(".steps", "one"))
	c.cut(true)
	w.do(w.page.Says(".state", "Connection lost"))
	steps <- "two"
	c.cut(false)
	w.do(w.page.Says(".steps", "two"))
	c.cut(false)
	steps <- "three"
	close(steps)
	w.do(w.page.Says(".answer", "the answer"))
	if diff := cmp.Diff([]string{"one", "two", "three"}, w.told()); diff != "" {
		t.Error(diff)
	}
}

// A reload shows the question, the steps and the answer again, each once and with its time, and goes on with what is not over.
func TestAReloadGoesOnWithTheConversation(t *testing.T) {
	steps := make(chan string)
	asked := make(chan chat.Query, 3)
	w := setup{heals: create, loop: func(_ context.Context, query chat.Query, emit func(chat.Event)) (chat.Status, string) {
		asked <- query
		emit(chat.ConversationKnown{ConversationID: "conv-1"})
		if query.Conversation != "" {
			return chat.StatusCompleted, "the second answer"
		}
		emit(chat.HealingStart{Service: sandfly, Issue: "connect ECONNREFUSED"})
		for step := range steps {
			emit(chat.HealingProgress{Service: sandfly, Message: step})
		}
		emit(chat.HealingComplete{Service: sandfly, Success: true, Message: "Scaled deployment sandfly-mcp-server from 0 to 1"})
		return chat.StatusCompleted, "the answer"
	}}.start(t)
	w.do(w.page.Ask("list sandfly hosts"))
	steps <- "one"
	w.do(w.page.Says(".steps", "one"))
	before := w.page.Text(".steps time")
	w.do(w.page.Reload())
	w.do(w.page.Says(".question", "list sandfly hosts"))
	w.do(w.page.Says(".steps", "one"))
	if after := w.page.Text(".steps time"); after != before {
		t.Errorf("the step was made after %s, and after a reload after %s", before, after)
	}
	// What was heard before is shown and not said again; what is new is.
	said := ""
	w.evaluate(`document.getElementById("status").textContent`, &said)
	if said != "" {
		t.Errorf("it says again: %s", said)
	}
	steps <- "two"
	w.do(w.page.Until(`document.getElementById("status").textContent === "two"`))
	close(steps)
	w.heals.Finish(key, v1alpha1.ReasonHealed)
	w.do(w.page.Says(".answer", "the answer"))
	took := w.page.Text(".state")
	w.do(w.page.Ask("which of them runs nginx?"))
	w.do(w.page.Says(".answer", "the second answer"))
	w.do(w.page.Reload())
	w.do(w.page.Says(".turn:nth-child(2) .answer", "the second answer"))
	w.do(w.page.Says(".turn:nth-child(1) .answer", "the answer"))
	w.do(w.page.Says("h3", "Service restored: sandfly-mcp-server"))
	if diff := cmp.Diff([]string{"one", "two"}, w.told()); diff != "" {
		t.Error(diff)
	}
	if after := strings.Split(w.page.Text(".state"), "\n")[0]; after != took || !strings.Contains(took, "Answered after") {
		t.Errorf("it was %q, and after a reload %q", took, after)
	}
	if first, second := <-asked, <-asked; first.Conversation != "" || second.Conversation != "conv-1" || len(asked) > 0 {
		t.Errorf("asked %+v, then %+v, and %d more", first, second, len(asked))
	}
	w.do(w.page.Shot("reloaded"))
	w.fits()
	w.do(w.page.Click("#anew"))
	w.do(w.page.Until(`document.getElementById("anew")?.hidden && !sessionStorage["cortex-conversation"] && !document.querySelector(".turn")`))
}

// A task that the gateway does not know any more is told of, with what there is to tell.
func TestAReloadAfterTheGatewayWasRestarted(t *testing.T) {
	w := setup{loop: func(_ context.Context, query chat.Query, _ func(chat.Event)) (chat.Status, string) {
		return chat.StatusCompleted, "answer to " + query.Text
	}, before: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// A task of before this gateway was started.
			r.URL.Path = strings.Replace(r.URL.Path, "/task-old/", "/"+task.NewID(time.Now().Add(-time.Hour))+"/", 1)
			next.ServeHTTP(w, r)
		})
	}}.start(t)
	w.expected = []string{"404"}
	w.do(w.page.Evaluate(`sessionStorage["cortex-conversation"] = JSON.stringify({ id: null, turns: [
		{ question: "list sandfly hosts", began: Date.now() - 3600_000, id: "task-old", seen: 9, times: { 2: "0.1 s" }, heals: {} },
		{ question: "never arrived", began: Date.now(), id: null, seen: 0, times: {}, heals: {} },
		{ question: "never was", began: Date.now(), id: "nonsense", seen: 0, times: {}, heals: {} }] })`, nil))
	w.do(w.page.Reload())
	w.do(w.page.Says(".turn:nth-child(1)", "This gateway does not know the task"))
	w.do(w.page.Says(".turn:nth-child(1) .state", "The answer is not kept any more"))
	w.do(w.page.Says(".turn:nth-child(2) .answer", "The page was left before the gateway had taken the question. If you asked for a change, check first"))
	w.do(w.page.Says(".turn:nth-child(3) .answer", "no task has ever had this id"))
	w.do(w.page.Shot("lost"))
	w.fits()
	w.do(w.page.Click(".turn:nth-child(1) .answer button"))
	w.do(w.page.Says(".answer", "answer to list sandfly hosts"))
}

func TestAForgottenConversationBeginsAnew(t *testing.T) {
	w := setup{known: func(string, string) error { return errors.New("this conversation is not known (any more)") },
		loop: func(_ context.Context, query chat.Query, emit func(chat.Event)) (chat.Status, string) {
			emit(chat.ConversationKnown{ConversationID: "conv-1"})
			return chat.StatusCompleted, "answer to " + query.Text + query.Conversation
		}}.start(t)
	w.expected = []string{"404"}
	w.do(w.page.Ask("one"))
	w.do(w.page.Says(".answer", "answer to one"))
	w.do(w.page.Ask("two"))
	w.do(w.page.Says(".turn:nth-child(2) .note", "this question begins a new conversation"))
	w.do(w.page.Says(".turn:nth-child(2) .answer", "answer to two"))
}

func TestItAsksForATokenAndKeepsItInTheTab(t *testing.T) {
	guard := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/") && r.Header.Get("Authorization") != "Bearer right" {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = w.Write([]byte(`{"error":"send a token: kubectl create token ME --audience cortex"}`))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	w := setup{before: guard, loop: func(_ context.Context, query chat.Query, _ func(chat.Event)) (chat.Status, string) {
		return chat.StatusCompleted, "answer to " + query.Text
	}}.start(t)
	w.expected = []string{"401"}
	w.do(w.page.Ask("who am I?"))
	w.do(w.page.Says("#token-why", "kubectl create token"))
	w.do(w.page.Shot("token"))
	w.fits()
	w.do(w.page.Type("wrong\r"))
	w.do(w.page.Until(`!document.getElementById("token").hidden && document.getElementById("token-value").value === ""`))
	w.do(w.page.Until(`document.activeElement.id === "token-value"`))
	w.do(w.page.Type("right\r"))
	w.do(w.page.Says(".answer", "answer to who am I?"))
	w.do(w.page.Until(`sessionStorage["cortex-token"] === "right" && localStorage.length === 0 && document.cookie === ""`))
	w.do(w.page.Click("#forget"))
	w.do(w.page.Until(`!sessionStorage["cortex-token"] && document.getElementById("forget")?.hidden`))
}

// TestWithTheKeyboardAlone goes through the page as it comes, asks, and copies the command.
func TestWithTheKeyboardAlone(t *testing.T) {
	w := setup{loop: func(_ context.Context, _ chat.Query, emit func(chat.Event)) (chat.Status, string) {
		emit(chat.HealingStart{Service: "other", Issue: "no answer in time"})
		emit(chat.HealingFailed{Service: "other", Message: "no"})
		return chat.StatusCompleted, "done"
	}}.start(t)
	var order []string
	for range 7 {
		w.do(w.page.Type(kb.Tab))
		name := ""
		w.evaluate(`document.activeElement.id || document.activeElement.textContent`, &name)
		order = append(order, name)
	}
	if diff := cmp.Diff([]string{"Skip to the content", "Ask", "Services", "History", "example", "query", "Ask"}, order); diff != "" {
		t.Error(diff)
	}
	w.do(w.page.Focus("#query"))
	w.do(w.page.Type("one" + "\r"))
	w.do(w.page.Says(".answer", "done"))
	w.do(w.page.Until(`document.activeElement.id === "query"`))
	w.do(w.page.Focus(`nav a[href="#services"]`))
	w.do(w.page.Type("\r"))
	w.do(w.page.Until(`document.activeElement.id === "services-title" && document.title === "Services · Cortex"`))
	w.do(w.page.Says("#services", "Endpoints ready"))
}

// approver lets one person answer.
type approver string

func (a approver) MayAnswer(*http.Request, types.NamespacedName) (string, bool, error) {
	return string(a), a != "", nil
}

// waits makes the heal wait for a person.
func waits(w *healingtest.World) {
	w.Write(key, func(status *v1alpha1.HealingRequestStatus) {
		status.StartedAt = ptr.To(metav1.NowMicro())
		status.Conditions = []metav1.Condition{{
			Type: v1alpha1.ConditionPlanned, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingApproval,
			Message: "the policy asks for a person before Rollback",
		}}
		status.Plan = &v1alpha1.Plan{Actions: []v1alpha1.PlannedAction{{
			Type: v1alpha1.ActionRollback, Object: v1alpha1.ObjectReference{Kind: "Deployment", Name: sandfly},
			Revision: &v1alpha1.ObjectReference{Kind: "ReplicaSet", Name: sandfly + "-5d8f"}, Risk: v1alpha1.RiskMedium, Reversible: true,
			Permission: v1alpha1.PermissionApproval, Reason: "the revision before it answered",
		}}}
	})
}

func asksAPerson(_ context.Context, _ chat.Query, emit func(chat.Event)) (chat.Status, string) {
	emit(chat.HealingStart{Service: sandfly, Issue: "connect ECONNREFUSED"})
	emit(chat.HealingFailed{Service: sandfly, Message: "Waits for approval", Recommendation: "Look at the plan."})
	return chat.StatusFailed, "It waits for a person."
}

func TestAPersonApprovesOnThePage(t *testing.T) {
	w := setup{approver: approver("jane"), loop: asksAPerson, heals: func(w *healingtest.World) { create(w); waits(w) }}.start(t)
	w.do(w.page.Ask("list sandfly hosts"))
	w.do(w.page.Says("h3", "Waiting for you: sandfly-mcp-server"))
	w.do(w.page.Says(".plan", "Roll Deployment sandfly-mcp-server back to ReplicaSet sandfly-mcp-server-5d8f"))
	w.do(w.page.Shot("approval"))
	w.fits()
	// What is shown is not what there is any more: that is not approved, and shown anew.
	w.heals.Write(key, func(status *v1alpha1.HealingRequestStatus) { status.Plan.Actions[0].Reason = "another reason" })
	w.do(w.page.Click(".question-box button"))
	w.expected = []string{"409"}
	w.do(w.page.Says(".plan", "another reason"))
	if got := w.heals.Read(key).Spec; got.Approval != "" {
		t.Fatalf("a plan was approved that was not shown: %+v", got)
	}
	w.do(w.page.Click(".question-box button"))
	mcptest.Eventually(t, "the approval", func() bool { return w.heals.Read(key).Spec.Approval == v1alpha1.ApprovalApproved })
	if by := w.heals.Read(key).Spec.ApprovedBy; by != "jane" {
		t.Errorf("approved by %q", by)
	}
	w.heals.Say(key, "Rolled back")
	w.heals.Finish(key, v1alpha1.ReasonHealed)
	w.do(w.page.Says("h3", "Service restored: sandfly-mcp-server"))
	w.do(w.page.Says(".heal summary", "1 step"))
	if diff := cmp.Diff([]string{"Rolled back"}, w.told()); diff != "" {
		t.Error(diff)
	}
	w.do(w.page.Says(".heal button", "Ask again"))
	w.do(w.page.Shot("approved"))
}

func TestWhoMayNotApproveGetsTheCommand(t *testing.T) {
	w := setup{loop: asksAPerson, heals: func(w *healingtest.World) { create(w); waits(w) }}.start(t)
	w.do(w.page.Ask("list sandfly hosts"))
	w.do(w.page.Says(".question-box code", "kubectl cortex approve sandfly-mcp-server-001 -n cortex-system"))
	buttons := ""
	w.evaluate(`[...document.querySelectorAll(".question-box button")].map((b) => b.innerText).join()`, &buttons)
	if buttons != "Copy" {
		t.Errorf("buttons: %s", buttons)
	}
}

// past fills the record of a week.
func past(w *healingtest.World) {
	now := time.Now()
	for i, heal := range []struct {
		server, reason string
		cause          v1alpha1.Cause
		took           time.Duration
	}{
		{sandfly, v1alpha1.ReasonHealed, v1alpha1.CauseScaledToZero, 800 * time.Millisecond},
		{sandfly, v1alpha1.ReasonHealed, v1alpha1.CauseCrashLoop, 4 * time.Second},
		{sandfly, v1alpha1.ReasonManualFixNeeded, v1alpha1.CauseImageNotFound, time.Second},
		{sandfly, v1alpha1.ReasonHealed, v1alpha1.CauseScaledToZero, 1100 * time.Millisecond},
		{"proxmox-mcp-server", v1alpha1.ReasonHealed, v1alpha1.CauseUnresponsive, 12 * time.Second},
		{"somebody-elses", v1alpha1.ReasonHealed, v1alpha1.CauseUnresponsive, time.Hour},
		{sandfly, v1alpha1.ReasonDenied, v1alpha1.CauseImageNotFound, time.Hour},
	} {
		began := metav1.NewTime(now.Add(-time.Duration(i)*20*time.Hour - time.Minute)) // none ends after this moment, which may be in another day
		request := &v1alpha1.HealingRequest{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("past-%d", i), CreationTimestamp: began}}
		request.Spec.TargetRef = v1alpha1.TargetReference{Kind: v1alpha1.KindService, Name: heal.server}
		if err := w.Create(context.Background(), request); err != nil {
			panic(err)
		}
		at := types.NamespacedName{Namespace: namespace, Name: request.Name}
		w.Finish(at, heal.reason)
		w.Write(at, func(status *v1alpha1.HealingRequestStatus) {
			status.StartedAt, status.CompletedAt = ptr.To(metav1.NewMicroTime(began.Time)), ptr.To(metav1.NewMicroTime(began.Add(heal.took)))
			status.Cause = heal.cause
		})
	}
}

func TestServices(t *testing.T) {
	for name, view := range map[string]browser.View{"wide": browser.Wide, "narrow": browser.Narrow, "dark": {Width: 1100, Height: 900, Dark: true}} {
		t.Run(name, func(t *testing.T) {
			w := setup{at: "#services", view: view, servers: []string{"proxmox-mcp-server"}, heals: func(w *healingtest.World) { past(w); create(w); waits(w) }}.start(t)
			w.do(w.page.Says(".service", "Waiting for a person"))
			w.do(w.page.Says(".service", "No pod is ready"))
			w.do(w.page.Says(".service", "4, 3 succeeded"))
			w.do(w.page.Shot("services"))
			w.fits()
			w.heals.Finish(key, v1alpha1.ReasonHealed)
			w.do(w.page.Says(".service", "Up"))
		})
	}
}

func TestHistory(t *testing.T) {
	for name, view := range map[string]browser.View{"wide": browser.Wide, "narrow": browser.Narrow, "dark": {Width: 1100, Height: 900, Dark: true}} {
		t.Run(name, func(t *testing.T) {
			w := setup{at: "#history", view: view, servers: []string{"proxmox-mcp-server"}, heals: past}.start(t)
			w.do(w.page.Says(".totals", "80 %"))
			w.do(w.page.Says(".totals", "2.5 s"))
			w.do(w.page.Says("figure", "sandfly-mcp-server: ScaledToZero, twice."))
			w.do(w.page.Until(`document.querySelectorAll(".plot .dot").length === 4`))
			if text := w.page.Text("main"); strings.Contains(text, "somebody-elses") {
				t.Error("a heal is told of a server that the caller may not use")
			}
			w.do(w.page.Shot("history"))
			w.evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`, nil)
			w.do(w.page.Says("figure table", "ScaledToZero"))
			w.fits()
			w.do(w.page.Shot("tables"))
		})
	}
}
