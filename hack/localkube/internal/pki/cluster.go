// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
)

// Users whom the API server's built-in roles are bound to.
const (
	ControllerManager = "system:kube-controller-manager"
	Scheduler         = "system:kube-scheduler"
	Proxy             = "system:kube-proxy"
	Admin             = "kubernetes-admin"
)

// masters is the group that RBAC lets do anything.
const masters = "system:masters"

// Cluster says whom certificates are made for.
type Cluster struct {
	NodeName string
	NodeIP   netip.Addr
	// APIService is the address of the API server within the cluster.
	APIService netip.Addr
}

// Files are all the files of a cluster's PKI by name. A user's certificate and key
// are NAME.crt and NAME.key.
func (c Cluster) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	cluster, err := NewAuthority("cortex-localkube")
	if err != nil {
		return nil, err
	}
	frontProxy, err := NewAuthority("cortex-localkube-front-proxy")
	if err != nil {
		return nil, err
	}
	add(files, "ca", cluster.Pair)
	add(files, "front-proxy-ca", frontProxy.Pair)
	for name, request := range c.requests() {
		pair, err := cluster.Issue(request)
		if err != nil {
			return nil, err
		}
		add(files, name, pair)
	}
	pair, err := frontProxy.Issue(Request{User: "front-proxy-client"})
	if err != nil {
		return nil, err
	}
	add(files, "front-proxy-client", pair)
	return files, addServiceAccountKeys(files)
}

// requests are the certificates that the cluster's authority signs.
func (c Cluster) requests() map[string]Request {
	local := []string{"localhost", "127.0.0.1"}
	node := c.NodeIP.String()
	return map[string]Request{
		"apiserver": {User: "kube-apiserver", Hosts: append(local,
			node, c.APIService.String(), c.NodeName, "kubernetes", "kubernetes.default",
			"kubernetes.default.svc", "kubernetes.default.svc.cluster.local")},
		"apiserver-kubelet-client": {User: "kube-apiserver-kubelet-client", Groups: []string{masters}},
		"controller-manager":       {User: ControllerManager, Hosts: local},
		"scheduler":                {User: Scheduler, Hosts: local},
		"proxy":                    {User: Proxy},
		"admin":                    {User: Admin, Groups: []string{masters}},
		// The name and group by which the Node authorizer knows a kubelet.
		"kubelet": {
			User: "system:node:" + c.NodeName, Groups: []string{"system:nodes"},
			Hosts: append(local, node, c.NodeName),
		},
	}
}

// addServiceAccountKeys adds the keys that service account tokens are signed and
// checked with.
func addServiceAccountKeys(files map[string][]byte) error {
	key, private, err := newKey()
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encoding the service accounts' public key: %w", err)
	}
	files["service-account.key"] = private
	files["service-account.pub"] = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return nil
}

func add(files map[string][]byte, name string, pair Pair) {
	files[name+".crt"] = pair.Certificate
	files[name+".key"] = pair.Key
}
