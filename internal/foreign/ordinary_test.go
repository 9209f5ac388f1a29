// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import "testing"

// ordinary is what Kubernetes, its events and a diagnosis say. None of it is a secret, and each helps to find a fault.
var ordinary = []string{
	// Events of the kubelet, the scheduler and the controllers.
	`secret "sandfly-token" not found`,
	`couldn't find key token in Secret cortex-system/sandfly-credentials`,
	`Error: couldn't find key api-key in Secret cortex-system/sandfly-credentials`,
	`MountVolume.SetUp failed for volume "creds" : secret "sandfly-credentials" not found`,
	`MountVolume.SetUp failed for volume "db-password" : configmap "db" not found`,
	`MountVolume.SetUp failed for volume "config" : references non-existent secret key: token`,
	`MountVolume.SetUp failed for volume "kube-api-access-x2x8z" : failed to sync secret cache: timed out waiting for the condition`,
	`Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.`,
	`imagePullSecrets: [{"name":"regcred"}]`,
	"imagePullSecrets:\n- name: regcred",
	"spec.template.spec.imagePullSecrets[0].name: regcred",
	`Failed to pull image "localhost:5001/secret-manager:1.4.2": rpc error: code = Unauthenticated desc = failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token?scope=repository%3Alibrary%2Fx%3Apull&service=registry.docker.io: 401 Unauthorized`,
	`pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
	`failed to resolve reference "localhost:5001/token-exchanger:v1.2.3": localhost:5001/token-exchanger:v1.2.3: not found`,
	`Container image "ghcr.io/ry-ops/sandfly-mcp-server@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" already present on machine`,
	`pods "sandfly-7d9c6b5f4-" is forbidden: exceeded quota: compute, requested: secrets=1,requests.cpu=500m, used: secrets=10,requests.cpu=2, limited: secrets=10,requests.cpu=2`,
	`exceeded quota: count, requested: count/secrets=1, used: count/secrets=10, limited: count/secrets=10`,
	`0/3 nodes are available: 1 node(s) had untolerated taint {dedicated-key: gpu-a100-only}, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available.`,
	`0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.`,
	`Liveness probe failed: Get "http://10.244.1.7:3000/healthz": dial tcp 10.244.1.7:3000: connect: connection refused`,
	`Readiness probe failed: HTTP probe failed with statuscode: 401`,
	`Readiness probe failed: Get "https://10.244.1.7:3000/auth/ready": net/http: request canceled (Client.Timeout exceeded while awaiting headers)`,
	`error looking up service account cortex-system/sandfly: serviceaccount "sandfly-token-reader" not found`,
	`secrets is forbidden: User "system:serviceaccount:cortex-system:sandfly" cannot list resource "secrets" in API group "" in the namespace "default"`,
	`Back-off restarting failed container token-service in pod token-service-7d9c6b5f4-x2x8z_default(550e8400-e29b-41d4-a716-446655440000)`,
	`pod token-service-7d9c6b5f4-x2x8z: CrashLoopBackOff`,
	`auth-gateway-5d9f7c9b8-abcde: connection refused`,
	`Error syncing pod, skipping key="kube-system/coredns-6799fbcd5-x7k2p"`,
	`"Reconciler error" controller="healingrequest" key="default/heal-sandfly-mcp-server-4f2a" reconcileID="550e8400-e29b-41d4-a716-446655440000"`,
	`resourceVersion: "481516", uid: 550e8400-e29b-41d4-a716-446655440000, pod-template-hash: 7d9c6b5f4`,
	`controller-revision-hash=sandfly-mcp-server-7d9c6b5f4`,
	"Environment:\n  API_TOKEN:  <set to the key 'token' in secret 'sandfly-credentials'>  Optional: false",
	"    Type:        Secret (a volume populated by a Secret)\n    SecretName:  sandfly-credentials\n    Optional:    false",
	"env:\n- name: API_TOKEN\n  valueFrom:\n    secretKeyRef:\n      name: sandfly-credentials\n      key: api-token",
	`automountServiceAccountToken: false, serviceAccountName: sandfly`,
	`{"kind":"Pod","spec":{"volumes":[{"secret":{"secretName":"sandfly-credentials","items":[{"key":"token","path":"token"}]}}]}}`,
	`sessionAffinity: ClientIP`,
	`x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "kubernetes")`,
	`certificate fingerprint SHA256 n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg= expires 2027-01-01`,
	// What servers say of their dependencies.
	`FATAL: password authentication failed for user "sandfly"`,
	`Access denied for user 'sandfly'@'10.244.1.7' (using password: YES)`,
	`dial tcp: lookup auth-token.default.svc.cluster.local on 10.96.0.10:53: no such host`,
	`dial tcp token-service:8080: connect: connection refused`,
	`connect ECONNREFUSED secrets:8080`,
	`NOAUTH Authentication required.`,
	`WRONGPASS invalid username-password pair or user is disabled.`,
	`rpc error: code = Unauthenticated desc = bearer authentication failed`,
	`Get "https://vault:8200/v1/secret/data/sandfly": connection refused`,
	`oauth2: cannot fetch token: 401 Unauthorized`,
	`cannot get token: oauth2: server response missing access_token`,
	`failed to get secret: permission denied`,
	`the --token flag is required`,
	`unknown flag: --password-stdin`,
	`environment variable API_KEY is not set`,
	`JWT_SECRET is required`,
	`key="1111aaaa1111"`,
	`session: 1-2-1-2-1-2`,
	`password=, user=sandfly`,
	`password= user=sandfly`,
	`token: null`,
	`PASSWORD_FILE=/run/secrets/db-password`,
	`DATABASE_PASSWORD=$(DB_PASSWORD)`,
	`max_tokens=4096 tokens: 512 tokenizer=cl100k_base`,
	`--- PASS: TestStore (0.01s)`,
	`proxy_pass: http://backend:8080`,
	`author: Jane, authority: sandfly:3000, keyboard=qwerty, monkey: banana`,
	`kubectl create secret generic sandfly-credentials -n cortex-system --from-literal=token=<value>`,
	`kubectl rollout undo deployment/sandfly-mcp-server -n cortex-system --to-revision=3`,
	`kubectl logs -n default sandfly-mcp-server-7d9c6b5f4-x2x8z -c mcp --previous -p`,
	`redis-server -p 6379 ready, nginx -p 8080`,
	`GET http://localhost:5001/v2/a@sha256:12 failed`,
	`E1123 15:54:50.125412       1 reflector.go:166] "Unhandled Error" err="failed to list *v1.Secret: secrets is forbidden" logger="UnhandledError"`,
	`ERROR 1040 (HY000): Too many connections`,
	`Traceback (most recent call last): File "/app/auth.py", line 12, in get_token`,
	`	at com.example.auth.TokenService.fetch(TokenService.java:42)`,
	`github.com/example/token.(*Store).Get(0xc0001a2b40, {0x1b3c5d, 0x5})`,
}

func TestOrdinaryTextSurvives(t *testing.T) {
	for _, text := range ordinary {
		if got := Redact(text); got != text {
			t.Errorf("\n%s\nbecomes\n%s", text, got)
		}
	}
}
