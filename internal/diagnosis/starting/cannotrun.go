// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// runReasons are the reasons of a status for a container that could not be made or started: the kubelet's
// (pkg/kubelet/kuberuntime, errors.go), containerd's and Docker's.
var runReasons = []string{"CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun"}

// cannotRun finds containers whose command cannot be executed at all.
func cannotRun(s *snapshot.Snapshot) []finding.Finding {
	var seen sightings[ranNot]
	for _, c := range s.Containers() {
		if fault, ok := runFaultOf(s, c); ok {
			seen.add(fault.detail+" "+c.Spec.Name+" "+c.Spec.Image, c.Pod, ranNot{c, fault})
		}
	}
	var findings []finding.Finding
	for _, one := range seen.all {
		findings = append(findings, runFinding(s, one))
	}
	return findings
}

// ranNot is a container that cannot run.
type ranNot struct {
	snapshot.Container
	runFault
}

// runFaultOf asks what the runtime said, then what the shell did.
func runFaultOf(s *snapshot.Snapshot, c snapshot.Container) (runFault, bool) {
	reason, message := c.Waits()
	if reason == "CreateContainerConfigError" {
		if message == "" {
			message = failedText(s, c, "Error: ", nonRoot.MatchString)
		}
		if !nonRoot.MatchString(head(message)) {
			return runFault{}, false
		}
		return classifyRun(message)
	}
	if text := runtimeText(s, c); text != "" {
		return classifyRun(text)
	}
	last, ok := failing(s, c)
	if !ok || last == nil {
		return runFault{}, false
	}
	return classifyExit(last.ExitCode, cmp.Or(s.LogOf(c.Pod, c.Spec.Name), last.Message))
}

// runtimeText is why the runtime did not make or start a container, as its status or the last event tells it; "" if it
// did.
func runtimeText(s *snapshot.Snapshot, c snapshot.Container) string {
	reason, message := c.Waits()
	if last, ok := failing(s, c); ok && last != nil {
		reason, message = last.Reason, last.Message
	}
	if !slices.Contains(runReasons, reason) {
		return ""
	}
	if message == "" {
		message = failedText(s, c, "Error: ", func(string) bool { return true })
	}
	return message
}

func runFinding(s *snapshot.Snapshot, one *sighting[ranNot]) finding.Finding {
	r := one.fault
	command, inSpec := commandOf(r)
	f := finding.New(v1alpha1.CauseContainerCannotRun, s.Owner(r.Container), v1alpha1.Likely,
		fmt.Sprintf("%s cannot run: %s", words.UpperFirst(s.In(r.Container)), withCommand(r.words, command)))
	f.Detail = r.detail
	if inSpec {
		f.Confidence = v1alpha1.Certain
	}
	if r.message != "" {
		f.Evidence = append(f.Evidence, said(r.Pod, r.message))
	}
	if last := cmp.Or(r.Status.State.Terminated, r.Status.LastTerminationState.Terminated); last != nil {
		f.Evidence = append(f.Evidence, fmt.Sprintf("it ended with exit code %d (%s)", last.ExitCode, last.Reason))
	}
	f.Evidence = append(f.Evidence, tellCommand(r.Spec), one.tellPods(s), s.TellRevision(r.Container))
	adviseRun(s, r, command, &f)
	goBack(s, r.Pod, &f, func(spec *corev1.PodSpec) (string, bool) {
		earlier := snapshot.ContainerIn(spec, r.Spec.Name)
		if earlier == nil || earlier.Image == r.Spec.Image && tellCommand(*earlier) == tellCommand(r.Spec) && sameUser(spec, earlier, r) {
			return "", false
		}
		return "ran image " + earlier.Image + ": " + tellCommand(*earlier), true
	})
	return f
}

// commandOf is what could not be executed, and whether the spec names it.
func commandOf(r ranNot) (command string, inSpec bool) {
	inSpec = r.command != "" && (slices.Contains(r.Spec.Command, r.command) || slices.Contains(r.Spec.Args, r.command))
	if r.command == "" && len(r.Spec.Command) > 0 {
		return r.Spec.Command[0], false
	}
	return r.command, inSpec
}

func withCommand(text, command string) string {
	if command == "" {
		return strings.ReplaceAll(text, "%s", "the image's command")
	}
	return strings.ReplaceAll(text, "%s", "command "+command)
}

// maxCommand bounds what is told of a command: a script may stand in it.
const maxCommand = 160

func tellCommand(c corev1.Container) string {
	told := "the command is the image's"
	if len(c.Command) > 0 {
		told = "command " + strings.Join(c.Command, " ")
	}
	if len(c.Args) > 0 {
		told += ", args " + strings.Join(c.Args, " ")
	}
	if len(told) > maxCommand {
		told = strings.ToValidUTF8(told[:maxCommand], "") + "…"
	}
	return told
}

func adviseRun(s *snapshot.Snapshot, r ranNot, command string, f *finding.Finding) {
	in := s.In(r.Container)
	switch r.detail {
	case detailArchitecture:
		arch := "of its node"
		if node := s.Node(r.Pod.Spec.NodeName); node != nil && node.Status.NodeInfo.Architecture != "" {
			arch = node.Status.NodeInfo.Architecture
			f.Evidence = append(f.Evidence, fmt.Sprintf("node %s is %s", node.Name, arch))
		}
		f.Recommendation = fmt.Sprintf("Build image %s for the architecture %s, or let %s run on the nodes that it is built for (nodeSelector kubernetes.io/arch). A script needs a first line such as #!/bin/sh.", r.Spec.Image, arch, in)
	case detailWorkingDirectory:
		f.Recommendation = fmt.Sprintf("Correct workingDir of %s (now %s): it must be a directory of the image that the user may enter.", in, cmp.Or(r.Spec.WorkingDir, "that of the image"))
	case detailNotExecutable:
		f.Recommendation = fmt.Sprintf("Make %s executable in image %s (chmod +x), or correct command of %s.", cmp.Or(command, "the command"), r.Spec.Image, in)
	case detailRunAsNonRoot:
		adviseNonRoot(s, r, f)
	case detailOther:
		f.Recommendation = fmt.Sprintf("Read what the runtime says of %s; the log of the container runtime of node %s tells more.", in, r.Pod.Spec.NodeName)
	default:
		f.Recommendation = fmt.Sprintf("Correct command of %s, or use an image that has %s.", in, cmp.Or(command, "it"))
	}
}

// adviseNonRoot proves the kubelet's word: the spec asks for a user that is not root and names none, or names root.
func adviseNonRoot(s *snapshot.Snapshot, r ranNot, f *finding.Finding) {
	user, _, _ := identity(&r.Pod.Spec, &r.Spec)
	if mustNotBeRoot(&r.Pod.Spec, &r.Spec) && (user == nil || *user == 0) {
		f.Confidence = v1alpha1.Certain
		f.Evidence = append(f.Evidence, fmt.Sprintf("the spec says runAsNonRoot true, runAsUser %s", tellID(user, "not set, so that the image's user counts")))
	}
	f.Recommendation = fmt.Sprintf("Set securityContext.runAsUser of %s to the number of a user that image %s can run as, not 0; or build the image with a numeric USER.", s.In(r.Container), r.Spec.Image)
}

func mustNotBeRoot(spec *corev1.PodSpec, c *corev1.Container) bool {
	if c.SecurityContext != nil && c.SecurityContext.RunAsNonRoot != nil {
		return *c.SecurityContext.RunAsNonRoot
	}
	return spec.SecurityContext != nil && spec.SecurityContext.RunAsNonRoot != nil && *spec.SecurityContext.RunAsNonRoot
}

// sameUser reports whether an earlier container ran as the same user, under the same rule.
func sameUser(spec *corev1.PodSpec, earlier *corev1.Container, r ranNot) bool {
	return tellUser(spec, earlier) == tellUser(&r.Pod.Spec, &r.Spec) && mustNotBeRoot(spec, earlier) == mustNotBeRoot(&r.Pod.Spec, &r.Spec) &&
		earlier.WorkingDir == r.Spec.WorkingDir && equality.Semantic.DeepEqual(earlier.VolumeMounts, r.Spec.VolumeMounts)
}
