// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// upstream is a place where a container is told the address of somebody else, by the name of a Service.
type upstream struct {
	address
	// Namespace and Service that the host is the name of. The Service need not exist.
	Namespace, Service string
	Container          corev1.Container
	// Source says where it stands, for people: "env REDIS_ADDR".
	Source string
	// Variable and Value of the spec; the name is empty where the value stands elsewhere.
	Variable, Value string
	// Told is the name of the variable or flag.
	Told string
}

var (
	// pointing matches the names of variables and flags that hold addresses of others.
	pointing = regexp.MustCompile(`(?i)addr|host|ur[li]\b|_ur[li]|url$|uri$|endpoint|server|broker|servi?ce|upstream|backend|target|dsn|database|peer|seed|node|connect|origin|proxy|cluster|redis|postgres|mysql|mongo|kafka|rabbit|nats|amqp|memcache|elastic|queue_ur|api|gateway|registry|remote|bootstrap`)
	// pointless matches those that hold something else, though it may look like an address, or addresses that are the
	// pod's own.
	pointless = regexp.MustCompile(`(?i)(?:^|[_.-])(?:image|tag|version|label|labels|topic|user|username|password|secret|token|key|schema|selector|schedule|id|name)s?$|cors|allowed|no_?proxy|advertis|issuer|audience|xmlns|bind|listen|v(?:irtual)?_?hosts?$|(?:^|[_.-])(?:public|external)(?:[_.-]|$)`)
	// hostOf matches the names of variables that hold a host alone, and gives what is before: X_HOST beside X_PORT.
	hostOf = regexp.MustCompile(`(?i)^(.+?)([_.-]?)(?:host|hostname)$`)
)

// upstreamsOf are the addresses of Services that the containers of a pod are told, in the order of the spec. A name that the
// pod resolves by itself, or in other domains than the cluster's, is none.
func upstreamsOf(s *snapshot.Snapshot, spec *corev1.PodSpec) []upstream {
	return slices.DeleteFunc(namedUpstreams(s, spec, ""), func(u upstream) bool { return aliased(spec, u.Host) })
}

// upstreamsTo are those that name one Service of the target's namespace. Of many workloads this is quicker.
func upstreamsTo(s *snapshot.Snapshot, spec *corev1.PodSpec, service string) []upstream {
	return slices.DeleteFunc(namedUpstreams(s, spec, service), func(u upstream) bool {
		return u.Service != service || u.Namespace != s.Namespace || aliased(spec, u.Host)
	})
}

// namedUpstreams are the same, whatever the pod resolves them to, of hosts that hold a text.
func namedUpstreams(s *snapshot.Snapshot, spec *corev1.PodSpec, within string) []upstream {
	var found []upstream
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if slices.Contains(proxies, c.Name) {
			continue
		}
		for _, u := range slices.Concat(fromEnv(s, c), fromArguments(c)) {
			var ok bool
			if !strings.Contains(u.Host, within) {
				continue
			}
			if u.Namespace, u.Service, ok = serviceOf(s, u.Host); !ok || !u.believable(s) {
				continue
			}
			u.Container = c
			if !slices.ContainsFunc(found, func(other upstream) bool {
				return other.Container.Name == c.Name && other.Host == u.Host && other.Port == u.Port
			}) {
				found = append(found, u)
			}
		}
	}
	return found
}

// fromEnv reads the addresses of a container's variables. The kubelet sets the last of one name.
func fromEnv(s *snapshot.Snapshot, c corev1.Container) []upstream {
	values := map[string]string{}
	env := s.Env(c)
	for i := range env {
		env[i].Value = expanded(env[i].Value, values)
		values[env[i].Name] = env[i].Value
	}
	var found []upstream
	for _, e := range env {
		if e.Value == "" || e.Value != values[e.Name] || pointless.MatchString(e.Name) {
			continue
		}
		u := upstream{Source: e.Source, Value: e.Value, Told: e.Name}
		if e.ConfigMap == "" {
			u.Variable = e.Name
		}
		all := addressesIn(e.Value)
		if match := hostOf.FindStringSubmatch(e.Name); match != nil && len(all) == 0 && isHost(e.Value) {
			a := address{Host: strings.TrimSuffix(e.Value, ".")}
			for _, port := range []string{"PORT", "port", "Port"} {
				if number, ok := portNumber(values[match[1]+match[2]+port]); ok {
					a.Port, a.Written = number, true
				}
			}
			all = []address{a}
		}
		for _, a := range all {
			u.address = a
			found = append(found, u)
		}
	}
	return found
}

// reference is a variable in the value of another (core/v1 EnvVar.Value); "$$" stands for itself.
var reference = regexp.MustCompile(`\$\$|\$\([-._a-zA-Z0-9]+\)`)

// expanded fills in what the kubelet would, as far as it is known.
func expanded(value string, known map[string]string) string {
	return reference.ReplaceAllStringFunc(value, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if known, ok := known[found[2:len(found)-1]]; ok {
			return known
		}
		return found
	})
}

// fromArguments reads the addresses of a container's command line: --redis-addr=host:port, --redis-addr host:port, URLs.
func fromArguments(c corev1.Container) []upstream {
	var found []upstream
	flag := ""
	for _, word := range slices.Concat(c.Command, c.Args) {
		name, value, isFlag := flag, word, strings.HasPrefix(word, "-")
		flag = ""
		if isFlag {
			var assigned bool
			if name, value, assigned = strings.Cut(word, "="); !assigned {
				flag = word
				continue
			}
		}
		if pointless.MatchString(name) {
			continue
		}
		source := "argument " + name
		if name == "" {
			source = "its command line"
		}
		for _, a := range addressesIn(value) {
			found = append(found, upstream{address: a, Source: source, Value: value, Told: name})
		}
	}
	return found
}

// believable reports whether a host is meant to be one: by a scheme, the name of the variable, the cluster's own form, or
// since a Service of about that name exists. What only has a colon may be anything.
func (u upstream) believable(s *snapshot.Snapshot) bool {
	return u.Scheme != "" || strings.Contains(u.Host, ".") || pointing.MatchString(u.Told) ||
		s.ServiceIn(u.Namespace, u.Service) != nil || nearService(s, u.Namespace, u.Service) != ""
}

// nearService is the Service of a namespace that a wrong name was likely meant for.
func nearService(s *snapshot.Snapshot, namespace, name string) string {
	all := snapshot.Keep(s.All.Services, func(service *corev1.Service) bool { return service.Namespace == namespace && service.Name != name })
	names := words.Names(all, func(service *corev1.Service) string { return service.Name })
	slices.Sort(names)
	return words.Nearest(name, names)
}

// serviceOf reads the name of a Service in the forms that the cluster DNS resolves from the target's namespace: name,
// name.namespace, name.namespace.svc and the whole one, each with a pod of a headless Service before it. Two names with a
// dot between may be a domain: the second must be known as a namespace (Kubernetes DNS-Based Service Discovery, 2.3).
func serviceOf(s *snapshot.Snapshot, host string) (namespace, name string, ok bool) {
	host = strings.TrimSuffix(strings.TrimSuffix(host, "."), ".cluster.local")
	parts := strings.Split(host, ".")
	n := len(parts)
	switch {
	case n == 1:
		return s.Namespace, host, true
	case n > 2 && n < 5 && parts[n-1] == "svc":
		return parts[n-2], parts[n-3], true
	case n == 2 && s.IsNamespace(parts[1]) && s.ServiceIn(s.Namespace, parts[1]) == nil:
		return parts[1], parts[0], true
	case n == 2 && s.ServiceIn(s.Namespace, parts[1]) != nil:
		return s.Namespace, parts[1], true
	case n == 3 && s.IsNamespace(parts[2]) && s.ServiceIn(parts[2], parts[1]) != nil:
		return parts[2], parts[1], true
	default:
		return "", "", false
	}
}

// aliased reports whether the pod finds a host by its own hosts file or search domains.
func aliased(spec *corev1.PodSpec, host string) bool {
	if slices.ContainsFunc(spec.HostAliases, func(alias corev1.HostAlias) bool { return slices.Contains(alias.Hostnames, host) }) {
		return true
	}
	ownDomains := spec.DNSConfig != nil && len(spec.DNSConfig.Searches) > 0
	return host == spec.Hostname || !strings.Contains(host, ".") && ownDomains
}

// ports tells the ports of a Service.
func tellServicePorts(service *corev1.Service) string {
	var told []string
	for _, port := range service.Spec.Ports {
		told = append(told, showPort(port))
	}
	return fmt.Sprintf("Service %s has port %s", service.Name, strings.Join(told, ", "))
}

// lacksPort reports whether a Service is known not to have a port. One without an address of its own (headless) leads to
// whatever port the caller asks of the pods, and an ExternalName to another host.
func lacksPort(service *corev1.Service, port int32) bool {
	return port != 0 && service.Spec.Type != corev1.ServiceTypeExternalName && service.Spec.ClusterIP != corev1.ClusterIPNone &&
		len(service.Spec.Ports) > 0 && !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == port })
}
