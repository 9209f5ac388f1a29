// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"regexp"
	"strings"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
)

// wanting is a ConfigMap or Secret, or a key of one, that the kubelet says it cannot find.
type wanting struct {
	// kind is KindConfigMap or KindSecret. Name is empty where only the volume is told.
	kind, name string
	// key is empty where the whole object is wanting.
	key string
	// volume is empty for a variable.
	volume string
}

// The kubelet's words: pkg/kubelet/kubelet_pods.go (makeEnvironmentVariables), pkg/volume/configmap, secret and projected
// (MakePayload), and the errors of the API for an object that is not there.
var (
	objectGone = regexp.MustCompile(`(?i)\b(configmap|secret)s? "([^"\s]+)" not found`)
	keyGone    = regexp.MustCompile(`(?i)couldn't find key (\S+) in (ConfigMap|Secret) (?:[^\s/]+/)?([^\s/,\]:"]+)`)
	itemGone   = regexp.MustCompile(`references non-existent (config|secret) key: ([^\s,\]"]+)`)
	ofVolume   = regexp.MustCompile(`for volume "([^"]+)"`)
)

// wantings are all that a text says is wanting. A projected volume tells several at once.
func wantings(text string) []wanting {
	text = head(text)
	volume := ""
	if at := ofVolume.FindStringSubmatch(text); at != nil {
		volume = at[1]
	}
	var all []wanting
	for _, at := range objectGone.FindAllStringSubmatch(text, -1) {
		all = append(all, wanting{kind: kindOf(at[1]), name: at[2], volume: volume})
	}
	for _, at := range keyGone.FindAllStringSubmatch(text, -1) {
		all = append(all, wanting{kind: kindOf(at[2]), name: at[3], key: at[1], volume: volume})
	}
	if volume == "" {
		return all
	}
	for _, at := range itemGone.FindAllStringSubmatch(text, -1) {
		all = append(all, wanting{kind: kindOf(at[1]), key: at[2], volume: volume})
	}
	return all
}

func kindOf(word string) string {
	if strings.EqualFold(word, "secret") {
		return snapshot.KindSecret
	}
	return snapshot.KindConfigMap
}
