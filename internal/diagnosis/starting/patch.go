// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// The places of a pod's spec that hold a name or a key, as JSON pointers (RFC 6901).
var (
	namePlaces = map[string]*regexp.Regexp{
		snapshot.KindConfigMap: regexp.MustCompile(`/(?:configMap|configMapRef|configMapKeyRef)/name$`),
		snapshot.KindSecret:    regexp.MustCompile(`/(?:secretRef|secretKeyRef)/name$|/volumes/\d+/secret/secretName$|/sources/\d+/secret/name$`),
	}
	pullPlaces = regexp.MustCompile(`^/imagePullSecrets/\d+/name$`)
	keyPlaces  = map[string]*regexp.Regexp{
		snapshot.KindConfigMap: regexp.MustCompile(`^(.*/configMapKeyRef)/key$|^(.*/configMap)/items/\d+/key$`),
		snapshot.KindSecret:    regexp.MustCompile(`^(.*/secretKeyRef)/key$|^(.*/secret)/items/\d+/key$`),
	}
)

// rename is the command that changes a name wherever the workload's template has it; "" if it has it nowhere.
func rename(s *snapshot.Snapshot, places *regexp.Regexp, wrong, right string) string {
	if s.Workload == nil || right == "" {
		return ""
	}
	texts := textsOf(&s.Workload.Template.Spec)
	var pointers []string
	for _, pointer := range slices.Sorted(maps.Keys(texts)) {
		if texts[pointer] == wrong && places.MatchString(pointer) {
			pointers = append(pointers, pointer)
		}
	}
	return replace(s, pointers, wrong, right)
}

// rekey is rename for a key of one object.
func rekey(s *snapshot.Snapshot, kind, name, wrong, right string) string {
	if s.Workload == nil || right == "" {
		return ""
	}
	texts := textsOf(&s.Workload.Template.Spec)
	var pointers []string
	for _, pointer := range slices.Sorted(maps.Keys(texts)) {
		at := keyPlaces[kind].FindStringSubmatch(pointer)
		if at == nil || texts[pointer] != wrong {
			continue
		}
		if object := at[1] + at[2]; texts[object+"/name"] == name || texts[object+"/secretName"] == name {
			pointers = append(pointers, pointer)
		}
	}
	return replace(s, pointers, wrong, right)
}

// replace writes the patch. Each place is tested first: where somebody has changed the template meanwhile the patch is
// refused whole (RFC 6902).
func replace(s *snapshot.Snapshot, pointers []string, wrong, right string) string {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value string `json:"value"`
	}
	var operations []operation
	for _, pointer := range pointers {
		path := "/spec/template/spec" + pointer
		operations = append(operations, operation{"test", path, wrong}, operation{"replace", path, right})
	}
	if len(operations) == 0 {
		return ""
	}
	raw, err := json.Marshal(operations)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("kubectl patch %s --type=json -p %s", target(s), words.Quote(string(raw)))
}

// merge is the command that sets fields of the workload's pods, by a strategic merge.
func merge(s *snapshot.Snapshot, podSpec string) string {
	if s.Workload == nil {
		return ""
	}
	return fmt.Sprintf("kubectl patch %s -p %s", target(s), words.Quote(`{"spec":{"template":{"spec":`+podSpec+`}}}`))
}

// textsOf are all texts of a pod's spec by their JSON pointers.
func textsOf(spec *corev1.PodSpec) map[string]string {
	texts := map[string]string{}
	raw, err := json.Marshal(spec)
	if err != nil {
		return texts
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err == nil {
		collect(tree, "", texts)
	}
	return texts
}

func collect(tree any, pointer string, texts map[string]string) {
	switch node := tree.(type) {
	case string:
		texts[pointer] = node
	case []any:
		for i, child := range node {
			collect(child, pointer+"/"+strconv.Itoa(i), texts)
		}
	case map[string]any:
		for name, child := range node {
			collect(child, pointer+"/"+name, texts)
		}
	}
}
