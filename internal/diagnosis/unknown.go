// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
	"github.com/ry-ops/cortex/internal/mcpserver"
)

// unknown is what is left when no check found anything and the server was not seen to answer: what was seen, and what
// it is not.
func unknown(s *snapshot.Snapshot) finding.Finding {
	message, advice := unexplained(s)
	f := finding.New(v1alpha1.CauseUnknown, s.Culprit(), v1alpha1.Possible, message)
	f.Recommendation = advice
	if s.Handshake != nil {
		f.Evidence = append(f.Evidence, "MCP handshake: "+s.Handshake.Message)
	}
	if s.Error != nil && s.Error.Message != "" {
		f.Evidence = append(f.Evidence, "the caller saw: "+s.Error.Message)
	}
	f.Evidence = append(f.Evidence, ruledOut(s)...)
	for _, gap := range s.Gaps() {
		f.Evidence = append(f.Evidence, "not looked at: "+gap)
	}
	return f
}

// unexplained says what is known of a fault that no check explains, and where to look on.
func unexplained(s *snapshot.Snapshot) (message, advice string) {
	if s.Service != nil {
		if _, err := mcpserver.EndpointOf(s.Service); err != nil {
			return fmt.Sprintf("Where the MCP server of Service %s answers is not known", s.Service.Name), err.Error()
		}
	}
	if s.Handshake == nil && len(s.Gaps()) == 0 {
		return s.Title() + " looks well, and no MCP handshake was made", "Make an MCP handshake with it."
	}
	if s.Handshake == nil {
		return fmt.Sprintf("%s could not be looked at whole, and nothing wrong was found in what was", s.Title()),
			"Give the operator the rights that it lacks, or look at what it could not."
	}
	endpoints := words.IsAre(s.ReadyEndpoints(), "endpoint")
	switch s.Handshake.Class {
	case v1alpha1.ErrorConnectionRefused:
		return fmt.Sprintf("%s refuses connections, though %s ready", s.Title(), endpoints),
			"Check that the targetPort of the Service is the port that the server listens on, on all addresses."
	case v1alpha1.ErrorTimeout:
		return fmt.Sprintf("%s takes no connection in time, though %s ready", s.Title(), endpoints),
			"Check the network on the way: network policies, the node of the pods, kube-proxy."
	case v1alpha1.ErrorUnavailable:
		return fmt.Sprintf("%s answers with a server error, though %s ready", s.Title(), endpoints),
			"Read the log of the server."
	case v1alpha1.ErrorProtocol:
		return fmt.Sprintf("%s answers, but not as an MCP server", s.Title()),
			fmt.Sprintf("Check the path and the port of the MCP endpoint (annotations %s and %s of the Service).", v1alpha1.AnnotationPath, v1alpha1.AnnotationPort)
	case v1alpha1.ErrorTLS:
		return fmt.Sprintf("%s speaks TLS, and MCP servers are asked in plain HTTP", s.Title()),
			fmt.Sprintf("Let the server speak plain HTTP on a port of its own, and name that in the annotation %s of the Service.", v1alpha1.AnnotationPort)
	case v1alpha1.ErrorUnauthorized:
		return fmt.Sprintf("%s answers, and gives no leave without credentials", s.Title()),
			"Let the server take calls from the namespace of Cortex without credentials, for example by a NetworkPolicy in their place."
	case v1alpha1.ErrorRateLimited:
		return fmt.Sprintf("%s answers, and asks for fewer requests", s.Title()), "Raise the rate limit of the server, or of the proxy before it."
	case v1alpha1.ErrorStreamCut:
		return fmt.Sprintf("%s begins to answer and breaks off, though %s ready", s.Title(), endpoints), "Read the log of the server."
	default:
		return fmt.Sprintf("%s does not pass an MCP handshake, though %s ready", s.Title(), endpoints), "Read the log of the server."
	}
}

// ruledOut tells what was looked at and found in order.
func ruledOut(s *snapshot.Snapshot) []string {
	var told []string
	if s.Service != nil && s.Workload != nil {
		told = append(told, fmt.Sprintf("ruled out: Service %s leads to %s, which wants %s", s.Service.Name, s.Workload, words.Count(int(s.Workload.Replicas), "pod")))
	}
	if s.Complete(snapshot.KindPod) && len(s.Pods) > 0 {
		told = append(told, fmt.Sprintf("ruled out: %d of %s ready, and none waits for an image or has just crashed", s.ReadyPods(), words.IsAre(len(s.LivePods()), "pod")))
	}
	if s.Service != nil && s.Complete(snapshot.KindEndpointSlice) {
		told = append(told, fmt.Sprintf("ruled out: %s ready", words.IsAre(s.ReadyEndpoints(), "endpoint")))
	}
	return told
}
