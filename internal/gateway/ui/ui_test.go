// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package ui_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/internal/gateway/ui"
)

func serve(method, path, ifNoneMatch string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, nil)
	request.Header.Set("If-None-Match", ifNoneMatch)
	response := httptest.NewRecorder()
	ui.Handler(http.NotFoundHandler()).ServeHTTP(response, request)
	return response
}

// Every file that the page names is there, with its type, its tag and its policy; and none of it is inline.
func TestFiles(t *testing.T) {
	page := serve(http.MethodGet, "/", "").Body.String()
	names := regexp.MustCompile(`(?:src|href)="([a-z]+\.[a-z]+)"`).FindAllStringSubmatch(page, -1)
	if len(names) < 3 {
		t.Fatalf("the page names %d files", len(names))
	}
	for _, name := range append(names, []string{"", ""}, []string{"", "api.js"}, []string{"", "chat.js"}, []string{"", "heal.js"}) {
		got := serve(http.MethodGet, "/"+name[1], "")
		header := got.Header()
		if got.Code != http.StatusOK || header.Get("Content-Security-Policy") != ui.Policy || header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("Cache-Control") != "no-cache" || header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", name[1], got.Code, header)
		}
		if again := serve(http.MethodGet, "/"+name[1], header.Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s with its tag: %d, %d bytes", name[1], again.Code, again.Body.Len())
		}
	}
	for _, inline := range []string{"<style", "style=", "onclick", "javascript:"} {
		if strings.Contains(page, inline) {
			t.Errorf("the page has %s in it", inline)
		}
	}
}

func TestWhatIsNoFileIsForOthers(t *testing.T) {
	for _, request := range [][2]string{{http.MethodGet, "/nothing"}, {http.MethodPost, "/"}, {http.MethodGet, "/assets/main.js"}, {http.MethodGet, "/../ui.go"}} {
		if got := serve(request[0], request[1], ""); got.Code != http.StatusNotFound {
			t.Errorf("%v: %d", request, got.Code)
		}
	}
}
