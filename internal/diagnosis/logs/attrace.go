// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"regexp"
	"strings"
)

// Java, .NET and Node write "at" before each frame, and each its own words around a deeper cause.
var (
	// thrown is the line of an exception. Each group is its type, of Java, .NET and Node; what stands before it is the logger's.
	thrown = regexp.MustCompile(`(?:^|[\s:(\[>])((?:[a-zA-Z_$][\w$]*\.)+[A-Z][\w$]*|(?:[A-Z]\w*)?(?:Error|Exception))(?: \[\w+\])?(?: \(0x[0-9A-Fa-f]+\))?(?: \(\d+\))?(?::\s|:?$)`)
	deep   = regexp.MustCompile(`^\s*(?:Caused by: |---> |-+> ?\(Inner Exception #\d+\) |\[cause\]: |\[errors\]: )(.*)`)
	atLine = regexp.MustCompile(`^\s*at (.+)$`)
	aside  = regexp.MustCompile(`^\s*\.\.\. \d+ |^\s*--- End of |^\s*Suppressed: |^\s+\[?\w+\]?: |^\s*[{}\]]+,?\s*$|^\s*$|^Node\.js v`)
	// place is where a frame is: of Java in brackets, of .NET behind "in", of Node in brackets or bare.
	javaAt = regexp.MustCompile(`^(?:[\w.$-]+(?:@[\w.-]+)?/)*([\w.$<>/-]+)\(([\w$]+\.(?:java|kt|scala|groovy)(?::\d+)?|Native Method|Unknown Source|<generated>)\)`)
	netAt  = regexp.MustCompile(`^([\w.<>$` + "`" + `\[\],+|&]+)\(.*?\)(?: in (.+?):line (\d+))?`)
	nodeAt = regexp.MustCompile(`^(?:(?:async )?(.+?) \()?((?:file://|node:|[A-Za-z]:\\|/|\./|webpack:)?[^():\s]*(?::\d+){1,2})\)?$`)

	javaLib = regexp.MustCompile(`^(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|org\.(?:springframework|apache|hibernate|eclipse|postgresql|mariadb|slf4j|jboss|jooq|flywaydb|mongodb)|com\.(?:zaxxer|mysql|fasterxml|google|mongodb|rabbitmq|microsoft|oracle)|io\.(?:netty|grpc|micrometer|lettuce|vertx|quarkus)|redis\.clients|reactor|ch\.qos)\.`)
	netLib  = regexp.MustCompile(`^(?:System|Microsoft|Npgsql|MySql|StackExchange|Grpc|Polly)\.`)
	nodeLib = regexp.MustCompile(`node:|node_modules/|\(internal/`)
)

// atTrace reads an exception that frames follow.
func atTrace(lines []line, i int) (block, bool) {
	if !headsFrames(lines, i) {
		return block{}, false
	}
	b := block{Trace{Line: lines[i].text, Exception: typeOf(lines[i].text)}, i, i}
	var frames, outer []string
	for j := i + 1; j < len(lines); j++ {
		text := lines[j].text
		if cause := deep.FindStringSubmatch(text); cause != nil {
			b.Line, b.Exception = cause[1], typeOf(cause[1])
			outer, frames = append(frames, outer...), nil
		} else if at := atLine.FindStringSubmatch(text); at != nil {
			frames = append(frames, strings.TrimSuffix(at[1], " {"))
		} else if !aside.MatchString(text) {
			break
		}
		b.to = j
	}
	b.Kind, b.Frame = placeOf(append(frames, outer...))
	// .NET ends a cause's line with the arrow of the next, and Node a message with the brace of its fields.
	b.Line = strings.TrimSuffix(strings.TrimRight(b.Line, " "), " {")
	return b, b.Kind != ""
}

// headsFrames: the line names an exception, and a frame or a cause follows within two lines, as a message may break.
func headsFrames(lines []line, i int) bool {
	if atLine.MatchString(lines[i].text) || !thrown.MatchString(lines[i].text) {
		return false
	}
	for j := i + 1; j < min(len(lines), i+3); j++ {
		if atLine.MatchString(lines[j].text) || deep.MatchString(lines[j].text) {
			return true
		}
		if thrown.MatchString(lines[j].text) {
			return false
		}
	}
	return false
}

func typeOf(text string) string {
	if found := thrown.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

// placeOf tells the runtime by the first frame, and the frame nearest to the fault in the program's own code.
func placeOf(frames []string) (kind, frame string) {
	for _, at := range frames {
		switch {
		case javaAt.MatchString(at):
			return "Java", shortest(javaAt, nearest(frames, func(f string) bool { return javaLib.MatchString(withoutModule(f)) }))
		case nodeAt.MatchString(at) && !strings.Contains(at, ":line "):
			return "Node", nearest(frames, nodeLib.MatchString)
		case netAt.MatchString(at):
			return "DotNet", nearest(frames, netLib.MatchString)
		}
	}
	return "", ""
}

// withoutModule drops the loader and the module before a Java class.
func withoutModule(frame string) string {
	head, _, _ := strings.Cut(frame, "(")
	return head[strings.LastIndexByte(head, '/')+1:]
}

// shortest is class, method and line.
func shortest(form *regexp.Regexp, frame string) string {
	if found := form.FindStringSubmatch(frame); found != nil {
		return found[1] + "(" + found[2] + ")"
	}
	return frame
}
