// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// marker is what controller-gen makes a rule of.
const marker = "+kubebuilder:rbac:"

// right is what one marker asks for on one resource.
type right struct {
	// on is the resource as kubectl names it, such as deployments.apps, and where and which if it is not all of them.
	on    string
	verbs []string
	why   string
	// file has the marker; folder is where it is.
	file, folder string
}

// rightsIn reads the markers of a folder and those below it. A folder that is not there has none, as for controller-gen.
func rightsIn(folder string) ([]right, error) {
	files := token.NewFileSet()
	var rights []right
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil && name == folder {
			return fs.SkipAll
		}
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, comments := range file.Comments {
			found, err := rightsOf(comments)
			if err != nil {
				return fmt.Errorf("%s: %w", files.Position(comments.Pos()), err)
			}
			for _, r := range found {
				r.file, r.folder = filepath.ToSlash(name), path.Dir(filepath.ToSlash(name))
				rights = append(rights, r)
			}
		}
		return nil
	})
	return rights, err
}

// rightsOf reads one comment: a reason, and the markers below it that it is the reason of.
func rightsOf(comments *ast.CommentGroup) ([]right, error) {
	var rights []right
	var why []string
	above := false // the line above was a marker, so that text begins another reason
	for _, comment := range comments.List {
		text := strings.TrimSpace(strings.TrimPrefix(comment.Text, "//"))
		fields, isMarker := strings.CutPrefix(text, marker)
		switch {
		case !isMarker && above:
			why = []string{text}
		case !isMarker:
			why = append(why, text)
		case len(why) == 0:
			return nil, fmt.Errorf("%s has no reason: say in a comment right above it what the right is for", text)
		default:
			found, err := parse(fields)
			if err != nil {
				return nil, err
			}
			for _, r := range found {
				r.why = strings.ReplaceAll(strings.Join(why, " "), "|", `\|`)
				rights = append(rights, r)
			}
		}
		above = isMarker
	}
	return rights, nil
}

// parse reads "groups=apps,resources=deployments;daemonsets,verbs=get;list".
func parse(fields string) ([]right, error) {
	values := map[string][]string{}
	for _, field := range strings.Split(fields, ",") {
		name, value, _ := strings.Cut(field, "=")
		values[name] = strings.Split(strings.ReplaceAll(value, `"`, ""), ";")
	}
	var rights []right
	for _, group := range values["groups"] {
		for _, resource := range values["resources"] {
			r := right{on: "`" + qualified(resource, group) + "`", verbs: values["verbs"]}
			if names := values["resourceNames"]; names != nil {
				r.on += " named `" + strings.Join(names, "`, `") + "`"
			}
			if namespace := values["namespace"]; namespace != nil {
				r.on += " in `" + namespace[0] + "`"
			}
			rights = append(rights, r)
		}
	}
	if len(rights) == 0 || len(values["verbs"]) == 0 {
		return nil, fmt.Errorf("%s%s names no groups, resources or verbs", marker, fields)
	}
	return rights, nil
}

// qualified is the name that kubectl has for a resource: deployments.apps/scale.
func qualified(resource, group string) string {
	resource, subresource, of := strings.Cut(resource, "/")
	if group != "" {
		resource += "." + group
	}
	if of {
		resource += "/" + subresource
	}
	return resource
}
