// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
	"github.com/ry-ops/cortex/internal/foreign"
)

// wanted is how many changes the property test makes in all: a dump takes one to five of them. `make fuzz` makes many more.
var wanted = flag.Int("mutations", 3_000, "how many changes TestAnyDump makes to valid dumps")

// TestAnyDump holds that a diagnosis of whatever a file holds neither panics nor depends on the order of its objects, and
// keeps the bounds of the status. The dumps are the fixtures', each spoilt at random; a failure tells the seed and what
// was done, and `mutantOf` makes the same again.
func TestAnyDump(t *testing.T) {
	names, dumps := rawFixtures(t)
	want := *wanted
	for shard := range uint64(shards) {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			var done tally
			for seed := shard; done.mutations < want/shards && !t.Failed(); seed += shards {
				m, name := mutantOf(seed, names, dumps)
				done.dumps++
				done.mutations += len(m.done)
				o, logs, err := decodeMutant(m, seed)
				if err != nil {
					done.refused++ // a file that is no dump is told to be none
					continue
				}
				if !unambiguous(o) {
					done.ambiguous++
				}
				done.diagnoses += diagnoseAll(t, o, logs, seed, fmt.Sprintf("seed %d, %s: %s", seed, name, strings.Join(m.done, "; ")))
			}
			t.Logf("%+v of %d fixtures", done, len(dumps))
		})
	}
}

// shards run at once.
const shards = 4

// tally counts what the property test did.
type tally struct {
	mutations, dumps, diagnoses int
	// refused are dumps that are none any more; ambiguous ones hold two different objects of one name.
	refused, ambiguous int
}

func mutantOf(seed uint64, names []string, dumps [][]any) (*mutant, string) {
	m := &mutant{random: rand.New(rand.NewPCG(seed, 7))}
	which := m.random.IntN(len(dumps))
	m.items = clone(dumps[which]).([]any)
	m.mutate()
	return m, strings.TrimPrefix(names[which], "testdata/")
}

// decodeMutant goes the way of a file of a user. Every pod has a log, so that what reads logs is read too.
func decodeMutant(m *mutant, seed uint64) (*snapshot.Objects, map[snapshot.ContainerKey]snapshot.ContainerLog, error) {
	raw, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": m.items})
	if err != nil {
		return nil, nil, err
	}
	var reader dump.Reader
	if err := reader.Read(bytes.NewReader(raw)); err != nil {
		return nil, nil, err
	}
	o := reader.Objects()
	logs := map[snapshot.ContainerKey]snapshot.ContainerLog{}
	for i := range o.Pods {
		for _, c := range o.Pods[i].Spec.Containers {
			logs[snapshot.ContainerKey{Pod: o.Pods[i].Name, Container: c.Name}] = snapshot.ContainerLog{Current: foreign.Log(logLines[(seed+uint64(i))%uint64(len(logLines))], 1<<10)}
		}
	}
	return o, logs, nil
}

var logLines = []string{
	"", "ERROR dial tcp 10.244.2.7:6379: i/o timeout\nERROR dial tcp 10.244.2.7:6379: i/o timeout\nERROR dial tcp 10.244.2.7:6379: i/o timeout\n",
	"panic: listen tcp :3000: bind: address already in use\n", "FATAL password authentication failed for user \"mcp\"\n", "Error: getaddrinfo ENOTFOUND redis-cache\n",
}

// diagnoseAll diagnoses every Service and workload of a dump, each twice in another order of the lists.
func diagnoseAll(t *testing.T, o *snapshot.Objects, logs map[snapshot.ContainerKey]snapshot.ContainerLog, seed uint64, about string) (made int) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s\npanic: %v\n%s", about, p, debug.Stack())
		}
	}()
	random := rand.New(rand.NewPCG(seed, 11))
	single := unambiguous(o)
	diagnose := func(of target) Diagnosis {
		s := snapshot.Assemble(of.namespace, of.TargetReference, o)
		s.Now, s.Unprobed, s.Logs = testNow, seed%2 == 0, logs
		return Diagnose(s)
	}
	targets := targetsOf(o)
	first := make([]Diagnosis, 0, len(targets))
	for _, of := range targets {
		first = append(first, diagnose(of))
	}
	shuffleAll(random, o)
	for i, of := range targets {
		again := diagnose(of)
		made += 2
		checkBounds(t, again)
		if diff := cmp.Diff(first[i], again); single && diff != "" {
			t.Errorf("another order of the lists, another diagnosis of %s %s (-first +again):\n%s", of.Kind, of.Name, diff)
		}
	}
	if t.Failed() {
		t.Log(about)
	}
	return made
}

type target struct {
	v1alpha1.TargetReference
	namespace string
}

func targetsOf(o *snapshot.Objects) []target {
	var all []target
	add := func(kind v1alpha1.TargetKind, object metav1.Object) {
		if object.GetName() != "" {
			all = append(all, target{v1alpha1.TargetReference{Kind: kind, Name: object.GetName()}, object.GetNamespace()})
		}
	}
	for i := range o.Services {
		add(v1alpha1.KindService, &o.Services[i])
	}
	for i := range o.Deployments {
		add(v1alpha1.KindDeployment, &o.Deployments[i])
	}
	for i := range o.StatefulSets {
		add(v1alpha1.KindStatefulSet, &o.StatefulSets[i])
	}
	for i := range o.DaemonSets {
		add(v1alpha1.KindDaemonSet, &o.DaemonSets[i])
	}
	return all
}

// lists are the fields of the objects that hold objects.
func lists(o *snapshot.Objects) []reflect.Value {
	var all []reflect.Value
	fields := reflect.ValueOf(o).Elem()
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct {
			all = append(all, f)
		}
	}
	return all
}

func shuffleAll(random *rand.Rand, o *snapshot.Objects) {
	for _, list := range lists(o) {
		random.Shuffle(list.Len(), reflect.Swapper(list.Interface()))
	}
}

// unambiguous reports whether no two different objects have one name: no cluster holds that, and which of them counts is
// not promised.
func unambiguous(o *snapshot.Objects) bool {
	for _, list := range lists(o) {
		seen := map[string]any{}
		for i := range list.Len() {
			object := list.Index(i).Addr().Interface().(metav1.Object)
			key := object.GetNamespace() + "/" + object.GetName()
			if other, known := seen[key]; known && !reflect.DeepEqual(other, list.Index(i).Interface()) {
				return false
			}
			seen[key] = list.Index(i).Interface()
		}
	}
	return true
}
