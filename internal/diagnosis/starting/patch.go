// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
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

// rename changes a name wherever the workload's template has it; nil if it has it nowhere.
func rename(s *snapshot.Snapshot, places *regexp.Regexp, wrong, right string) *finding.Patch {
	if s.Workload == nil || right == "" {
		return nil
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
func rekey(s *snapshot.Snapshot, kind, name, wrong, right string) *finding.Patch {
	if s.Workload == nil || right == "" {
		return nil
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

// replace writes the patch. Where somebody has changed one of the places meanwhile it is refused whole.
func replace(s *snapshot.Snapshot, pointers []string, wrong, right string) *finding.Patch {
	var operations []finding.Operation
	for _, pointer := range pointers {
		operations = append(operations, finding.Set(pointer, wrong, right)...)
	}
	return finding.PodSpecSet(s.Workload, operations...)
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
