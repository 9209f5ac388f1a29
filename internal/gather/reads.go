// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/foreign"
)

const (
	// pageSize and maxPages bound one list to 2000 objects, but for Events (events.go). A namespace that holds more of a kind is read
	// in part, and the snapshot says so.
	pageSize = 500
	maxPages = 4
	// parallel bounds the requests that are under way at once. Priority and Fairness would queue more of one user's.
	parallel = 16
)

var errTruncated = errors.New("there are too many to read them all")

// read fills one list of objects. Each writes to a field of its own, so they may run at once.
type read struct {
	kind string
	run  func(context.Context) error
}

// run makes reads at once. A kind that was read whole is no longer unread; one that was not is a gap. It returns the
// errors by kind.
func run(ctx context.Context, o *snapshot.Objects, reads []read) map[string]error {
	failures := make([]error, len(reads))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, read := range reads {
		group.Go(func() error { failures[i] = read.run(ctx); return nil })
	}
	_ = group.Wait()
	failed := map[string]error{}
	for i, read := range reads {
		if failures[i] == nil {
			continue
		}
		o.Gaps = append(o.Gaps, gap(read.kind, failures[i]))
		failed[read.kind] = failures[i]
	}
	for _, read := range reads {
		o.Unread = slices.DeleteFunc(o.Unread, func(kind string) bool { return kind == read.kind && failed[kind] == nil })
		if failed[read.kind] != nil && o.Complete(read.kind) {
			o.Unread = append(o.Unread, read.kind)
		}
	}
	return failed
}

// gap tells what could not be read, and why, to somebody who may be able to change it.
func gap(kind string, err error) string {
	plural := plural(kind)
	switch {
	case apierrors.IsForbidden(err):
		return "not allowed to read " + plural
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		return "this cluster serves no " + plural
	default:
		return foreign.Line(fmt.Sprintf("could not read %s (%v)", plural, err), finding.MaxEvidence)
	}
}

func plural(kind string) string {
	if one, of, partial := strings.Cut(kind, " "); partial {
		return plural(one) + " " + of
	}
	switch {
	case strings.HasSuffix(kind, "y"):
		return strings.TrimSuffix(kind, "y") + "ies"
	case strings.HasSuffix(kind, "ss"):
		return kind + "es"
	case strings.HasSuffix(kind, "s"):
		return kind
	default:
		return kind + "s"
	}
}

// listInto returns a read of one kind into dst, page by page, of the part of each object that is needed. Lists without a
// resourceVersion are consistent and come from the API server's watch cache (KEP-2340). What was read before an error
// stays.
func listInto[T, L any, P interface {
	*L
	client.ObjectList
}](kind string, reader client.Reader, dst *[]T, items func(P) []T, trim func(*T), opts ...client.ListOption) read {
	return read{kind, func(ctx context.Context) error {
		err := pages(ctx, reader, maxPages, func() P { return new(L) }, func(page P) {
			for _, item := range items(page) {
				trim(&item)
				*dst = append(*dst, item)
			}
		}, opts...)
		if errors.Is(err, errTruncated) {
			return fmt.Errorf("only %d were read: %w", len(*dst), err)
		}
		return err
	}}
}

// pages reads a list page by page. The error is errTruncated if there are more than most. empty makes the list of each page: decoding into
// the one before would overwrite what was kept of it.
func pages[L client.ObjectList](ctx context.Context, reader client.Reader, most int, empty func() L, each func(L), opts ...client.ListOption) error {
	var next string
	for range most {
		page := empty()
		if err := reader.List(ctx, page, append(slices.Clone(opts), client.Limit(pageSize), client.Continue(next))...); err != nil {
			return err
		}
		each(page)
		if next = page.GetContinue(); next == "" {
			return nil
		}
	}
	return errTruncated
}

// getInto returns a read of objects by their names. One that is not there is none of the list, and no error.
func getInto[T any, P interface {
	*T
	client.Object
}](kind string, reader client.Reader, dst *[]T, trim func(*T), keys ...types.NamespacedName) read {
	return read{kind, func(ctx context.Context) error {
		var mu sync.Mutex
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallel)
		for _, key := range keys {
			group.Go(func() error {
				one := P(new(T))
				if err := reader.Get(ctx, key, one); err != nil {
					return client.IgnoreNotFound(err)
				}
				mu.Lock()
				defer mu.Unlock()
				trim((*T)(one))
				*dst = append(*dst, *one)
				return nil
			})
		}
		return group.Wait()
	}}
}
