// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// How the page talks to the gateway: JSON, and streams of events that go on after a connection was lost.

const key = "cortex-token";
// A stream has a heartbeat every 15 seconds. One that is silent for longer than two of them is dead, whatever the network says.
const silence = 40_000;
const longestPause = 15_000;

export const token = {
  get: () => sessionStorage.getItem(key),
  set: (value) => sessionStorage.setItem(key, value),
  forget: () => sessionStorage.removeItem(key),
};

// Refused is the gateway's word that it does not do what was asked.
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// signIn asks a person for a token; main.js sets it.
let signIn = () => Promise.reject(new Refused(401, "the gateway asks for a token"));
export function onSignIn(ask) {
  signIn = ask;
}

// call sends a request, with the token if there is one. If the gateway asks for one it asks the person, and goes on.
async function call(address, options = {}) {
  for (;;) {
    const headers = new Headers(options.headers);
    const sent = token.get();
    if (sent) headers.set("Authorization", `Bearer ${sent}`);
    const response = await fetch(address, { ...options, headers, cache: "no-store", credentials: "omit", redirect: "error" });
    if (response.ok) return response;
    const message = await why(response);
    if (response.status !== 401) throw new Refused(response.status, message);
    if (sent === token.get()) {
      token.forget();
      await signIn(message);
    }
  }
}

async function why(response) {
  try {
    return (await response.json()).error || response.statusText;
  } catch {
    return response.statusText || `HTTP ${response.status}`;
  }
}

function json(body, signal) {
  return { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal };
}

export async function get(address) {
  return (await call(address)).json();
}

export async function post(address, body) {
  return (await call(address, json(body))).json();
}

// healOf finds a heal of a service: the one with a name, or else the newest. Null if there is none.
export async function healOf(service, name) {
  const { heals } = await get(`api/heals?service=${encodeURIComponent(service)}`);
  return (name ? heals.find((heal) => heal.name === name) : heals[0]) ?? null;
}

// ask asks a question and tells the id of its task, and then each event of the answer once with its id, whatever becomes of the
// connection. It returns when the task is over.
// A question that may not have arrived is not asked again: it may have asked for a change.
export async function ask(question, tell) {
  const cut = new AbortController();
  const response = await call("api/tasks", json(question, cut.signal));
  const id = response.headers.get("Location")?.split("/").pop();
  tell({ type: "accepted", id });
  await follow(`api/tasks/${id}/events`, tell, "processing_complete", { response, cut });
}

// resume tells the events of a task that was asked before: first how many there are already, then these, and then those that come.
export async function resume(id, tell) {
  const address = `api/tasks/${encodeURIComponent(id)}`;
  try {
    tell({ type: "resumed", last: (await get(address)).events.last });
  } catch {
    // Its events tell what became of it.
  }
  await follow(`${address}/events`, tell, "processing_complete", {});
}

// followHeal tells the events of a heal, whoever began it.
export function followHeal(heal, tell) {
  const address = ["api", "heals", heal.namespace, heal.name, "events"].map(encodeURIComponent).join("/");
  return follow(address, tell, ["healing_complete", "healing_failed"], {});
}

// follow reads a stream to its last event, and connects again with the id of the last event that it has seen.
async function follow(address, tell, last, { response, cut }) {
  const state = { seen: "", pause: 1000, over: false };
  let lost = false;
  for (;;) {
    try {
      if (!response) {
        cut = new AbortController();
        response = await call(address, { headers: state.seen ? { "Last-Event-ID": state.seen } : {}, signal: cut.signal });
        if (lost) tell({ type: "connected" });
      }
      if (response.status === 204) return;
      const before = state.seen;
      await read(response, cut, state, (event, id) => {
        tell(event, id);
        state.over = last.includes(event.type);
      });
      if (state.over) return;
      if (state.seen !== before) state.pause = 1000;
    } catch (error) {
      // It is not there, or not for us: that does not change by asking again.
      if (error instanceof Refused && error.status < 500 && error.status !== 429) throw error;
    }
    response = null;
    lost = true;
    tell({ type: "connection_lost" });
    await wait(state.pause * (0.75 + Math.random() / 2));
    state.pause = Math.min(state.pause * 2, longestPause);
  }
}

// wait ends early when the network is back.
function wait(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
    addEventListener("online", resolve, { once: true });
  });
}

// read reads server-sent events as the HTML standard has them, as far as the gateway uses them: id and data.
async function read(response, cut, state, tell) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const alarm = setTimeout(() => cut.abort(), silence);
    const { value, done } = await reader.read().finally(() => clearTimeout(alarm));
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let id = null, data = null;
      for (const line of block.split("\n")) {
        if (line.startsWith("id: ")) id = line.slice(4);
        else if (line.startsWith("data: ")) data = line.slice(6);
      }
      if (data === null) continue;
      tell(JSON.parse(data), id);
      if (id !== null) state.seen = id;
    }
  }
}
