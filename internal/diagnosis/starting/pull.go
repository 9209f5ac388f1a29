// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"regexp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// pullFault is a classified failure to pull an image.
type pullFault struct {
	cause      v1alpha1.Cause
	confidence v1alpha1.Confidence
	// detail tells variants apart.
	detail string
	// words complete "image x ...".
	words string
	// advice are the spec's recommendations that fit.
	advice []string
	// message is what the kubelet said.
	message string
}

// pullReasons are the waiting reasons of a container whose image cannot be had (kubelet, pkg/kubelet/images/types.go and
// the CRI errors).
func pullReasons() []string {
	return []string{"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ErrImageInspect", "RegistryUnavailable"}
}

// pullPattern is one row of the classifier.
type pullPattern struct {
	pattern *regexp.Regexp
	fault   pullFault
}

// pullPatterns are tried in order on "reason: message" without image references and URLs, since an image may be named
// "not-found". The order matters where one error wraps another: a token server that cannot be reached is no refusal.
var pullPatterns = []pullPattern{
	{regexp.MustCompile(`^InvalidImageName|couldn't parse image|invalid reference format|failed to parse image reference`),
		pullFault{cause: v1alpha1.CauseInvalidImageName, words: "is not a valid image name", advice: []string{adviceName}}},
	{regexp.MustCompile(`^ErrImageNeverPull|is not present with pull policy of Never`),
		pullFault{cause: v1alpha1.CauseImageNotFound, detail: "PullPolicyNever", words: "is not on the node, and its pull policy is Never", advice: []string{adviceName}}},
	{regexp.MustCompile(`(?i)no such host|server misbehaving|temporary failure in name resolution|\blookup \S+ [^\n]*i/o timeout`),
		pullFault{cause: v1alpha1.CauseRegistryUnreachable, detail: "DNS", words: "cannot be asked for: the name of the registry does not resolve", advice: []string{adviceName, adviceRegistry}}},
	{regexp.MustCompile(`(?i)connection refused|no route to host|network is unreachable|connection reset|broken pipe`),
		pullFault{cause: v1alpha1.CauseRegistryUnreachable, detail: "Connection", words: "cannot be asked for: the registry takes no connection", advice: []string{adviceRegistry}}},
	{regexp.MustCompile(`(?i)i/o timeout|TLS handshake timeout|deadline exceeded|Client\.Timeout|no progress in`),
		pullFault{cause: v1alpha1.CauseRegistryUnreachable, detail: "Timeout", words: "cannot be asked for: the registry does not answer in time", advice: []string{adviceRegistry}}},
	{regexp.MustCompile(`x509:|tls: |HTTP response to HTTPS client`),
		pullFault{cause: v1alpha1.CauseRegistryUnreachable, detail: "TLS", words: "cannot be asked for: the node does not trust the registry's TLS, or the registry has none", advice: []string{adviceRegistry}}},
	{regexp.MustCompile(`(?i)\b429\b|toomanyrequests|rate limit`),
		pullFault{cause: v1alpha1.CauseRegistryUnreachable, detail: "RateLimit", words: "is not given out for now: the registry's rate limit is reached", advice: []string{adviceAccess}}},
	{regexp.MustCompile(`no basic auth credentials`),
		pullFault{cause: v1alpha1.CauseImagePullUnauthorized, words: "is not given out by the registry without credentials", advice: []string{adviceAccess}}},
	{regexp.MustCompile(`(?i)insufficient_scope|may require`),
		pullFault{cause: v1alpha1.CauseImagePullUnauthorized, confidence: v1alpha1.Likely, words: "is refused by the registry, which does not tell whether it is missing or private", advice: []string{adviceName, adviceAccess}}},
	{regexp.MustCompile(`(?i): 40[13]\b|unauthorized|authentication required|access (?:to the resource is )?denied|: denied:`),
		pullFault{cause: v1alpha1.CauseImagePullUnauthorized, words: "is refused by the registry to these credentials", advice: []string{adviceAccess}}},
	{regexp.MustCompile(`no match for platform`),
		pullFault{cause: v1alpha1.CauseImageNotFound, detail: "Platform", words: "has no variant for the node's platform", advice: []string{adviceName}}},
	{regexp.MustCompile(`(?i): not found\b|manifest unknown|name unknown|: 404\b`),
		pullFault{cause: v1alpha1.CauseImageNotFound, words: "is not in the registry", advice: []string{adviceName}}},
	{regexp.MustCompile(`(?i): 5\d\d\b|RegistryUnavailable|registry is unavailable|\bEOF\b`),
		pullFault{cause: v1alpha1.CauseRegistryUnreachable, detail: "Server", words: "cannot be had: the registry is out of order", advice: []string{adviceRegistry}}},
}

var (
	// quoted matches what containerd and the kubelet put in quotes: image references and URLs.
	quoted = regexp.MustCompile(`\\?"[^"]*"`)
	// paths matches references and URLs without quotes, but for a colon at their end. "i/o" is none.
	paths = regexp.MustCompile(`\S{2,}/\S+?(:?(?:\s|$))`)
)

// classifyPull finds the cause in the kubelet's reason and message. The words of the message choose among four causes
// that are all only reported, never acted on.
func classifyPull(reason, message string) (pullFault, bool) {
	text := quoted.ReplaceAllString(reason+": "+head(message), `""`)
	text = paths.ReplaceAllString(text, "$1")
	for _, row := range pullPatterns {
		if row.pattern.MatchString(text) {
			fault := row.fault
			fault.message = message
			if fault.confidence == "" {
				fault.confidence = v1alpha1.Certain
			}
			return fault, true
		}
	}
	return pullFault{}, false
}

// unclassifiedPull is what is left where nobody says why. A missing image is the most common reason by far.
func unclassifiedPull(message string) pullFault {
	return pullFault{
		cause:      v1alpha1.CauseImageNotFound,
		confidence: v1alpha1.Likely,
		words:      "cannot be pulled, and the reason is not told in a known form",
		advice:     []string{adviceName, adviceAccess, adviceRegistry},
		message:    message,
	}
}
