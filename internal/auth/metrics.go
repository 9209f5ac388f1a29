// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// The reasons of refusals. Each is a value of the metric's label.
const (
	reasonNoToken   = "no token"
	reasonInvalid   = "invalid token"
	reasonMalformed = "malformed"
	reasonForbidden = "forbidden"
	reasonUnsure    = "unsure"
)

func newRefusals() *prometheus.CounterVec {
	total := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cortex_gateway_auth_refusals_total",
		Help: "Requests that were refused before anything was done, by reason (no token, invalid token, malformed, forbidden, unsure: nobody could be asked).",
	}, []string{"reason"})
	for _, reason := range []string{reasonNoToken, reasonInvalid, reasonMalformed, reasonForbidden, reasonUnsure} {
		total.WithLabelValues(reason)
	}
	return total
}

func (r *Refusal) reason() string {
	switch r.Status {
	case http.StatusBadRequest:
		return reasonMalformed
	case http.StatusForbidden:
		return reasonForbidden
	case http.StatusUnauthorized:
		if strings.Contains(r.challenge, "invalid_token") {
			return reasonInvalid
		}
		return reasonNoToken
	default:
		return reasonUnsure
	}
}
