// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ownership tells whose a field is: who wrote it, whether somebody's declared intent or Git holds it, and which
// program scales a workload. It reads what an object says of itself and does no I/O.
package ownership

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// Owner is a field manager that owns a field, as the managed fields of the object tell it
// (https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers).
type Owner struct {
	// Manager names the program.
	Manager string
	// Applied: it owns the field by server-side apply, so the value is its declared intent. Otherwise it only wrote it once.
	Applied bool
	// Subresource through which it wrote, such as scale; empty for the object itself.
	Subresource string
	// At is when the manager last wrote, this field or another; zero if that is not known.
	At time.Time
}

// FieldOwner tells who owns a field: whoever applied it, else the newest of those that wrote it. The path has the names of
// the fields, and Item for an item of a list. A path to something with fields below is owned by who owns any of these.
func FieldOwner(object metav1.Object, path ...string) (Owner, bool) {
	return choose(owners(object, path), func(a, b Owner) bool {
		if a.Applied != b.Applied {
			return a.Applied
		}
		return a.At.After(b.At)
	})
}

// WriterOf tells who last wrote a field. Several managers may own a field that they agreed on; the newest is told, and none
// of which the time is not known.
func WriterOf(object metav1.Object, path ...string) (Owner, bool) {
	dated := slices.DeleteFunc(owners(object, path), func(o Owner) bool { return o.At.IsZero() })
	return choose(dated, func(a, b Owner) bool { return a.At.After(b.At) })
}

// Item is the element of a path that is the item of that name in a list, such as a container.
func Item(name string) string { return fmt.Sprintf(`%s{"name":%q}`, itemPrefix, name) }

// In tells the owner in a sentence. The time may be that of a later write to another field.
func (o Owner) In(now time.Time) string {
	return fmt.Sprintf("by %s, which last wrote at %s", o.Manager, words.TimeOfDay(o.At, now))
}

// Evidence tells the owner as proof, with the way it wrote.
func (o Owner) Evidence(field string) string {
	via, operation := "", metav1.ManagedFieldsOperationUpdate
	if o.Subresource != "" {
		via = " of the " + o.Subresource + " subresource"
	}
	if o.Applied {
		operation = metav1.ManagedFieldsOperationApply
	}
	return fmt.Sprintf("managed fields: %s was set by %s (%s%s, %s)", field, o.Manager, operation, via, o.At.UTC().Format(time.RFC3339))
}

// owners are all that own a field, in the order of the managed fields. An entry that cannot be read owns nothing.
func owners(object metav1.Object, path []string) []Owner {
	elements, err := elementsOf(path)
	if err != nil {
		return nil
	}
	var found []Owner
	for _, entry := range object.GetManagedFields() {
		if entry.FieldsV1 == nil {
			continue
		}
		var set fieldpath.Set
		if set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())) != nil || !covers(&set, elements) {
			continue
		}
		owner := Owner{Manager: entry.Manager, Applied: entry.Operation == metav1.ManagedFieldsOperationApply, Subresource: entry.Subresource}
		if entry.Time != nil {
			owner.At = entry.Time.Time
		}
		found = append(found, owner)
	}
	return found
}

func choose(from []Owner, better func(a, b Owner) bool) (Owner, bool) {
	if len(from) == 0 {
		return Owner{}, false
	}
	best := from[0]
	for _, owner := range from[1:] {
		if better(owner, best) {
			best = owner
		}
	}
	return best, true
}

// itemPrefix begins an item of a list that is told by its key (KEP-555, FieldsV1).
const itemPrefix = "k:"

func elementsOf(path []string) (fieldpath.Path, error) {
	elements := make(fieldpath.Path, 0, len(path))
	for _, name := range path {
		if !strings.HasPrefix(name, itemPrefix+"{") {
			elements = append(elements, fieldpath.PathElement{FieldName: &name})
			continue
		}
		element, err := fieldpath.DeserializePathElement(name)
		if err != nil {
			return nil, fmt.Errorf("reading the path element %q: %w", name, err)
		}
		elements = append(elements, element)
	}
	return elements, nil
}

// atomic are the maps that are owned as a whole: the API marks them x-kubernetes-map-type: atomic. What is below them is
// recorded of none.
var atomic = map[string]bool{"selector": true, "nodeSelector": true}

// covers reports whether a set holds the field, something below it, or the atomic map around it.
func covers(set *fieldpath.Set, path fieldpath.Path) bool {
	for i, element := range path {
		below, ok := set.Children.Get(element)
		if !ok {
			whole := i == len(path)-1 || element.FieldName != nil && atomic[*element.FieldName]
			return whole && set.Members.Has(element)
		}
		set = below
	}
	return true
}
