// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// What is wrong with the credentials for an image: the details of ImagePullUnauthorized.
const (
	detailSecretNotFound = "PullSecretNotFound"
	detailNoSecret       = "NoPullSecret"
	detailRefused        = "Refused"
)

// retrieveFailed is the kubelet's word for pull secrets that it could not read (pkg/kubelet/kubelet_pods.go,
// getPullSecretsForPod).
var retrieveFailed = regexp.MustCompile(`Unable to retrieve some image pull secrets \(([^)]*)\)`)

// anonymous tells that the runtime had no credentials for the registry at all (containerd, docker/authorizer.go).
var anonymous = regexp.MustCompile(`failed to fetch anonymous token|no basic auth credentials`)

// credentials is what the pull secrets of a pod prove of a refusal.
type credentials struct {
	detail string
	// words complete the finding's message.
	words    string
	evidence []string
	advice   string
	patch    *finding.Patch
	// restart is a command instead of a patch.
	restart string
}

// credentialsOf looks at the pull secrets that a pod names. Those of its ServiceAccount are among them: they were copied
// into the pod when it was made and named none (plugin/pkg/admission/serviceaccount).
func credentialsOf(s *snapshot.Snapshot, c snapshot.Container, message string) credentials {
	names := words.Names(c.Pod.Spec.ImagePullSecrets, func(ref *corev1.LocalObjectReference) string { return ref.Name })
	if len(names) == 0 {
		return noSecret(s, c)
	}
	if missing := missingSecrets(s, c.Pod, names); len(missing) > 0 {
		return secretNotFound(s, c, missing)
	}
	found := credentials{detail: detailRefused}
	for _, name := range names {
		secret := s.Secret(name)
		if secret == nil {
			continue
		}
		if !isPullSecret(secret) {
			found.words = fmt.Sprintf("; pull secret %s is of type %s, which no pull uses", name, secret.Type)
			found.advice = fmt.Sprintf("Make Secret %s anew, of type %s (kubectl create secret docker-registry).", name, corev1.SecretTypeDockerConfigJson)
		}
		found.evidence = append(found.evidence, fmt.Sprintf("Secret %s is there, of type %s", name, secret.Type))
	}
	if found.words == "" && anonymous.MatchString(message) {
		found.words = fmt.Sprintf("; the node asked without credentials, so no pull secret that it has is for %s", registryOf(c.Spec.Image))
		found.advice = fmt.Sprintf("Put credentials for %s into one of the pull secrets %s.", registryOf(c.Spec.Image), strings.Join(names, ", "))
	}
	return found
}

// isPullSecret: the kubelet passes over Secrets of any other type (pkg/credentialprovider/secrets, MakeDockerKeyring).
func isPullSecret(secret *snapshot.Secret) bool {
	return secret.Type == corev1.SecretTypeDockerConfigJson || secret.Type == corev1.SecretTypeDockercfg || secret.Type == ""
}

// missingSecrets are the pull secrets that are not there: by the objects, else by the kubelet's word that no object
// contradicts.
func missingSecrets(s *snapshot.Snapshot, pod *corev1.Pod, names []string) []string {
	var untold string
	for _, event := range s.EventsOfPod(pod) {
		if at := retrieveFailed.FindStringSubmatch(head(event.Message)); at != nil && untold == "" {
			untold = at[1]
		}
	}
	told := strings.Split(untold, ", ")
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return s.Secret(name) != nil || !s.Complete(snapshot.KindSecret) && !slices.Contains(told, name)
	})
}

func secretNotFound(s *snapshot.Snapshot, c snapshot.Container, missing []string) credentials {
	name, who := missing[0], "the kubelet could not read"
	if s.Complete(snapshot.KindSecret) {
		who = fmt.Sprintf("namespace %s does not have", s.Namespace)
	}
	found := credentials{
		detail:   detailSecretNotFound,
		words:    fmt.Sprintf("; pull secret %s is not there", strings.Join(missing, ", ")),
		evidence: []string{fmt.Sprintf("imagePullSecrets of Pod %s names %s, which %s", c.Pod.Name, strings.Join(missing, ", "), who)},
		advice:   createSecret(s, name, c.Spec.Image),
	}
	if near := words.Nearest(name, pullSecretsOf(s)); near != "" {
		found.words += "; " + near + " is"
		found.advice = fmt.Sprintf("Name pull secret %s instead, if that is meant. Else: %s", near, found.advice)
		found.patch = rename(s, pullPlaces, name, near)
	}
	return found
}

func noSecret(s *snapshot.Snapshot, c snapshot.Container) credentials {
	found := credentials{detail: detailNoSecret, words: "; the pods name no pull secret", advice: createSecret(s, "registry-credentials", c.Spec.Image) + " Then name it in imagePullSecrets."}
	account := c.Pod.Spec.ServiceAccountName
	if sa := s.ServiceAccount(account); sa != nil {
		if names := words.Names(sa.ImagePullSecrets, func(ref *corev1.LocalObjectReference) string { return ref.Name }); len(names) > 0 {
			found.evidence = append(found.evidence, fmt.Sprintf("ServiceAccount %s names %s by now; the pods were made before", account, strings.Join(names, ", ")))
			found.advice = fmt.Sprintf("Make the pods anew: they get the pull secrets %s of ServiceAccount %s only when they are made.", strings.Join(names, ", "), account)
			if s.Workload != nil {
				found.restart = "kubectl rollout restart " + target(s)
			}
			return found
		}
		found.evidence = append(found.evidence, fmt.Sprintf("neither Pod %s nor ServiceAccount %s names imagePullSecrets", c.Pod.Name, account))
	} else {
		found.evidence = append(found.evidence, fmt.Sprintf("Pod %s names no imagePullSecrets", c.Pod.Name))
	}
	if names := pullSecretsOf(s); len(names) == 1 {
		found.evidence = append(found.evidence, fmt.Sprintf("Secret %s of the namespace is a pull secret", names[0]))
		found.advice = fmt.Sprintf("Name pull secret %s in imagePullSecrets, if it is for %s.", names[0], registryOf(c.Spec.Image))
		found.patch = finding.PodSpecPatch(s.Workload, map[string]any{"imagePullSecrets": []any{map[string]string{"name": names[0]}}})
	}
	return found
}

// pullSecretsOf are the Secrets of the namespace that pulls can use.
func pullSecretsOf(s *snapshot.Snapshot) []string {
	secrets := snapshot.Keep(s.All.Secrets, func(secret *snapshot.Secret) bool {
		return secret.Namespace == s.Namespace && secret.Type != "" && isPullSecret(secret)
	})
	names := words.Names(secrets, func(secret *snapshot.Secret) string { return secret.Name })
	slices.Sort(names)
	return names
}

func createSecret(s *snapshot.Snapshot, name, image string) string {
	return fmt.Sprintf("Create Secret %[1]s with the user and the password for the registry: kubectl create secret docker-registry %[1]s -n %[2]s --docker-server=%[3]s with the options for both.", name, s.Namespace, registryOf(image))
}
