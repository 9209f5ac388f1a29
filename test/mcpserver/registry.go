// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

// newRegistry is a container registry in memory that has no images unless they are pushed (404 in the registry's
// format), and asks for credentials for everything below private/ (401 with a challenge). It stands in for the real
// registries in tests of image pull failures, so that no test asks anything of the outside.
func newRegistry() http.Handler {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2/private/") {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry of the tests"`)
			writeJSON(w, http.StatusUnauthorized, map[string]any{"errors": []map[string]string{
				{"code": "UNAUTHORIZED", "message": "authentication required"},
			}})
			return
		}
		images.ServeHTTP(w, r)
	})
}
