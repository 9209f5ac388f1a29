// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"net/http"
	"slices"
	"strings"
)

// maxToken bounds a token, in bytes. One of a ServiceAccount has about 1000, one of an issuer with many groups some more.
const maxToken = 16 << 10

// tokenParameters are the names under which tokens are put into addresses.
var tokenParameters = []string{"access_token", "token", "id_token", "authorization"}

// bearer reads the token off a request. A token in the address would be written into every log on the way (RFC 6750, section
// 5.3), so one is refused even if another is where it belongs.
func bearer(r *http.Request, how string) (string, error) {
	if r.URL.RawQuery != "" {
		query := r.URL.Query()
		if slices.ContainsFunc(tokenParameters, query.Has) {
			return "", malformed("a token in the address is written into logs, so it is not taken: send it as the header Authorization: Bearer TOKEN, and get a new one, as this one is not secret any more")
		}
	}
	values := r.Header.Values("Authorization")
	switch len(values) {
	case 0:
		return "", unknown("this needs a token", how, "")
	case 1:
	default:
		return "", malformed("there is more than one Authorization header: send one")
	}
	scheme, token, found := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	switch {
	case !found || !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", unknown("the header Authorization is not of the form Bearer TOKEN", how, "invalid_request")
	case len(token) > maxToken || strings.ContainsFunc(token, foreignToTokens):
		return "", unknown("this is no token", how, "invalid_token")
	}
	return token, nil
}

// foreignToTokens reports a character that is in no token (RFC 6750, b64token).
func foreignToTokens(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	default:
		return !strings.ContainsRune("-._~+/=", r)
	}
}
