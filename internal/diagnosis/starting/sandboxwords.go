// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import "regexp"

// What kept a sandbox from being made: the details of SandboxFailed.
const (
	detailCNI     = "CNI"
	detailCgroup  = "Cgroup"
	detailRuntime = "Runtime"
	detailMemory  = "Memory"
	// detailLimitTooLow is that of OOMKilled: the limit does not even carry the making of the container.
	detailLimitTooLow = "LimitTooLow"
)

// sandboxFault is a classified failure to make a pod's sandbox.
type sandboxFault struct {
	detail string
	// words complete "node x cannot make the sandbox of the pod: ...".
	words  string
	advice string
	// runtimeGone: the runtime itself does not answer.
	runtimeGone bool
	// limit: the pod's own memory limit is the reason.
	limit bool
	// class: the spec names a RuntimeClass that the node does not have.
	class   bool
	message string
}

// sandboxPatterns are tried in order on the text of FailedCreatePodSandBox and FailedPodSandBoxStatus. Sources: containerd
// internal/cri/server/sandbox_run.go, runc libcontainer, containernetworking/cni, pkg/kubelet.
var sandboxPatterns = []struct {
	pattern *regexp.Regexp
	fault   sandboxFault
}{
	{tooLittleMemory,
		sandboxFault{detail: detailMemory, limit: true, words: "the kernel killed it for want of memory"}},
	{regexp.MustCompile(`(?i)no runtime for "|runtime handler|failed to get sandbox runtime`),
		sandboxFault{detail: detailRuntime, class: true, words: "it does not have the runtime of the pods' RuntimeClass",
			advice: "Name a RuntimeClass in runtimeClassName whose handler the node has, or let the pods run on nodes that have it."}},
	{regexp.MustCompile(`(?i)\bcni\b|failed to set ?up (?:pod )?network|network for sandbox|networkPlugin|plugin type="|subnet\.env|no (?:free )?IP addresses|failed to (?:allocate|assign an IP)|range is full`),
		sandboxFault{detail: detailCNI, words: "its network plugin fails",
			advice: "Look at the pods of the network plugin (CNI) on the node, and whether the node has addresses left."}},
	{regexp.MustCompile(`\.sock\b[^\n]*connect|code = Unavailable|(?i)container runtime (?:is down|is not running)`),
		sandboxFault{detail: detailRuntime, runtimeGone: true, words: "its container runtime does not answer",
			advice: "Look at the container runtime's service on the node (systemctl status containerd)."}},
	{regexp.MustCompile(`(?i)cannot allocate memory|out of memory|no space left on device.*memory`),
		sandboxFault{detail: detailMemory, words: "it has no memory left for it",
			advice: "Look for what fills the memory of the node."}},
	{regexp.MustCompile(`(?i)cgroup`),
		sandboxFault{detail: detailCgroup, words: "its cgroup cannot be made",
			advice: "Check that the kubelet and the container runtime of the node use one cgroup driver (systemd), and the limits of the pod's cgroup."}},
	{regexp.MustCompile(`(?i)sandbox image|pause`),
		sandboxFault{detail: detailRuntime, words: "it cannot get the sandbox (pause) image",
			advice: "Check the sandbox image in the configuration of the node's container runtime, and the way to its registry."}},
}

// classifySandbox finds out why a sandbox could not be made.
func classifySandbox(text string) sandboxFault {
	text = head(text)
	for _, row := range sandboxPatterns {
		if row.pattern.MatchString(text) {
			fault := row.fault
			fault.message = text
			return fault
		}
	}
	return sandboxFault{detail: detailRuntime, words: "its container runtime fails", message: text,
		advice: "Look at the log of the container runtime and of the kubelet of the node."}
}
