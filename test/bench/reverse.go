// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log"
	"net/http/httputil"
	"net/url"
)

// reverse is the reverse proxy of Go's library, as it comes.
func reverse(upstream string) error {
	target, err := url.Parse("http://" + upstream)
	if err != nil {
		return err
	}
	return listen(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1,
		ErrorLog: log.New(io.Discard, "", 0), // calls that fail are counted where they were made
	}, "127.0.0.1:0")
}
