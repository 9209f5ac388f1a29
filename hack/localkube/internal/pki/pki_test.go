// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/netip"
	"testing"
)

func files(t *testing.T) map[string][]byte {
	t.Helper()
	made, err := Cluster{
		NodeName:   "n",
		NodeIP:     netip.MustParseAddr("100.64.1.2"),
		APIService: netip.MustParseAddr("10.96.0.1"),
	}.Files()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func parse(t *testing.T, content []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatal("no PEM")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestServersAreTrustedByTheirNames(t *testing.T) {
	made := files(t)
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, made["ca.crt"]))
	for name, hosts := range map[string][]string{
		"apiserver":          {"100.64.1.2", "10.96.0.1", "127.0.0.1", "kubernetes.default.svc", "localhost"},
		"kubelet":            {"100.64.1.2", "n"},
		"controller-manager": {"127.0.0.1"},
	} {
		for _, host := range hosts {
			_, err := parse(t, made[name+".crt"]).Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
			if err != nil {
				t.Errorf("%s at %s: %v", name, host, err)
			}
		}
	}
}

func TestUsersAreWhomTheAPIServerKnows(t *testing.T) {
	made := files(t)
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, made["ca.crt"]))
	for name, user := range map[string]string{
		"kubelet": "system:node:n", "scheduler": Scheduler, "proxy": Proxy, "admin": Admin,
	} {
		certificate := parse(t, made[name+".crt"])
		if certificate.Subject.CommonName != user {
			t.Errorf("%s is %q, want %q", name, certificate.Subject.CommonName, user)
		}
		client := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		if _, err := certificate.Verify(client); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Whoever the front proxy's authority vouches for is no user of the cluster.
	client := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := parse(t, made["front-proxy-client.crt"]).Verify(client); err == nil {
		t.Error("the cluster's authority vouches for the front proxy")
	}
}

func TestKeysBelongToCertificates(t *testing.T) {
	made := files(t)
	for _, name := range []string{"ca", "apiserver", "front-proxy-client", "kubelet"} {
		if _, err := tls.X509KeyPair(made[name+".crt"], made[name+".key"]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
