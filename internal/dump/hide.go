// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package dump

import (
	"strings"

	"github.com/ry-ops/cortex/internal/foreign"
)

// hidden stands where a value was. It is what foreign.Redact writes too.
const hidden = "[redacted]"

// maxText bounds one text of an object. The rest of a longer one is dropped.
const maxText = 16 << 10

// names are the fields that only name things, or choose among them: they are kept as they are, or what belongs together
// would no longer be found. The API server bounds them to forms that hold no secret.
var names = map[string]bool{
	"apiVersion": true, "kind": true, "name": true, "generateName": true, "namespace": true, "uid": true, "resourceVersion": true,
	"labels": true, "matchLabels": true, "matchExpressions": true, "selector": true, "nodeSelector": true, "nodeSelectorTerms": true,
	"ownerReferences": true, "managedFields": true, "nodeName": true, "creationTimestamp": true, "deletionTimestamp": true,
	"image": true, "imageID": true, "containerID": true, "secretName": true, "serviceAccountName": true, "keys": true,
	"resources": true, "requests": true, "limits": true, "capacity": true, "allocatable": true, "hard": true, "used": true, "usage": true,
	"finalizers": true, "accessModes": true, "key": true, "reason": true, "type": true, "mountPath": true, "topologyKey": true,
}

// pairs are the fields that people fill with names and values of their own.
var pairs = map[string]bool{"annotations": true, "data": true, "volumeAttributes": true, "options": true}

// hideIn hides the secrets in an object, wherever they stand: in the environment and the arguments of containers, in
// annotations and the values of ConfigMaps, in what the cluster and the programs say.
func hideIn(object map[string]any) {
	for field, value := range object {
		switch value := value.(type) {
		case string:
			if !names[field] || strings.Contains(value, "://") { // no name is a URL
				object[field] = hideText(value)
			}
		case map[string]any:
			switch {
			case names[field]:
			case pairs[field]:
				hidePairs(value)
			default:
				hideIn(value)
			}
		case []any:
			if !names[field] {
				hideList(value)
			}
		}
	}
	// An entry of env, or of the headers of a probe.
	name, named := object["name"].(string)
	if value, ok := object["value"].(string); ok && named {
		object["value"] = hideValue(name, value)
	}
}

// hideList hides the secrets in a list. In a list of arguments the value of a flag may be the next one.
func hideList(list []any) {
	flag := ""
	for i, item := range list {
		switch item := item.(type) {
		case string:
			if flag != "" && !strings.HasPrefix(item, "-") {
				list[i] = hideValue(flag, item)
			} else {
				list[i] = hideText(item)
			}
			flag = ""
			if strings.HasPrefix(item, "-") && !strings.Contains(item, "=") {
				flag = strings.TrimLeft(item, "-")
			}
		case map[string]any:
			hideIn(item)
		case []any:
			hideList(item)
		}
	}
}

// hidePairs hides the values that their names or their content give away. A text of several lines with a secret in it is a
// file, of which nobody knows what else it tells: it is hidden whole.
func hidePairs(values map[string]any) {
	for name, value := range values {
		if nested, ok := value.(map[string]any); ok { // the template in a ControllerRevision
			hideIn(nested)
		}
		text, ok := value.(string)
		if !ok {
			continue
		}
		shown := hideValue(name, text)
		if name == lastApplied { // what is left of it is a number
			shown = text
		}
		if strings.Contains(strings.TrimSpace(text), "\n") && shown != visible(text) {
			shown = hidden
		}
		values[name] = shown
	}
}

// hideValue hides the value of a name that tells a secret, and otherwise what is one by its form.
func hideValue(name, value string) string {
	if value != "" && foreign.SecretName(name) {
		return hidden
	}
	return hideText(value)
}

func hideText(text string) string { return foreign.Redact(foreign.Head(text, maxText)) }

// visible is a text of which only the unseen is gone.
func visible(text string) string { return foreign.Visible(foreign.Head(text, maxText)) }
