// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package remediation

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/ownership"
)

// path names a field, as package ownership does.
type path []string

// String shows a path to people: spec.template.spec.containers[server].image.
func (p path) String() string {
	var text strings.Builder
	for i, name := range p {
		var key struct{ Name string }
		if rest, ok := strings.CutPrefix(name, "k:"); ok && json.Unmarshal([]byte(rest), &key) == nil {
			text.WriteString("[" + key.Name + "]")
			continue
		}
		if i > 0 {
			text.WriteString(".")
		}
		text.WriteString(name)
	}
	return text.String()
}

// under reports whether a field is another one or below it.
func (p path) under(other path) bool {
	return len(p) >= len(other) && slices.Equal(p[:len(other)], other)
}

var (
	replicasField = path{"spec", "replicas"}
	templateField = path{"spec", "template"}
	pausedField   = path{"spec", "paused"}
)

// fieldsOf are the fields that an action changes on its object, but for the stamp. An action that is not here changes none:
// waiting, deleting pods, healing another Service.
func fieldsOf(action v1alpha1.PlannedAction) []path {
	switch action.Type {
	case v1alpha1.ActionScale:
		return []path{replicasField}
	case v1alpha1.ActionRestart:
		return []path{slices.Concat(templateField, path{"metadata", "annotations", v1alpha1.AnnotationRestartedAt})}
	case v1alpha1.ActionRollback:
		return []path{templateField}
	case v1alpha1.ActionResume:
		return []path{pausedField}
	case v1alpha1.ActionRaiseMemoryLimit:
		return []path{slices.Concat(templateField, path{"spec", "containers", ownership.Item(action.Container), "resources", "limits", "memory"})}
	case v1alpha1.ActionPatch:
		if action.Patch != nil {
			return patched(*action.Patch)
		}
	}
	return nil
}

// patched are the fields that a patch sets. Of a list whose items have no names it is the list.
func patched(patch v1alpha1.Patch) []path {
	var data any
	if json.Unmarshal([]byte(patch.Data), &data) != nil {
		return nil
	}
	if patch.Type != v1alpha1.PatchJSON {
		return leaves(data, nil, patch.Type == v1alpha1.PatchStrategic)
	}
	var fields []path
	operations, _ := data.([]any)
	for _, operation := range operations {
		fields = append(fields, pointed(operation)...)
	}
	return fields
}

// pointed is the field of one operation of a JSON patch (RFC 6902). An index tells no name, so it ends at the list.
func pointed(operation any) []path {
	fields, _ := operation.(map[string]any)
	pointer, _ := fields["path"].(string)
	if op, _ := fields["op"].(string); op == "test" || pointer == "" {
		return nil
	}
	var field path
	for _, name := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if name == "-" || strings.Trim(name, "0123456789") == "" {
			break
		}
		field = append(field, strings.NewReplacer("~1", "/", "~0", "~").Replace(name))
	}
	return []path{field}
}

// leaves are the fields of an object that hold a value. A strategic merge patch merges lists by the names of their items.
func leaves(data any, at path, byName bool) []path {
	switch data := data.(type) {
	case map[string]any:
		var found []path
		for _, name := range slices.Sorted(maps.Keys(data)) {
			if strings.HasPrefix(name, "$") { // a directive is about what it stands in
				found = append(found, at)
				continue
			}
			found = append(found, leaves(data[name], slices.Concat(at, path{name}), byName)...)
		}
		return found
	case []any:
		var found []path
		for _, one := range data {
			fields, _ := one.(map[string]any)
			name, named := fields["name"].(string)
			if !named || !byName {
				return []path{at}
			}
			fields = maps.Clone(fields)
			delete(fields, "name")
			found = append(found, leaves(fields, slices.Concat(at, path{ownership.Item(name)}), byName)...)
		}
		return found
	default:
		return []path{at}
	}
}
