// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// canary is a text with a fake secret in it. Nothing of the secret may survive.
type canary struct{ text, secret string }

// The secrets are put together here, so that no scanner takes this file for a leak, and from hashes, so that they look
// random and stay the same.
func noise(seed, alphabet string, n int) string {
	var made strings.Builder
	for i := 0; made.Len() < n; i++ {
		sum := sha256.Sum256(fmt.Append(nil, seed, i))
		for _, b := range sum {
			made.WriteByte(alphabet[int(b)%len(alphabet)])
		}
	}
	return made.String()[:n]
}

const (
	hexes    = "0123456789abcdef"
	smalls   = "abcdefghijklmnopqrstuvwxyz0123456789"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	alnum    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	base64s  = alnum + "+/"
)

// whole is a secret that its own form gives away.
func whole(parts ...string) canary {
	secret := strings.Join(parts, "")
	return canary{secret, secret}
}

// behind is a secret that stands behind something, and before something.
func behind(before, secret, after string) canary { return canary{before + secret + after, secret} }

func pem(kind string) canary {
	body := strings.Join([]string{noise(kind, base64s, 64), noise(kind+"2", base64s, 64), noise(kind+"3", base64s, 40) + "=="}, "\n")
	dashes := strings.Repeat("-", 5)
	return behind(dashes+"BEGIN "+kind+dashes+"\n", body, "\n"+dashes+"END "+kind+dashes)
}

func jwt(claims string) canary {
	part := base64.RawURLEncoding.EncodeToString
	return whole(part([]byte(`{"alg":"RS256","kid":"x"}`)), ".", part([]byte(claims)), ".", noise(claims, alnum+"-_", 86))
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// canaries are one of each kind.
func canaries() map[string]canary {
	pw := noise("password", alnum, 12)
	hard := "p/" + noise("hard", alnum, 6) + "@&;x,9"
	kinds := map[string]canary{
		"bearer":                  behind("Authorization: Bearer ", noise("bearer", alnum, 24), ""),
		"bearer in prose":         behind("it sent bearer ", noise("prose", alnum, 24), " and was refused"),
		"basic":                   behind("Authorization: Basic ", basic("admin", pw), ""),
		"basic alone":             behind("header Basic ", basic("root", pw), " refused"),
		"Go header":               behind("map[Accept:[*/*] Authorization:[Bearer ", noise("goheader", alnum, 24), "]]"),
		"proxy authorization":     behind("Proxy-Authorization: ", noise("proxy", alnum, 20)+"7", ""),
		"X-Api-Key":               behind("X-Api-Key: ", noise("xapi", alnum, 24), ""),
		"X-Auth-Token":            behind("X-Auth-Token: ", noise("xauth", smalls, 24), ""),
		"JWT":                     jwt(`{"sub":"sandfly"}`),
		"service account token":   jwt(`{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:a:b"}`),
		"bootstrap token":         behind("kubeadm join --token ", noise("bt", smalls, 6)+"."+noise("bt2", smalls, 14)+"42", " 10.0.0.1:6443"),
		"RSA key":                 pem("RSA PRIVATE " + "KEY"),
		"EC key":                  pem("EC PRIVATE " + "KEY"),
		"PKCS 8 key":              pem("PRIVATE " + "KEY"),
		"encrypted key":           pem("ENCRYPTED PRIVATE " + "KEY"),
		"OpenSSH key":             pem("OPENSSH PRIVATE " + "KEY"),
		"PGP key":                 pem("PGP PRIVATE " + "KEY BLOCK"),
		"PuTTY key":               behind("PuTTY-User-"+"Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n", noise("putty", base64s, 64), "\nPrivate-MAC: "+noise("mac", hexes, 64)),
		"age key":                 whole("AGE-SECRET-", "KEY-1", noise("age", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
		"AWS access key":          whole("AK", "IA", noise("akia", capitals, 16)),
		"AWS secret beside":       behind("AK"+"IA"+noise("akia", capitals, 16)+" ", noise("awssecret", base64s, 40), ""),
		"AWS secret named":        behind("aws_secret_access_key = ", noise("awssecret", base64s, 40), ""),
		"AWS session token":       behind("AWS_SESSION_TOKEN=", "FwoGZXIvYXdz"+noise("sess", base64s, 120), ""),
		"AWS signed URL":          behind("GET https://b.s3.amazonaws.com/k?X-Amz-Signature=", noise("amz", hexes, 64), "&X-Amz-Date=20261123T000000Z"),
		"GCP API key":             whole("AI", "za", noise("gcp", alnum+"-_", 35)),
		"GCP service account":     behind(`{"type":"service_account","private_key":"-----BEGIN PRIVATE `+`KEY-----\n`, noise("gsa", base64s, 64), `\n-----END PRIVATE `+`KEY-----\n"}`),
		"GCP OAuth":               whole("ya", "29.", noise("ya29", alnum+"-_", 60)),
		"Azure account key":       behind("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", noise("azure", base64s, 86)+"==", ";EndpointSuffix=core.windows.net"),
		"Azure SAS":               behind("https://a.blob.core.windows.net/c?sv=2024-01-01&sp=r&sig=", noise("sas", alnum, 40)+"%3D", "&se=2027"),
		"Azure client secret":     behind("AZURE_CLIENT_SECRET=", noise("az", alnum, 3)+"8Q"+"~"+noise("az2", alnum, 32), ""),
		"DigitalOcean":            whole("do", "p_v1_", noise("do", hexes, 64)),
		"GitHub":                  whole("gh", "p_", noise("gh", alnum, 36)),
		"GitHub app":              whole("gh", "s_", noise("ghs", alnum, 36)),
		"GitHub fine-grained":     whole("github_", "pat_", noise("ghf", alnum, 82)),
		"GitLab":                  whole("gl", "pat-", noise("gl", alnum, 20)),
		"GitLab deploy":           whole("gl", "dt-", noise("gldt", alnum, 20)),
		"Slack bot":               whole("xo", "xb-", noise("sl", "0123456789", 11), "-", noise("sl2", "0123456789", 12), "-", noise("sl3", alnum, 24)),
		"Slack webhook":           behind("https://hooks.slack.com/services/", "T"+noise("t", capitals, 9)+"/B"+noise("b", capitals, 9)+"/"+noise("w", alnum, 24), ""),
		"Stripe":                  whole("sk_", "live_", noise("stripe", alnum, 24)),
		"Twilio":                  whole("S", "K", noise("twilio", hexes, 32)),
		"SendGrid":                whole("S", "G.", noise("sg", alnum, 22), ".", noise("sg2", alnum, 43)),
		"npm":                     whole("np", "m_", noise("npm", alnum, 36)),
		"PyPI":                    whole("py", "pi-AgEIcHlwaS5vcmc", noise("pypi", alnum, 90)),
		"Hugging Face":            whole("h", "f_", noise("hf", alnum[:52], 34)),
		"OpenAI":                  whole("s", "k-proj-", noise("oa", alnum, 48)),
		"Anthropic":               whole("s", "k-ant-", "api03-", noise("an", alnum+"-_", 93), "AA"),
		"Docker Hub":              whole("dckr_", "pat_", noise("dh", alnum, 27)),
		"Vault":                   whole("hv", "s.", noise("vault", alnum, 95)),
		"Telegram bot":            behind("https://api.telegram.org/bot", "123456789:AA"+noise("tg", alnum, 33), "/getMe"),
		"Discord webhook":         behind("https://discord.com/api/webhooks/", "123456789012345678/"+noise("dw", alnum, 68), ""),
		"Grafana":                 whole("gl", "sa_", noise("gf", alnum, 32), "_", noise("gf2", hexes, 8)),
		"Databricks":              whole("da", "pi", noise("db", hexes, 32)),
		"Heroku":                  behind("HEROKU_API_KEY=", noise("h1", hexes, 8)+"-"+noise("h2", hexes, 4)+"-"+noise("h3", hexes, 4)+"-"+noise("h4", hexes, 4)+"-"+noise("h5", hexes, 12), ""),
		"docker config":           behind(`{"auths":{"registry.local":{"auth":"`, basic("puller", pw), `"}}}`),
		"htpasswd":                behind("admin:", "$ap"+"r1$"+noise("salt", alnum, 8)+"$"+noise("apr", alnum, 22), ""),
		"bcrypt":                  behind("admin:", "$2"+"y$10$"+noise("bcrypt", alnum, 53), ""),
		"shadow":                  behind("root:", "$6"+"$"+noise("salt6", alnum, 8)+"$"+noise("shadow", alnum, 86), ":19000:0:99999:7:::"),
		"argon2":                  whole("$arg", "on2id$v=19$m=65536,t=3,p=4$", noise("a2", base64s, 22), "$", noise("a2h", base64s, 43)),
		"cookie":                  behind("Cookie: sid=", noise("cookie", alnum, 24), ""),
		"set-cookie":              behind("Set-Cookie: connect.sid=s%3A", noise("setcookie", alnum, 32), "; Path=/; HttpOnly"),
		"postgres":                behind("postgres://sandfly:", pw, "@db:5432/x"),
		"postgres, a hard one":    behind("postgresql://sandfly:", hard, "@db:5432/x?sslmode=disable"),
		"mysql":                   behind("mysql://root:", pw, "@mysql:3306/x"),
		"MySQL for Go":            behind("root:", pw, "@tcp(mysql:3306)/x?parseTime=true"),
		"mongodb":                 behind("mongodb+srv://u:", pw, "@a.b.mongodb.net/x"),
		"redis":                   behind("redis://:", pw, "@redis:6379/0"),
		"amqp":                    behind("amqp://guest:", pw, "@rabbit:5672/"),
		"JDBC":                    behind("jdbc:sqlserver://db:1433;databaseName=x;user=sa;password=", pw, ";encrypt=true"),
		"JDBC of PostgreSQL":      behind("jdbc:postgresql://db/x?user=u&password=", pw, "&ssl=true"),
		"Oracle":                  behind("jdbc:oracle:thin:scott/", pw, "@db:1521/x"),
		"ADO":                     behind("Server=db;Database=x;User Id=sa;Password=", pw, ";TrustServerCertificate=True"),
		"libpq":                   behind("host=db user=x password=", pw, " dbname=x sslmode=disable"),
		"env":                     behind("DB_PASSWORD=", pw, ""),
		"env, a hard one":         behind("DB_PASSWORD=", pw[:6]+"&"+pw[6:]+";"+noise("semi", alnum, 6)+","+noise("comma", alnum, 6), ""),
		"env in quotes":           behind("export DB_PASSWORD='", "a "+pw+" b", "'"),
		"yaml":                    behind("db:\n  password: ", pw, "\n  host: db"),
		"yaml block":              behind("db:\n  password: |\n    ", pw, "\n  host: db"),
		"json":                    behind(`{"user":"x","password":"`, "a "+pw, `","n":1}`),
		"json in json":            behind(`{"body":"{\"client_secret\":\"`, pw, `\",\"n\":1}"}`),
		"Python dict":             behind("{'user': 'x', 'api_key': '", pw, "'}"),
		"Go struct":               behind("&{User:x Password:", pw, " Host:db}"),
		"query":                   behind("GET /x?page=2&access_token=", pw, "&y=1"),
		"form":                    behind("grant_type=password&username=x&password=", pw, "&scope=a"),
		"encoded form":            behind("body=username%3Dx%26password%3D", pw, ""),
		"flag":                    behind("mcp-server --password ", pw, " --port 3000"),
		"flag with =":             behind("mcp-server --token=", pw, " --port=3000"),
		"flag in a list":          behind(`args: ["--api-token", "`, pw, `"]`),
		"mysql -p":                behind("mysqladmin ping -h db -uroot -p", pw, ""),
		"docker login -p":         behind("docker login -u x -p ", pw, " registry.local"),
		"curl -u":                 behind("curl -u admin:", pw, " http://db"),
		"redis-cli -a":            behind("redis-cli -h redis -a ", pw, " ping"),
		"XML":                     behind("<user>x</user><password>", pw, "</password>"),
		"XML attribute":           behind(`<add key="DbPassword" value="`, pw, `" />`),
		"env entry":               behind("- name: DB_PASSWORD\n  value: ", pw, "\n- name: PORT\n  value: \"3000\""),
		"env entry in JSON":       behind(`{"name":"DB_PASSWORD","value":"`, pw, `"}`),
		"Secret":                  behind("apiVersion: v1\nkind: Secret\ndata:\n  ca: ", base64.StdEncoding.EncodeToString([]byte(pw+pw)), "\nmetadata:\n  name: x"),
		"Secret in JSON":          behind(`{"kind":"Secret","data":{"ca":"`, base64.StdEncoding.EncodeToString([]byte(pw+pw)), `"}}`),
		"signing key":             behind("SESSION_KEY=", noise("signing", alnum, 32), ""),
		"key by entropy":          behind(`"key": "`, noise("entropy", alnum, 32), `"`),
		"signature":               behind("signature: ", noise("signature", base64s, 44), ""),
		"generic hex behind auth": behind("auth=", noise("auth", hexes, 32), ""),
	}
	return kinds
}

// surroundings are where a secret may turn up.
var surroundings = map[string]func(text string) string{
	"log line": func(text string) string {
		return "2026-11-23T15:54:50.123Z INFO starting worker 3\n2026-11-23T15:54:50.125Z ERROR cannot connect: " + text + "\n2026-11-23T15:54:51Z INFO bye"
	},
	"JSON log": func(text string) string {
		return `{"level":"error","ts":1763913290.1,"msg":` + quoteJSON("cannot connect with "+text) + `,"worker":3}`
	},
	"env pair": func(text string) string {
		return "PORT=3000\nAPP_START=" + text + "\nHOSTNAME=sandfly-mcp-server-7d9c6b5f4-x2x8z"
	},
	"event": func(text string) string {
		return `Warning Failed pod/sandfly-mcp-server-7d9c6b5f4-x2x8z Error: failed to start container "mcp": ` + text + `: exit status 1`
	},
	"trace": func(text string) string {
		return "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    connect()\nValueError: (" + text + ")\n\nDuring handling of the above exception, another exception occurred:\n"
	},
}

func quoteJSON(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// leaked is the first part of the secret that is still there, of at least 5 characters. A password must not survive in part.
func leaked(shown, secret string) string {
	for _, line := range strings.Split(secret, "\n") {
		for i := 0; i+5 <= len(line); i++ {
			if part := line[i : i+5]; strings.Contains(shown, part) {
				return part
			}
		}
	}
	return ""
}

func TestNoCanarySurvives(t *testing.T) {
	cases, kinds := 0, canaries()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		c := kinds[kind]
		for where, around := range surroundings {
			cases++
			text := around(c.text)
			shown := Redact(text)
			if part := leaked(shown, c.secret); part != "" {
				t.Errorf("%s in a %s: %q is left of\n%s\nin\n%s", kind, where, part, text, shown)
			}
			if again := Redact(shown); again != shown {
				t.Errorf("%s in a %s changes again from\n%s\nto\n%s", kind, where, shown, again)
			}
			if !strings.Contains(shown, redacted) {
				t.Errorf("%s in a %s: nothing is hidden", kind, where)
			}
			if shown == redacted {
				t.Errorf("%s in a %s: everything is hidden", kind, where)
			}
		}
	}
	t.Logf("%d kinds of secret, %d cases", len(kinds), cases)
	if len(kinds) < 40 {
		t.Error("too few kinds")
	}
}
