// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// The messages are as kubelets with containerd 1.6, 1.7, 2.0 and 2.4, Docker and CRI-O write them.
func TestClassifyPull(t *testing.T) {
	const (
		notFound     = v1alpha1.CauseImageNotFound
		unauthorized = v1alpha1.CauseImagePullUnauthorized
		unreachable  = v1alpha1.CauseRegistryUnreachable
		invalid      = v1alpha1.CauseInvalidImageName
	)
	tests := map[string]struct {
		reason, message string
		want            v1alpha1.Cause // empty: not classified
	}{
		"containerd 2, no such tag":                       {"ErrImagePull", `failed to pull and unpack image "localhost:5001/s:nope": failed to resolve reference "localhost:5001/s:nope": localhost:5001/s:nope: not found`, notFound},
		"containerd 1.7, no such tag":                     {"ErrImagePull", `rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:nope": failed to resolve reference "docker.io/library/nginx:nope": docker.io/library/nginx:nope: not found`, notFound},
		"containerd 2.4, no such tag":                     {"ImagePullBackOff", `Back-off pulling image "localhost:5001/nope:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "localhost:5001/nope:1": failed to resolve image: localhost:5001/nope:1: not found`, notFound},
		"containerd 2.4, 401":                             {"ErrImagePull", `failed to pull and unpack image "localhost:5001/private/x:1": failed to resolve image: pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`, unauthorized},
		"containerd 2.4, no such host":                    {"ErrImagePull", `failed to pull and unpack image "registry.invalid/x:1": failed to resolve image: failed to do request: Head "https://registry.invalid/v2/x/manifests/1": dial tcp: lookup registry.invalid on 10.96.0.10:53: no such host`, unreachable},
		"back-off with the error, kubelet 1.32 and later": {"ImagePullBackOff", `Back-off pulling image "localhost:5001/s:nope": ErrImagePull: failed to resolve reference "localhost:5001/s:nope": localhost:5001/s:nope: not found`, notFound},
		"back-off without the error":                      {"ImagePullBackOff", `Back-off pulling image "localhost:5001/s:nope"`, ""},
		"other platform":                                  {"ErrImagePull", `failed to pull and unpack image "localhost:5001/s:1": no match for platform in manifest: not found`, notFound},
		"docker, no such tag":                             {"ErrImagePull", `rpc error: code = Unknown desc = Error response from daemon: manifest for nginx:nope not found: manifest unknown: manifest unknown`, notFound},
		"CRI-O, no such tag":                              {"ErrImagePull", `reading manifest nope in docker.io/library/nginx: manifest unknown`, notFound},
		"never":                                           {"ErrImageNeverPull", `Container image "s:1" is not present with pull policy of Never`, notFound},

		"401":                            {"ErrImagePull", `failed to resolve reference "localhost:5001/s:1": unexpected status from HEAD request to http://localhost:5001/v2/s/manifests/1: 401 Unauthorized`, unauthorized},
		"403":                            {"ErrImagePull", `failed to resolve reference "localhost:5001/s:1": unexpected status from HEAD request to http://localhost:5001/v2/s/manifests/1: 403 Forbidden`, unauthorized},
		"403 for a layer":                {"ErrImagePull", `failed to pull and unpack image "r.io/s:1": failed to copy: httpReadSeeker: failed open: unexpected status code https://r.io/v2/s/blobs/sha256:566e: 403 Forbidden`, unauthorized},
		"docker hub, missing or private": {"ErrImagePull", `failed to resolve reference "docker.io/library/invalid-image:latest": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`, unauthorized},
		"docker":                         {"ErrImagePull", `rpc error: code = Unknown desc = Error response from daemon: pull access denied for s, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`, unauthorized},
		"no credentials for basic":       {"ErrImagePull", `failed to resolve reference "r.io/s:1": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`, unauthorized},
		"token refused":                  {"ErrImagePull", `failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://auth.docker.io/token: 401 Unauthorized`, unauthorized},
		"anonymous token refused":        {"ErrImagePull", `failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Ax%3Apull&service=ghcr.io: 403 Forbidden`, unauthorized},
		"CRI-O":                          {"ErrImagePull", `unable to retrieve auth token: invalid username/password: unauthorized: authentication required`, unauthorized},

		"refused":              {"ErrImagePull", `failed to do request: Head "http://127.0.0.1:5002/v2/s/manifests/1": dial tcp 127.0.0.1:5002: connect: connection refused`, unreachable},
		"no such host":         {"ErrImagePull", `failed to do request: Head "https://registry.example/v2/s/manifests/1": dial tcp: lookup registry.example on 10.96.0.10:53: no such host`, unreachable},
		"lookup timeout":       {"ErrImagePull", `failed to do request: Head "https://registry.example/v2/": dial tcp: lookup registry.example on 10.96.0.10:53: read udp 10.0.0.1:4242->10.96.0.10:53: i/o timeout`, unreachable},
		"timeout":              {"ErrImagePull", `failed to do request: Head "https://registry.example/v2/": dial tcp 192.0.2.7:443: i/o timeout`, unreachable},
		"TLS handshake":        {"ErrImagePull", `failed to do request: Head "https://registry.example/v2/": net/http: TLS handshake timeout`, unreachable},
		"unknown authority":    {"ErrImagePull", `failed to do request: Head "https://registry.example/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`, unreachable},
		"plain HTTP":           {"ErrImagePull", `failed to do request: Head "https://localhost:5001/v2/": http: server gave HTTP response to HTTPS client`, unreachable},
		"token server missing": {"ErrImagePull", `failed to authorize: failed to fetch anonymous token: Get "https://auth.docker.io/token": dial tcp: lookup auth.docker.io: no such host`, unreachable},
		"rate limit":           {"ErrImagePull", `unexpected status from HEAD request to https://registry-1.docker.io/v2/library/nginx/manifests/1: 429 Too Many Requests`, unreachable},
		"out of order":         {"ErrImagePull", `unexpected status from HEAD request to https://registry.example/v2/s/manifests/1: 503 Service Unavailable`, unreachable},
		"cut off":              {"ErrImagePull", `failed to resolve reference "registry.example/s:1": unexpected EOF`, unreachable},
		"CRI says so":          {"RegistryUnavailable", `image pull failed for s:1 because the registry is unavailable`, unreachable},

		"invalid":             {"InvalidImageName", `Failed to apply default image tag "https://s:1": couldn't parse image name "https://s:1": invalid reference format`, invalid},
		"invalid, upper case": {"ErrImagePull", `failed to parse image reference "S:1": invalid reference format: repository name must be lowercase`, invalid},

		"a name of every trap":   {"ErrImagePull", `failed to resolve reference "localhost:5001/connection-refused/unauthorized/no-such-host:x509": localhost:5001/connection-refused/unauthorized/no-such-host:x509: not found`, notFound},
		"a short name of a trap": {"ErrImagePull", `Failed to pull image "unauthorized": failed to resolve reference "docker.io/library/unauthorized:latest": docker.io/library/unauthorized:latest: not found`, notFound},
		"no disk":                {"ErrImagePull", `failed to extract layer sha256:1: write /var/lib/x: no space left on device`, ""},
		"nothing":                {"ErrImagePull", ``, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			fault, ok := classifyPull(test.reason, test.message)
			if fault.cause != test.want || ok != (test.want != "") {
				t.Errorf("cause %q (%t), want %q", fault.cause, ok, test.want)
			}
			if ok && (fault.words == "" || len(fault.advice) == 0 || fault.confidence == "" || fault.message != test.message) {
				t.Errorf("the fault says too little: %+v", fault)
			}
		})
	}
}

// Only a registry that does not tell a missing image from a private one leaves a doubt.
func TestClassifyPullConfidence(t *testing.T) {
	for message, want := range map[string]v1alpha1.Confidence{
		"pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials":          v1alpha1.Certain,
		"pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed": v1alpha1.Likely,
		"r.io/s:1: not found": v1alpha1.Certain,
	} {
		if fault, _ := classifyPull("ErrImagePull", message); fault.confidence != want {
			t.Errorf("%s: %s, want %s", message, fault.confidence, want)
		}
	}
}

func TestClassifyPullDetail(t *testing.T) {
	for message, want := range map[string]string{
		"dial tcp: lookup registry.example on 10.96.0.10:53: no such host": "DNS",
		"dial tcp 127.0.0.1:5002: connect: connection refused":             "Connection",
		"net/http: TLS handshake timeout":                                  "Timeout",
		"x509: certificate signed by unknown authority":                    "TLS",
		"unexpected status: 429 Too Many Requests":                         "RateLimit",
		"unexpected status: 503 Service Unavailable":                       "Server",
		"no match for platform in manifest: not found":                     "Platform",
		`Container image "s:1" is not present with pull policy of Never`:   "PullPolicyNever",
		"r.io/s:1: not found":                                              "",
		"lookup r.io: read udp 10.0.0.1:4242->10.96.0.10:53: i/o timeout":  "DNS",
	} {
		if fault, _ := classifyPull("ErrImagePull", message); fault.detail != want {
			t.Errorf("%s: %q, want %q", message, fault.detail, want)
		}
	}
}

func FuzzClassifyPull(f *testing.F) {
	f.Add("ErrImagePull", `failed to resolve reference "localhost:5001/s:nope": localhost:5001/s:nope: not found`)
	f.Add("ImagePullBackOff", `dial tcp: lookup registry.example: no such host`)
	f.Fuzz(func(t *testing.T, reason, message string) {
		fault, ok := classifyPull(reason, message)
		if ok != (fault.cause != "") || ok && (fault.words == "" || fault.confidence == "") {
			t.Errorf("%t %+v", ok, fault)
		}
	})
}

func TestRegistryOf(t *testing.T) {
	for image, want := range map[string]string{
		"nginx:1":                       "docker.io",
		"library/nginx":                 "docker.io",
		"localhost/nginx":               "localhost",
		"localhost:5001/sandfly:1":      "localhost:5001",
		"ghcr.io/ry-ops/cortex@sha256:": "ghcr.io",
		"":                              "docker.io",
	} {
		if got := registryOf(image); got != want {
			t.Errorf("registryOf(%q) = %q, want %q", image, got, want)
		}
	}
}
