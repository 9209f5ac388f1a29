// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package routing

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/logs"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/workload"
)

// upstreamAddressMismatch finds addresses in the target's own configuration that lead to no Service, or to a port that the
// Service does not have.
//
// That an address leads nowhere is no proof that anybody uses it: programs have settings for what they can do without. It
// is certain where the log complains of it, likely where the container does not work and is told nothing else or the
// Service that is meant stands beside, and else possible.
func upstreamAddressMismatch(s *snapshot.Snapshot) []finding.Finding {
	spec := s.PodSpec()
	if spec == nil {
		return nil
	}
	var findings []finding.Finding
	for _, u := range upstreamsOf(s, spec) {
		if f, ok := deadEnd(s, u); ok {
			findings = append(findings, f)
		}
	}
	for _, u := range fromFiles(s, spec) {
		// A file names much that nobody uses.
		if f, ok := deadEnd(s, u); ok && (f.Confidence == v1alpha1.Certain || f.Detail == "Port" && endsUnreached(s, u.Container.Name)) {
			findings = append(findings, f)
		}
	}
	if !slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Confidence != v1alpha1.Possible }) {
		findings = append(findings, loggedDeadEnds(s)...)
	}
	if slices.ContainsFunc(findings, func(f finding.Finding) bool { return f.Confidence != v1alpha1.Possible }) {
		findings = slices.DeleteFunc(findings, func(f finding.Finding) bool { return f.Confidence == v1alpha1.Possible })
	}
	return joined(findings)
}

// deadEnd judges one address.
func deadEnd(s *snapshot.Snapshot, u upstream) (finding.Finding, bool) {
	service := s.ServiceIn(u.Namespace, u.Service)
	f := finding.New(v1alpha1.CauseUpstreamAddressMismatch, s.Owner(snapshot.Container{Pod: anyPod(s), Spec: u.Container}), v1alpha1.Possible, "")
	right := u.address
	switch {
	case service == nil && absent(s, u.Namespace, u.Service):
		f.Detail = "Service"
		f.Message = fmt.Sprintf("%s names %s, and there is no Service %s", u.where(s), u.address, u.inNamespace(s))
		if near := u.meant(s); near != "" {
			f.Message += fmt.Sprintf("; Service %s exists", near)
			right.Host = near + strings.TrimPrefix(u.Host, u.Service)
		}
		f.Recommendation = fmt.Sprintf("Create Service %s, or let %s name the Service that is meant.", u.inNamespace(s), u.Source)
	case service != nil && lacksPort(service, u.Port):
		if wrong, ok := wrongPort(s, service, u.Port); ok && u.Namespace == s.Namespace {
			return wrong, true
		}
		f.Detail = "Port"
		f.Message = fmt.Sprintf("%s names %s, and Service %s has no port %d: %s", u.where(s), u.address, u.inNamespace(s), u.Port, tellServicePorts(service))
		if len(service.Spec.Ports) == 1 {
			right.Port = service.Spec.Ports[0].Port
		}
		f.Recommendation = fmt.Sprintf("Let %s name a port that Service %s has.", u.Source, u.inNamespace(s))
	default:
		return f, false
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("container %s, %s: %s", u.Container.Name, u.Source, u.address))
	if service != nil {
		f.Evidence = append(f.Evidence, tellServicePorts(service))
	}
	if right != u.address {
		f.Recommendation = fmt.Sprintf("Let %s name %s.", u.Source, right)
		f.Suggest(u.patchOf(s.Workload, right))
	}
	var proof string
	f.Confidence, proof = confidenceIn(s, u, service, right != u.address || service != nil)
	f.Evidence = append(f.Evidence, proof)
	return f, true
}

// absent reports whether a Service is known not to exist, and that is not the fault of a quota that is full: then its
// workload stands without it, and the quota is told (QuotaExceeded).
func absent(s *snapshot.Snapshot, namespace, name string) bool {
	forQuota := namespace == s.Namespace && snapshot.WithName(s.Workloads, name) != nil && s.ServicesFull(namespace) != nil
	return s.ServicesKnown(namespace) && s.ServiceIn(namespace, name) == nil && !forQuota
}

// fromFiles are the URLs in the files that the containers have of ConfigMaps. A proxy's are routeMismatch's.
func fromFiles(s *snapshot.Snapshot, spec *corev1.PodSpec) []upstream {
	if len(spec.Containers) == 0 || s.Workload != nil && isProxy(s.Workload) {
		return nil
	}
	var found []upstream
	for _, cm := range configMapsOf(s, spec) {
		for _, key := range slices.Sorted(maps.Keys(cm.Data)) {
			for _, r := range configRoutes(cm.Data[key]) {
				if namespace, name, ok := serviceOf(s, r.Host); ok && !aliased(spec, r.Host) {
					found = append(found, upstream{
						address: r.address, Namespace: namespace, Service: name, Container: spec.Containers[0],
						Source: fmt.Sprintf("key %s of ConfigMap %s", key, cm.Name),
					})
				}
			}
		}
	}
	return found
}

// confidenceIn asks whether the container misses what the address should lead to.
func confidenceIn(s *snapshot.Snapshot, u upstream, service *corev1.Service, near bool) (v1alpha1.Confidence, string) {
	line, heard := complaint(s, u, service)
	troubled := trouble(s, u.Container.Name)
	switch {
	case line != "":
		return v1alpha1.Certain, "its log says: " + line
	case troubled != "" && near, troubled != "" && !heard && onlyOne(s, u):
		return v1alpha1.Likely, troubled
	case near:
		return v1alpha1.Likely, ""
	case heard:
		return v1alpha1.Possible, "the end of its log does not speak of " + u.Host
	default:
		return v1alpha1.Possible, ""
	}
}

// onlyOne reports whether a container is told no other address of the cluster. Of one among several nobody knows whether it
// is what the container cannot do without.
func onlyOne(s *snapshot.Snapshot, u upstream) bool {
	spec := s.PodSpec()
	return spec != nil && !slices.ContainsFunc(upstreamsOf(s, spec), func(other upstream) bool {
		return other.Container.Name == u.Container.Name && other.Host != u.Host
	})
}

// unreachable matches a line that tells that something could not be reached.
var unreachable = regexp.MustCompile(`(?i)no such host|enotfound|eai_again|name resolution|not known|unknown ?host|nxdomain|resolve|timed? ?out|timeout|deadline|unreachable|econnrefused|(?:can't|cannot|could not) connect|unable|unavailable|refused|no route`)

// complaint finds the last line in the logs of a container that complains of an address. heard is whether there are any.
func complaint(s *snapshot.Snapshot, u upstream, service *corev1.Service) (line string, heard bool) {
	for _, pod := range s.LivePods() {
		log := s.LogOf(&pod, u.Container.Name)
		heard = heard || log != ""
		lines := strings.Split(log, "\n")
		for _, said := range slices.Backward(lines) {
			if u.namedIn(said, service) && (unreachable.MatchString(said) || logs.ErrorLine(said) != "") {
				return cmp.Or(logs.ErrorLine(said), strings.TrimSpace(said)), true
			}
		}
	}
	return "", heard
}

// namedIn reports whether a line names an address: the host as a word of its own; the port too where only that is wrong, and
// then the Service's address serves as well, since that is what a dial error tells.
func (u upstream) namedIn(line string, service *corev1.Service) bool {
	if service == nil {
		return hasWord(line, u.Host)
	}
	port := strconv.Itoa(int(u.Port))
	return hasWord(line, u.Host) && hasWord(line, port) ||
		service.Spec.ClusterIP != "" && strings.Contains(line, service.Spec.ClusterIP+":"+port)
}

// hasWord reports whether a text holds a host's name whole: not as a part of a longer one. A domain may follow.
func hasWord(text, word string) bool {
	for at := 0; ; {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(word)
		if !partOfName(text, start-1) && !partOfName(text, end) {
			return true
		}
		at = end
	}
}

func partOfName(text string, at int) bool {
	if at < 0 || at >= len(text) {
		return false
	}
	c := text[at]
	return c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// trouble tells that a container runs and does not work, with no better reason than what it runs: it was started, and is
// neither out of memory nor without its command.
func trouble(s *snapshot.Snapshot, name string) string {
	for _, c := range s.Containers() {
		if c.Spec.Name != name || snapshot.IsReady(c.Pod) {
			continue
		}
		if ended := cmp.Or(c.Status.State.Terminated, c.Status.LastTerminationState.Terminated); ended != nil && ended.ExitCode != 0 {
			if ended.Reason == "OOMKilled" || ended.ExitCode >= 126 && ended.ExitCode <= 128 {
				return ""
			}
			return fmt.Sprintf("container %s of Pod %s ended with exit code %d, %s", name, c.Pod.Name, ended.ExitCode, words.Count(int(c.Status.RestartCount), "restart"))
		}
		if running := c.Status.State.Running; running != nil && (c.Init || !c.Status.Ready) && s.Age(running.StartedAt.Time) > startTime {
			return fmt.Sprintf("container %s of Pod %s has run since %s and is not ready", name, c.Pod.Name, words.TimeOfDay(running.StartedAt.Time, s.Now))
		}
	}
	return ""
}

// where says who names the address.
func (u upstream) where(s *snapshot.Snapshot) string {
	by := s.Title()
	if s.Workload != nil {
		by = s.Workload.String()
	} else if pod := anyPod(s); pod != nil {
		by = "Pod " + pod.Name
	}
	return whereIn(by, u)
}

func whereIn(by string, u upstream) string {
	return fmt.Sprintf("%s, container %s, %s", by, u.Container.Name, u.Source)
}

// inNamespace names the Service, with its namespace where that is another.
func (u upstream) inNamespace(s *snapshot.Snapshot) string {
	if u.Namespace == s.Namespace {
		return u.Service
	}
	return u.Namespace + "/" + u.Service
}

// patchOf sets the variable. A value with credentials is not shown, and one that stands in a ConfigMap is no matter of one
// line.
func (u upstream) patchOf(w *workload.Workload, right address) *finding.Patch {
	written := u.Host
	if u.Written {
		written = u.address.String()
	}
	value := right.Host
	if u.Written || right.Port != u.Port {
		value = right.String()
	}
	if u.Variable == "" || strings.Contains(u.Value, "@") || strings.Count(u.Value, written) != 1 {
		return nil // such as the port of X_HOST, which stands in X_PORT
	}
	return finding.SetEnv(w, u.Container.Name, u.Variable, strings.Replace(u.Value, written, value, 1))
}

func anyPod(s *snapshot.Snapshot) *corev1.Pod {
	if len(s.Pods) == 0 {
		return nil
	}
	return &s.Pods[0]
}
