// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package audit reads what an API server wrote down of the requests that it was sent: what a heal costs in writes, and which rights
// the programs use. It is the API server's own word, where a counting client would see what that client does and nothing else.
package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The users that the programs are.
const (
	Operator = "system:serviceaccount:cortex-system:cortex-operator"
	Gateway  = "system:serviceaccount:cortex-system:cortex-gateway"
)

// Entry is one request.
type Entry struct {
	User, Verb string
	// Group to Name are of the object that the request is about. Resource is empty where there is none, as for /apis.
	Group, Resource, Subresource, Namespace, Name string
	// Streams tells that a watch begins with all that there is, in place of a list (KEP-3157).
	Streams bool
	// Path is the URI without what is asked of it.
	Path string
	// Code is the HTTP status of the answer.
	Code int
	// Allowed tells what the authorizer decided. A 403 may be the word of another, such as of a quota.
	Allowed bool
	// Time is when the API server received the request.
	Time time.Time
}

func (e Entry) String() string {
	if e.Resource == "" {
		return e.Verb + " " + e.Path
	}
	return e.Verb + " " + qualified(e.Group, withSub(e.Resource, e.Subresource))
}

// Entries are requests in the order in which they were answered.
type Entries []Entry

// Of are those of one user.
func (e Entries) Of(user string) Entries {
	return e.where(func(entry Entry) bool { return entry.User == user })
}

// In are those about objects of one namespace, Events among them, which are where their object is.
func (e Entries) In(namespace string) Entries {
	return e.where(func(entry Entry) bool { return entry.Namespace == namespace })
}

// Since are those that were received at a time or later.
func (e Entries) Since(start time.Time) Entries {
	return e.where(func(entry Entry) bool { return !entry.Time.Before(start) })
}

func (e Entries) where(keep func(Entry) bool) Entries {
	var kept Entries
	for _, entry := range e {
		if keep(entry) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// Read reads an audit log in JSON lines, and before it those that it was rotated to. A line that is still being written is left out.
func Read(path string) (Entries, error) {
	extension := filepath.Ext(path)
	// They are named after the time of their end, so that they sort by it.
	paths, err := filepath.Glob(strings.TrimSuffix(path, extension) + "-*" + extension)
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var entries Entries
	seen := map[string]bool{}
	for _, path := range append(paths, path) {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		err = parse(file, func(line event) {
			// A watch is told when it begins and again when it ends.
			if !seen[line.AuditID] {
				seen[line.AuditID] = true
				entries = append(entries, line.entry())
			}
		})
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("reading the audit log %s: %w", path, err)
		}
	}
	return entries, nil
}

func parse(from io.Reader, found func(event)) error {
	reader := bufio.NewReader(from)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var parsed event
		if err := json.Unmarshal(line, &parsed); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		found(parsed)
	}
}

// event is the part of an audit.k8s.io/v1 Event that an Entry is made of.
type event struct {
	AuditID    string `json:"auditID"`
	RequestURI string `json:"requestURI"`
	Verb       string `json:"verb"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		APIGroup    string `json:"apiGroup"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	Received    time.Time         `json:"requestReceivedTimestamp"`
	Annotations map[string]string `json:"annotations"`
}

func (e event) entry() Entry {
	path, query, _ := strings.Cut(e.RequestURI, "?")
	return Entry{
		User: e.User.Username, Verb: e.Verb,
		Group: e.ObjectRef.APIGroup, Resource: e.ObjectRef.Resource, Subresource: e.ObjectRef.Subresource,
		Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name,
		Streams: slices.Contains(strings.Split(query, "&"), "sendInitialEvents=true"), Path: path,
		Code: e.ResponseStatus.Code, Allowed: e.Annotations["authorization.k8s.io/decision"] == "allow", Time: e.Received,
	}
}

func withSub(resource, subresource string) string {
	if subresource == "" {
		return resource
	}
	return resource + "/" + subresource
}

// qualified is the name that kubectl has for a resource: deployments.apps/scale.
func qualified(group, resource string) string {
	resource, subresource, _ := strings.Cut(resource, "/")
	if group != "" {
		resource += "." + group
	}
	return withSub(resource, subresource)
}
