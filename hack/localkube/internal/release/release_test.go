// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ry-ops/cortex/hack/localkube/internal/component"
)

// server serves files by path.
func server(t *testing.T, files map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, content)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func sum(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

func archived(t *testing.T, name, content string) string {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	if err := archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(archive, content)
	archive.Close()
	zipped.Close()
	return out.String()
}

func TestFetch(t *testing.T) {
	archive := archived(t, "etcd-v1/etcd", "the etcd")
	url := server(t, map[string]string{
		"/kubelet": "the kubelet", "/kubelet.sha256": sum("the kubelet"),
		"/etcd.tar.gz": archive, "/SHA256SUMS": sum("other") + "  other.tar.gz\n" + sum(archive) + "  etcd.tar.gz\n",
	})
	downloads := []component.Download{
		{Name: "kubelet", URL: url + "/kubelet", Checksum: url + "/kubelet.sha256"},
		{Name: "etcd", URL: url + "/etcd.tar.gz", Checksum: url + "/SHA256SUMS", Unpack: "etcd-v1/etcd"},
	}
	client, dir := Client{HTTP: http.DefaultClient}, t.TempDir()
	if !client.Reachable(context.Background(), downloads) {
		t.Error("the server is not reachable")
	}
	if err := client.Fetch(context.Background(), downloads, dir, func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"kubelet": "the kubelet", "etcd": "the etcd"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "etcd.tar.gz")); err == nil {
		t.Error("the archive was left behind")
	}
}

func TestFetchRefuses(t *testing.T) {
	url := server(t, map[string]string{
		"/x": "changed on the way", "/x.sha256": sum("as released"),
		"/y": "", "/y.sha256": "not a checksum",
	})
	for name, message := range map[string]string{"x": "should be", "y": "has none for y", "z": "404"} {
		download := component.Download{Name: name, URL: url + "/" + name, Checksum: url + "/" + name + ".sha256"}
		err := Client{HTTP: http.DefaultClient}.Fetch(context.Background(), []component.Download{download}, t.TempDir(), func(string, ...any) {})
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: got %v, want %q", name, err, message)
		}
	}
}

func TestReachableWhereNothingIs(t *testing.T) {
	downloads := []component.Download{{Name: "x", URL: "http://127.0.0.1:1/x", Checksum: "http://127.0.0.1:1/x.sha256"}}
	if (Client{HTTP: http.DefaultClient}).Reachable(context.Background(), downloads) {
		t.Error("nothing listens there")
	}
}
