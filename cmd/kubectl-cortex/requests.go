// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
)

// maxPerson bounds the name of a person in a request, and maxReason what they say: the API's bounds.
const (
	maxPerson = 253
	maxReason = 1024
)

// requests are the HealingRequests of a cluster, as far as the user may see and change them.
type requests struct {
	client    client.WithWatch
	clientset kubernetes.Interface
	clock     clock.Clock
	namespace string
	// user is whom the kubeconfig says that it is.
	user string
	// where is the address, for errors.
	where string
}

// connectRequests takes the user's kubeconfig and flags.
func connectRequests(config *genericclioptions.ConfigFlags, clock clock.Clock) (*requests, error) {
	settings, namespace, err := settingsOf(config)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	watching, err := client.NewWithWatch(settings, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("building the client: %w", err)
	}
	clientset, err := kubernetes.NewForConfig(settings)
	if err != nil {
		return nil, fmt.Errorf("building the client: %w", err)
	}
	return &requests{
		client: watching, clientset: clientset, clock: clock, namespace: namespace, where: settings.Host, user: userOf(config),
	}, nil
}

// userOf is the user of the kubeconfig's context.
func userOf(config *genericclioptions.ConfigFlags) string {
	raw, err := config.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return ""
	}
	name := raw.CurrentContext
	if config.Context != nil && *config.Context != "" {
		name = *config.Context
	}
	if current := raw.Contexts[name]; current != nil {
		return current.AuthInfo
	}
	return ""
}

// who is the user by the API server's own word, or else by the kubeconfig's.
func (q *requests) who(ctx context.Context) string {
	review, err := q.clientset.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err == nil && review.Status.UserInfo.Username != "" {
		return foreign.Line(review.Status.UserInfo.Username, maxPerson)
	}
	return foreign.Line(q.user, maxPerson)
}

// list gives the requests of a namespace, or of all if it is empty, by name.
func (q *requests) list(ctx context.Context, namespace string) ([]v1alpha1.HealingRequest, error) {
	var all v1alpha1.HealingRequestList
	if err := q.client.List(ctx, &all, client.InNamespace(namespace)); err != nil {
		return nil, q.explain(ctx, "list", err)
	}
	slices.SortFunc(all.Items, func(a, b v1alpha1.HealingRequest) int {
		return slices.Compare([]string{a.Namespace, a.Name}, []string{b.Namespace, b.Name})
	})
	return all.Items, nil
}

// explain tells what to do about a request to the API server that failed.
func (q *requests) explain(ctx context.Context, verb string, err error) error {
	role := "edit"
	if verb == "get" || verb == "list" || verb == "watch" {
		role = "view"
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case meta.IsNoMatchError(err):
		return fmt.Errorf("this cluster knows no HealingRequest: Cortex is not installed in it, or another cluster is meant (--context; this is %s)", q.where)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("you may not %s healingrequests.%s in namespace %s; the role %s of the namespace allows it.\nThe API server says: %w",
			verb, v1alpha1.GroupVersion.Group, q.namespace, role, err)
	case apierrors.IsInvalid(err), apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return err
	default:
		return fmt.Errorf("%w\nIs the cluster at %s the right one (--context), and does it answer ('kubectl get heal -n %s')?", err, q.where, q.namespace)
	}
}
