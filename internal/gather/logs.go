// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

const (
	// logTimeout bounds the reading of all logs together. A log is worth having, never worth waiting for.
	logTimeout = 3 * time.Second
	// maxLogPods and maxLogs bound what is read: the pods of one workload mostly fail alike.
	maxLogPods = 3
	maxLogs    = 12
	// logLines is the tail that the spec names ("Pattern 3: Check Logs", --tail=50).
	logLines = 50
	// logWireBytes bounds the transfer, logBytes what is kept. The first is wider because the kubelet applies it from
	// the beginning of the tail: at 16 KiB it would cut off the last lines, which tell the crash.
	logWireBytes = 256 << 10
	logBytes     = 16 << 10
)

// LogReader reads the last lines of a container's current or previous run.
type LogReader interface {
	Logs(ctx context.Context, namespace, pod, container string, previous bool) (string, error)
}

// KubeLogs reads logs from the API server. It needs the right to get pods/log.
type KubeLogs struct{ Client kubernetes.Interface }

// Logs implements LogReader.
func (k KubeLogs) Logs(ctx context.Context, namespace, pod, container string, previous bool) (string, error) {
	raw, err := k.Client.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container:  container,
		Previous:   previous,
		TailLines:  ptr.To[int64](logLines),
		LimitBytes: ptr.To[int64](logWireBytes),
	}).DoRaw(ctx)
	if err != nil {
		return "", err
	}
	return string(raw), nil
}

// runtimeError begins what the kubelet gives as the body of a log that it cannot read, such as that of a container which was
// removed meanwhile (pkg/kubelet/kuberuntime/kuberuntime_logs.go).
const runtimeError = "unable to retrieve container logs for "

// logWanted is one log to read.
type logWanted struct {
	snapshot.ContainerKey
	previous bool
}

// logs reads the logs that matter, at once. What cannot be read is told in the second result.
func (g *Gatherer) logs(ctx context.Context, s *snapshot.Snapshot) (map[snapshot.ContainerKey]snapshot.ContainerLog, []string) {
	wanted := logsWanted(s)
	if g.Logs == nil || len(wanted) == 0 {
		return nil, nil
	}
	bounded, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	texts, failures := make([]string, len(wanted)), make([]error, len(wanted))
	var group errgroup.Group
	for i, w := range wanted {
		group.Go(func() error {
			texts[i], failures[i] = g.Logs.Logs(bounded, s.Namespace, w.Pod, w.Container, w.previous)
			return nil
		})
	}
	_ = group.Wait()
	return sortLogs(wanted, texts, failures)
}

func sortLogs(wanted []logWanted, texts []string, failures []error) (map[snapshot.ContainerKey]snapshot.ContainerLog, []string) {
	found := map[snapshot.ContainerKey]snapshot.ContainerLog{}
	var gaps []string
	for i, w := range wanted {
		if failures[i] != nil {
			gaps = append(gaps, foreign.Line(fmt.Sprintf("reading the log of container %s of Pod %s: %v", w.Container, w.Pod, failures[i]), finding.MaxEvidence))
			continue
		}
		if strings.HasPrefix(texts[i], runtimeError) {
			continue // there is none any more, and this is not what the program said
		}
		log := found[w.ContainerKey]
		if w.previous {
			log.Previous = foreign.Log(texts[i], logBytes)
		} else {
			log.Current = foreign.Log(texts[i], logBytes)
		}
		found[w.ContainerKey] = log
	}
	return found, gaps
}

// logsWanted chooses the logs to read: of pods that are not ready, or, where all are, of some that are, since those may
// be the ones that hang.
func logsWanted(s *snapshot.Snapshot) []logWanted {
	pods := s.LivePods()
	if bad := snapshot.Keep(pods, func(pod *corev1.Pod) bool { return !snapshot.IsReady(pod) }); len(bad) > 0 {
		pods = bad
	}
	var wanted []logWanted
	for i := range pods[:min(len(pods), maxLogPods)] {
		wanted = append(wanted, logsOf(&pods[i])...)
	}
	return wanted[:min(len(wanted), maxLogs)]
}

// logsOf are the logs that a pod's containers have. A container that waits to be started again has one log, which the
// kubelet gives for both the current and the previous run.
func logsOf(pod *corev1.Pod) []logWanted {
	var wanted []logWanted
	for _, c := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if c.Ready && !snapshot.IsReady(pod) || endedWell(c) {
			continue
		}
		key := snapshot.ContainerKey{Pod: pod.Name, Container: c.Name}
		if c.LastTerminationState.Terminated != nil && c.RestartCount > 0 {
			wanted = append(wanted, logWanted{key, true})
		}
		if c.State.Running != nil || c.State.Terminated != nil {
			wanted = append(wanted, logWanted{key, false})
		}
	}
	return wanted
}

// endedWell is how an init container ends that did its work.
func endedWell(c corev1.ContainerStatus) bool {
	return c.State.Terminated != nil && c.State.Terminated.ExitCode == 0 && c.RestartCount == 0
}
