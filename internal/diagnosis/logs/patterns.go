// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

package logs

import (
	"regexp"

	"github.com/ry-ops/cortex/api/v1alpha1"
)

// claim is how sure a form is of itself.
type claim int

const (
	// fair counts unless the line's level says that it is no error.
	fair claim = iota
	// strong counts at every level: only the error itself is written so.
	strong
	// vague words count where the line names a peer, or says that something failed.
	vague
)

// pattern is a form in which programs tell a fault. Its groups: peer (or host and port), and what.
type pattern struct {
	cause  v1alpha1.Cause
	detail string
	claim  claim
	// hint is in every line that the form fits, in small letters: most lines need no regexp.
	hint string
	form *regexp.Regexp
	// proves says what is known once it fits, and no more.
	proves string
}

const (
	down   = v1alpha1.CauseDependencyUnavailable
	creds  = v1alpha1.CauseCredentialsRejected
	full   = v1alpha1.CauseConnectionExhausted
	frozen = v1alpha1.CauseReadOnlyStorage
	taken  = v1alpha1.CausePortConflict
	locked = v1alpha1.CauseVolumePermissionDenied
	dns    = v1alpha1.CauseDNSFailure
	cannot = v1alpha1.CauseContainerCannotRun
	memory = v1alpha1.CauseOOMKilled
)

// hasPeer: the cause lies with somebody else, who may be named anywhere in the line.
func hasPeer(cause v1alpha1.Cause) bool {
	switch cause {
	case down, creds, full, frozen, dns:
		return true
	}
	return false
}

// What several forms prove.
const (
	refused    = "nothing listens at that address, or a reject rule answers for it"
	silent     = "no answer came in time; who did not answer is not told"
	unroutable = "the network has no way to that address"
	cutOff     = "the other side, or something between, ended an open connection"
	notYet     = "the dependency runs, and does not take requests yet"
	unknown    = "the name has no address in the DNS that the pod asks"
	unanswered = "the DNS did not give an answer; the name may be right"
	wrong      = "the dependency answers, and rejects what the client showed"
	missing    = "the dependency answers, and the client showed nothing"
	forbidden  = "the dependency knows the client, and does not let it do this"
	noSlot     = "the dependency answers, and takes no more connections"
	noLease    = "the program's own pool had no free connection in time"
	readOnly   = "the storage takes no writes"
	replica    = "the client writes to a replica that only reads"
	inUse      = "another process in the pod listens at that port"
	noAccess   = "the process's user may not do this with that path"
	noProgram  = "the image has no program or file of that name"
	noExec     = "the file is there, and may not be run, or not on this machine"
	noMemory   = "the program asked for memory and got none"
)

// patterns are tried in order: what names more, or is more exact, stands first. PostgreSQL's and MySQL's words are the same in
// every language's client, so they stand once.
var patterns = []pattern{
	// Where the name resolver is the fault, "dial tcp" stands in the line as well.
	{dns, "NotFound", strong, "no such host", rx(`lookup (?P<peer>[\w.-]+)(?: on [\d.:\[\]a-f]+)?: no such host`), unknown},
	{dns, "Failed", strong, "server misbehaving", rx(`lookup (?P<peer>[\w.-]+)(?: on [\d.:\[\]a-f]+)?: server misbehaving`), unanswered},
	{dns, "Timeout", strong, "lookup ", rx(`lookup (?P<peer>[\w.-]+)(?: on [\d.:\[\]a-f]+)?: (?:.*: )?(?:i/o timeout|connection refused)`), unanswered},
	{dns, "NotFound", strong, "enotfound", rx(`\bENOTFOUND (?P<peer>[\w.-]+)`), unknown},
	{dns, "Failed", strong, "eai_again", rx(`\bEAI_AGAIN (?P<peer>[\w.-]+)`), unanswered},
	{dns, "NotFound", strong, "unknownhostexception", rx(`\bUnknownHostException: (?P<peer>[\w.-]+)`), unknown},
	{dns, "NotFound", strong, "could not translate host name", rx(`could not translate host name "(?P<peer>[^"]+)" to address: (?:Name or service not known|No address|nodename)`), unknown},
	{dns, "Failed", strong, "could not translate host name", rx(`could not translate host name "(?P<peer>[^"]+)" to address`), unanswered},
	{dns, "NotFound", strong, "failed to resolve", rx(`Failed to resolve '(?P<peer>[\w.-]+)'(?: \(\[Errno -[25]\])?`), unknown},
	{dns, "NotFound", strong, "connecting to", rx(`Error -[25] connecting to (?P<peer>[\w.:-]+)\.`), unknown},
	{dns, "Failed", strong, "connecting to", rx(`Error -3 connecting to (?P<peer>[\w.:-]+)\.`), unanswered},
	{dns, "NotFound", strong, "host not found in upstream", rx(`host not found in upstream "(?P<peer>[^"]+)"`), unknown},
	{dns, "Failed", fair, "could not be resolved", rx(`(?P<peer>[\w.-]+) could not be resolved \(\d+: `), unanswered},
	{dns, "NotFound", strong, "bootstrap.servers", rx(`No resolvable bootstrap urls given in bootstrap\.servers`), unknown},
	{dns, "NotFound", strong, "unknown mysql server host", rx(`Unknown MySQL server host '(?P<peer>[^']+)'`), unknown},
	{dns, "NoAddress", fair, "name resolver error", rx(`name resolver error: (?:produced zero addresses)?`), unknown},
	{dns, "NotFound", fair, "dns resolution failed", rx(`DNS resolution failed for (?P<peer>[\w.:-]+)`), unanswered},
	{dns, "Failed", fair, "temporary failure in name resolution", rx(`Temporary failure in name resolution(?: \((?P<peer>[\w.:-]+)\))?`), unanswered},
	{dns, "NotFound", fair, "name or service not known", rx(`Name or service not known(?: \((?P<peer>[\w.:-]+)\))?`), unknown},
	{dns, "NotFound", fair, "could not resolve host", rx(`[Cc]ould not resolve host:? (?P<peer>[\w.-]+)`), unknown},
	{dns, "NotFound", fair, "nxdomain", rx(`\bNXDOMAIN\b`), unknown},

	// The port is taken: not to be confused with a connection that is refused, so it stands before those.
	{taken, "InUse", strong, "eaddrinuse", rx(`\bEADDRINUSE:? (?:address already in use )?(?P<what>\S*:\d+)`), inUse},
	{taken, "InUse", strong, "address already in use", rx(`listen (?:tcp|udp)\d? (?P<what>\S*:\d+): bind: address already in use`), inUse},
	{taken, "InUse", strong, "address already in use", rx(`bind on address \((?P<what>'[^']*', \d+)`), inUse},
	{taken, "InUse", strong, "address already in use", rx(`(?i)bind(?:\(\))? (?:to address |to |IPv[46] address )?"?(?P<what>[^\s"]+)"?(?: failed)?[: (]+(?:\d+: )?address already in use`), inUse},
	{taken, "InUse", strong, "address already in use", rx(`(?i)socket (?P<what>\S+:\d+): bind: address already in use`), inUse},
	{taken, "InUse", strong, "address already in use", rx(`(?i)address already in use`), inUse},
	{taken, "InUse", strong, "was already in use", rx(`Port (?P<what>\d+) was already in use`), inUse},
	{taken, "InUse", strong, "connection in use", rx(`Connection in use: (?P<what>\('[^']*', \d+\))`), inUse},
	{taken, "InUse", strong, "addrinuse", rx(`\bkind: AddrInUse\b`), inUse},

	// No more connections.
	{full, "Server", strong, "too many clients already", rx(`sorry, too many clients already`), noSlot},
	{full, "Server", strong, "remaining connection slots", rx(`remaining connection slots are reserved`), noSlot},
	{full, "User", strong, "too many connections for", rx(`too many connections for (?:role|database) "(?P<what>[^"]+)"`), noSlot},
	{full, "User", strong, "max_user_connections", rx(`(?:User (?P<what>\S+) already has more than|has exceeded the) '?max_user_connections`), noSlot},
	{full, "Server", strong, "er_con_count_error", rx(`\bER_CON_COUNT_ERROR\b`), noSlot},
	{full, "Server", strong, "too many connections", rx(`(?:ERROR |Error |\()1040\b.*Too many connections`), noSlot},
	{full, "Server", vague, "too many connections", rx(`(?i)\btoo many connections\b`), noSlot},
	{full, "Server", strong, "max number of clients", rx(`ERR max number of clients(?: \+ cluster connections)? reached`), noSlot},
	{full, "Server", strong, "too many open connections", rx(`connection refused because (?:there are )?too many open connections`), noSlot},
	{full, "Server", strong, "no more connections allowed", rx(`no more connections allowed`), noSlot},
	{full, "Server", strong, "connection limit", rx(`connection limit \(\d+\) is reached`), noSlot},
	{full, "Pool", strong, "queuepool limit", rx(`QueuePool limit of size \d+ overflow \d+ reached`), noLease},
	{full, "Pool", strong, "connection is not available, request timed out", rx(`Connection is not available, request timed out after \d+ms \(total=[1-9]`), noLease},
	{full, "Pool", strong, "obtaining a connection from the pool", rx(`prior to obtaining a connection from the pool`), noLease},
	{full, "Pool", strong, "connection pool has been exhausted", rx(`connection pool has been exhausted`), noLease},
	{full, "Pool", strong, "timeout acquiring a connection", rx(`Timeout acquiring a connection\. The pool is probably full`), noLease},
	{full, "Pool", strong, "new connection from the connection pool", rx(`Timed out fetching a new connection from the connection pool`), noLease},
	{full, "Pool", strong, "connection pool exhausted", rx(`(?i)connection pool exhausted`), noLease},
	{full, "Pool", strong, "waitqueuetimeouterror", rx(`WaitQueueTimeoutError|Timed out while checking out a connection from connection pool`), noLease},
	{full, "Workers", strong, "worker_connections are not enough", rx(`\d+ worker_connections are not enough`), noLease},

	// No more writes.
	{frozen, "Replica", strong, "readonly you can't write", rx(`READONLY You can't write against a read only (?:replica|slave)`), replica},
	{frozen, "Replica", strong, "read-only transaction", rx(`cannot execute (?P<what>[A-Z ]+) in a read-only transaction`), replica},
	{frozen, "Replica", strong, "read-only option", rx(`running with the --(?:super-)?read-only option so it cannot execute`), replica},
	{frozen, "Replica", strong, "writableprimary", rx(`\bNotWritablePrimary\b`), replica},
	{frozen, "Replica", strong, "not primary", rx(`(?:MongoServerError|NotPrimaryError|WriteError|code 10107).*not primary|\bnot primary and secondaryOk=false`), replica},
	{frozen, "Persistence", strong, "misconf", rx(`MISCONF (?:Redis|Valkey|Errors writing)`), readOnly},
	{frozen, "Database", strong, "readonly database", rx(`attempt to write a readonly database`), readOnly},
	{frozen, "Index", strong, "cluster_block_exception", rx(`cluster_block_exception.*(?:read-only|FORBIDDEN/(?:5|8|12))`), readOnly},
	{frozen, "FileSystem", strong, "erofs", rx(`\bEROFS: read-only file system, \w+ '(?P<what>[^']+)'`), readOnly},
	{frozen, "FileSystem", strong, "read-only file system", rx(`(?i)(?:'(?P<what>/[^']*)'|"(?P<w2>/[^"]*)"|\w+ (?P<w3>/[^\s:]+)): read-only file system`), readOnly},
	{frozen, "FileSystem", strong, "read-only file system", rx(`Read-only file system: '(?P<what>[^']*)'`), readOnly},
	{frozen, "FileSystem", vague, "read-only file system", rx(`(?i)\bread-only file system\b`), readOnly},

	// Rejected. PostgreSQL and MySQL name the user, hardly ever themselves.
	{creds, "Password", strong, "password authentication failed", rx(`password authentication failed for user "?(?P<what>[^"\s]+)"?`), wrong},
	{creds, "Host", strong, "pg_hba.conf", rx(`no pg_hba\.conf entry for host "(?P<w2>[^"]+)", user "(?P<what>[^"]+)"`), forbidden},
	{creds, "User", strong, "does not exist", rx(`FATAL:\s+role "(?P<what>[^"]+)" does not exist`), wrong},
	{creds, "Password", strong, "access denied for user", rx(`Access denied for user '(?P<what>[^']*)'@'[^']*'(?: \(using password: YES\))?`), wrong},
	{creds, "Password", strong, "er_access_denied_error", rx(`\bER_ACCESS_DENIED_ERROR\b`), wrong},
	{creds, "Missing", strong, "noauth", rx(`\bNOAUTH (?:Authentication required|HELLO must)`), missing},
	{creds, "Password", strong, "wrongpass", rx(`\bWRONGPASS invalid username-password pair`), wrong},
	{creds, "Password", strong, "invalid password", rx(`\bERR (?:AUTH .*)?invalid password`), wrong},
	{creds, "Permission", strong, "noperm", rx(`\bNOPERM `), forbidden},
	{creds, "Password", strong, "authentication failed", rx(`(?:MongoServerError|MongoError|AuthenticationFailed|OperationFailure|code 18\b|codeName.*)[^\n]*[Aa]uthentication failed|\(AuthenticationFailed\) Authentication failed`), wrong},
	{creds, "Missing", strong, "requires authentication", rx(`[Cc]ommand \w+ requires authentication`), missing},
	{creds, "Permission", strong, "not authorized on", rx(`not authorized on (?P<what>\S+) to execute command`), forbidden},
	{creds, "Password", strong, "access_refused", rx(`\bACCESS_REFUSED\b`), wrong},
	{creds, "Password", strong, "username or password not allowed", rx(`\(403\) Reason: "username or password not allowed"`), wrong},
	{creds, "Password", strong, "sasl", rx(`(?i)\bSaslAuthenticationException\b|SASL (?:\S+ )?authentication (?:error|failed|failure)`), wrong},
	{creds, "Password", strong, "login failed for user", rx(`Login failed for user '(?P<what>[^']*)'`), wrong},
	{creds, "Password", strong, "ora-01017", rx(`ORA-01017`), wrong},
	{creds, "Token", strong, "unauthenticated", rx(`code = Unauthenticated\b|StatusCode\.UNAUTHENTICATED|\bStatusRuntimeException: UNAUTHENTICATED\b|"UNAUTHENTICATED"|\b16 UNAUTHENTICATED:`), wrong},
	{creds, "Permission", fair, "permissiondenied", rx(`code = PermissionDenied\b`), forbidden},
	{creds, "Permission", fair, "permission_denied", rx(`StatusCode\.PERMISSION_DENIED|\bStatusRuntimeException: PERMISSION_DENIED\b|\b7 PERMISSION_DENIED:`), forbidden},
	{creds, "Key", strong, "invalidclienttokenid", rx(`\bInvalidClientTokenId\b`), wrong},
	{creds, "Key", strong, "signaturedoesnotmatch", rx(`\bSignatureDoesNotMatch\b`), wrong},
	{creds, "Key", strong, "invalidaccesskeyid", rx(`\bInvalidAccessKeyId\b`), wrong},
	{creds, "Expired", strong, "expiredtoken", rx(`\bExpiredToken(?:Exception)?\b`), wrong},
	{creds, "Key", strong, "api key", rx(`(?i)(?:incorrect|invalid) api key provided|"?invalid_api_key"?`), wrong},
	{creds, "Key", strong, "invalid x-api-key", rx(`invalid x-api-key`), wrong},
	{creds, "Client", fair, "invalid_", rx(`\binvalid_(?:client|grant)\b`), wrong},
	{creds, "Token", fair, "401", rx(`\b401 Client Error: Unauthorized for url: (?P<peer>\S+)`), wrong},
	{creds, "Permission", fair, "403", rx(`\b403 Client Error: Forbidden for url: (?P<peer>\S+)`), forbidden},
	{creds, "Token", vague, "401 unauthorized", rx(`(?:"(?P<peer>https?://[^"]+)"|(?P<host>https?://\S+)).*\b401 Unauthorized\b|\b401 Unauthorized\b.*(?:from|for) (?:url:? )?"?https?://`), wrong},
	{creds, "Token", vague, "status code", rx(`(?i)\b(?:request|response)\b.*\bstatus code (?:does not indicate success: )?401\b|status code does not indicate success: 401`), wrong},

	// Nobody there. First the forms that name who.
	{down, "Refused", strong, "connection refused", rx(`\b(?:Get|Head|Post|Put|Patch|Delete) "(?P<peer>[^"]+)": .*connect: connection refused`), refused},
	{down, "Timeout", fair, "timeout", rx(`\b(?:Get|Head|Post|Put|Patch|Delete) "(?P<peer>[^"]+)": .*(?:i/o timeout|Client\.Timeout exceeded|TLS handshake timeout)`), silent},
	{down, "Timeout", fair, "context deadline exceeded", rx(`\b(?:Get|Head|Post|Put|Patch|Delete) "(?P<peer>[^"]+)": .*context deadline exceeded`), silent},
	{down, "Refused", strong, "connect: connection refused", rx(`dial (?:tcp|udp|unix)\d? (?P<peer>\S+): connect: connection refused`), refused},
	{down, "Timeout", strong, "timeout", rx(`dial tcp\d? (?P<peer>\S+): i/o timeout`), silent},
	{down, "Timeout", strong, "connection timed out", rx(`dial tcp\d? (?P<peer>\S+): connect: connection timed out`), silent},
	{down, "Timeout", strong, "i/o timeout", rx(`(?:read|write) tcp\d? \S+->(?P<peer>\S+): i/o timeout`), silent},
	{down, "Unreachable", strong, "dial tcp", rx(`dial tcp\d? (?P<peer>\S+): connect: (?:no route to host|network is unreachable|host is unreachable|host is down)`), unroutable},
	{down, "Closed", strong, "connection reset by peer", rx(`(?:read|write) tcp\d? \S+->(?P<peer>\S+): (?:read|write): connection reset by peer`), cutOff},
	{down, "Refused", strong, "econnrefused", rx(`\bECONNREFUSED(?: (?P<peer>[\w.\[\]:-]+:\d+))?`), refused},
	{down, "Timeout", strong, "etimedout", rx(`\bETIMEDOUT(?: (?P<peer>[\w.\[\]:-]+:\d+))?`), silent},
	{down, "Unreachable", strong, "unreach", rx(`\bE(?:HOST|NET)UNREACH(?: (?P<peer>[\w.\[\]:-]+:\d+))?`), unroutable},
	{down, "Closed", fair, "econnreset", rx(`\bECONNRESET(?: (?P<peer>[\w.\[\]:-]+:\d+))?`), cutOff},
	{down, "Refused", strong, "connection refused", rx(`connection to server at "(?P<host>[^"]+)"(?: \([^)]*\))?, port (?P<port>\d+) failed: Connection refused`), refused},
	{down, "Timeout", strong, "connection timed out", rx(`connection to server at "(?P<host>[^"]+)"(?: \([^)]*\))?, port (?P<port>\d+) failed: Connection timed out`), silent},
	{down, "Refused", strong, "accepting tcp/ip connections", rx(`running on host "(?P<host>[^"]+)"(?: \([^)]*\))? and accepting TCP/IP connections on port (?P<port>\d+)`), refused},
	{down, "Refused", strong, "refused. check that", rx(`Connection to (?P<peer>[\w.:-]+) refused\. Check that`), refused},
	{down, "Refused", strong, "can't connect to mysql server", rx(`Can't connect to MySQL server on '(?P<peer>[^']+)'.*(?:\b111\b|refused)`), refused},
	{down, "Timeout", strong, "can't connect to mysql server", rx(`Can't connect to MySQL server on '(?P<peer>[^']+)'`), silent},
	{down, "Closed", strong, "communications link failure", rx(`Communications link failure`), "the client reached no MySQL server, or lost it"},
	{down, "Closed", fair, "mysql server has gone away", rx(`MySQL server has gone away`), cutOff},
	{down, "Closed", fair, "lost connection to mysql server", rx(`Lost connection to MySQL server`), cutOff},
	{down, "Refused", strong, "connecting to", rx(`Error 111 connecting to (?P<peer>[\w.:-]+)\. Connection refused`), refused},
	{down, "Timeout", strong, "connecting to", rx(`Error 110 connecting to (?P<peer>[\w.:-]+)\.|Timeout connecting to server`), silent},
	{down, "Refused", strong, "connectionpool(host=", rx(`ConnectionPool\(host='(?P<host>[^']+)', port=(?P<port>\d+)\).*Connection refused`), refused},
	{down, "Timeout", strong, "connectionpool(host=", rx(`ConnectionPool\(host='(?P<host>[^']+)', port=(?P<port>\d+)\).*(?:[Tt]imed out|[Tt]imeout)`), silent},
	{down, "Unreachable", fair, "connectionpool(host=", rx(`ConnectionPool\(host='(?P<host>[^']+)', port=(?P<port>\d+)\): Max retries exceeded`), "the client gave up on that address"},
	{down, "Refused", strong, "connect() failed", rx(`connect\(\) failed \(111: [^)]*\) while connecting to upstream.*upstream: "(?P<peer>[^"]+)"`), refused},
	{down, "Unreachable", strong, "connect() failed", rx(`connect\(\) failed \(113: [^)]*\) while connecting to upstream.*upstream: "(?P<peer>[^"]+)"`), unroutable},
	{down, "Timeout", strong, "upstream timed out", rx(`upstream timed out \(110: [^)]*\).*upstream: "(?P<peer>[^"]+)"`), silent},
	{down, "Closed", strong, "upstream prematurely closed", rx(`upstream prematurely closed connection.*upstream: "(?P<peer>[^"]+)"`), cutOff},
	{down, "NoBackend", strong, "no live upstreams", rx(`no live upstreams while connecting to upstream.*upstream: "(?P<peer>[^"]+)"`), "every server of the upstream has failed lately"},
	{down, "Refused", strong, "connection refused", rx(`(?:HttpRequestException|SocketException|RedisConnectionException).*Connection refused(?: \((?P<peer>[\w.\[\]:-]+)\))?`), refused},
	{down, "Refused", strong, "failed to connect to", rx(`Npgsql\.NpgsqlException.*Failed to connect to (?P<peer>[\w.\[\]:-]+)`), "the client reached no PostgreSQL server"},
	{down, "Unreachable", strong, "instance-specific error", rx(`network-related or instance-specific error occurred while establishing a connection to SQL Server`), "the client reached no SQL Server"},
	{down, "Unreachable", strong, "not possible to connect to the redis", rx(`It was not possible to connect to the redis server\(s\)(?:.*UnableToConnect on (?P<peer>[\w.:-]+))?`), "the client reached no Redis server"},
	{down, "Unreachable", strong, "broker may not be available", rx(`Connection to node -?\d+ \((?P<peer>[^)]+)\) could not be established`), "the client reached no Kafka broker at that address"},
	{down, "Closed", fair, "bootstrap broker", rx(`Bootstrap broker (?P<peer>\S+) \(.*disconnected`), cutOff},
	{down, "Refused", strong, "connect to ipv", rx(`(?P<peer>[\w.-]+:\d+)/\w+: Connect to ipv[46]#\S+ failed: Connection refused`), refused},
	{down, "NoBroker", strong, "nobrokersavailable", rx(`\bNoBrokersAvailable\b`), "the client reached no Kafka broker"},
	{down, "NoTopic", fair, "not present in metadata", rx(`Topic (?P<what>\S+) not present in metadata after \d+ ms`), "the brokers did not tell the client of that topic"},
	{down, "Refused", strong, "serverselection", rx(`(?:MongoServerSelectionError|ServerSelectionTimeoutError|server selection (?:error|timeout))[^\w]+(?:connect ECONNREFUSED )?(?P<peer>[\w.-]+:\d+): .*refused`), refused},
	{down, "Timeout", strong, "serverselection", rx(`MongoServerSelectionError|ServerSelectionTimeoutError`), "the client found no usable MongoDB server in time"},
	{down, "Timeout", strong, "server selection", rx(`server selection (?:error|timeout)`), "the client found no usable MongoDB server in time"},

	// gRPC: what the transport says stands above; here is the status alone.
	{down, "Unavailable", fair, "code = unavailable", rx(`code = Unavailable\b`), "the call did not reach a server that serves it"},
	{down, "Unavailable", fair, "unavailable", rx(`StatusCode\.UNAVAILABLE|\bStatusRuntimeException: UNAVAILABLE\b|\b14 UNAVAILABLE:`), "the call did not reach a server that serves it"},
	{down, "Timeout", fair, "deadline", rx(`code = DeadlineExceeded\b|StatusCode\.DEADLINE_EXCEEDED|\bStatusRuntimeException: DEADLINE_EXCEEDED\b|\b4 DEADLINE_EXCEEDED:`), silent},

	// Not yet.
	{down, "NotReady", strong, "the database system is", rx(`the database system is (?P<what>starting up|shutting down|in recovery mode|not yet accepting connections)`), notYet},
	{down, "NotReady", strong, "loading the dataset", rx(`\bLOADING (?:Redis|Valkey) is loading the dataset`), notYet},
	{down, "NotReady", strong, "clusterdown", rx(`\bCLUSTERDOWN\b`), notYet},
	{down, "NotReady", strong, "masterdown", rx(`\bMASTERDOWN\b`), notYet},
	{down, "Closed", fair, "terminating connection due to", rx(`terminating connection due to administrator command`), cutOff},
	{down, "Unavailable", fair, "server error", rx(`\b50[234] Server Error: .* for url: (?P<peer>\S+)`), "something at that address answers that the service behind it does not"},

	// The words alone, as a last resort.
	{down, "Timeout", fair, "request timed out after", rx(`Connection is not available, request timed out after \d+ms`), silent},
	{down, "Refused", fair, "connectexception", rx(`\bConnectException: Connection refused`), refused},
	{down, "Timeout", fair, "timeoutexception", rx(`\bSocketTimeoutException: (?:[Cc]onnect timed out|Read timed out)`), silent},
	{down, "Unreachable", fair, "noroutetohost", rx(`\bNoRouteToHostException\b`), unroutable},
	{down, "Refused", fair, "connectionrefusederror", rx(`\bConnectionRefusedError\b`), refused},
	{down, "Refused", vague, "connection refused", rx(`(?i)\bconnection refused\b`), refused},
	{down, "Unreachable", vague, "no route to host", rx(`(?i)\bno route to host\b`), unroutable},
	{down, "Unreachable", vague, "network is unreachable", rx(`(?i)\bnetwork is unreachable\b`), unroutable},
	{down, "Timeout", vague, "connection timed out", rx(`(?i)\bconnection timed out\b`), silent},
	{down, "Closed", vague, "connection reset by peer", rx(`(?i)\bconnection reset by peer\b`), cutOff},

	// The program itself.
	{cannot, "Format", strong, "exec format error", rx(`(?:exec )?(?P<what>/\S+)?:? ?exec format error|(?i)exec format error`), noExec},
	{cannot, "NotFound", strong, "executable file not found", rx(`exec: "(?P<what>[^"]+)": executable file not found`), noProgram},
	{cannot, "NotFound", strong, "not found", rx(`^(?:/bin/)?(?:ba|da|a)?sh: (?:line \d+: |\d+: )?(?P<what>[\w./-]+): (?:command )?not found$`), noProgram},
	{cannot, "NotFound", strong, "no such file or directory", rx(`^(?:exec|env:) ['‘"]?(?P<what>[\w./-]+)['’"]?: [Nn]o such file or directory`), noProgram},
	{cannot, "Program", strong, "can't open file", rx(`can't open file '(?P<what>[^']+)': \[Errno 2\]`), noProgram},
	{cannot, "Program", strong, "unable to access jarfile", rx(`Error: Unable to access jarfile (?P<what>\S+)`), noProgram},
	{cannot, "Program", strong, "cannot find module", rx(`Error: Cannot find module '(?P<what>/[^']+)'`), noProgram},
	{cannot, "Library", strong, "error while loading shared libraries", rx(`error while loading shared libraries: (?P<what>[^:\s]+):`), noProgram},
	{cannot, "Library", strong, "not found", rx("version [`'](?P<what>GLIBC\\w*_[\\d.]+)' not found"), noProgram},
	{cannot, "Permission", strong, "permission denied", rx(`^(?:exec|.*\bexec:?) "?(?P<what>/[^\s":]+)"?: [Pp]ermission denied|^(?:/bin/)?(?:ba|da|a)?sh: (?:line \d+: |\d+: )?(?P<w2>[\w./-]+): Permission denied$`), noExec},

	// Paths. Whether one is a volume, the pod's spec tells.
	{locked, "Permission", strong, "permission denied", rx(`(?:open|mkdir|create|chmod|chown|remove|unlink|rename|stat|lstat|read|write|openat|mkdirat|opendir|readdir|scandir) "?(?P<what>/[^\s":]+)"?: permission denied`), noAccess},
	{locked, "Permission", strong, "eacces", rx(`\bEACCES: permission denied, \w+ '(?P<what>[^']+)'`), noAccess},
	{locked, "Permission", strong, "eperm", rx(`\bEPERM: operation not permitted, \w+ '(?P<what>/[^']+)'`), noAccess},
	{locked, "Permission", strong, "errno 13", rx(`PermissionError: \[Errno 13\] Permission denied: '(?P<what>[^']+)'`), noAccess},
	{locked, "Permission", strong, "accessdeniedexception", rx(`\bAccessDeniedException: (?P<what>/\S+)`), noAccess},
	{locked, "Permission", strong, "(permission denied)", rx(`(?P<what>/\S+) \(Permission denied\)`), noAccess},
	{locked, "Permission", strong, "access to the path", rx(`Access to the path '(?P<what>[^']+)' is denied`), noAccess},
	{locked, "Permission", strong, "could not", rx(`could not (?:open|create|access|change permissions of|read|write) (?:file|directory|lock file|PID file) "(?P<what>[^"]+)": (?:Permission denied|Operation not permitted)`), noAccess},
	{locked, "Permission", strong, "cannot", rx(`cannot (?:create directory|open|touch|remove|access|create regular file|create) ['‘"]?(?P<what>/[^'’":]+)['’"]?(?: for \w+)?: Permission denied`), noAccess},
	{locked, "Owner", strong, "operation not permitted", rx(`chown: (?:changing ownership of )?['‘"]?(?P<what>/[^'’":]+)['’"]?: Operation not permitted`), noAccess},
	{locked, "Permission", strong, "13: permission denied", rx(`(?:open|mkdir|unlink|rename)\(\) "(?P<what>/[^"]+)" failed \(13: Permission denied\)`), noAccess},
	{locked, "Permission", strong, "os errno 13", rx(`file '(?P<what>[^']+)' \(OS errno 13`), noAccess},
	{locked, "Permission", strong, "append-only", rx(`[Cc]an't open(?: or create)? (?:the )?append-only (?:file|dir)(?: (?P<what>\S+?))?: Permission denied`), noAccess},

	// Memory: it supports what the kubelet says, and never stands alone.
	{memory, "Heap", strong, "outofmemoryerror", rx(`\bOutOfMemoryError: (?P<what>Java heap space|GC overhead limit exceeded|Metaspace|Direct buffer memory|Requested array size exceeds VM limit)`), noMemory},
	{memory, "Heap", strong, "heap out of memory", rx(`JavaScript heap out of memory`), noMemory},
	{memory, "Memory", strong, "runtime: out of memory", rx(`fatal error: runtime: (?:cannot allocate memory|out of memory)`), noMemory},
	{memory, "Memory", strong, "cannot allocate memory", rx(`fatal error: runtime: cannot allocate memory|(?:fork|mmap|clone|ENOMEM).*\b[Cc]annot allocate memory`), noMemory},
	{memory, "Memory", strong, "memoryerror", rx(`^(?:\w+\.)*(?:_Array)?MemoryError(?::|$)`), noMemory},
	{memory, "Memory", strong, "bad_alloc", rx(`\bstd::bad_alloc\b`), noMemory},
	{memory, "Memory", strong, "outofmemoryexception", rx(`\bSystem\.OutOfMemoryException\b`), noMemory},
	{memory, "Memory", strong, "memory allocation of", rx(`memory allocation of \d+ bytes failed`), noMemory},
	{memory, "Limit", strong, "allowed memory size", rx(`Allowed memory size of \d+ bytes exhausted`), noMemory},
	{memory, "Killed", strong, "out of memory: killed process", rx(`Out of memory: Killed process \d+ \((?P<what>[^)]+)\)`), "the kernel ended that process for want of memory"},
}

func rx(form string) *regexp.Regexp { return regexp.MustCompile(form) }
