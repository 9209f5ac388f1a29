// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// clue says at which port a container listens.
type clue struct {
	port int32
	// strong: seen to work, or said by the program itself. A declared port is only a hint, since declaring is optional
	// ("Not specifying a port here DOES NOT prevent that port from being exposed", type Container).
	strong bool
	// heard: the log says it.
	heard bool
	said  string
}

// clues are what is known of the ports that the container of a probe listens at, the strongest first.
func clues(s *snapshot.Snapshot, p *probe) []clue {
	var all []clue
	for _, sibling := range probesOf(s, p.Container) {
		if port := sibling.port(); sibling.kind != p.kind && port != 0 && sibling.works(s) {
			all = append(all, clue{port: port, strong: true, said: fmt.Sprintf("the %s probe asks %s, and succeeds", sibling.kind, sibling)})
		}
	}
	for _, l := range listeners(s.LogOf(p.Pod, p.Spec.Name)) {
		all = append(all, clue{port: l.port, strong: true, heard: true, said: "its log: " + l.line})
	}
	for _, port := range p.Spec.Ports {
		if port.Protocol == corev1.ProtocolTCP || port.Protocol == "" {
			all = append(all, clue{port: port.ContainerPort, said: fmt.Sprintf("%s declares port %s", p.Container, portName(port))})
		}
	}
	all = append(all, setPorts(s, p.Spec)...)
	if len(p.Pod.Spec.Containers) == 1 {
		for _, port := range s.TargetPorts(&p.Pod.Spec) {
			all = append(all, clue{port: port, said: fmt.Sprintf("Service %s sends its callers to port %d", s.Service.Name, port)})
		}
	}
	return all
}

func portName(port corev1.ContainerPort) string {
	if port.Name == "" {
		return strconv.Itoa(int(port.ContainerPort))
	}
	return fmt.Sprintf("%d (%s)", port.ContainerPort, port.Name)
}

var (
	// portVariable matches the names of variables that set the port of the program itself. REDIS_PORT is that of another.
	portVariable = regexp.MustCompile(`^(?:(?:APP|HTTP|HTTPS|SERVER|LISTEN|SERVICE|GRPC|MCP|BIND|NODE|FLASK_RUN|UVICORN|MANAGEMENT|HEALTH|METRICS|ADMIN)_)?(?:SERVER_)?(?:PORT|ADDR|ADDRESS|LISTEN)$`)
	// portArgument matches an argument that does.
	portArgument = regexp.MustCompile(`^--?(?:[a-z]+-)?(?:port|listen|addr|address|bind)(?:-address|-addr|-port)?(?:=(.*))?$`)
	// endPort matches the port at the end of an address, or alone.
	endPort = regexp.MustCompile(`^(?:[^\s/]*:)?(\d{2,5})$`)
)

// setPorts are the ports that the container's own variables and arguments set.
func setPorts(s *snapshot.Snapshot, c corev1.Container) []clue {
	var all []clue
	add := func(value, said string) {
		if port, ok := portAtEnd(value); ok {
			all = append(all, clue{port: port, said: said})
		}
	}
	for _, variable := range s.Env(c) {
		if portVariable.MatchString(variable.Name) {
			add(variable.Value, fmt.Sprintf("%s is %s", variable.Source, variable.Value))
		}
	}
	arguments := slices.Concat(c.Command, c.Args)
	for i, argument := range arguments {
		parts := portArgument.FindStringSubmatch(argument)
		switch {
		case parts == nil:
		case strings.Contains(argument, "="):
			add(parts[1], "argument "+argument)
		case i+1 < len(arguments):
			add(arguments[i+1], fmt.Sprintf("arguments %s %s", argument, arguments[i+1]))
		}
	}
	return all
}

func portAtEnd(value string) (int32, bool) {
	parts := endPort.FindStringSubmatch(strings.TrimSpace(value))
	if parts == nil {
		return 0, false
	}
	port, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil || port == 0 {
		return 0, false
	}
	return int32(port), true
}

// vouched reports whether anything says that a port is one of the pod's: a clue, or a declaration of another container,
// which shares its network.
func vouched(p *probe, port int32, all []clue) bool {
	return slices.ContainsFunc(all, func(c clue) bool { return c.port == port }) ||
		slices.ContainsFunc(slices.Concat(p.Pod.Spec.InitContainers, p.Pod.Spec.Containers), func(c corev1.Container) bool {
			return slices.ContainsFunc(c.Ports, func(declared corev1.ContainerPort) bool { return declared.ContainerPort == port })
		})
}

// agreed is the one port that all clues name; of several the one of the strong clues. It is 0 if they do not agree.
func agreed(all []clue) int32 {
	strong := slices.DeleteFunc(slices.Clone(all), func(c clue) bool { return !c.strong })
	if len(strong) > 0 {
		all = strong
	}
	for _, c := range all {
		if c.port != all[0].port {
			return 0
		}
	}
	if len(all) == 0 {
		return 0
	}
	return all[0].port
}

func said(all []clue) []string {
	var told []string
	for _, c := range all {
		told = append(told, c.said)
	}
	return told
}
