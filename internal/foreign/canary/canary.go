// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Package canary makes fake secrets of every kind, for the tests which hold that none gets anywhere.
package canary

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// Canary is a text with a fake secret in it.
type Canary struct{ Text, Secret string }

// Left is the first part of the secret, of that many characters, that is in what is shown, or "" if none is. A short
// part finds a secret that is hidden by half, and in a long text what only looks like one.
func (c Canary) Left(shown string, length int) string {
	for _, line := range strings.Split(c.Secret, "\n") {
		part := min(length, len(line))
		for i := 0; part > 0 && i+part <= len(line); i++ {
			if strings.Contains(shown, line[i:i+part]) {
				return line[i : i+part]
			}
		}
	}
	return ""
}

// Noise is a text that looks random and is always the same for a seed. The secrets are put together of it, so that no
// scanner takes this file for a leak.
func Noise(seed, alphabet string, n int) string {
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
func whole(parts ...string) Canary {
	secret := strings.Join(parts, "")
	return Canary{secret, secret}
}

// behind is a secret that stands behind something, and before something.
func behind(before, secret, after string) Canary { return Canary{before + secret + after, secret} }

// PEM is a private key of a kind, such as "RSA PRIVATE KEY".
func PEM(kind string) Canary {
	body := strings.Join([]string{Noise(kind, base64s, 64), Noise(kind+"2", base64s, 64), Noise(kind+"3", base64s, 40) + "=="}, "\n")
	dashes := strings.Repeat("-", 5)
	return behind(dashes+"BEGIN "+kind+dashes+"\n", body, "\n"+dashes+"END "+kind+dashes)
}

func jwt(claims string) Canary {
	part := base64.RawURLEncoding.EncodeToString
	return whole(part([]byte(`{"alg":"RS256","kid":"x"}`)), ".", part([]byte(claims)), ".", Noise(claims, alnum+"-_", 86))
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// All are one of each kind, by its name.
func All() map[string]Canary {
	pw := Noise("password", alnum, 12)
	hard := "p/" + Noise("hard", alnum, 6) + "@&;x,9"
	kinds := map[string]Canary{
		"bearer":                  behind("Authorization: Bearer ", Noise("bearer", alnum, 24), ""),
		"bearer in prose":         behind("it sent bearer ", Noise("prose", alnum, 24), " and was refused"),
		"basic":                   behind("Authorization: Basic ", basic("admin", pw), ""),
		"basic alone":             behind("header Basic ", basic("root", pw), " refused"),
		"Go header":               behind("map[Accept:[*/*] Authorization:[Bearer ", Noise("goheader", alnum, 24), "]]"),
		"proxy authorization":     behind("Proxy-Authorization: ", Noise("proxy", alnum, 20)+"7", ""),
		"X-Api-Key":               behind("X-Api-Key: ", Noise("xapi", alnum, 24), ""),
		"X-Auth-Token":            behind("X-Auth-Token: ", Noise("xauth", smalls, 24), ""),
		"JWT":                     jwt(`{"sub":"sandfly"}`),
		"service account token":   jwt(`{"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:a:b"}`),
		"bootstrap token":         behind("kubeadm join --token ", Noise("bt", smalls, 6)+"."+Noise("bt2", smalls, 14)+"42", " 10.0.0.1:6443"),
		"RSA key":                 PEM("RSA PRIVATE " + "KEY"),
		"EC key":                  PEM("EC PRIVATE " + "KEY"),
		"PKCS 8 key":              PEM("PRIVATE " + "KEY"),
		"encrypted key":           PEM("ENCRYPTED PRIVATE " + "KEY"),
		"OpenSSH key":             PEM("OPENSSH PRIVATE " + "KEY"),
		"PGP key":                 PEM("PGP PRIVATE " + "KEY BLOCK"),
		"PuTTY key":               behind("PuTTY-User-"+"Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n", Noise("putty", base64s, 64), "\nPrivate-MAC: "+Noise("mac", hexes, 64)),
		"age key":                 whole("AGE-SECRET-", "KEY-1", Noise("age", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)),
		"AWS access key":          whole("AK", "IA", Noise("akia", capitals, 16)),
		"AWS secret beside":       behind("AK"+"IA"+Noise("akia", capitals, 16)+" ", Noise("awssecret", base64s, 40), ""),
		"AWS secret named":        behind("aws_secret_access_key = ", Noise("awssecret", base64s, 40), ""),
		"AWS session token":       behind("AWS_SESSION_TOKEN=", "FwoGZXIvYXdz"+Noise("sess", base64s, 120), ""),
		"AWS signed URL":          behind("GET https://b.s3.amazonaws.com/k?X-Amz-Signature=", Noise("amz", hexes, 64), "&X-Amz-Date=20261123T000000Z"),
		"GCP API key":             whole("AI", "za", Noise("gcp", alnum+"-_", 35)),
		"GCP service account":     behind(`{"type":"service_account","private_key":"-----BEGIN PRIVATE `+`KEY-----\n`, Noise("gsa", base64s, 64), `\n-----END PRIVATE `+`KEY-----\n"}`),
		"GCP OAuth":               whole("ya", "29.", Noise("ya29", alnum+"-_", 60)),
		"Azure account key":       behind("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=", Noise("azure", base64s, 86)+"==", ";EndpointSuffix=core.windows.net"),
		"Azure SAS":               behind("https://a.blob.core.windows.net/c?sv=2024-01-01&sp=r&sig=", Noise("sas", alnum, 40)+"%3D", "&se=2027"),
		"Azure client secret":     behind("AZURE_CLIENT_SECRET=", Noise("az", alnum, 3)+"8Q"+"~"+Noise("az2", alnum, 32), ""),
		"DigitalOcean":            whole("do", "p_v1_", Noise("do", hexes, 64)),
		"GitHub":                  whole("gh", "p_", Noise("gh", alnum, 36)),
		"GitHub app":              whole("gh", "s_", Noise("ghs", alnum, 36)),
		"GitHub fine-grained":     whole("github_", "pat_", Noise("ghf", alnum, 82)),
		"GitLab":                  whole("gl", "pat-", Noise("gl", alnum, 20)),
		"GitLab deploy":           whole("gl", "dt-", Noise("gldt", alnum, 20)),
		"Slack bot":               whole("xo", "xb-", Noise("sl", "0123456789", 11), "-", Noise("sl2", "0123456789", 12), "-", Noise("sl3", alnum, 24)),
		"Slack webhook":           behind("https://hooks.slack.com/services/", "T"+Noise("t", capitals, 9)+"/B"+Noise("b", capitals, 9)+"/"+Noise("w", alnum, 24), ""),
		"Stripe":                  whole("sk_", "live_", Noise("stripe", alnum, 24)),
		"Twilio":                  whole("S", "K", Noise("twilio", hexes, 32)),
		"SendGrid":                whole("S", "G.", Noise("sg", alnum, 22), ".", Noise("sg2", alnum, 43)),
		"npm":                     whole("np", "m_", Noise("npm", alnum, 36)),
		"PyPI":                    whole("py", "pi-AgEIcHlwaS5vcmc", Noise("pypi", alnum, 90)),
		"Hugging Face":            whole("h", "f_", Noise("hf", alnum[:52], 34)),
		"OpenAI":                  whole("s", "k-proj-", Noise("oa", alnum, 48)),
		"Anthropic":               whole("s", "k-ant-", "api03-", Noise("an", alnum+"-_", 93), "AA"),
		"Docker Hub":              whole("dckr_", "pat_", Noise("dh", alnum, 27)),
		"Vault":                   whole("hv", "s.", Noise("vault", alnum, 95)),
		"Telegram bot":            behind("https://api.telegram.org/bot", "123456789:AA"+Noise("tg", alnum, 33), "/getMe"),
		"Discord webhook":         behind("https://discord.com/api/webhooks/", "123456789012345678/"+Noise("dw", alnum, 68), ""),
		"Grafana":                 whole("gl", "sa_", Noise("gf", alnum, 32), "_", Noise("gf2", hexes, 8)),
		"Databricks":              whole("da", "pi", Noise("db", hexes, 32)),
		"Heroku":                  behind("HEROKU_API_KEY=", Noise("h1", hexes, 8)+"-"+Noise("h2", hexes, 4)+"-"+Noise("h3", hexes, 4)+"-"+Noise("h4", hexes, 4)+"-"+Noise("h5", hexes, 12), ""),
		"docker config":           behind(`{"auths":{"registry.local":{"auth":"`, basic("puller", pw), `"}}}`),
		"htpasswd":                behind("admin:", "$ap"+"r1$"+Noise("salt", alnum, 8)+"$"+Noise("apr", alnum, 22), ""),
		"bcrypt":                  behind("admin:", "$2"+"y$10$"+Noise("bcrypt", alnum, 53), ""),
		"shadow":                  behind("root:", "$6"+"$"+Noise("salt6", alnum, 8)+"$"+Noise("shadow", alnum, 86), ":19000:0:99999:7:::"),
		"argon2":                  whole("$arg", "on2id$v=19$m=65536,t=3,p=4$", Noise("a2", base64s, 22), "$", Noise("a2h", base64s, 43)),
		"cookie":                  behind("Cookie: sid=", Noise("cookie", alnum, 24), ""),
		"set-cookie":              behind("Set-Cookie: connect.sid=s%3A", Noise("setcookie", alnum, 32), "; Path=/; HttpOnly"),
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
		"env, a hard one":         behind("DB_PASSWORD=", pw[:6]+"&"+pw[6:]+";"+Noise("semi", alnum, 6)+","+Noise("comma", alnum, 6), ""),
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
		"prose":                   behind("using token ", Noise("prose2", smalls, 20), " of the sandfly API"),
		"a sentence":              behind("the password is ", pw, " now"),
		"SQL":                     behind("ALTER USER sandfly WITH PASSWORD '", pw, "'"),
		"MySQL's SQL":             behind("CREATE USER 'x'@'%' IDENTIFIED BY '", pw, "'"),
		"redis.conf":              behind("requirepass ", pw, ""),
		"encoded JSON":            behind("body=%7B%22client_secret%22%3A%22", pw, "%22%7D"),
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
		"signing key":             behind("SESSION_KEY=", Noise("signing", alnum, 32), ""),
		"key by entropy":          behind(`"key": "`, Noise("entropy", alnum, 32), `"`),
		"signature":               behind("signature: ", Noise("signature", base64s, 44), ""),
		"generic hex behind auth": behind("auth=", Noise("auth", hexes, 32), ""),
	}
	return kinds
}
