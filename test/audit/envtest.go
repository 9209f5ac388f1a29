// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// group is that of all ServiceAccounts of the programs' namespace.
const group = "system:serviceaccounts:cortex-system"

// policy has the API server write a line for each request of the programs, as hack/localkube has it.
const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, userGroups: ["` + group + `"]}
- {level: None}
`

// Envtest has the API server of an environment that is not started yet write an audit log into a folder. It returns the log's path.
func Envtest(env *envtest.Environment, folder string) (string, error) {
	path, rules := filepath.Join(folder, "audit.log"), filepath.Join(folder, "audit-policy.yaml")
	if err := os.WriteFile(rules, []byte(policy), 0o600); err != nil {
		return "", fmt.Errorf("writing the audit policy: %w", err)
	}
	env.ControlPlane.GetAPIServer().Configure().Set("audit-policy-file", rules).Set("audit-log-path", path)
	return path, nil
}

// Account makes a ServiceAccount's user in a started environment, installs the manifests of a folder, which give that user its
// rights, and waits until the API server grants all of them. What the user does with the result is in the audit log.
func Account(ctx context.Context, env *envtest.Environment, admin client.Client, user, folder string) (*rest.Config, error) {
	account, err := env.AddUser(envtest.User{Name: user, Groups: []string{"system:serviceaccounts", group}}, nil)
	if err != nil {
		return nil, fmt.Errorf("adding the user %s: %w", user, err)
	}
	objects, err := manifests(folder)
	if err != nil {
		return nil, err
	}
	home := strings.TrimPrefix(group, "system:serviceaccounts:")
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: home}}
	if err := client.IgnoreAlreadyExists(admin.Create(ctx, namespace)); err != nil {
		return nil, fmt.Errorf("creating namespace %s: %w", home, err)
	}
	for i := range objects {
		if objects[i].GetKind() == "Kustomization" {
			continue
		}
		if err := client.IgnoreAlreadyExists(admin.Create(ctx, &objects[i])); err != nil {
			return nil, fmt.Errorf("creating %s %s: %w", objects[i].GetKind(), objects[i].GetName(), err)
		}
	}
	rights, err := Rights(folder)
	if err != nil {
		return nil, err
	}
	for _, right := range rights {
		if err := granted(ctx, admin, user, right); err != nil {
			return nil, fmt.Errorf("waiting for %s to be allowed to %s: %w", user, right, err)
		}
	}
	return account.Config(), nil
}

// granted waits until the API server, which reads roles some time after they are written, says that a user has a right.
func granted(ctx context.Context, admin client.Client, user string, right Right) error {
	resource, subresource, _ := strings.Cut(right.Resource, "/")
	return wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user, Groups: []string{group},
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: right.Namespace, Verb: right.Verb, Group: right.Group,
				Resource: resource, Subresource: subresource, Name: right.Name,
			},
		}}
		err := admin.Create(ctx, review)
		return review.Status.Allowed, err
	})
}
