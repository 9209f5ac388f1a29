// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package starting

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/diagnosis/words"
)

// likeImage is an image that a wrong one was likely meant to be, and who uses it.
type likeImage struct{ image, user string }

// nearImage finds an image of the same or of a like name: one that an earlier revision of the container ran, else one
// that another container of the namespace's workloads has.
func nearImage(s *snapshot.Snapshot, c snapshot.Container) (likeImage, bool) {
	candidates := usedImages(s, c)
	for _, sameName := range []bool{true, false} { // a wrong tag is more likely than a wrong name
		for _, one := range candidates {
			if one.image != c.Spec.Image && likeName(c.Spec.Image, one.image, sameName) {
				return one, true
			}
		}
	}
	return likeImage{}, false
}

func usedImages(s *snapshot.Snapshot, c snapshot.Container) []likeImage {
	var all []likeImage
	for i := range s.ReplicaSets {
		rs := &s.ReplicaSets[i]
		if image := snapshot.ImageIn(rs, c.Spec.Name); image != "" {
			all = append(all, likeImage{image, fmt.Sprintf("revision %d has it", snapshot.Revision(rs))})
		}
	}
	if earlier := s.EarlierThan(c.Pod); earlier != nil {
		if before := snapshot.ContainerIn(earlier.Spec, c.Spec.Name); before != nil {
			all = append(all, likeImage{before.Image, earlier.Told + " has it"})
		}
	}
	for _, w := range s.Workloads {
		for _, specs := range [][]corev1.Container{w.Template.Spec.InitContainers, w.Template.Spec.Containers} {
			for i := range specs {
				all = append(all, likeImage{specs[i].Image, w.String() + " uses it"})
			}
		}
	}
	return all
}

// likeName reports whether two images have the same name, or like ones part by part.
func likeName(image, other string, same bool) bool {
	a, b := strings.Split(nameOfImage(image), "/"), strings.Split(nameOfImage(other), "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && (same || words.Nearest(a[i], []string{b[i]}) == "") {
			return false
		}
	}
	return true
}

// nameOfImage is a reference without its digest and its tag. A colon before the last slash is that of a port.
func nameOfImage(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		image = image[:colon]
	}
	return image
}
