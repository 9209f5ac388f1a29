// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

// seeds are dumps of the forms that are read. The word in their Secrets is told nowhere.
var seeds = []string{
	"",
	"null",
	"---\n---\n",
	`{"apiVersion":"v1","kind":"List","items":[]}`,
	`{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a","namespace":"x"},"spec":{"containers":[{"name":"mcp"}]},"status":{"containerStatuses":[{"name":"mcp","state":{"running":{"startedAt":"2026-11-23T14:00:00Z"}}}]}}]}`,
	`{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"a","namespace":"x"},"subsets":[{"addresses":[{"ip":"10.0.0.1","targetRef":{"kind":"Pod","name":"a"}}],"notReadyAddresses":[{"ip":"10.0.0.2"}],"ports":[{"port":3000}]}]}`,
	`{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"e","namespace":"x"},"regarding":{"kind":"Pod","name":"a"},"note":"Back-off","reason":"BackOff","series":{"count":3,"lastObservedTime":"2026-11-23T14:00:00.000000Z"}}`,
	`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"stringData\":{\"k\":\"hunter2hunter2\"}}"}},"data":{"token":"hunter2hunter2"},"stringData":{"other":"hunter2hunter2"}}`,
	`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":"hunter2hunter2"}`,
	`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"r"},"spec":{"rules":[{"backendRefs":[{"name":"a","port":80}]}]}}`,
	`{"kind":"List","items":[{"kind":"List","items":[{"kind":"Node","metadata":{"name":"n"},"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2026-11-23T14:00:00Z"}]}}]}],"cortex":{"kinds":["Pod"],"gaps":["reading Leases: forbidden"],"time":"2026-11-23T14:05:00Z","logs":{"x/a/mcp":"hello","a":"hi","a/mcp":"","q/w/e/r":""},"previous":{"a/mcp":"panic"}}}`,
	"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 3000, targetPort: http}]}\n---\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: many}\n",
	"\xff\xfe{\x00}\x00",
	"\xef\xbb\xbf{\"kind\":\"Pod\"}",
	"kind: Pod\nmetadata: &a {name: x, labels: *a}\n",
	`{"kind":"Lease","spec":{"renewTime":"yesterday"}}`,
	strings.Repeat(`{"kind":"List","items":[`, 50),
}

// FuzzDump holds that whatever a file holds is read or refused, the same way each time, and that what is told of it can
// be shown.
func FuzzDump(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	paths, err := filepath.Glob("../diagnosis/testdata/[C-S]*/*[ae]/objects.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths[:min(len(paths), 10)] {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var reader, again Reader
		err := reader.Read(bytes.NewReader(text))
		if other := again.Read(bytes.NewReader(text)); (err == nil) != (other == nil) {
			t.Fatalf("first %v, then %v", err, other)
		}
		o := reader.Objects()
		if diff := cmp.Diff(o.Gaps, again.Objects().Gaps); diff != "" {
			t.Errorf("gaps differ (-first +again):\n%s", diff)
		}
		if !reader.Time().Equal(again.Time()) {
			t.Errorf("written at %s, and at %s", reader.Time(), again.Time())
		}
		for i := range o.Secrets {
			checkSecret(t, &o.Secrets[i])
		}
		for key, log := range reader.Logs("x") {
			if len(log.Current) > logBytes || len(log.Previous) > logBytes || foreign.Visible(log.Current) != log.Current {
				t.Errorf("the log of %v cannot be shown", key)
			}
		}
		strict := Reader{Strict: true}
		if strict.Read(bytes.NewReader(text)) == nil && err != nil {
			t.Errorf("strictly it is read, and else not: %v", err)
		}
	})
}

// checkSecret holds that the values of a Secret are not kept, wherever kubectl has put them.
func checkSecret(t *testing.T, secret *snapshot.Secret) {
	t.Helper()
	if len(secret.Annotations)+len(secret.ManagedFields) > 0 {
		t.Errorf("Secret %s keeps annotations or managed fields", secret.Name)
	}
}

// TestSecretsOfSeeds holds that the word of the seeds' Secrets is in nothing that was read, the errors included.
func TestSecretsOfSeeds(t *testing.T) {
	for _, seed := range seeds {
		var reader Reader
		err := reader.Read(strings.NewReader(seed))
		told, marshalErr := json.Marshal(reader.Objects())
		if marshalErr != nil {
			t.Fatal(marshalErr)
		}
		if strings.Contains(fmt.Sprint(err, string(told)), "hunter2") {
			t.Errorf("the value of a Secret is kept of %s", seed)
		}
	}
}
