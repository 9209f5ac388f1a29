// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Right is one verb on one resource, as a role grants it.
type Right struct {
	// Namespace is a Role's. A ClusterRole has none and grants everywhere.
	Namespace string
	// Resource has its subresource behind a slash, as in pods/log.
	Group, Resource string
	// Name is the only object that the right is about, or empty.
	Name string
	Verb string
}

func (r Right) String() string {
	text := r.Verb + " " + qualified(r.Group, r.Resource)
	if r.Name != "" {
		text += " named " + r.Name
	}
	if r.Namespace != "" {
		text += " in " + r.Namespace
	}
	return text
}

// Rights are what the roles in a folder of manifests grant, one by one. A star is an error: nobody can tell what it is for.
func Rights(folder string) ([]Right, error) {
	objects, err := manifests(folder)
	if err != nil {
		return nil, err
	}
	var rights []Right
	for _, object := range objects {
		if object.GetKind() != "ClusterRole" && object.GetKind() != "Role" {
			continue
		}
		var role rbacv1.Role // of a ClusterRole too: its rules are the same, and it has no namespace
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role); err != nil {
			return nil, fmt.Errorf("reading %s %s: %w", object.GetKind(), object.GetName(), err)
		}
		for _, rule := range role.Rules {
			found, err := expand(role.Namespace, rule)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
			}
			rights = append(rights, found...)
		}
	}
	if len(rights) == 0 {
		return nil, fmt.Errorf("no role in %s", folder)
	}
	return rights, nil
}

func expand(namespace string, rule rbacv1.PolicyRule) ([]Right, error) {
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	var rights []Right
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, name := range names {
				for _, verb := range rule.Verbs {
					right := Right{Namespace: namespace, Group: group, Resource: resource, Name: name, Verb: verb}
					if strings.Contains(right.String(), "*") {
						return nil, fmt.Errorf("%s holds a star", right)
					}
					rights = append(rights, right)
				}
			}
		}
	}
	return rights, nil
}

// manifests are all objects in the YAML files of a folder.
func manifests(folder string) ([]unstructured.Unstructured, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var objects []unstructured.Unstructured
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		for decoder := yaml.NewYAMLOrJSONDecoder(file, 4096); ; {
			var object unstructured.Unstructured
			err := decoder.Decode(&object.Object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", path, err)
			}
			if object.Object != nil {
				objects = append(objects, object)
			}
		}
	}
	return objects, nil
}

func (r Right) grants(e Entry) bool {
	return r.Verb == e.Verb && r.Group == e.Group && r.Resource == withSub(e.Resource, e.Subresource) &&
		(r.Namespace == "" || r.Namespace == e.Namespace) && (r.Name == "" || r.Name == e.Name)
}

// narrower orders rights that grant the same: what is granted for one object and in one place is not granted everywhere for it.
func narrower(a, b Right) int {
	return cmp.Or(strings.Compare(b.Name, a.Name), strings.Compare(b.Namespace, a.Namespace))
}

// Usage is rights held against what was asked for.
type Usage struct {
	Rights []Right
	// Used counts for each of the Rights the requests that it let through. A request counts for the narrowest of those that do.
	Used []int
	// Missing are requests that the authorizer refused, or that none of the Rights lets through: one of each kind.
	Missing Entries
}

// Hold holds rights against the requests of one user. Requests about no object, such as discovery, are everybody's right. A watch that
// begins with all that there is counts as a list too: an API server that knows no such watch is sent one, by the same line of code.
func Hold(rights []Right, entries Entries) Usage {
	rights = slices.Clone(rights)
	slices.SortStableFunc(rights, narrower)
	usage := Usage{Rights: rights, Used: make([]int, len(rights))}
	told := map[string]bool{}
	narrowest := func(entry Entry) int {
		return slices.IndexFunc(rights, func(r Right) bool { return r.grants(entry) })
	}
	for _, entry := range entries {
		if entry.Streams && entry.Allowed {
			list := entry
			list.Verb = "list"
			if by := narrowest(list); by >= 0 {
				usage.Used[by]++
			}
		}
		by := narrowest(entry)
		switch {
		case entry.Allowed && by >= 0:
			usage.Used[by]++
		case entry.Allowed && entry.Resource == "", told[entry.String()]:
		default:
			told[entry.String()] = true
			usage.Missing = append(usage.Missing, entry)
		}
	}
	return usage
}

// Unused are the rights that let nothing through.
func (u Usage) Unused() []Right {
	var unused []Right
	for i, right := range u.Rights {
		if u.Used[i] == 0 {
			unused = append(unused, right)
		}
	}
	return unused
}

// String is a table for people, with what is missing at its end.
func (u Usage) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, right := range u.Rights {
		fmt.Fprintf(table, "%d\t %s\n", u.Used[i], right)
	}
	table.Flush()
	for _, entry := range u.Missing {
		fmt.Fprintf(&text, "MISSING: %s in %q, answered with %d\n", entry, entry.Namespace, entry.Code)
	}
	return text.String()
}
