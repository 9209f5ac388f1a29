// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"net"
	"regexp"
	"strconv"
	"strings"
)

// address is a host, and mostly a port, that a text names.
type address struct {
	Host string
	// Port is 0 where none is named and the scheme has none of its own.
	Port int32
	// Scheme of a URL; empty without one.
	Scheme string
	// Written: the port stands in the text.
	Written bool
}

func (a address) String() string {
	if a.Port == 0 {
		return a.Host
	}
	return net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port)))
}

// schemes are those of URLs that name a host to connect to, with the port that they imply. Others name files, images,
// buckets, or entries of a registry (lb://, consul://), which are no hosts.
var schemes = map[string]int32{
	"http": 80, "https": 443, "ws": 80, "wss": 443, "h2c": 0, "grpc": 0, "grpcs": 0, "tcp": 0, "tls": 0, "ssl": 0, "dns": 0, "udp": 0,
	"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "nats": 4222, "mqtt": 1883, "mqtts": 8883,
	"mysql": 3306, "mariadb": 3306, "postgres": 5432, "postgresql": 5432, "mongodb": 27017, "sqlserver": 1433, "clickhouse": 9000,
	"kafka": 9092, "plaintext": 9092, "sasl_plaintext": 9092, "memcached": 11211, "memcache": 11211, "ldap": 389, "ldaps": 636,
	"zipkin": 9411, "otlp": 4317, "bolt": 7687, "neo4j": 7687, "zookeeper": 2181, "zk": 2181, "etcd": 2379, "mcp": 0, "smtp": 25,
}

var (
	// hostName is a DNS name (RFC 1123), in lower case, as the names of Services are.
	hostName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\.?$`)
	// dataSource is the address in a data source name of the Go MySQL driver: user:pass@tcp(host:3306)/db.
	dataSource = regexp.MustCompile(`(?:^|@)(?:tcp|udp)\(([^()\s]+)\)`)
	// keywords are the host and the port of a libpq connection string: host=redis port=6379 (PostgreSQL, 34.1.1.1).
	keywords = regexp.MustCompile(`(?:^|\s)(host|port)\s*=\s*'?([^'\s]+)'?`)
	// unresolved marks a text that something else fills in later.
	unresolved = regexp.MustCompile(`\$\(|\$\{|\{\{|%[a-zA-Z(]|<[a-zA-Z]`)
)

// maxAddressText bounds the text that addresses are looked for in: a longer value is a file.
const maxAddressText = 4096

// addressesIn finds the addresses that a value names: URLs, host:port, lists of them, data source names. Values that hold
// something to be filled in are skipped whole.
func addressesIn(text string) []address {
	if len(text) > maxAddressText || unresolved.MatchString(text) {
		return nil
	}
	if found := dataSource.FindStringSubmatch(text); found != nil {
		return plainAddresses(found[1], "tcp", true)
	}
	if a, ok := connectionString(text); ok {
		return []address{a}
	}
	var all []address
	scheme := ""
	for _, token := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;|\"'`", r) }) {
		token = strings.TrimPrefix(token, "jdbc:")
		before, rest, isURL := strings.Cut(token, "://")
		if isURL {
			scheme = strings.ToLower(before[strings.LastIndexAny(before, "=:([")+1:])
			if _, known := schemes[scheme]; !known {
				scheme = ""
				continue
			}
			all = append(all, plainAddresses(rest, scheme, true)...)
			continue
		}
		// The hosts that follow the first of a URL, such as of MongoDB, are of its scheme.
		all = append(all, plainAddresses(token, scheme, false)...)
	}
	return all
}

// plainAddresses reads host:port, with what a URL may have around it. Without a scheme, a port must be written.
func plainAddresses(text, scheme string, isURL bool) []address {
	text = strings.TrimLeft(text, "/") // dns:///host:port (gRPC name resolution)
	if end := strings.IndexAny(text, "/?#"); end >= 0 {
		text = text[:end]
	}
	text = text[strings.LastIndex(text, "@")+1:]
	host, port, written := strings.Cut(text, ":")
	if !isHost(host) {
		return nil
	}
	a := address{Host: strings.TrimSuffix(host, "."), Scheme: scheme, Written: written}
	if !written {
		if !isURL {
			return nil
		}
		a.Port = schemes[scheme]
		return []address{a}
	}
	var ok bool
	if a.Port, ok = portNumber(port); !ok {
		return nil
	}
	return []address{a}
}

func connectionString(text string) (address, bool) {
	var a address
	for _, pair := range keywords.FindAllStringSubmatch(text, -1) {
		switch {
		case pair[1] == "host" && isHost(pair[2]):
			a.Host = strings.TrimSuffix(pair[2], ".")
		case pair[1] == "port":
			a.Port, a.Written = portNumber(pair[2])
		}
	}
	return a, a.Host != "" && a.Written
}

func portNumber(text string) (int32, bool) {
	port, err := strconv.ParseInt(text, 10, 32)
	return int32(port), err == nil && port > 0 && port < 65536
}

// isHost reports whether a text can be the name of another host: no number, no address, not the pod itself.
func isHost(host string) bool {
	return len(host) < 254 && hostName.MatchString(host) && net.ParseIP(host) == nil && host != "localhost" &&
		!strings.HasSuffix(host, ".localhost") && strings.ContainsFunc(host, func(r rune) bool { return r >= 'a' && r <= 'z' }) &&
		host != "host.docker.internal" && host != "host.minikube.internal"
}
