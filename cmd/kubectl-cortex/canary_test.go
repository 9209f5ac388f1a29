// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ry-ops/cortex/internal/diagnosis/snapshot"
	"github.com/ry-ops/cortex/internal/dump"
)

// canary is a text with a secret in it, of which nothing may be shown.
type canary struct{ before, secret, after string }

// noise makes secrets that look random, stay the same, and are nobody's.
func noise(seed, alphabet string, n int) string {
	var made strings.Builder
	for i := 0; made.Len() < n; i++ {
		for _, b := range sha256.Sum256(fmt.Append(nil, seed, i)) {
			made.WriteByte(alphabet[int(b)%len(alphabet)])
		}
	}
	return made.String()[:n]
}

const (
	hexes   = "0123456789abcdef"
	alnum   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64s = alnum + "+/"
)

// canaries are made for each place anew, so that a leak tells where it came from.
func canaries(place string) map[string]canary {
	n := func(kind, alphabet string, length int) string { return noise(place+kind, alphabet, length) }
	pw := func(kind string) string { return n(kind, alnum, 14) + "7" }
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"` + n("sub", alnum, 8) + `"}`))
	return map[string]canary{
		"bearer":            {"Authorization: Bearer ", n("bearer", alnum, 28), ""},
		"basic":             {"Authorization: Basic ", base64.StdEncoding.EncodeToString([]byte("admin:" + pw("basic"))), ""},
		"API key header":    {"X-Api-Key: ", n("xapi", alnum, 24) + "1", ""},
		"JWT":               {"token eyJhbGciOiJSUzI1NiJ9.", claims + "." + n("jwt", alnum, 64), ""},
		"private key":       {"-----BEGIN RSA PRIVATE " + "KEY-----\n", n("pem", base64s, 64), "\n-----END RSA PRIVATE " + "KEY-----"},
		"AWS key":           {"", "AK" + "IA" + n("akia", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), ""},
		"AWS secret":        {"aws_secret_access_key = ", n("aws", base64s, 40), ""},
		"GCP key":           {"", "AI" + "za" + n("gcp", alnum, 35), ""},
		"Azure storage":     {"DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", n("azure", base64s, 86) + "==", ""},
		"GitHub":            {"", "gh" + "p_" + n("gh", alnum, 36), ""},
		"GitLab":            {"", "gl" + "pat-" + n("gl", alnum, 20), ""},
		"Slack":             {"", "xo" + "xb-" + n("sl", "0123456789", 11) + "-" + n("sl2", "0123456789", 12) + "-" + n("sl3", alnum, 24), ""},
		"Slack webhook":     {"https://hooks.slack.com/services/", "T" + n("t", "ABCDEFGHIJ", 9) + "/B" + n("b", "ABCDEFGHIJ", 9) + "/" + n("w", alnum, 24), ""},
		"Stripe":            {"", "sk_" + "live_" + n("stripe", alnum, 24), ""},
		"SendGrid":          {"", "S" + "G." + n("sg", alnum, 22) + "." + n("sg2", alnum, 43), ""},
		"npm":               {"", "np" + "m_" + n("npm", alnum, 36), ""},
		"OpenAI":            {"", "s" + "k-proj-" + n("oa", alnum, 48), ""},
		"Anthropic":         {"", "s" + "k-ant-" + "api03-" + n("an", alnum, 93) + "AA", ""},
		"Hugging Face":      {"", "h" + "f_" + n("hf", alnum[:52], 34), ""},
		"Vault":             {"", "hv" + "s." + n("vault", alnum, 95), ""},
		"DigitalOcean":      {"", "do" + "p_v1_" + n("do", hexes, 64), ""},
		"Docker Hub":        {"", "dckr_" + "pat_" + n("dh", alnum, 27), ""},
		"Telegram":          {"https://api.telegram.org/bot", "123456789:AA" + n("tg", alnum, 33), "/getMe"},
		"postgres URL":      {"postgres://sandfly:", pw("pg"), "@db:5432/x"},
		"mysql DSN":         {"root:", pw("my"), "@tcp(mysql:3306)/x"},
		"redis URL":         {"redis://:", pw("redis"), "@redis:6379/0"},
		"amqp URL":          {"amqp://guest:", pw("amqp"), "@rabbit:5672/"},
		"mongodb URL":       {"mongodb://u:", pw("mongo"), "@mongo:27017/x"},
		"JDBC":              {"jdbc:postgresql://db/x?user=u&password=", pw("jdbc"), "&ssl=true"},
		"env pair":          {"DB_PASSWORD=", pw("env"), ""},
		"JSON pair":         {`{"user":"x","password":"`, pw("json"), `"}`},
		"YAML pair":         {"password: ", pw("yaml"), ""},
		"flag":              {"--client-secret=", pw("flag"), ""},
		"query":             {"GET /x?access_token=", pw("query"), "&y=1"},
		"cookie":            {"Cookie: sid=", n("cookie", alnum, 24) + "3", ""},
		"SAS":               {"https://a.blob.core.windows.net/c?sv=1&sig=", n("sas", alnum, 40) + "%3D", "&se=2"},
		"docker config":     {`{"auths":{"r.local":{"auth":"`, base64.StdEncoding.EncodeToString([]byte("puller:" + pw("docker"))), `"}}}`},
		"htpasswd":          {"admin:$2" + "y$10$", n("bcrypt", alnum, 53), ""},
		"a key named so":    {"SIGNING_KEY=", n("sign", alnum, 32) + "5", ""},
		"AWS session token": {"AWS_SESSION_TOKEN=", "FwoGZXIvYXdz" + n("sess", base64s, 80), ""},
	}
}

// texts are the canaries of one place, as they stand there.
func (p *planted) texts(place string) []string {
	var texts []string
	all := canaries(place)
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		c := all[kind]
		p.secrets[place+", "+kind] = c.secret
		texts = append(texts, c.before+c.secret+c.after)
	}
	return texts
}

type planted struct{ secrets map[string]string }

type fields = map[string]any

// plant makes what `kubectl get -o json` gives of a server that crashes, with secrets in every place that people and programs
// put them in.
func (p *planted) plant() fields {
	meta := func(name string, more fields) fields {
		m := fields{"name": name, "namespace": "cortex-system", "creationTimestamp": "2026-11-23T14:00:00Z", "uid": "uid-" + name}
		maps.Copy(m, more)
		return m
	}
	byNumber := func(place, name string) fields {
		values := fields{}
		for i, text := range p.texts(place) {
			values[fmt.Sprintf("%s%d", name, i)] = text
		}
		return values
	}
	var env []any
	for i, text := range p.texts("env") {
		env = append(env, fields{"name": fmt.Sprintf("SETTING_%d", i), "value": text})
	}
	for _, name := range []string{"DB_PASSWORD", "SANDFLY_TOKEN", "apiKey", "CLIENT_SECRET", "dsn", "SESSION_KEY"} {
		secret := noise("named"+name, alnum, 18) + "1"
		p.secrets["env, by the name "+name] = secret
		env = append(env, fields{"name": name, "value": secret})
	}
	var args []any
	for _, text := range p.texts("args") {
		args = append(args, text)
	}
	for _, flag := range []string{"--token", "--db-password", "--api-key"} {
		secret := noise("argument"+flag, alnum, 18) + "1"
		p.secrets["the argument behind "+flag] = secret
		args = append(args, flag, secret)
	}
	var headers []any
	for i, text := range p.texts("headers") {
		headers = append(headers, fields{"name": fmt.Sprintf("X-%d", i), "value": text})
	}
	joined := func(place string) string { return strings.Join(p.texts(place), "\n") }
	container := fields{
		"name": "server", "image": "sandfly:1", "env": env, "args": args, "command": []any{"sh", "-c", joined("command")},
		"livenessProbe": fields{"httpGet": fields{"path": "/", "port": 3000, "httpHeaders": headers}, "exec": fields{"command": []any{joined("probe")}}},
	}
	labels := fields{"app": "sandfly"}
	spec := fields{"containers": []any{container}, "nodeName": "node-1", "volumes": []any{
		fields{"name": "csi", "csi": fields{"driver": "x", "volumeAttributes": byNumber("volume attributes", "a")}},
		fields{"name": "config", "configMap": fields{"name": "sandfly-config"}},
	}}
	ended := fields{"terminated": fields{"exitCode": 1, "reason": "Error", "message": joined("terminated"), "finishedAt": "2026-11-23T14:04:00Z"}}
	pod := fields{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": meta("sandfly-1", fields{"labels": fields{"app": "sandfly", "pod-template-hash": "5d4f"}, "ownerReferences": []any{fields{"kind": "ReplicaSet", "name": "sandfly-5d4f", "controller": true}}, "annotations": byNumber("pod annotations", "x/a")}),
		"spec":     spec,
		"status": fields{"phase": "Running", "message": joined("pod status"), "hostIP": "203.0.113.77", "conditions": []any{fields{"type": "Ready", "status": "False", "message": joined("condition")}},
			"containerStatuses": []any{fields{"name": "server", "restartCount": 7, "lastState": ended, "state": fields{"waiting": fields{"reason": "CrashLoopBackOff", "message": joined("waiting")}}}}},
	}
	manifest, _ := json.Marshal(fields{"spec": fields{"replicas": 1, "template": joined("manifest")}})
	annotations := byNumber("annotations", "x/a")
	annotations["kubectl.kubernetes.io/last-applied-configuration"] = string(manifest)
	configMap := byNumber("ConfigMap", "key")
	configMap["settings.yaml"] = "a: 1\nb: 2\n" + joined("ConfigMap file")
	p.secrets["ConfigMap, by its key"] = "correct horse battery staple"
	configMap["password"] = "correct horse battery staple"
	secret := fields{}
	for i, text := range p.texts("Secret") {
		secret[fmt.Sprintf("key%d", i)] = base64.StdEncoding.EncodeToString([]byte(text))
		p.secrets[fmt.Sprintf("Secret as base64, %d", i)] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	p.secrets["address of a node"] = "203.0.113.77"
	p.secrets["machine of a node"] = "b0a7c1d2e3f4"
	items := []any{
		fields{"apiVersion": "v1", "kind": "Service", "metadata": meta("sandfly", fields{"annotations": byNumber("Service annotations", "x/a")}), "spec": fields{"selector": labels, "ports": []any{fields{"port": 3000}}}},
		fields{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("sandfly", fields{"annotations": annotations}), "spec": fields{"replicas": 1, "selector": fields{"matchLabels": labels}, "template": fields{"metadata": fields{"labels": labels, "annotations": byNumber("template annotations", "x/a")}, "spec": spec}},
			"status": fields{"conditions": []any{fields{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": joined("Deployment")}}}},
		pod,
		fields{"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": meta("sandfly-7c", nil), "revision": 1,
			"data": fields{"spec": fields{"template": fields{"$patch": "replace", "metadata": fields{"annotations": byNumber("ControllerRevision", "x/a")}, "spec": spec}}}},
		fields{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("sandfly-config", nil), "data": configMap},
		fields{"apiVersion": "v1", "kind": "Secret", "metadata": meta("sandfly-credentials", fields{"annotations": byNumber("Secret annotations", "x/a")}), "data": secret},
		fields{"apiVersion": "v1", "kind": "Node", "metadata": fields{"name": "node-1", "annotations": byNumber("Node annotations", "x/a")}, "spec": fields{"providerID": "x:///b0a7c1d2e3f4"},
			"status": fields{"addresses": []any{fields{"type": "ExternalIP", "address": "203.0.113.77"}}, "nodeInfo": fields{"machineID": "b0a7c1d2e3f4", "kubeletVersion": "v1.37.2"}}},
	}
	for i, text := range p.texts("events") {
		items = append(items, fields{"apiVersion": "v1", "kind": "Event", "metadata": meta(fmt.Sprintf("e%d", i), nil), "type": "Warning", "reason": "Failed", "message": "Failed: " + text,
			"involvedObject": fields{"kind": "Pod", "name": "sandfly-1", "namespace": "cortex-system", "uid": "uid-sandfly-1"}, "lastTimestamp": "2026-11-23T14:04:30Z"})
	}
	return fields{"apiVersion": "v1", "kind": "List", "items": items}
}

// TestCanaries plants every kind of secret in every place, and looks for them in the dump and in all that is told of the
// cluster's file and of the dump.
func TestCanaries(t *testing.T) {
	p := &planted{map[string]string{}}
	folder := t.TempDir()
	raw, err := json.Marshal(p.plant())
	if err != nil {
		t.Fatal(err)
	}
	logs, _ := json.Marshal(fields{
		"logs":     fields{"sandfly-1/server": strings.Join(p.texts("log"), "\n") + "\nError: cannot start\n"},
		"previous": fields{"sandfly-1/server": strings.Join(p.texts("previous log"), "\n") + "\npanic: no way\n"},
	})
	cluster, logFile, written := filepath.Join(folder, "cluster.json"), filepath.Join(folder, "logs.json"), filepath.Join(folder, "dump.json")
	for path, content := range map[string][]byte{cluster: raw, logFile: logs} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var reader dump.Reader
	if err := reader.ReadPath(cluster, nil); err != nil {
		t.Fatal(err)
	}
	if err := reader.ReadLogs(logFile, nil); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	count, err := dump.Write(&out, dump.Dump{Namespace: "cortex-system", Objects: reader.Objects(), Logs: rawLogs(logs), Time: time.Date(2026, 11, 23, 14, 5, 0, 0, time.UTC)})
	if err != nil || count == 0 {
		t.Fatalf("%d objects: %v", count, err)
	}
	if err := os.WriteFile(written, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d secrets of %d kinds were planted", len(p.secrets), len(canaries("")))
	p.look(t, "the dump", out.String())
	for _, output := range []string{"text", "json", "yaml"} {
		for _, args := range [][]string{{"--filename", cluster, "--logs", logFile}, {"--filename", written}} {
			code, text, complaint := execute(t, "", append([]string{"diagnose", "--verbose", "-o", output}, args...)...)
			if code != exitFindings || complaint != "" {
				t.Fatalf("exit code %d: %s", code, complaint)
			}
			p.look(t, output+" of "+filepath.Base(args[1]), text)
		}
	}
}

// rawLogs are the logs as a program wrote them, which the writer must not rely on anybody to have cleaned.
func rawLogs(raw []byte) map[snapshot.ContainerKey]snapshot.ContainerLog {
	var read struct{ Logs, Previous map[string]string }
	_ = json.Unmarshal(raw, &read)
	return map[snapshot.ContainerKey]snapshot.ContainerLog{
		{Pod: "sandfly-1", Container: "server"}: {Current: read.Logs["sandfly-1/server"], Previous: read.Previous["sandfly-1/server"]},
	}
}

// look fails for every secret that a text holds, also as JSON writes it.
func (p *planted) look(t *testing.T, where, text string) {
	t.Helper()
	for what, secret := range p.secrets {
		quoted, _ := json.Marshal(secret)
		if strings.Contains(text, secret) || strings.Contains(text, strings.Trim(string(quoted), `"`)) {
			t.Errorf("%s shows the secret of %s: %s", where, what, secret)
		}
	}
}
