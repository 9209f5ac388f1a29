// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"slices"
	"strings"
	"unicode"
)

// nameKind is how much a name tells of its value.
type nameKind int

const (
	// plain tells nothing.
	plain nameKind = iota
	// vague names a secret often, and often something else ("key"): the value decides.
	vague
	// noun names a secret, or is the subject of a sentence ("token: not found"), or an object of Kubernetes.
	noun
	// sure names nothing but a secret.
	sure
)

// SecretName reports whether the value behind a name must not be shown: the name of an environment variable, of a key of a
// Secret or ConfigMap, of an annotation, of an argument. What it passes still goes through Redact, since a URL may hold
// a password under any name.
func SecretName(name string) bool {
	name = strings.TrimLeft(name, "-")
	if name == "kubectl.kubernetes.io/last-applied-configuration" {
		return true // a copy of the object, with every value that the others hide
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	return kindOf(name) != plain && !strings.EqualFold(name, "key")
}

var (
	// sureParts and nounParts may stand anywhere in a name, whose words may be written as one ("dbpassword").
	sureParts = []string{"passw", "passphrase", "passcode", "apikey", "apitoken", "accesskey", "secretkey", "privatekey", "signingkey", "encryptionkey", "masterkey", "accountkey", "authkey", "clientsecret", "connectionstring", "connstr", "dockerconfigjson", "dockercfg"}
	nounParts = []string{"secret", "credential"}
	// sureWords, nounWords and vagueWords stand by themselves; the last only at the end.
	sureWords  = []string{"pwd", "userpwd", "dbpwd", "dbpass", "userpass"}
	nounWords  = []string{"pass", "cred", "creds", "jwt", "otp", "pat"}
	vagueWords = []string{"key", "auth", "authorization", "cookie", "cookies", "session", "signature", "sig", "sas", "bearer", "hmac", "salt", "sid", "sessid", "dsn", "pin"}
	// fillers say which of several, or in what form.
	fillers = []string{"prod", "production", "dev", "test", "staging", "live", "old", "new", "current", "previous", "next", "primary", "secondary", "default", "value", "val", "id", "base", "base64", "b64", "enc", "encoded", "raw", "plain", "text", "hash", "data"}
	// about ends a name that is about a secret, and whose value helps to find a fault.
	about = []string{"name", "names", "ref", "refs", "file", "files", "path", "dir", "url", "uri", "host", "port", "endpoint", "domain", "server", "issuer", "audience", "realm", "scope", "scopes", "type", "mode", "enabled", "disabled", "required", "method", "provider", "class", "policy", "algorithm", "alg", "version", "format", "length", "len", "size", "count", "limit", "max", "min", "ttl", "age", "timeout", "expiry", "expires", "expiration", "expired", "seconds", "duration", "interval", "affinity", "requests", "review", "request", "namespace", "kind", "label", "index", "field", "user", "username", "store", "manager", "service", "svc", "controller", "operator", "used", "per"}
)

// kindOf judges a name by its words, however they are put together: DB_PASSWORD, dbPassword, db-password.
func kindOf(name string) nameKind {
	words := wordsOf(name)
	for len(words) > 1 && (isNumber(words[len(words)-1]) || slices.Contains(fillers, words[len(words)-1])) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 || slices.Contains(about, words[len(words)-1]) || isPullSecrets(words) {
		return plain
	}
	joined := strings.Join(words, "")
	in := func(part string) bool { return strings.Contains(joined, part) }
	one := func(of []string) func(string) bool {
		return func(word string) bool { return slices.Contains(of, word) }
	}
	switch {
	case slices.ContainsFunc(sureParts, in), slices.ContainsFunc(words, one(sureWords)):
		return sure
	case slices.ContainsFunc(nounParts, in), slices.ContainsFunc(words, isToken), slices.ContainsFunc(words, one(nounWords)) && !isProxyPass(words):
		return noun
	case slices.Contains(vagueWords, words[len(words)-1]), in("sessionid"), in("sessid"):
		return vague
	}
	return plain
}

// isPullSecrets: imagePullSecrets are names of Secrets.
func isPullSecrets(words []string) bool {
	last := len(words) - 1
	return last > 0 && words[last-1] == "pull" && strings.HasPrefix(words[last], "secret")
}

// isToken knows authtoken and tokens, and leaves the tokenizer alone.
func isToken(word string) bool {
	return strings.HasSuffix(word, "token") || strings.HasSuffix(word, "tokens")
}

// isProxyPass: nginx passes requests on.
func isProxyPass(words []string) bool {
	return len(words) == 2 && words[1] == "pass" && (words[0] == "proxy" || strings.HasSuffix(words[0], "cgi"))
}

func isNumber(word string) bool { return strings.Trim(word, "0123456789") == "" }

// wordsOf takes a name apart, at its separators and where a capital begins a word.
func wordsOf(name string) []string {
	var words []string
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		begin := 0
		for i := 1; i < len(part); i++ {
			if isUpper(part[i]) && (!isUpper(part[i-1]) || i+1 < len(part) && isLower(part[i+1])) {
				words = append(words, strings.ToLower(part[begin:i]))
				begin = i
			}
		}
		words = append(words, strings.ToLower(part[begin:]))
	}
	return words
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
