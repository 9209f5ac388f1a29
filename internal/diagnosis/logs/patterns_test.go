// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"strings"
	"testing"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// told is what one log must tell, and nothing else. A cause of "" is a near miss.
type told struct {
	log    string
	cause  v1alpha1.Cause
	detail string
	peer   string
	what   string
}

func TestPatterns(t *testing.T) {
	for name, test := range map[string]told{
		// Go.
		"Go dial":                 {`2026/11/23 15:54:50 dial tcp 10.0.0.1:5432: connect: connection refused`, down, "Refused", "10.0.0.1:5432", ""},
		"Go Get":                  {`level=ERROR msg="listing hosts" err="Get \"http://sandfly-api:8080/v4/hosts\": dial tcp 10.96.3.4:8080: connect: connection refused"`, down, "Refused", "sandfly-api:8080", ""},
		"Go Get timeout":          {`{"level":"error","msg":"call failed","error":"Post \"https://api.example.com/v1\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"}`, down, "Timeout", "api.example.com", ""},
		"Go lookup":               {`E1123 15:54:50.125412       1 main.go:40] "cannot start" err="dial tcp: lookup sandfly-db.prod.svc.cluster.local on 10.96.0.10:53: no such host"`, dns, "NotFound", "sandfly-db.prod.svc.cluster.local", ""},
		"Go lookup misbehaving":   {`dial tcp: lookup db on 10.96.0.10:53: server misbehaving`, dns, "Failed", "db", ""},
		"Go lookup timeout":       {`dial tcp: lookup db on 10.96.0.10:53: read udp 10.244.1.7:40000->10.96.0.10:53: i/o timeout`, dns, "Timeout", "db", ""},
		"Go i/o timeout":          {`dial tcp 10.0.0.1:443: i/o timeout`, down, "Timeout", "10.0.0.1:443", ""},
		"Go no route":             {`dial tcp 10.0.0.1:443: connect: no route to host`, down, "Unreachable", "10.0.0.1:443", ""},
		"Go reset":                {`read tcp 10.244.1.7:43210->10.0.0.1:5432: read: connection reset by peer`, down, "Closed", "10.0.0.1:5432", ""},
		"Go listen":               {`panic: listen tcp :8080: bind: address already in use`, taken, "InUse", "", ":8080"},
		"Go open":                 {`cannot open the store: open /data/hosts.json: permission denied`, locked, "Permission", "", "/data/hosts.json"},
		"Go read-only":            {`open /data/hosts.json: read-only file system`, frozen, "FileSystem", "", "/data/hosts.json"},
		"Go out of memory":        {`fatal error: runtime: out of memory`, memory, "Memory", "", ""},
		"Go pgx":                  {"failed to connect to `user=sandfly database=x`: 10.0.0.1:5432 (db): server error: FATAL: password authentication failed for user \"sandfly\" (SQLSTATE 28P01)", creds, "Password", "10.0.0.1:5432", "sandfly"},
		"near miss, Go 401 asked": {`level=INFO msg="request" status=401 path=/mcp`, "", "", "", ""},

		// gRPC.
		"gRPC":             {`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:3550: connect: connection refused"`, down, "Refused", "10.0.0.1:3550", ""},
		"gRPC resolver":    {`rpc error: code = Unavailable desc = name resolver error: produced zero addresses`, dns, "NoAddress", "", ""},
		"gRPC status":      {`rpc error: code = Unavailable desc = the server is going away`, down, "Unavailable", "", ""},
		"gRPC deadline":    {`rpc error: code = DeadlineExceeded desc = context deadline exceeded`, down, "Timeout", "", ""},
		"gRPC Java":        {`io.grpc.StatusRuntimeException: UNAVAILABLE: io exception`, down, "Unavailable", "", ""},
		"gRPC Python":      {`grpc._channel._InactiveRpcError: <_InactiveRpcError of RPC that terminated with: status = StatusCode.UNAVAILABLE details = "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:50051: Failed to connect to remote host: Connection refused">`, down, "Unavailable", "", ""},
		"gRPC Node":        {`Error: 14 UNAVAILABLE: No connection established`, down, "Unavailable", "", ""},
		"gRPC DNS":         {`14 UNAVAILABLE: DNS resolution failed for cart:7070: C-ares status is not ARES_SUCCESS`, dns, "NotFound", "cart:7070", ""},
		"gRPC who are you": {`rpc error: code = Unauthenticated desc = invalid token`, creds, "Token", "", ""},
		"gRPC denied":      {`rpc error: code = PermissionDenied desc = no`, creds, "Permission", "", ""},

		// Java.
		"pgjdbc":                  {`org.postgresql.util.PSQLException: Connection to db:5432 refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP connections.`, down, "Refused", "db:5432", ""},
		"MySQL Connector":         {`com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure`, down, "Closed", "", ""},
		"Hikari, full":            {`2026-11-23 15:54:50.123 ERROR 1 --- [nio-8080-exec-1] o.h.engine.jdbc.spi.SqlExceptionHelper   : HikariPool-1 - Connection is not available, request timed out after 30000ms (total=10, active=10, idle=0, waiting=4)`, full, "Pool", "", ""},
		"Hikari, none":            {`java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms (total=0, active=0, idle=0, waiting=0)`, down, "Timeout", "", ""},
		"Java unknown host":       {`java.net.UnknownHostException: sandfly-db: Name or service not known`, dns, "NotFound", "sandfly-db", ""},
		"Java connect":            {`java.net.ConnectException: Connection refused (Connection refused)`, down, "Refused", "", ""},
		"Java bind":               {`java.net.BindException: Address already in use (Bind failed)`, taken, "InUse", "", ""},
		"Spring port":             {"Description:\n\nWeb server failed to start. Port 8080 was already in use.", taken, "InUse", "", "8080"},
		"Java heap":               {`java.lang.OutOfMemoryError: Java heap space`, memory, "Heap", "", "Java heap space"},
		"near miss, Java threads": {`java.lang.OutOfMemoryError: unable to create native thread`, "", "", "", ""},
		"Java path":               {`java.nio.file.AccessDeniedException: /data/index`, locked, "Permission", "", "/data/index"},
		"Java file":               {`java.io.FileNotFoundException: /data/x.lck (Permission denied)`, locked, "Permission", "", "/data/x.lck"},
		"Java no jar":             {`Error: Unable to access jarfile app.jar`, cannot, "Program", "", "app.jar"},
		"near miss, Spring INFO":  {`2026-11-23 15:54:50.123  INFO 1 --- [main] o.a.k.c.NetworkClient : Node -1 disconnected, connection refused before, retrying`, "", "", "", ""},

		// Python.
		"psycopg":           {`psycopg.OperationalError: connection failed: connection to server at "db" (10.0.0.5), port 5432 failed: Connection refused`, down, "Refused", "db:5432", ""},
		"psycopg2":          {`psycopg2.OperationalError: could not connect to server: Connection refused Is the server running on host "db" (10.0.0.5) and accepting TCP/IP connections on port 5432?`, down, "Refused", "db:5432", ""},
		"psycopg name":      {`psycopg2.OperationalError: could not translate host name "dbx" to address: Name or service not known`, dns, "NotFound", "dbx", ""},
		"psycopg password":  {`psycopg2.OperationalError: connection to server at "db" (10.0.0.5), port 5432 failed: FATAL:  password authentication failed for user "sandfly"`, creds, "Password", "", "sandfly"},
		"pymysql":           {`pymysql.err.OperationalError: (2003, "Can't connect to MySQL server on 'mysql' ([Errno 111] Connection refused)")`, down, "Refused", "mysql", ""},
		"pymysql password":  {`pymysql.err.OperationalError: (1045, "Access denied for user 'sandfly'@'10.244.1.7' (using password: YES)")`, creds, "Password", "", "sandfly"},
		"pymysql full":      {`pymysql.err.OperationalError: (1040, 'Too many connections')`, full, "Server", "", ""},
		"redis-py":          {`redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.`, down, "Refused", "redis:6379", ""},
		"redis-py name":     {`redis.exceptions.ConnectionError: Error -2 connecting to rediss:6379. Name or service not known.`, dns, "NotFound", "rediss:6379", ""},
		"requests":          {`requests.exceptions.ConnectionError: HTTPConnectionPool(host='api', port=8080): Max retries exceeded with url: /x (Caused by NewConnectionError('<urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))`, down, "Refused", "api:8080", ""},
		"requests name":     {`requests.exceptions.ConnectionError: HTTPSConnectionPool(host='apix', port=443): Max retries exceeded with url: / (Caused by NameResolutionError("<x>: Failed to resolve 'apix' ([Errno -2] Name or service not known)"))`, dns, "NotFound", "apix", ""},
		"requests timeout":  {`requests.exceptions.ReadTimeout: HTTPConnectionPool(host='api', port=8080): Read timed out. (read timeout=5)`, down, "Timeout", "api:8080", ""},
		"requests 401":      {`requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://sandfly.local/v4/auth`, creds, "Token", "sandfly.local", ""},
		"requests 503":      {`requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: http://sandfly:8080/v4`, down, "Unavailable", "sandfly:8080", ""},
		"Python bind":       {`[Errno 98] error while attempting to bind on address ('0.0.0.0', 8000): address already in use`, taken, "InUse", "", "0.0.0.0', 8000"},
		"gunicorn":          {`[2026-11-23 15:54:50 +0000] [1] [ERROR] Connection in use: ('0.0.0.0', 8000)`, taken, "InUse", "", "('0.0.0.0', 8000)"},
		"Python path":       {`PermissionError: [Errno 13] Permission denied: '/data/cache'`, locked, "Permission", "", "/data/cache"},
		"Python read-only":  {`OSError: [Errno 30] Read-only file system: '/app/cache'`, frozen, "FileSystem", "", "/app/cache"},
		"Python memory":     {`MemoryError`, memory, "Memory", "", ""},
		"Python no program": {`python: can't open file '/app/main.py': [Errno 2] No such file or directory`, cannot, "Program", "", "/app/main.py"},
		"SQLAlchemy":        {`sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00`, full, "Pool", "", ""},
		"sqlite":            {`sqlite3.OperationalError: attempt to write a readonly database`, frozen, "Database", "", ""},
		"kafka-python":      {`kafka.errors.NoBrokersAvailable: NoBrokersAvailable`, down, "NoBroker", "", ""},

		// Node.
		"Node refused":    {`Error: connect ECONNREFUSED 10.0.0.1:5432`, down, "Refused", "10.0.0.1:5432", ""},
		"Node name":       {`Error: getaddrinfo ENOTFOUND sandfly-db`, dns, "NotFound", "sandfly-db", ""},
		"Node name later": {`Error: getaddrinfo EAI_AGAIN sandfly-db`, dns, "Failed", "sandfly-db", ""},
		"Node listen":     {`Error: listen EADDRINUSE: address already in use :::3000`, taken, "InUse", "", ":::3000"},
		"Node MySQL":      {`Error: ER_ACCESS_DENIED_ERROR: Access denied for user 'sandfly'@'10.244.1.7' (using password: YES)`, creds, "Password", "", "sandfly"},
		"Node path":       {`Error: EACCES: permission denied, open '/data/state.json'`, locked, "Permission", "", "/data/state.json"},
		"Node read-only":  {`Error: EROFS: read-only file system, mkdir '/data/x'`, frozen, "FileSystem", "", "/data/x"},
		"Node heap":       {`FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory`, memory, "Heap", "", ""},
		"Node reset":      {`Error: read ECONNRESET`, down, "Closed", "", ""},
		"Node no program": {`Error: Cannot find module '/app/dist/index.js'`, cannot, "Program", "", "/app/dist/index.js"},
		"Node warns":      {`warn: redis unreachable, connect ECONNREFUSED 10.0.0.1:6379, retrying`, down, "Refused", "10.0.0.1:6379", ""},

		// .NET.
		".NET HTTP":   {`System.Net.Http.HttpRequestException: Connection refused (api:8080)`, down, "Refused", "api:8080", ""},
		".NET name":   {`System.Net.Http.HttpRequestException: Name or service not known (apix:8080)`, dns, "NotFound", "apix:8080", ""},
		"Npgsql":      {`Npgsql.NpgsqlException (0x80004005): Failed to connect to 10.0.0.1:5432`, down, "Refused", "10.0.0.1:5432", ""},
		"Npgsql pool": {`Npgsql.NpgsqlException: The connection pool has been exhausted, either raise 'Max Pool Size'`, full, "Pool", "", ""},
		"SQL Server":  {`Microsoft.Data.SqlClient.SqlException (0x80131904): Login failed for user 'sa'.`, creds, "Password", "", "sa"},
		"Kestrel":     {`System.IO.IOException: Failed to bind to address http://0.0.0.0:8080: address already in use.`, taken, "InUse", "", "http://0.0.0.0:8080"},
		".NET path":   {`System.UnauthorizedAccessException: Access to the path '/data/keys' is denied.`, locked, "Permission", "", "/data/keys"},

		// nginx.
		"nginx refused":    {`2026/11/23 15:54:50 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 10.244.0.1, server: , request: "GET / HTTP/1.1", upstream: "http://10.96.3.4:8080/", host: "x"`, down, "Refused", "10.96.3.4:8080", ""},
		"nginx timed out":  {`2026/11/23 15:54:50 [error] 7#7: *1 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 10.244.0.1, upstream: "http://10.96.3.4:8080/x", host: "x"`, down, "Timeout", "10.96.3.4:8080", ""},
		"nginx name":       {`nginx: [emerg] host not found in upstream "backend" in /etc/nginx/conf.d/default.conf:3`, dns, "NotFound", "backend", ""},
		"nginx bind":       {`nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)`, taken, "InUse", "", "0.0.0.0:80"},
		"nginx path":       {`2026/11/23 15:54:50 [emerg] 1#1: mkdir() "/var/cache/nginx/client_temp" failed (13: Permission denied)`, locked, "Permission", "", "/var/cache/nginx/client_temp"},
		"near miss, nginx": {`10.244.0.1 - - [23/Nov/2026:15:54:50 +0000] "GET /connection-refused HTTP/1.1" 200 5 "-" "x"`, "", "", "", ""},

		// Databases and brokers, in their own words.
		"PostgreSQL full":        {`2026-11-23 15:54:50.123 UTC [42] FATAL:  sorry, too many clients already`, full, "Server", "", ""},
		"PostgreSQL slots":       {`FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute`, full, "Server", "", ""},
		"PostgreSQL role":        {`2026-11-23 15:54:50.123 UTC [42] FATAL:  role "sandfly" does not exist`, creds, "User", "", "sandfly"},
		"PostgreSQL hba":         {`FATAL:  no pg_hba.conf entry for host "10.244.1.7", user "sandfly", database "x", no encryption`, creds, "Host", "", "sandfly"},
		"PostgreSQL replica":     {`ERROR:  cannot execute INSERT in a read-only transaction`, frozen, "Replica", "", "INSERT"},
		"PostgreSQL starting":    {`FATAL:  the database system is starting up`, down, "NotReady", "", "starting up"},
		"PostgreSQL directory":   {`initdb: error: could not change permissions of directory "/var/lib/postgresql/data": Operation not permitted`, locked, "Permission", "", "/var/lib/postgresql/data"},
		"MySQL access":           {`ERROR 1045 (28000): Access denied for user 'root'@'localhost' (using password: YES)`, creds, "Password", "", "root"},
		"MySQL full":             {`ERROR 1040 (HY000): Too many connections`, full, "Server", "", ""},
		"MySQL replica":          {`ERROR 1290 (HY000): The MySQL server is running with the --read-only option so it cannot execute this statement`, frozen, "Replica", "", ""},
		"MySQL client":           {`ERROR 2003 (HY000): Can't connect to MySQL server on 'mysql:3306' (111)`, down, "Refused", "mysql:3306", ""},
		"Redis replica":          {`ReplyError: READONLY You can't write against a read only replica.`, frozen, "Replica", "", ""},
		"Redis who":              {`NOAUTH Authentication required.`, creds, "Missing", "", ""},
		"Redis password":         {`WRONGPASS invalid username-password pair or user is disabled.`, creds, "Password", "", ""},
		"Redis full":             {`ERR max number of clients reached`, full, "Server", "", ""},
		"Redis loading":          {`LOADING Redis is loading the dataset in memory`, down, "NotReady", "", ""},
		"Redis disk":             {`MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.`, frozen, "Persistence", "", ""},
		"Redis bind":             {`1:M 23 Nov 2026 15:54:50.123 # Warning: Could not create server TCP listening socket *:6379: bind: Address already in use`, taken, "InUse", "", "*:6379"},
		"MongoDB":                {`MongoServerError: Authentication failed.`, creds, "Password", "", ""},
		"MongoDB selection":      {`MongoServerSelectionError: connect ECONNREFUSED 10.0.0.1:27017`, down, "Refused", "10.0.0.1:27017", ""},
		"pymongo":                {`pymongo.errors.ServerSelectionTimeoutError: mongo:27017: [Errno 111] Connection refused`, down, "Refused", "mongo:27017", ""},
		"MongoDB replica":        {`MongoServerError: not primary`, frozen, "Replica", "", ""},
		"RabbitMQ":               {`operation connection.open caused a connection exception: ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN.`, creds, "Password", "", ""},
		"RabbitMQ for Go":        {`Exception (403) Reason: "username or password not allowed"`, creds, "Password", "", ""},
		"Kafka":                  {`[Producer clientId=p-1] Connection to node -1 (kafka/10.96.0.9:9092) could not be established. Node may not be available. Broker may not be available.`, down, "Unreachable", "kafka", ""},
		"Kafka bootstrap":        {`org.apache.kafka.common.config.ConfigException: No resolvable bootstrap urls given in bootstrap.servers`, dns, "NotFound", "", ""},
		"librdkafka":             {`%3|1763913290.1|FAIL|p#producer-1| [thrd:kafka:9092/bootstrap]: kafka:9092/bootstrap: Connect to ipv4#10.96.0.9:9092 failed: Connection refused (after 0ms in state CONNECT)`, down, "Refused", "kafka:9092", ""},
		"Elasticsearch":          {`{"type":"cluster_block_exception","reason":"index [x] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];"}`, frozen, "Index", "", ""},
		"AWS":                    {`An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation`, creds, "Key", "", ""},
		"OpenAI":                 {`openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided: [redacted]', 'code': 'invalid_api_key'}}`, creds, "Key", "", ""},
		"near miss, replica":     {`2026-11-23 15:54:50.123 UTC [1] LOG:  database system is ready to accept read-only connections`, "", "", "", ""},
		"near miss, replica 2":   {`{"level":"info","msg":"entering read-only mode as a replica of db-0"}`, "", "", "", ""},
		"near miss, SQL":         {`2026-11-23 15:54:50.123 UTC [42] LOG:  statement: SELECT 1 -- too many connections`, "", "", "", ""},
		"near miss, SQL 2":       {`UPDATE jobs SET note = 'ERROR 1040 (HY000): Too many connections'`, "", "", "", ""},
		"near miss, comment":     {`# the health check fails while the connection is refused: connection refused`, "", "", "", ""},
		"near miss, comment 2":   {`-- ERROR: too many connections for role "x"`, "", "", "", ""},
		"near miss, prose":       {`health check treats connection refused as down`, "", "", "", ""},
		"near miss, debug":       {`DEBUG pool: too many connections would be opened, reusing one of db:5432`, "", "", "", ""},
		"near miss, read-only":   {`mounted /etc/config as a read-only file system, as asked`, "", "", "", ""},
		"near miss, port in use": {`port 8080 in use by us`, "", "", "", ""},

		// The program.
		"exec format":      {`exec /app/server: exec format error`, cannot, "Format", "", "/app/server"},
		"sh":               {`/bin/sh: 1: mcp-server: not found`, cannot, "NotFound", "", "mcp-server"},
		"bash":             {`bash: line 1: uvicorn: command not found`, cannot, "NotFound", "", "uvicorn"},
		"exec gone":        {`exec /app/run.sh: no such file or directory`, cannot, "NotFound", "", "/app/run.sh"},
		"runc":             {`exec: "mcp-server": executable file not found in $PATH`, cannot, "NotFound", "", "mcp-server"},
		"exec denied":      {`exec /app/run.sh: permission denied`, cannot, "Permission", "", "/app/run.sh"},
		"library":          {`/app/server: error while loading shared libraries: libssl.so.1.1: cannot open shared object file: No such file or directory`, cannot, "Library", "", "libssl.so.1.1"},
		"mkdir":            {`mkdir: cannot create directory '/data/x': Permission denied`, locked, "Permission", "", "/data/x"},
		"chown":            {`chown: changing ownership of '/data': Operation not permitted`, locked, "Owner", "", "/data"},
		"near miss, 404":   {`GET /x not found`, "", "", "", ""},
		"near miss, grant": {`permission denied for table hosts`, "", "", "", ""},
		"near miss, env":   {`environment variable SANDFLY_TOKEN is not set`, "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Scan("starting\n" + test.log + "\nbye")
			if test.cause == "" {
				if len(got) > 0 {
					t.Fatalf("%+v", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d matches: %+v", len(got), got)
			}
			if m := got[0]; m.Cause != test.cause || m.Detail != test.detail || m.Peer != test.peer || m.What != test.what || m.Healed || m.Proves == "" {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestPatternsAreSound(t *testing.T) {
	for _, p := range patterns {
		if p.hint != strings.ToLower(p.hint) || p.proves == "" || p.detail == "" {
			t.Errorf("%s: hint %q, detail %q, proves %q", p.form, p.hint, p.detail, p.proves)
		}
		if p.form.MatchString("") {
			t.Errorf("%s fits everything", p.form)
		}
	}
}
