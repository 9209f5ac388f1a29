// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package mcpserver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// The servers of these tests are on loopback.
func TestMain(m *testing.M) {
	AllowLoopback()
	os.Exit(m.Run())
}

// asInACluster takes back what the tests are allowed.
func asInACluster(t *testing.T) {
	loopbackAllowed.Store(false)
	t.Cleanup(AllowLoopback)
}

func TestAddressesThatAreNoServers(t *testing.T) {
	asInACluster(t)
	for address, want := range map[string]bool{
		"10.96.0.17": true, "192.168.1.5": true, "fd00:10:244::7": true, "2001:db8::1": true, "203.0.113.9": true,
		"127.0.0.1": false, "127.1.2.3": false, "::1": false, "::ffff:127.0.0.1": false,
		"169.254.169.254": false, "::ffff:169.254.169.254": false, "169.254.1.1": false, "fe80::1": false, "fe80::1%eth0": false,
		"64:ff9b::a9fe:a9fe": false, "64:ff9b::7f00:1": false, "64:ff9b::a60:11": true,
		"fd00:ec2::254": false, "fd20:ce::254": false, "100.100.100.200": false, "168.63.129.16": false, "192.0.0.192": false,
		"0.0.0.0": false, "::": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false,
	} {
		if got := permitted(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s permitted: %t", address, got)
		}
	}
}

// TestNobodyIsDialledThere: what counts is the address that a name led to, and that not a byte gets there.
func TestNobodyIsDialledThere(t *testing.T) {
	asInACluster(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan struct{})
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_ = conn.Close()
			close(reached)
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, host := range map[string]string{"an address": "127.0.0.1", "a name": "localhost", "metadata": "169.254.169.254"} {
		endpoint := Endpoint{Service: "evil", URL: "http://" + net.JoinHostPort(host, port) + "/mcp"}
		_, err := Connect(ctx, endpoint, ConnectOptions{})
		var refused *AddressError
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
		if Sent(err) || Classify(err) != v1alpha1.ErrorAddressRefused {
			t.Errorf("%s: sent %t, class %s", name, Sent(err), Classify(err))
		}
		endpoint.Plain = true
		if result := (MCPProber{}).Probe(ctx, endpoint); result.Accepted {
			t.Errorf("%s: a plain probe got through: %+v", name, result)
		}
	}
	_ = listener.Close()
	select {
	case <-reached:
		t.Error("a connection came about")
	default:
	}
}

// TestServicesThatAreNames: the name may be anybody's.
func TestServicesThatAreNames(t *testing.T) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b", Labels: map[string]string{v1alpha1.LabelMCPServer: "true"}},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "metadata.google.internal", Ports: []corev1.ServicePort{{Port: 80}}},
	}
	if endpoint, err := EndpointOf(service); err == nil {
		t.Errorf("%+v", endpoint)
	}
}
