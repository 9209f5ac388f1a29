// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"encoding/base64"
	"strings"
	"unicode"
)

// ownShapes are what the kept rules leave out, or take too narrowly for a log: a key cut off by the end of the log, a token
// of another length, credentials in a URL or a header. Values that only their name gives away are the matter of pairs.
var ownShapes = []shape{
	// Private keys of every armour, also one whose beginning or end was cut off by the bound of the log. A line break may be
	// written out, in a log within a log.
	{keywords: []string{"private key"}, lines: true, source: `(?s)-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}.*?(?:-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|\z)`},
	{keywords: []string{"private key"}, lines: true, source: `(?:[A-Za-z0-9+/=]{16,}(?:\s|\\+[nr])+)*[A-Za-z0-9+/=]*(?:\s|\\+[nr])*-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}`},
	{keywords: []string{"putty-user-key-file"}, lines: true, source: `(?s)PuTTY-User-Key-File-\d.*?(?:Private-MAC: ?[0-9a-f]+|\z)`},

	// User and password, or a token alone, before the host of a URL. A database's password may hold a slash or an @.
	{keywords: []string{"://"}, source: `://([^/\s@"']+)@`},
	{keywords: []string{"://"}, source: `(?i)\b(?:postgres(?:ql)?|cockroachdb|mysqlx?|mariadb|mongodb|rediss?|valkeys?|amqps?|clickhouse|mssql|sqlserver|nats|kafka|ldaps?|s?ftp|smtps?)(?:\+\w+)?://([^\s"'<>]*)@`},
	{keywords: []string{"@tcp(", "@unix(", "@tcp6("}, source: `[^\s:@/"'=]{1,64}:([^\s"']{1,256})@(?:tcp6?|unix)\(`},
	{keywords: []string{"jdbc:oracle"}, source: `(?i)jdbc:oracle:\w+:([^\s@"'/]+/[^\s"']+)@`},

	// JSON Web Tokens, Kubernetes' own among them: the first part is base64 of `{"`.
	{keywords: []string{"eyj"}, source: `\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,3}`},
	{keywords: []string{"token", "kubeadm", "bootstrap"}, source: `\b[a-z0-9]{6}\.[a-z0-9]{16}\b`, accept: hasDigit},

	// HTTP credentials and cookies. A word behind "bearer" is prose, as is an "authorization" without a digit.
	{keywords: []string{"authorization"}, source: `(?i)\bauthorization\\*["']?\s*[:=]\s*\[?\\*["']?(?:basic|bearer|negotiate|ntlm|token|apikey|key)[ =]+([^\s"'\\\]]+)`},
	{keywords: []string{"authorization"}, source: `(?i)\bauthorization\\*["']?\s*[:=]\s*\[?\\*["']?digest ([^\r\n]+)`},
	{keywords: []string{"authorization"}, source: `(?i)\bauthorization\\*["']?\s*[:=]\s*\[?\\*["']?([^\s"'\\]*[0-9][^\s"'\\]*)`},
	{keywords: []string{"bearer"}, source: `(?i)\bbearer[\s:=]+([A-Za-z0-9._~+/=-]{8,})`, accept: notAWord},
	{keywords: []string{"basic"}, source: `(?i)\bbasic[\s:=]+([A-Za-z0-9+/_-]{4,}={0,2})`, accept: isUserPass},
	{keywords: []string{`auth`}, source: `(?i)\bauth\\*["']\s*:\s*\\*["']([A-Za-z0-9+/=]{4,})`, accept: isUserPass},
	{keywords: []string{"set-cookie"}, source: `(?i)\bset-cookie\\*["']?\s*[:=]\s*\[?\\*["']?[^\s"'=;,]+=([^;\r\n\\"'\]]+)`},
	{keywords: []string{"cookie"}, source: `(?i)\bcookie\\*["']?\s*[:=]\s*\[?\\*["']?[^\s"'=;,]+=([^\r\n\\"'\]]+)`},

	// Tokens that their issuers mark. The kept rules know more of them, but each in its exact length.
	{keywords: markedWords, source: `\b(?:` + strings.Join(marked, "|") + `)`},
	// The two halves of a key that AWS, or a store like it, knows: the second has no mark, and stands beside the first.
	{keywords: []string{"akia", "asia"}, source: `\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`},
	{keywords: []string{"akia", "asia"}, source: `\b(?:AKIA|ASIA)[0-9A-Z]{16}\b[^A-Za-z0-9+/]{1,8}(?:\w{1,30}[^A-Za-z0-9+/]{1,8}){0,2}([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`},
	// Whoever knows these URLs may post.
	{keywords: []string{"hooks.slack.com/", "/api/webhooks/", "webhook.office.com/"}, source: `(?:hooks\.slack\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks|webhook\.office\.com)/([^\s"'<>]+)`},
	{keywords: []string{"bot"}, source: `\bbot(\d{6,12}:[\w-]{30,})`},
	{keywords: []string{"code="}, source: `[?&]code=([\w%=~.-]{16,})`},

	// Hashes of passwords, as in htpasswd, /etc/shadow, LDAP and PostgreSQL.
	{keywords: []string{"$apr1$", "$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$gy$", "$argon2", "$scrypt$", "$pbkdf2"}, source: `\$(?:apr1|1|2[abxy]?|5|6|7|y|gy|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]*)\$[^\s"':]{8,}`},
	{keywords: []string{"{sha", "{ssha"}, source: `(?i)\{S?SHA(?:256|384|512)?\}[A-Za-z0-9+/=]{20,}`},
	{keywords: []string{"scram-sha-"}, source: `SCRAM-SHA-\d+\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=:]+`},
	{keywords: []string{"md5"}, source: `\bmd5[0-9a-f]{32}\b`},

	// Passwords on a command line, of programs whose option for it is one letter. Of others the same letter is a port.
	{keywords: []string{" -p"}, source: `(?i:\b(?:sshpass|mysql\w*|mariadb(?:-\w+)?|(?:docker|podman|nerdctl|crane|helm registry|oras) login|mongo\w*|mosquit\w+_\w+))\b[^\n|;]{0,200}? -p ?["']?([^\s"'-][^\s"']*)`},
	{keywords: []string{" -a"}, source: `\bredis-cli\b[^\n|;]{0,200}? -a ?["']?([^\s"'-][^\s"']*)`},
	{keywords: []string{" -u"}, source: `\b(?:curl|wget|http)\b[^\n|;]{0,200}? -u ?["']?[^\s:"'-][^\s:"']*:([^\s"']+)`},
}

// marked are the marks of issuers and what follows them.
var marked = []string{
	`gh[pousr]_[A-Za-z0-9]{16,}`, `github_pat_\w{16,}`, `gl[a-z]{2,7}-[\w-]{16,}(?:\.[\w-]+)*`,
	`xox[abeoprs]-[\w-]{8,}`, `xoxe\.xox[bp]-[\w-]{8,}`, `xapp-[\w-]{10,}`,
	`sk-[\w-]{16,}`, `[rs]k_(?:live|test|prod)_\w{8,}`, `whsec_[\w+/=]{16,}`, `SG\.[\w-]{16,}\.[\w-]{16,}`, `SK[0-9a-f]{32}`,
	`npm_\w{20,}`, `pypi-[\w-]{16,}`, `hf_\w{20,}`, `dckr_[a-z]{3}_[\w-]{16,}`, `do[opr]_v1_\w{16,}`, `rubygems_\w{20,}`,
	`AIza[\w-]{30,}`, `ya29\.[\w-]{20,}`, `GOCSPX-[\w-]{16,}`, `shp(?:at|ca|pa|ss)_\w{16,}`, `sq0[a-z]{3}-[\w-]{16,}`,
	`xai-\w{20,}`, `gsk_\w{20,}`, `r8_\w{20,}`, `nvapi-[\w-]{20,}`, `tvly-[\w-]{16,}`, `pplx-\w{20,}`,
	`hv[sbr]\.[\w-]{20,}`, `dapi[0-9a-f]{32}`, `lin_api_\w{20,}`, `glsa_\w{20,}`, `glc_[\w+/=]{20,}`, `sntry[su]_[\w=+/-]{20,}`,
	`AKCp\w{20,}`, `ATATT3[\w=-]{20,}`, `ATBB\w{20,}`, `key-[0-9a-f]{32}`, `NRAK-\w{20,}`, `ntn_\w{30,}`, `figd_[\w-]{20,}`, `sha256~[\w-]{20,}`,
}

var markedWords = []string{
	"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glcbt-", "glffct-",
	"xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xoxe.", "xapp-", "sk-", "sk_", "rk_", "whsec_", "sg.", "sk0", "sk1", "sk2", "sk3", "sk4", "sk5", "sk6", "sk7", "sk8", "sk9", "ska", "skb", "skc", "skd", "ske", "skf",
	"npm_", "pypi-", "hf_", "dckr_", "doo_v1_", "dop_v1_", "dor_v1_", "rubygems_", "aiza", "ya29.", "gocspx-", "shpat_", "shpca_", "shppa_", "shpss_", "sq0",
	"xai-", "gsk_", "r8_", "nvapi-", "tvly-", "pplx-", "hvs.", "hvb.", "hvr.", "dapi", "lin_api_", "glsa_", "glc_", "sntrys_", "sntryu_",
	"akcp", "atatt3", "atbb", "key-", "nrak-", "ntn_", "figd_", "sha256~",
}

func hasDigit(s string) bool { return strings.ContainsFunc(s, unicode.IsDigit) }

// notAWord is what prose does not write: a digit, or capitals within.
func notAWord(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune(".-", r) }) ||
		strings.ToLower(s[1:]) != s[1:]
}

// isUserPass reports base64 of "user:password".
func isUserPass(s string) bool {
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "="))
	printable := func(r rune) bool { return ' ' <= r && r <= '~' }
	return err == nil && strings.Contains(string(raw), ":") && strings.TrimFunc(string(raw), printable) == ""
}
