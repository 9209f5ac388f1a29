// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// waits for a person with a plan.
func awaitsApproval(s *v1alpha1.HealingRequestStatus) {
	for _, change := range []func(*v1alpha1.HealingRequestStatus){say("one"), scaleTo(2), planned(v1alpha1.ReasonAwaitingApproval, "scale deployment sandfly to 2")} {
		change(s)
	}
}

func approved(by string) func(*v1alpha1.HealingRequest) {
	return func(r *v1alpha1.HealingRequest) {
		r.Spec.Approval, r.Spec.ApprovedBy = v1alpha1.ApprovalApproved, by
	}
}

func denied(r *v1alpha1.HealingRequest) {
	r.Spec.Approval, r.Spec.ApprovedBy = v1alpha1.ApprovalDenied, "joe"
}

func TestApprove(t *testing.T) {
	for _, name := range []string{sandfly + "-001", sandfly, "heal/" + sandfly + "-001"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.request(sandfly+"-001", with(awaitsApproval))
			result := w.start("approve --yes " + name)
			r := w.answered(v1alpha1.ApprovalApproved)
			if r.Spec.ApprovedBy != "admin" {
				t.Errorf("approved by %q", r.Spec.ApprovedBy)
			}
			w.write(r, say("two"), over(v1alpha1.ReasonHealed))
			w.check(w.await(result), 0, "Waits for approval: Service "+sandfly, "1. Scale Deployment sandfly to 2 replicas", "risk medium · can be undone · needs approval", "Nobody is there",
				sandfly+"-001 approved by admin", "one", "two", "Healed in 8s")
		})
	}
}

// TestNobodyToAsk: where nobody can be asked, what is shown is not approved.
func TestNobodyToAsk(t *testing.T) {
	w := newWorld(t)
	r := w.request(sandfly+"-001", with(awaitsApproval))
	w.check(w.run("approve "+sandfly), 2, "1. Scale Deployment sandfly to 2 replicas", "nobody can be asked, and nothing was approved: --yes approves what is shown")
	if err := w.api.Get(t.Context(), client.ObjectKeyFromObject(r), r); err != nil || r.Spec.Approval != "" {
		t.Errorf("approved all the same: %v", err)
	}
	for text, want := range map[string]bool{"y\n": true, "YES\r\n": true, " y \n": true, "n\n": false, "\n": false, "": false, "yess\n": false, "no\ny\n": false} {
		if agreed(strings.NewReader(text)) != want {
			t.Errorf("%q is taken for %v", text, !want)
		}
	}
}

// TestApprovedIsWhatWasShown: between the showing and the answer the operator writes.
func TestApprovedIsWhatWasShown(t *testing.T) {
	type change = func(*v1alpha1.HealingRequestStatus)
	for name, tc := range map[string]struct {
		meanwhile []change
		code      int
		told      string
	}{
		"nothing of it":                         {nil, 0, "approved by admin"},
		"another line":                          {[]change{say("still waiting")}, 0, "approved by admin"},
		"another plan":                          {[]change{scaleTo(7)}, 2, "has changed since it was shown, and was not approved"},
		"no plan any more":                      {[]change{func(s *v1alpha1.HealingRequestStatus) { s.Plan = nil }}, 2, "has changed since it was shown"},
		"it waits for what it did not wait for": {[]change{planned(v1alpha1.ReasonStormBrake, "half of them fail")}, 2, "has changed since it was shown"},
		"its end":                               {[]change{over(v1alpha1.ReasonHealthy)}, 2, sandfly + "-001 ended at 2026-11-23T12:00:08Z (Healthy): nothing is left to answer"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.request(sandfly+"-001", with(awaitsApproval))
			var out bytes.Buffer
			flags := genericclioptions.NewConfigFlags(true)
			flags.KubeConfig, flags.Namespace = &w.kubeconfig, &w.namespace
			a := &answer{output: output{io: streams{nil, &out, &out}, format: "text"}, clock: clocktesting.NewFakeClock(noon), config: flags, says: v1alpha1.ApprovalApproved, fits: waits}
			a.prepare = func(context.Context, *v1alpha1.HealingRequest) error {
				if tc.meanwhile != nil {
					w.write(r, tc.meanwhile...)
				}
				return nil
			}
			err := a.run(t.Context(), []string{sandfly})
			told := out.String()
			if err != nil {
				told += err.Error()
			}
			if (err != nil) != (tc.code == 2) || !strings.Contains(told, tc.told) {
				t.Errorf("told %s", told)
			}
			_ = w.api.Get(t.Context(), client.ObjectKeyFromObject(r), r)
			if (r.Spec.Approval == v1alpha1.ApprovalApproved) != (tc.code == 0) {
				t.Errorf("the approval is %q", r.Spec.Approval)
			}
		})
	}
}

// TestDenyAndCancel: that it is over is what was wanted.
func TestDenyAndCancel(t *testing.T) {
	changed := func(s *v1alpha1.HealingRequestStatus) {
		s.FixApplied = "Restarted Deployment sandfly"
		s.Actions = []v1alpha1.ActionResult{{Type: v1alpha1.ActionRestart, Object: v1alpha1.ObjectReference{Kind: "Deployment", Name: "sandfly"}, State: v1alpha1.ActionApplied, Detail: "Restarted Deployment sandfly"}}
	}
	for name, tc := range map[string]struct {
		line   string
		status func(*v1alpha1.HealingRequestStatus)
		reason string
		told   []string
	}{
		"deny":              {"deny ", awaitsApproval, v1alpha1.ReasonDenied, []string{"denied by admin", "Denied by admin: Service"}},
		"cancel a question": {"cancel ", awaitsApproval, v1alpha1.ReasonDenied, []string{"denied by admin", "Denied by admin: Service"}},
		"cancel":            {"cancel ", func(s *v1alpha1.HealingRequestStatus) { say("one")(s); changed(s) }, v1alpha1.ReasonCanceled, []string{"What " + sandfly + "-001 has changed stays, and is not verified any more: Restarted Deployment sandfly", "Stopped by admin: Service", "Done:\n  Restarted Deployment sandfly"}},
		"too late":          {"cancel ", say("one"), v1alpha1.ReasonHealed, []string{"Healed in 8s"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.request(sandfly+"-001", with(tc.status))
			result := w.start(tc.line + sandfly)
			w.write(w.answered(v1alpha1.ApprovalDenied), over(tc.reason))
			w.check(w.await(result), 0, tc.told...)
		})
	}
}

// TestUnanswerable: why an answer does not fit, and what does.
func TestUnanswerable(t *testing.T) {
	progress := with(say("one"))
	turn := with(planned(v1alpha1.ReasonAnotherRequestActive, "x is at work"))
	for name, tc := range map[string]struct {
		options []func(*v1alpha1.HealingRequest)
		line    string
		told    string
	}{
		"approve what is over":      {[]func(*v1alpha1.HealingRequest){with(over(v1alpha1.ReasonHealed))}, "approve x-001 --yes", "x-001 ended at 2026-11-23T12:00:08Z (Healed): nothing is left to answer"},
		"of a service":              {[]func(*v1alpha1.HealingRequest){with(over(v1alpha1.ReasonHealed))}, "approve " + sandfly, "no heal of " + sandfly + " is under way: x-001 ended at"},
		"cancel what is over":       {[]func(*v1alpha1.HealingRequest){with(over(v1alpha1.ReasonHealed))}, "cancel x-001", "nothing is left to answer"},
		"approve what works":        {[]func(*v1alpha1.HealingRequest){progress}, "approve x-001 --yes", "x-001 does not wait for an answer: its phase is Diagnosing; to stop it: kubectl cortex cancel x-001 -n "},
		"deny what works":           {[]func(*v1alpha1.HealingRequest){progress}, "deny x-001", "to stop it: kubectl cortex cancel x-001 -n "},
		"approve a turn":            {[]func(*v1alpha1.HealingRequest){turn}, "approve x-001 --yes", "x-001 waits for its turn and goes on by itself"},
		"approve twice":             {[]func(*v1alpha1.HealingRequest){approved("jane"), with(awaitsApproval)}, "approve x-001 --yes", "x-001 was approved by jane already"},
		"approve what was denied":   {[]func(*v1alpha1.HealingRequest){denied, with(awaitsApproval)}, "approve x-001 --yes", "x-001 was denied by joe and is about to end"},
		"cancel what was denied":    {[]func(*v1alpha1.HealingRequest){denied, progress}, "cancel x-001", "x-001 was denied by joe"},
		"a name that is not there":  {nil, "approve x-01", "there is no HealingRequest x-01 in namespace"},
		"the nearest":               {nil, "approve " + sandfly + "s", "did you mean " + sandfly + "?"},
		"no name":                   {nil, "cancel", "one NAME is needed"},
		"two names":                 {nil, "deny a b", "one NAME is needed"},
		"an output that is not one": {nil, "approve x-001 -o xml", "--output is text, json or yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.request("x-001", tc.options...)
			w.check(w.run(tc.line), 2, tc.told)
		})
	}
	w := newWorld(t)
	w.request("x-001", with(say("one")))
	w.request("x-002", turn)
	w.check(w.run("cancel "+sandfly), 2, "several heals of "+sandfly+" are under way; name one: x-001, x-002")
}

// TestMayNotAnswer: the right to look is not the right to answer.
func TestMayNotAnswer(t *testing.T) {
	w := newWorld(t)
	w.request(sandfly+"-001", with(awaitsApproval))
	w.viewer("viewer")
	e := w.run("approve --yes "+sandfly, "--kubeconfig", w.as("viewer"))
	w.check(e, 2, "you may not patch healingrequests.healing.cortex.dev in namespace "+w.namespace+"; the role edit of the namespace allows it", `User "viewer" cannot patch`)
	e = w.run("heal "+sandfly+" --dry-run", "--kubeconfig", w.as("viewer"))
	w.check(e, 2, "you may not create healingrequests.healing.cortex.dev in namespace "+w.namespace)
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	parent := w.request(sandfly+"-001", with(over(v1alpha1.ReasonHealed)))
	w.request("sandfly-cache-001", with(over(v1alpha1.ReasonHealed)), func(r *v1alpha1.HealingRequest) {
		r.Spec.Trigger, r.Spec.TargetRef = v1alpha1.TriggerDependency, v1alpha1.TargetReference{Kind: v1alpha1.KindDeployment, Name: "sandfly-cache"}
		r.OwnerReferences = []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion.String(), Kind: "HealingRequest", Name: parent.Name, UID: parent.UID}}
	})
	w.check(w.run("history "+sandfly), 0, "Service "+sandfly+" in namespace "+w.namespace, "1 heal in 7 days, 1 succeeded (100 %), 8s to heal", sandfly+"-001", "Healed in 8s", "└ ", "sandfly-cache-001  Deployment sandfly-cache  Healed")
	w.check(w.run("history sandfly-cache"), 0, "Deployment sandfly-cache in namespace", "sandfly-cache-001")
	w.check(w.run("history sandfly-mcp-serve"), 0, "No heal of it is on record.", "did you mean "+sandfly+"?")
	w.check(w.run("history "+sandfly+" -o json"), 0, `"target": "Service sandfly-mcp-server"`, `"outcome": "Healed"`)
	w.check(w.run("history "+sandfly+" -o yaml"), 0, "  children:\n")
	w.check(w.run("history"), 0, "NAMESPACE", "Service "+sandfly+"  1           100 %      8s")
	w.check(w.run("history -A -o json"), 0, `"namespace": "`+w.namespace+`"`)
	w.check(w.run("history a b"), 2, "one TARGET at most")
	w.check(w.run("history a -A"), 2, "leave TARGET out")
	w.check(w.run("history a --limit -1"), 2, "--limit is -1")
	w.check(w.run("history a -o xml"), 2, "--output is text")
	w.check(w.run("history pod/x"), 2, "is no kind")
}

func TestCompletion(t *testing.T) {
	w := newWorld(t)
	w.request("x-001", with(awaitsApproval))
	w.request("x-002", with(say("one")))
	w.request("x-003", with(over(v1alpha1.ReasonHealed)))
	for line, want := range map[string]string{
		"heal":           sandfly + "\n",
		"diagnose":       "proxmox-mcp-server\n" + sandfly + "\n",
		"history":        sandfly + "\n",
		"approve":        "x-001\tAwaitingApproval\n",
		"deny":           "x-001\tAwaitingApproval\n",
		"cancel":         "x-001\tAwaitingApproval\nx-002\tDiagnosing\n",
		"approve x-001":  "",
		"heal --output=": "text\njson\nyaml\n",
	} {
		t.Run(line, func(t *testing.T) {
			args := append(strings.Fields("__complete "+line), "-n", w.namespace, "--kubeconfig", w.kubeconfig, "")
			if strings.Contains(line, "=") {
				args = strings.Fields("__complete " + line)
			}
			code, out, _ := execute(t, "", args...)
			if got, _, _ := strings.Cut(out, ":"); code != 0 || got != want {
				t.Errorf("exit code %d, offers %q, want %q", code, got, want)
			}
		})
	}
}
