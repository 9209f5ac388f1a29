// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// dnsFailure finds that names do not resolve though the Services are there: the cluster DNS does not run, the pod asks
// another one or in a way that cannot find them, or somebody says so. Where a policy keeps the pod from the DNS, that is
// networkPolicyBlocked's.
func dnsFailure(s *snapshot.Snapshot) []finding.Finding {
	if f, down := clusterDNSDown(s); down {
		return []finding.Finding{f}
	}
	findings := calledInVain(s)
	if f, wrong := podDNS(s); wrong {
		return append(findings, f)
	}
	return append(findings, lookedUpInVain(s)...)
}

// calledInVain finds that the caller could not resolve a Service that is there. The name of a headless one resolves to its
// ready pods, so without these there is none, and of an ExternalName the other host's name must resolve.
func calledInVain(s *snapshot.Snapshot) []finding.Finding {
	told := ""
	switch {
	case s.Service == nil:
		return nil
	case s.Handshake != nil && s.Handshake.Class == v1alpha1.ErrorDNS:
		told = "MCP handshake: " + s.Handshake.Message
	case s.Error != nil && s.Error.Class == v1alpha1.ErrorDNS && (s.Handshake == nil || s.Handshake.Verdict != v1alpha1.VerdictPassed):
		told = "the caller saw: " + s.Error.Message
	default:
		return nil
	}
	f := finding.New(v1alpha1.CauseDNSFailure, s.ServiceReference(), v1alpha1.Likely,
		fmt.Sprintf("The name of Service %s does not resolve for the caller, and the Service is there", s.Service.Name), told)
	f.Detail = "Caller"
	f.Recommendation = fmt.Sprintf("Look up %s.%s.svc.cluster.local from the caller's pod, and see its dnsPolicy, dnsConfig and the cluster DNS.", s.Service.Name, s.Namespace)
	switch {
	case s.Service.Spec.Type == corev1.ServiceTypeExternalName:
		f.Detail = "ExternalName"
		f.Message = fmt.Sprintf("Service %s is a name for %s, which does not resolve", s.Service.Name, s.Service.Spec.ExternalName)
		f.Recommendation = fmt.Sprintf("Set externalName of Service %s to a host that is there.", s.Service.Name)
	case s.Service.Spec.ClusterIP == corev1.ClusterIPNone && s.ReadyEndpoints() == 0:
		return nil
	case s.Error != nil && !calledByName(s):
		f.Message = fmt.Sprintf("The caller asked for %s, which does not resolve and is not the name of Service %s", s.Error.Endpoint, s.Service.Name)
		f.Recommendation = fmt.Sprintf("Let the caller ask for %s.%s.svc.", s.Service.Name, s.Namespace)
	}
	return []finding.Finding{f}
}

// calledByName reports whether the caller asked for the Service by its name, as far as that is known.
func calledByName(s *snapshot.Snapshot) bool {
	called, err := url.Parse(s.Error.Endpoint)
	return err != nil || called.Hostname() == "" || names(s, called.Hostname())
}

// podDNS finds settings of the target's pods that cannot resolve the Services that it is told to call.
func podDNS(s *snapshot.Snapshot) (finding.Finding, bool) {
	spec := s.PodSpec()
	if spec == nil {
		return finding.Finding{}, false
	}
	known := namedUpstreams(s, spec, "")
	for _, c := range s.Containers() {
		if host, _ := lastLookup(s, c); host != "" {
			namespace, name, _ := serviceOf(s, host)
			known = append(known, upstream{address: address{Host: host}, Namespace: namespace, Service: name, Container: c.Spec, Source: "its log"})
		}
	}
	for _, u := range append(known, aliases(s, spec)...) {
		service := s.ServiceIn(u.Namespace, u.Service)
		if service == nil {
			continue
		}
		detail, message, advice := unresolvable(s, spec, u, service)
		if detail == "" {
			continue
		}
		f := finding.New(v1alpha1.CauseDNSFailure, s.Owner(snapshot.Container{Pod: anyPod(s), Spec: u.Container}), v1alpha1.Possible,
			fmt.Sprintf("%s: %s, so %s (%s) does not find Service %s", runner(s), message, u.Host, u.Source, u.inNamespace(s)))
		f.Detail, f.Recommendation = detail, advice
		f.Evidence = []string{message, fmt.Sprintf("container %s, %s: %s", u.Container.Name, u.Source, u.address)}
		line, _ := complaint(s, u, nil)
		troubled := trouble(s, u.Container.Name)
		switch {
		case line != "":
			f.Confidence = v1alpha1.Certain
			f.Evidence = append(f.Evidence, "its log says: "+line)
		case detail == "Ndots":
			continue // glibc and Go go on with the search domains; only a complaint shows a resolver that does not (musl)
		case troubled != "":
			f.Confidence = v1alpha1.Likely
			f.Evidence = append(f.Evidence, troubled)
		}
		return f, true
	}
	return foreignDNS(s, spec)
}

// aliases are the names of Services that the pod's own hosts file sets. Who calls them need not be told in the spec.
func aliases(s *snapshot.Snapshot, spec *corev1.PodSpec) []upstream {
	var found []upstream
	for _, alias := range spec.HostAliases {
		for _, host := range alias.Hostnames {
			namespace, name, ok := serviceOf(s, host)
			for _, c := range spec.Containers {
				if ok && !slices.Contains(proxies, c.Name) {
					found = append(found, upstream{address: address{Host: host}, Namespace: namespace, Service: name, Container: c, Source: "hostAliases"})
				}
			}
		}
	}
	return found
}

// foreignDNS finds a pod that is cut off from the cluster DNS, of which no name is known that it needs.
func foreignDNS(s *snapshot.Snapshot, spec *corev1.PodSpec) (finding.Finding, bool) {
	if spec.DNSPolicy != corev1.DNSNone || spec.DNSConfig != nil && asksCluster(s, spec.DNSConfig.Nameservers) {
		return finding.Finding{}, false
	}
	detail, message, advice := unresolvable(s, spec, upstream{}, &corev1.Service{})
	f := finding.New(v1alpha1.CauseDNSFailure, s.Culprit(), v1alpha1.Possible, fmt.Sprintf("%s: %s, so it finds no Service", runner(s), message))
	f.Detail, f.Recommendation = detail, advice
	return f, detail == "Nameserver"
}

// unresolvable says why a pod cannot resolve the name of a Service; the detail is empty if it can.
func unresolvable(s *snapshot.Snapshot, spec *corev1.PodSpec, u upstream, service *corev1.Service) (detail, message, advice string) {
	config := spec.DNSConfig
	if config == nil {
		config = &corev1.PodDNSConfig{}
	}
	for _, alias := range spec.HostAliases {
		ip := net.ParseIP(alias.IP)
		if slices.Contains(alias.Hostnames, u.Host) && ip != nil && !ip.IsLoopback() && service.Spec.ClusterIP != corev1.ClusterIPNone && service.Spec.ClusterIP != "" &&
			!slices.Contains(slices.Concat(service.Spec.ClusterIPs, []string{service.Spec.ClusterIP}), alias.IP) {
			return "HostAlias", fmt.Sprintf("hostAliases sets %s to %s, and Service %s has %s", u.Host, alias.IP, service.Name, service.Spec.ClusterIP),
				fmt.Sprintf("Remove %s from hostAliases of %s.", u.Host, runner(s))
		}
	}
	switch {
	case spec.DNSPolicy == corev1.DNSNone && len(config.Nameservers) == 0:
		return "Nameserver", "dnsPolicy is None and dnsConfig names no nameserver", fmt.Sprintf("Set dnsPolicy of %s to ClusterFirst.", runner(s))
	case spec.DNSPolicy == corev1.DNSNone && !asksCluster(s, config.Nameservers):
		return "Nameserver", fmt.Sprintf("dnsPolicy is None and dnsConfig names %s, which is not the cluster DNS", strings.Join(config.Nameservers, ", ")),
			fmt.Sprintf("Set dnsPolicy of %s to ClusterFirst, or add the cluster DNS to its dnsConfig.nameservers.", runner(s))
	case spec.DNSPolicy == corev1.DNSNone && !searched(config.Searches, u):
		return "Search", "dnsPolicy is None and no domain of dnsConfig.searches completes the name",
			fmt.Sprintf("Add %s.svc.cluster.local to dnsConfig.searches of %s, or name %s.%s.svc.cluster.local.", u.Namespace, runner(s), u.Service, u.Namespace)
	case spec.DNSPolicy == corev1.DNSDefault:
		return "Policy", "dnsPolicy is Default, so the pod asks the DNS of its node", fmt.Sprintf("Set dnsPolicy of %s to ClusterFirst.", runner(s))
	case spec.HostNetwork && (spec.DNSPolicy == "" || spec.DNSPolicy == corev1.DNSClusterFirst):
		return "Policy", "hostNetwork is true and dnsPolicy is not ClusterFirstWithHostNet, so the pod asks the DNS of its node",
			fmt.Sprintf("Set dnsPolicy of %s to ClusterFirstWithHostNet.", runner(s))
	case fewDots(config.Options, u.Host):
		return "Ndots", fmt.Sprintf("dnsConfig sets ndots so low that %s is looked up as it stands, without a search domain", u.Host),
			fmt.Sprintf("Raise ndots in dnsConfig of %s, or name %s.%s.svc.cluster.local.", runner(s), u.Service, u.Namespace)
	default:
		return "", "", ""
	}
}

// asksCluster reports whether one of the nameservers may be the cluster DNS: its Service, or a cache on the node, which
// listens on a link-local address. Where the Service is not known, any may be.
func asksCluster(s *snapshot.Snapshot, nameservers []string) bool {
	service := clusterDNS(s)
	return service == nil || slices.ContainsFunc(nameservers, func(server string) bool {
		ip := net.ParseIP(server)
		return ip == nil || ip.IsLinkLocalUnicast() || ip.IsLoopback() || slices.Contains(slices.Concat(service.Spec.ClusterIPs, []string{service.Spec.ClusterIP}), server)
	})
}

// searched reports whether a search domain completes the name of a Service. A whole name needs none.
func searched(searches []string, u upstream) bool {
	if strings.HasSuffix(u.Host, ".cluster.local") {
		return true
	}
	missing := strings.TrimPrefix(u.Service+"."+u.Namespace+".svc", u.Host)
	return slices.ContainsFunc(searches, func(domain string) bool {
		return strings.HasPrefix("."+domain+".", missing+".")
	})
}

// fewDots reports whether a name that needs a search domain has as many dots as ndots asks of one that needs none
// (resolv.conf(5)).
func fewDots(options []corev1.PodDNSConfigOption, host string) bool {
	for _, option := range options {
		if option.Name == "ndots" && option.Value != nil {
			ndots, err := strconv.Atoi(*option.Value)
			return err == nil && !strings.HasSuffix(host, ".cluster.local") && strings.Count(host, ".") >= ndots
		}
	}
	return false
}

// lookedUpInVain finds that the target's log complains of the name of a Service that is there, and was before the container
// was started.
func lookedUpInVain(s *snapshot.Snapshot) []finding.Finding {
	if dnsRefused(s) {
		return nil
	}
	for _, c := range s.Containers() {
		host, line := lastLookup(s, c)
		if host == "" {
			continue
		}
		troubled := trouble(s, c.Spec.Name)
		if troubled == "" && !strings.Contains(lastLines(s.LogOf(c.Pod, c.Spec.Name)), line) {
			continue // it went on since
		}
		f := finding.New(v1alpha1.CauseDNSFailure, s.Owner(c), v1alpha1.Possible,
			fmt.Sprintf("%s cannot resolve %s, and the Service is there", words.UpperFirst(s.In(c)), host), "its log says: "+line)
		f.Detail = "Lookup"
		if troubled != "" {
			f.Confidence = v1alpha1.Likely
			f.Evidence = append(f.Evidence, troubled)
		}
		f.Recommendation = fmt.Sprintf("Look the name up from the pod: kubectl exec -n %s %s -c %s -- nslookup %s; see its /etc/resolv.conf and the cluster DNS.", s.Namespace, c.Pod.Name, c.Spec.Name, host)
		return []finding.Finding{f}
	}
	return nil
}

// lastLines are the lines by which a container that works is judged: what is further up is over.
func lastLines(log string) string {
	lines := strings.Split(strings.TrimRight(log, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// lastLookup is the last failed lookup in a container's log of a Service that is there and has an address of its own.
func lastLookup(s *snapshot.Snapshot, c snapshot.Container) (host, line string) {
	for _, said := range slices.Backward(strings.Split(s.LogOf(c.Pod, c.Spec.Name), "\n")) {
		host := unresolvedHost(said)
		if host == "" || aliased(&c.Pod.Spec, host) {
			continue
		}
		namespace, name, ok := serviceOf(s, host)
		service := s.ServiceIn(namespace, name)
		if ok && service != nil && service.Spec.ClusterIP != corev1.ClusterIPNone && service.Spec.Type != corev1.ServiceTypeExternalName &&
			!service.CreationTimestamp.After(c.Pod.CreationTimestamp.Time) {
			return host, strings.TrimSpace(said)
		}
	}
	return "", ""
}
