// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package workloads

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/diagnosis/finding"
	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// accountMessage is what the service account admission says: "error looking up service account ns/name: serviceaccount
// "name" not found" (plugin/pkg/admission/serviceaccount/admission.go), and what it said before 1.13.
var accountMessage = regexp.MustCompile(`(?:error looking up )?service account [^\s/]+/([^\s/:]+)(?:: serviceaccounts? "[^"]*" not found| was not found)`)

func parseAccount(text string) (name string, ok bool) {
	match := accountMessage.FindStringSubmatch(text)
	if match == nil {
		return "", false
	}
	return match[1], true
}

// serviceAccountNotFound finds a template that names an account which is not there. A refusal alone proves little: where
// manifests are applied in any order, the account often comes a second later.
func serviceAccountNotFound(s *snapshot.Snapshot) []finding.Finding {
	for _, m := range lacking(s) {
		r, told := refused(s, m)
		if of, ok := refusedDeployment(s); ok && !told && of.maker.object == m.object {
			r, told = of, true // its ReplicaSets were not read
		}
		name, said := parseAccount(r.text)
		if !said && !told {
			name = accountOf(&m.template.Spec)
		}
		if name == "" || s.ServiceAccount(name) != nil {
			continue
		}
		known := s.Complete(snapshot.KindServiceAccount)
		if !said && !known {
			continue
		}
		confidence := v1alpha1.Likely
		if known {
			confidence = v1alpha1.Certain
		}
		f := missingAccount(s, m, name)
		f.Confidence = confidence
		if said {
			f.Evidence = append([]string{r.evidence}, f.Evidence...)
		}
		return []finding.Finding{f} // other revisions say the same
	}
	return nil
}

// accountOf is the account that a template names; the default one is made by a controller, and is nobody's mistake.
func accountOf(spec *corev1.PodSpec) string {
	name := spec.ServiceAccountName
	if name == "" {
		name = spec.DeprecatedServiceAccount
	}
	if name == "default" {
		return ""
	}
	return name
}

func missingAccount(s *snapshot.Snapshot, m maker, name string) finding.Finding {
	f := finding.New(v1alpha1.CauseServiceAccountNotFound, s.Workload.Reference(), v1alpha1.Likely,
		fmt.Sprintf("%s, serviceAccountName: ServiceAccount %s does not exist, so its pods are refused (%s)", s.Workload, name, m.missing()))
	f.Stuck = true
	f.Recommendation = fmt.Sprintf("Create ServiceAccount %s in namespace %s, or name one that exists in spec.template.spec.serviceAccountName of %s.", name, s.Namespace, s.Workload)
	if accountOf(&s.Workload.Template.Spec) != name {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s asks for it, and the template of %s for %q: an older revision", m, s.Workload, s.Workload.Template.Spec.ServiceAccountName))
	}
	f.SuggestedPatch = fmt.Sprintf("kubectl create serviceaccount %s -n %s", name, s.Namespace)
	if !s.Complete(snapshot.KindServiceAccount) {
		return f
	}
	names := snapshot.NamesIn(s.All.ServiceAccounts, s.Namespace, func(o *corev1.ServiceAccount) metav1.Object { return o })
	slices.Sort(names)
	f.Evidence = append(f.Evidence, fmt.Sprintf("ServiceAccounts of namespace %s: %s", s.Namespace, strings.Join(names, ", ")))
	near := words.Nearest(name, names)
	if near != "" {
		f.Message += fmt.Sprintf("; ServiceAccount %s exists", near)
	}
	if near != "" && accountOf(&s.Workload.Template.Spec) == name {
		f.Suggest(finding.SetServiceAccount(s.Workload, near))
	}
	return f
}
