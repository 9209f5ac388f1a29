// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// Patch is what a finding suggests, as data: the whole change of one workload or Service, so that exactly that is applied
// once a person has approved the command that says the same. Other kinds are not Cortex's to change: for those there is a
// command and no Patch. What is written comes from the objects that were read; a log or an event gives no value.
type Patch struct {
	// Object to change, as it was when it was looked at.
	Object v1alpha1.ObjectReference
	v1alpha1.Patch
	// Shown is the command that people read and approve: Command, or a shorter one that does the same.
	Shown string
}

// StrategicPatch merges a change into an object of a namespace, lists by the names of their items.
func StrategicPatch(object v1alpha1.ObjectReference, namespace string, change any) *Patch {
	return newPatch(object, namespace, v1alpha1.PatchStrategic, change)
}

// MergePatch merges a change into an object of a namespace (RFC 7386).
func MergePatch(object v1alpha1.ObjectReference, namespace string, change any) *Patch {
	return newPatch(object, namespace, v1alpha1.PatchMerge, change)
}

// JSONPatch does operations on an object of a namespace, all or none (RFC 6902). It is nil without any.
func JSONPatch(object v1alpha1.ObjectReference, namespace string, operations ...Operation) *Patch {
	if len(operations) == 0 {
		return nil
	}
	return newPatch(object, namespace, v1alpha1.PatchJSON, operations)
}

// newPatch is nil where the change cannot be written.
func newPatch(object v1alpha1.ObjectReference, namespace string, of v1alpha1.PatchType, change any) *Patch {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false) // a person reads it
	if err := encoder.Encode(change); err != nil {
		return nil
	}
	p := &Patch{Object: object, Patch: v1alpha1.Patch{Type: of, Data: strings.TrimSuffix(data.String(), "\n")}}
	p.Shown = p.Command(namespace)
	return p
}

// as shows a patch by another command that does the same and reads better.
func (p *Patch) as(format string, args ...any) *Patch {
	if p != nil {
		p.Shown = fmt.Sprintf(format, args...)
	}
	return p
}

// Command is the patch as a line for a shell. The namespace is that of the target; an object of another one names its own.
func (p Patch) Command(namespace string) string {
	if p.Object.Namespace != "" {
		namespace = p.Object.Namespace
	}
	return fmt.Sprintf("kubectl patch %s %s -n %s --type=%s -p %s",
		words.Argument(words.Lower(p.Object.Kind)), words.Argument(p.Object.Name), words.Argument(namespace), words.Argument(string(p.Type)), words.Quote(p.Data))
}

// valid reports whether a patch can be approved for what it is: it fits into the status, hides nothing, and its object can
// exist.
func (p Patch) valid() bool {
	return whole(p.Data) != "" && len(validation.IsDNS1123Subdomain(p.Object.Name)) == 0
}
