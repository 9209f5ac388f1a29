// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mcpserver is one MCP server as Kubernetes shows it: a labelled Service, the endpoint that its annotations
// name, a handshake with it, and the class of what went wrong. The gateway and the operator both stand on it.
package mcpserver

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

const (
	defaultPath     = "/mcp"
	defaultPortName = "mcp"
)

// Endpoint is where an MCP server answers.
type Endpoint struct {
	// Namespace and Service name the Service.
	Namespace, Service string
	// URL to dial. It holds the ClusterIP where there is one, so that a broken cluster DNS is no fault of the server.
	URL string
	// Host is the Service's DNS name and port, sent as the HTTP Host header.
	Host string
	// Plain: no MCP server answers there, so that a connection is all that can be asked for.
	Plain bool
}

// OptedIn reports whether a Service carries a label that allows Cortex to change the workload behind it: the one that lists its
// MCP server as well, or that of a dependency.
func OptedIn(service *corev1.Service) bool {
	return service.Labels[v1alpha1.LabelMCPServer] == "true" || isPlain(service)
}

// isPlain reports whether people say that something else than an MCP server answers at a Service.
func isPlain(service *corev1.Service) bool {
	return service.Labels[v1alpha1.LabelDependency] == "true" && service.Labels[v1alpha1.LabelMCPServer] != "true"
}

// EndpointOf reads the MCP endpoint off a Service's ports and annotations. The error says what to write instead.
func EndpointOf(service *corev1.Service) (Endpoint, error) {
	if service.Spec.Type == corev1.ServiceTypeExternalName && !isPlain(service) {
		// It would lead Cortex, which many networks let pass, to whatever host somebody names.
		return Endpoint{}, fmt.Errorf("Service %s/%s is an ExternalName, which is no MCP server in this cluster: write a Service that selects the server's pods", service.Namespace, service.Name)
	}
	port, err := PortOf(service)
	if err != nil {
		return Endpoint{}, err
	}
	path := service.Annotations[v1alpha1.AnnotationPath]
	if path == "" {
		path = defaultPath
	}
	if !plain(path) {
		return Endpoint{}, fmt.Errorf("annotation %s of Service %s/%s is %q: write a plain absolute path such as %s",
			v1alpha1.AnnotationPath, service.Namespace, service.Name, path, defaultPath)
	}
	host := net.JoinHostPort(service.Name+"."+service.Namespace+".svc", strconv.Itoa(int(port.Port)))
	address := host
	if ip := net.ParseIP(service.Spec.ClusterIP); ip != nil {
		address = net.JoinHostPort(ip.String(), strconv.Itoa(int(port.Port)))
	}
	return Endpoint{
		Namespace: service.Namespace,
		Service:   service.Name,
		URL:       "http://" + address + path,
		Host:      host,
		Plain:     isPlain(service),
	}, nil
}

// At is the same endpoint on one address behind the Service, where it is that one which has to answer.
func (e Endpoint) At(address string, port int32) Endpoint {
	if parsed, err := url.Parse(e.URL); err == nil {
		parsed.Host = net.JoinHostPort(address, strconv.Itoa(int(port)))
		e.URL = parsed.String()
	}
	return e
}

// plain reports whether a path is absolute and means itself in a URL: it is somebody's annotation, and must not lead to
// another host or into the headers.
func plain(path string) bool {
	parsed, err := url.Parse(path)
	return err == nil && strings.HasPrefix(path, "/") && parsed.Path == path && !strings.ContainsAny(path, "?#\\ ")
}

// PortOf finds the Service's port of the MCP endpoint. The error says what to write instead.
func PortOf(service *corev1.Service) (corev1.ServicePort, error) {
	ports := service.Spec.Ports
	if want := service.Annotations[v1alpha1.AnnotationPort]; want != "" {
		for _, port := range ports {
			if port.Name == want || strconv.Itoa(int(port.Port)) == want {
				return port, nil
			}
		}
		return corev1.ServicePort{}, fmt.Errorf("annotation %s of Service %s/%s is %q, which is no port of it: write the name or number of one of its ports",
			v1alpha1.AnnotationPort, service.Namespace, service.Name, want)
	}
	for _, port := range ports {
		if port.Name == defaultPortName {
			return port, nil
		}
	}
	if len(ports) == 1 || len(ports) > 1 && isPlain(service) {
		return ports[0], nil
	}
	return corev1.ServicePort{}, fmt.Errorf("Service %s/%s has %d ports and none is named %q: name the MCP port in the annotation %s",
		service.Namespace, service.Name, len(ports), defaultPortName, v1alpha1.AnnotationPort)
}
