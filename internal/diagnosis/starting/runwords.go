// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"regexp"
	"strings"
)

// Why a container cannot run: the details of ContainerCannotRun.
const (
	detailNotFound         = "NotFound"
	detailNotExecutable    = "NotExecutable"
	detailArchitecture     = "WrongArchitecture"
	detailWorkingDirectory = "WorkingDirectory"
	detailRunAsNonRoot     = "RunAsNonRoot"
	detailOther            = "Other"
)

// runFault is a classified failure to run a container's command.
type runFault struct {
	detail string
	// words complete "container x cannot run: ...", with the command in the place of %s.
	words string
	// command as the text names it; may be empty.
	command string
	// message is what was said.
	message string
}

// tooLittleMemory is runc's word for a limit below what it needs itself (libcontainer/process_linux.go).
var tooLittleMemory = regexp.MustCompile(`container init was OOM-killed`)

// nonRoot are the kubelet's words for a container that would run as root and must not
// (pkg/kubelet/kuberuntime/security_context.go, verifyRunAsNonRoot).
var nonRoot = regexp.MustCompile(`container has runAsNonRoot and image (?:will run as root|has non-numeric user)|container's runAsUser breaks non-root policy`)

// runPatterns are tried in order on the text of the runtime (runc, crun) or of the kubelet.
var runPatterns = []struct {
	pattern *regexp.Regexp
	fault   runFault
}{
	{nonRoot, runFault{detail: detailRunAsNonRoot, words: "it must not run as root (runAsNonRoot), and its image says root, or a user without a number"}},
	{regexp.MustCompile(`(?i)exec format error`),
		runFault{detail: detailArchitecture, words: "%s is not made for the processor of its node, or has no interpreter line"}},
	{regexp.MustCompile(`chdir to cwd|(?i)workdir|working directory`),
		runFault{detail: detailWorkingDirectory, words: "its working directory cannot be entered"}},
	{regexp.MustCompile(`(?i)executable file (?:\S+ )?not found in \$PATH`),
		runFault{detail: detailNotFound, words: "%s is in no directory of the image's PATH"}},
	{regexp.MustCompile(`(?i)no command specified`),
		runFault{detail: detailNotFound, words: "neither the image nor the spec says what to run"}},
	{regexp.MustCompile(`(?i)(?:exec|stat|open executable)\b[^\n]*(?:permission denied|is a directory)`),
		runFault{detail: detailNotExecutable, words: "%s is not executable"}},
	{regexp.MustCompile(`(?i)(?:exec|stat|open executable)\b[^\n]*no such file or directory`),
		runFault{detail: detailNotFound, words: "%s is not in the image, or its interpreter is not"}},
}

var (
	// execQuoted and execPlain find the command that the runtime could not execute.
	execQuoted = regexp.MustCompile(`\bexec:? "([^"]+)"`)
	execPlain  = regexp.MustCompile("\\bexec:? (/[^\\s:]+)|open executable `?([^\\s`:]+)|executable file `([^`]+)`")
	// execLine is what the runtime itself writes into a container's log where its exec fails at the very end
	// (runc, standard_init_linux.go). The whole line must be it: programs too say that they execute something.
	execLine = regexp.MustCompile(`(?m)^(?:standard_init_linux\.go:\d+: )?exec (?:user process caused: |\S+: )(?:exec format error|no such file or directory|permission denied)\r?$`)
	// shellLine is what a shell says of a command that is not there or cannot be executed (POSIX, exit codes 127 and 126).
	shellLine = regexp.MustCompile(`(?m)^\S*sh: (?:line )?(?:\d+: )?([^\s:]+): (?:command )?(?:not found|No such file or directory|Permission denied)\r?$`)
	// mountTrouble is a matter of a volume, not of the command.
	mountTrouble = regexp.MustCompile(`(?i)\bsubpath\b|error mounting|mount a directory onto a file`)
)

// classifyRun finds out why the runtime could not run a container.
func classifyRun(message string) (runFault, bool) {
	text := head(message)
	if strings.TrimSpace(text) == "" || mountTrouble.MatchString(text) || tooLittleMemory.MatchString(text) {
		return runFault{}, false
	}
	fault := runFault{detail: detailOther, words: "the container runtime does not make or start it"}
	for _, row := range runPatterns {
		if row.pattern.MatchString(text) {
			fault = row.fault
			break
		}
	}
	fault.message = text
	if at := execQuoted.FindStringSubmatch(text); at != nil {
		fault.command = at[1]
	} else if at := execPlain.FindStringSubmatch(text); at != nil {
		fault.command = at[1] + at[2] + at[3]
	}
	return fault, true
}

// classifyExit finds out by its exit code and its log why a container ended that a shell, or the runtime's own process in
// it, could not make run.
func classifyExit(code int32, log string) (runFault, bool) {
	log = head(log)
	if line := execLine.FindString(log); line != "" {
		return classifyRun(strings.TrimSpace(line))
	}
	fault := runFault{}
	switch code {
	case 126:
		fault = runFault{detail: detailNotExecutable, words: "%s cannot be executed"}
	case 127:
		fault = runFault{detail: detailNotFound, words: "%s was not found"}
	default:
		return runFault{}, false
	}
	if at := shellLine.FindStringSubmatch(log); at != nil {
		fault.command, fault.message = at[1], strings.TrimSpace(at[0])
	}
	return fault, true
}
