// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"regexp"
	"strings"
)

// The details of AdmissionDenied.
const (
	detailWebhook     = "Webhook"
	detailPodSecurity = "PodSecurity"
	detailPolicy      = "Policy"
	detailLimitRange  = "LimitRange"
	detailOther       = "Other"
)

// denial is what an admission plugin says.
type denial struct {
	detail string
	// who denies: a webhook, a policy, a level of Pod Security; empty where the API server itself does.
	who string
	// says is its reason, in its own words.
	says string
	// service and namespace of a webhook that could not be called.
	service, namespace string
	unreachable        bool
	limit              limit
}

// limit is what a LimitRange wants.
type limit struct {
	bound, resource, scope, value string
}

// The messages, and where they are written. Order matters: a webhook may quote any of the others.
var (
	// apiserver/pkg/admission/plugin/webhook/errors/statuserror.go.
	webhookDenied = regexp.MustCompile(`(?s)admission webhook "([^"]+)" denied the request(?:: (.*)| without explanation)`)
	// apiserver/pkg/util/webhook/error.go.
	webhookFailed  = regexp.MustCompile(`(?s)failed calling (?:admission )?webhook "([^"]+)": (.*)`)
	webhookAddress = regexp.MustCompile(`https://([a-z0-9-]+)\.([a-z0-9-]+)\.svc\b`)
	// apiserver/pkg/admission/plugin/policy/validating/dispatcher.go.
	policyDenied = regexp.MustCompile(`(?s)ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)`)
	// pod-security-admission/admission/admission.go.
	securityDenied = regexp.MustCompile(`(?s)violates PodSecurity "([^"]+)": (.*)`)
	// Pod Security Policies, gone since 1.25, and OpenShift's SecurityContextConstraints.
	constraintDenied = regexp.MustCompile(`(?s)unable to validate against any (pod security policy|security context constraint): (.*)`)
	// plugin/pkg/admission/limitranger/admission.go.
	limitDenied = regexp.MustCompile(`(minimum|maximum) (\S+) usage per (\w+) is ([^\s,]+?)(?:, but (?:limit|request) is [^\s,\]]+|\.\s+No (?:limit|request) is specified)`)
	ratioDenied = regexp.MustCompile(`(\S+) max limit to request ratio per (\w+) is ([^\s,]+), but [^,\]]+`)
	// What the API server says itself.
	plainDenied = regexp.MustCompile(`(?s)(?:is forbidden|is invalid): (.*)`)
)

// notAdmission are refusals that other causes tell.
var notAdmission = []string{"exceeded quota", "status unknown for quota", "error looking up service account", "because it is being terminated"}

// parseDenial reads who refused a pod and why. It is false for what is no decision on the pod, such as a timeout.
func parseDenial(text string) (denial, bool) {
	if m := webhookDenied.FindStringSubmatch(text); m != nil {
		return denial{detail: detailWebhook, who: "webhook " + m[1], says: reason(m[2])}, true
	}
	if m := webhookFailed.FindStringSubmatch(text); m != nil {
		d := denial{detail: detailWebhook, who: "webhook " + m[1], says: reason(m[2]), unreachable: true}
		if at := webhookAddress.FindStringSubmatch(m[2]); at != nil {
			d.service, d.namespace = at[1], at[2]
		}
		return d, true
	}
	if m := policyDenied.FindStringSubmatch(text); m != nil {
		return denial{detail: detailPolicy, who: "ValidatingAdmissionPolicy " + m[1], says: reason(m[2])}, true
	}
	if m := securityDenied.FindStringSubmatch(text); m != nil {
		return denial{detail: detailPodSecurity, who: "Pod Security level " + m[1], says: reason(m[2])}, true
	}
	if m := constraintDenied.FindStringSubmatch(text); m != nil {
		return denial{detail: detailPodSecurity, who: "every " + m[1], says: reason(m[2])}, true
	}
	if d, ok := parseLimit(text); ok {
		return d, true
	}
	for _, other := range notAdmission {
		if strings.Contains(text, other) {
			return denial{}, false
		}
	}
	if m := plainDenied.FindStringSubmatch(text); m != nil {
		return denial{detail: detailOther, says: reason(m[1])}, true
	}
	return denial{}, false
}

func parseLimit(text string) (denial, bool) {
	if m := limitDenied.FindStringSubmatch(text); m != nil {
		return denial{detail: detailLimitRange, who: "a LimitRange", says: m[0], limit: limit{m[1], m[2], m[3], m[4]}}, true
	}
	if m := ratioDenied.FindStringSubmatch(text); m != nil {
		return denial{detail: detailLimitRange, who: "a LimitRange", says: m[0], limit: limit{"ratio", m[1], m[2], m[3]}}, true
	}
	return denial{}, false
}

// maxReason bounds what a message quotes; the evidence has the whole.
const maxReason = 400

func reason(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if runes := []rune(text); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return text
}
