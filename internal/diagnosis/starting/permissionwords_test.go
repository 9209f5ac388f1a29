// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeniedIn(t *testing.T) {
	for name, test := range map[string]struct {
		log      string
		paths    []string
		readOnly bool
		none     bool
	}{
		"Go":               {log: "open /data/state.db: permission denied", paths: []string{"/data/state.db"}},
		"Python":           {log: "PermissionError: [Errno 13] Permission denied: '/data/x'", paths: []string{"/data/x"}},
		"Node":             {log: "Error: EACCES: permission denied, open '/data/x'\n    at Object.open (node:fs:601:3)", paths: []string{"/data/x"}},
		"Java":             {log: "java.nio.file.AccessDeniedException: /data/x", paths: []string{"/data/x"}},
		".NET":             {log: "System.UnauthorizedAccessException: Access to the path '/data/x' is denied.", paths: []string{"/data/x"}},
		"MySQL":            {log: "[ERROR] Can't create/write to file '/var/lib/mysql/is_writable' (Errcode: 13 - Permission denied)", paths: []string{"/var/lib/mysql/is_writable"}},
		"PostgreSQL":       {log: `initdb: error: could not change permissions of directory "/var/lib/postgresql/data": Operation not permitted`, paths: []string{"/var/lib/postgresql/data"}},
		"Redis":            {log: "Failed opening the RDB file dump.rdb (in server root dir /data) for saving: Permission denied", paths: []string{"/data"}},
		"no path":          {log: "Can't open or create append-only dir appendonlydir: Permission denied"},
		"read-only":        {log: "mkdir: cannot create directory '/data/x/': Read-only file system", paths: []string{"/data/x"}, readOnly: true},
		"climbs":           {log: "open /data/../etc/x: permission denied", paths: []string{"/etc/x"}},
		"key=value":        {log: `level=error msg="cannot open" path=/data/x err="permission denied"`, paths: []string{"/data/x"}},
		"the last counts":  {log: "open /a: permission denied\nopen /b: permission denied\nbye", paths: []string{"/b"}},
		"a port":           {log: "listen tcp :80: bind: permission denied", none: true},
		"a table":          {log: `ERROR: permission denied for table hosts`, none: true},
		"a login":          {log: "git@example.com: Permission denied (publickey).", none: true},
		"too long ago":     {log: "open /a: permission denied" + strings.Repeat("\nfine", 30), none: true},
		"nothing":          {log: "listening", none: true},
		"nothing was said": {log: "", none: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := deniedIn(test.log, lastWords)
			if diff := cmp.Diff(test.paths, got.paths); diff != "" || ok == test.none || got.readOnly != test.readOnly {
				t.Errorf("%t %+v: %s", ok, got, diff)
			}
		})
	}
}

func TestBelow(t *testing.T) {
	for _, test := range []struct {
		file, directory string
		want            bool
	}{
		{"/data", "/data", true},
		{"/data/x", "/data/", true},
		{"/database", "/data", false},
		{"/x", "/", true},
		{"/", "/data", false},
	} {
		if got := below(test.file, test.directory); got != test.want {
			t.Errorf("below(%q, %q) = %t", test.file, test.directory, got)
		}
	}
}

func FuzzDeniedIn(f *testing.F) {
	f.Add("open /data/state.db: permission denied")
	f.Add("Error: EROFS: read-only file system, open '/etc/x'\n")
	f.Fuzz(func(t *testing.T, log string) {
		got, ok := deniedIn(log, lastWords)
		if !ok && (got.line != "" || len(got.paths) > 0) {
			t.Errorf("%+v", got)
		}
		for _, file := range got.paths {
			if !strings.HasPrefix(file, "/") {
				t.Errorf("path %q of %q", file, log)
			}
		}
	})
}
