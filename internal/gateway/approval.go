// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ry-ops/cortex/api/v1alpha1"
	"github.com/ry-ops/cortex/internal/foreign"
	"github.com/ry-ops/cortex/internal/healing"
)

// maxName bounds the name of an object or a person, in characters (api/v1alpha1).
const maxName = 253

// Approver tells whether who makes a request may answer for a heal, and their name for the record. An error means that it does not
// know. It is asked for each answer, and for each question that is shown.
type Approver interface {
	MayAnswer(r *http.Request, heal types.NamespacedName) (who string, may bool, err error)
}

// waitingFor is what a heal asks a person.
type waitingFor struct {
	// Version of the request that is shown: an answer is to this one, and to no other.
	Version string `json:"version"`
	// MayAnswer says that the one who reads this may answer it here.
	MayAnswer bool `json:"mayAnswer"`
	// Command answers it from a terminal.
	Command string `json:"command"`
}

// questionOf is nil if a request waits for nobody.
func (s *Server) questionOf(r *http.Request, request *v1alpha1.HealingRequest) *waitingFor {
	if request.Held() == nil {
		return nil
	}
	key := request.Key()
	_, may, _ := s.mayAnswer(r, key)
	return &waitingFor{
		Version: request.ResourceVersion, MayAnswer: may, Command: approveCommand(key),
	}
}

// approveCommand: both names are the API server's, which takes nothing but letters, digits, dots and dashes.
func approveCommand(key types.NamespacedName) string {
	return fmt.Sprintf("kubectl cortex approve %s -n %s", key.Name, key.Namespace)
}

func (s *Server) mayAnswer(r *http.Request, key types.NamespacedName) (who string, may bool, err error) {
	if s.Approver == nil {
		return "", false, nil
	}
	return s.Approver.MayAnswer(r, key)
}

// approval takes a person's answer to a plan.
func (s *Server) approval(w http.ResponseWriter, r *http.Request) {
	key := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	who, may, err := s.mayAnswer(r, key)
	switch {
	case err != nil:
		s.Log.Error(err, "whether a caller may answer is not known", "request", key)
		s.refuse(w, http.StatusServiceUnavailable, "whether you may answer could not be found out, so nothing was done; try again")
		return
	case !may:
		s.refuse(w, http.StatusForbidden, "you may not answer here; with your own rights: "+approveCommand(key))
		return
	}
	var answer struct {
		Approval v1alpha1.Approval `json:"approval"`
		Version  string            `json:"version"`
	}
	if refused := readJSON(w, r, &answer); refused != nil {
		s.refuse(w, refused.status, refused.message)
		return
	}
	if answer.Approval != v1alpha1.ApprovalApproved && answer.Approval != v1alpha1.ApprovalDenied || answer.Version == "" {
		s.refuse(w, http.StatusBadRequest, `send {"approval": "Approved", "version": "…"} or "Denied", with the version of the question that GET /api/heals shows`)
		return
	}
	who = foreign.Line(who, maxName)
	if err := s.Heals.Answer(r.Context(), key, answer.Version, answer.Approval, who); err != nil {
		s.refuseAnswer(w, key, err)
		return
	}
	s.Log.Info("[HEAL] answered", "request", key, "approval", answer.Approval, "by", who)
	s.tell(w, map[string]any{"approval": answer.Approval, "approvedBy": who})
}

func (s *Server) refuseAnswer(w http.ResponseWriter, key types.NamespacedName, err error) {
	switch {
	case errors.Is(err, healing.ErrChanged), errors.Is(err, healing.ErrNotWaiting):
		s.refuse(w, http.StatusConflict, err.Error())
	case apierrors.IsNotFound(err):
		s.refuse(w, http.StatusNotFound, fmt.Sprintf("there is no HealingRequest %s", key))
	default:
		s.Log.Error(err, "an answer could not be written", "request", key)
		s.refuse(w, http.StatusServiceUnavailable, "the answer could not be written: try again in a moment")
	}
}

// readJSON reads a body. That it must say that it is JSON keeps the forms of other sites out.
func readJSON(w http.ResponseWriter, r *http.Request, into any) *refusal {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, "set the header Content-Type: application/json"}
	}
	body, refused := readBody(w, r)
	if refused != nil {
		return refused
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &refusal{http.StatusBadRequest, "the body must be a JSON object: " + reason(err)}
	}
	return nil
}
