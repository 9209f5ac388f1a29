// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import "testing"

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"PASSWORD": true, "DB_PASSWORD": true, "dbPassword": true, "dbpassword": true, "POSTGRES_PASSWORD_2": true, "MYSQL_PWD": true, "DB_PASS": true, "PGPASSWORD": true,
		"API_KEY": true, "apiKey": true, "OPENAI_API_KEY": true, "x-api-key": true, "SECRET_KEY_BASE": true, "ENCRYPTION_KEY": true, "tls.key": true, "STRIPE_KEY": true,
		"TOKEN": true, "GITHUB_TOKEN": true, "authToken": true, "ACCESS_TOKEN_PROD": true, "AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true, "CLIENT_SECRET": true,
		"credentials": true, "CREDS": true, "AUTH": true, "Authorization": true, "COOKIE": true, "SESSION_ID": true, "signature": true, "JWT": true, ".dockerconfigjson": true,
		"CONNECTION_STRING": true, "AccountKey": true, "SENTRY_DSN": true, "--password": true, "--api-token": true, "-token": true, "vault.io/token": true,
		"kubectl.kubernetes.io/last-applied-configuration": true,

		"key": false, "KEY": false, "HOST": false, "PORT": false, "LOG_LEVEL": false, "DATABASE_URL": false, "": false, "---": false,
		"PASSWORD_FILE": false, "TOKEN_PATH": false, "SECRET_NAME": false, "secretName": false, "secretRef": false, "secretKeyRef": false, "imagePullSecrets": false, "imagePullSecret": false,
		"TOKEN_TTL": false, "SESSION_TIMEOUT": false, "AUTH_MODE": false, "AUTH_ENABLED": false, "TOKEN_URL": false, "max_tokens_limit": false, "tokenizer": false,
		"keyboard": false, "monkey": false, "author": false, "authority": false, "sessionAffinity": false, "proxy_pass": false, "COMPASS": false, "signal": false, "--private-key-file": false,
		"nginx.ingress.kubernetes.io/auth-type": false, "tokenRequests": false, "secret-manager": false, "PINNED": false,
	} {
		if got := SecretName(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}
