// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pki makes the certificates of a cluster. Which there are, and what is in
// them, follows https://kubernetes.io/docs/setup/best-practices/certificates/.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"time"
)

// validFor outlives any cluster of this kind.
const validFor = 365 * 24 * time.Hour

// Pair is a certificate and its key, in PEM.
type Pair struct {
	Certificate []byte
	Key         []byte
}

// Authority signs certificates.
type Authority struct {
	Pair
	certificate *x509.Certificate
	key         crypto.Signer
}

// NewAuthority makes a certificate authority.
func NewAuthority(name string) (Authority, error) {
	template := template(name)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	return sign(template, nil)
}

// Request is what a certificate is to say.
type Request struct {
	// User and Groups are whom the API server takes the holder for.
	User   string
	Groups []string
	// Hosts are the names and addresses it serves at; without any, it is for
	// clients only.
	Hosts []string
}

// Issue makes a certificate for clients and, where it has hosts, for a server.
func (a Authority) Issue(request Request) (Pair, error) {
	template := template(request.User)
	template.Subject.Organization = request.Groups
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(request.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range request.Hosts {
		if address, err := netip.ParseAddr(host); err == nil {
			template.IPAddresses = append(template.IPAddresses, address.AsSlice())
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	issued, err := sign(template, &a)
	return issued.Pair, err
}

func template(name string) *x509.Certificate {
	// The hour before now forgives clocks that differ.
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(validFor),
	}
}

// sign makes a key and a certificate for it, signed by parent or by itself.
func sign(template *x509.Certificate, parent *Authority) (Authority, error) {
	key, pemKey, err := newKey()
	if err != nil {
		return Authority{}, err
	}
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return Authority{}, fmt.Errorf("choosing a serial number: %w", err)
	}
	signer, issuer := crypto.Signer(key), template
	if parent != nil {
		signer, issuer = parent.key, parent.certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		return Authority{}, fmt.Errorf("signing the certificate of %s: %w", template.Subject.CommonName, err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return Authority{}, fmt.Errorf("reading the certificate of %s: %w", template.Subject.CommonName, err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return Authority{Pair: Pair{Certificate: block, Key: pemKey}, certificate: certificate, key: key}, nil
}

func newKey() (crypto.Signer, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a key: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
