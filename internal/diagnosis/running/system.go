// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package running

import (
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/dependency"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// system is what kind of a dependency somebody is; it is a Detail too.
type system string

const (
	systemDatabase system = "Database"
	systemCache    system = "Cache"
	systemQueue    system = "Queue"
	systemHTTP     system = "HTTP"
)

// systems tell a kind by the words of its clients, by its ports, and by the names of its images.
var systems = []struct {
	system system
	words  *regexp.Regexp
	ports  []int32
	images *regexp.Regexp
}{
	{systemDatabase, regexp.MustCompile(`(?i)mysql|mariadb|postgres|\bpg_|psycopg|\bpq:|npgsql|hikari|sqlstate|\bsql\b|mongo|\bora-\d|database|password authentication failed|access denied for user|role ".*" does not exist`),
		[]int32{3306, 5432, 1433, 1521, 27017, 26257, 9042}, regexp.MustCompile(`mysql|mariadb|postgres|mongo|percona|cockroach|cassandra|mssql|oracle`)},
	{systemCache, regexp.MustCompile(`(?i)redis|valkey|memcache|\bNOAUTH\b|\bWRONGPASS\b|\bNOPERM\b|\bREADONLY\b|\bMISCONF\b`),
		[]int32{6379, 11211, 6380, 26379}, regexp.MustCompile(`redis|valkey|memcached|dragonfly|keydb`)},
	{systemQueue, regexp.MustCompile(`(?i)kafka|rabbit|amqp|\bsasl\b|saslauth|nats|pulsar|ACCESS_REFUSED`),
		[]int32{9092, 5672, 5671, 4222, 6650}, regexp.MustCompile(`kafka|rabbitmq|nats|pulsar|redpanda|activemq`)},
	{systemHTTP, regexp.MustCompile(`(?i)https?://|\b40[13]\b|api.key|grpc|rpc error|StatusCode|token|oauth|invalid_(?:client|grant)`), nil, nil},
}

// systemOf tells what kind of a dependency a line speaks of; empty if that is not clear.
func systemOf(m logs.Match, port int32) system {
	for _, row := range systems {
		if port != 0 && slices.Contains(row.ports, port) {
			return row.system
		}
	}
	for _, row := range systems {
		if row.words.MatchString(m.Line) {
			return row.system
		}
	}
	return ""
}

// serves reports whether a container is a server of a kind, by its image and its ports.
func serves(c corev1.Container, kind system) bool {
	name, _, _ := strings.Cut(path.Base(c.Image), ":")
	for _, row := range systems {
		if row.system != kind || row.images == nil {
			continue
		}
		return row.images.MatchString(name) || slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool {
			return slices.Contains(row.ports, port.ContainerPort)
		})
	}
	return false
}

// peer is whom a match is about.
type peer struct {
	dependency.Peer
	// only says that nobody named it, and why it is taken to be meant.
	only string
}

// peerOf finds whom a match is about: the one it names, or else, where the container's configuration names just one Service
// of the kind, that one.
func peerOf(s *snapshot.Snapshot, c corev1.Container, m logs.Match) peer {
	p := peer{}
	if m.Peer != "" {
		p.Peer = dependency.PeerNamed(s, m.Peer)
	}
	if p.Host != "" {
		return p
	}
	kind := systemOf(m, 0)
	var fitting []dependency.Reference
	for _, r := range dependency.References(s, c) {
		if isOf(r, kind) {
			fitting = append(fitting, r)
		}
	}
	if len(fitting) != 1 {
		return p
	}
	return peer{Peer: dependency.Peer{Host: fitting[0].Service.Name, Port: fitting[0].Port, Service: fitting[0].Service}}
}

// isOf reports whether a Service is of a kind, by the ports that it has.
func isOf(r dependency.Reference, kind system) bool {
	for _, row := range systems {
		if row.system != kind {
			continue
		}
		return slices.Contains(row.ports, r.Port) || slices.ContainsFunc(r.Service.Spec.Ports, func(port corev1.ServicePort) bool {
			return slices.Contains(row.ports, port.Port) || slices.Contains(row.ports, port.TargetPort.IntVal)
		})
	}
	return false
}
