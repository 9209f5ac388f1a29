// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ui is the page of the gateway: plain HTML, CSS and ES modules, kept in the program. There is nothing to build.
package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"net/http"
	"path"
	"time"
)

//go:embed assets
var assets embed.FS

// Policy is the Content-Security-Policy of the page: what it loads is the gateway's own, nothing in it is inline, and no text can
// become markup, whatever the page does with it (Trusted Types, without a single policy).
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// file is one file of the page, ready to send.
type file struct {
	body       []byte
	kind, etag string
}

// Handler serves the page at / and its files beside it. What is none of them is for otherwise.
func Handler(otherwise http.Handler) http.Handler {
	files := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path]
		if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
			otherwise.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		header.Set("Content-Type", f.kind)
		header.Set("Content-Security-Policy", Policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		// Always asked for, and hardly ever sent: all files of the page are of one version.
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", f.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
	})
}

// load reads the files by their paths. They are in the program, so that none can be missing.
func load() map[string]file {
	entries, err := assets.ReadDir("assets")
	must(err)
	files := map[string]file{}
	for _, entry := range entries {
		body, err := assets.ReadFile(path.Join("assets", entry.Name()))
		must(err)
		sum := sha256.Sum256(body)
		files["/"+entry.Name()] = file{body, kinds[path.Ext(entry.Name())], `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	}
	files["/"] = files["/index.html"]
	return files
}

// kinds are not asked of the system, whose tables differ.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func must(err error) {
	if err != nil {
		panic(fmt.Errorf("the page in the program: %w", err))
	}
}
