// A client as people write it with the TypeScript SDK: it lists the tools, calls one, waits for a line on its input, and calls it
// again. Usage: client.mjs PACKAGE URL TOOL CAPABILITIES. What it saw is on its output, one JSON object a line.
import { createInterface } from "node:readline";

const [name, url, tool, capabilities] = process.argv.slice(2);
const { Client } = await import(name === "@modelcontextprotocol/sdk" ? `${name}/client/index.js` : name);
const { StreamableHTTPClientTransport } = await import(name === "@modelcontextprotocol/sdk" ? `${name}/client/streamableHttp.js` : name);

const say = (what) => console.log(JSON.stringify(what));
const transport = new StreamableHTTPClientTransport(new URL(url));
// Where the SDK knows 2026-07-28, it asks for that first.
const client = new Client({ name: "conformance", version: "1" }, { capabilities: JSON.parse(capabilities), versionNegotiation: { mode: "auto" } });
await client.connect(transport);
const call = async () => (await client.callTool({ name: tool, arguments: {} })).content[0].text;

const { tools } = await client.listTools();
say({ session: transport.sessionId, version: transport.protocolVersion, tools: tools.map((one) => one.name), text: await call() });
for await (const _ of createInterface({ input: process.stdin })) {
  say({ session: transport.sessionId, version: transport.protocolVersion, text: await call() });
}
await client.close();
