// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"encoding/json"
	"fmt"
	"reflect"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// Apply returns an object as the patch makes it, by the code that the API server uses, and leaves the object as it is. It
// fails where the server would refuse the patch: a test that does not hold, a field that is not there.
func (p Patch) Apply(object runtime.Object) (runtime.Object, error) {
	before, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("writing the object: %w", err)
	}
	after, err := p.applyTo(before, object)
	if err != nil {
		return nil, fmt.Errorf("applying the %s patch: %w", p.Type, err)
	}
	changed, ok := reflect.New(reflect.TypeOf(object).Elem()).Interface().(runtime.Object)
	if !ok {
		return nil, fmt.Errorf("%T is no pointer to an object", object)
	}
	if err := json.Unmarshal(after, changed); err != nil {
		return nil, fmt.Errorf("reading the patched object: %w", err)
	}
	return changed, nil
}

func (p Patch) applyTo(raw []byte, object runtime.Object) ([]byte, error) {
	switch data := []byte(p.Data); p.Type {
	case v1alpha1.PatchStrategic:
		return strategicpatch.StrategicMergePatch(raw, data, object)
	case v1alpha1.PatchMerge:
		return jsonpatch.MergePatch(raw, data)
	case v1alpha1.PatchJSON:
		operations, err := jsonpatch.DecodePatch(data)
		if err != nil {
			return nil, err
		}
		return operations.Apply(raw)
	default:
		return nil, fmt.Errorf("%q is no type of patch", p.Type)
	}
}
