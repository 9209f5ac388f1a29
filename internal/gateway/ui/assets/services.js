// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

import { get } from "./api.js";
import { announce, command, el, moment } from "./dom.js";
import { question } from "./heal.js";

const states = {
  up: "Up", down: "No pod is ready", healing: "Being healed", waiting: "Waiting for a person", unknown: "Not known yet",
};
// How often the view looks while somebody looks at it.
const every = 5000;
let timer = null;
let shown = "";

// showServices shows each MCP server, how it is now and how often it was healed.
export async function showServices(content) {
  clearTimeout(timer);
  try {
    const { services } = await get("api/services");
    // What has not changed is left alone, so that nobody loses their place.
    const now = JSON.stringify(services);
    if (now !== shown || !content.hasChildNodes()) {
      shown = now;
      content.replaceChildren(services.length ? el("ul", { class: "cards" }, services.map(card)) : empty());
    }
  } catch (error) {
    shown = "";
    content.replaceChildren(el("p", { class: "bad" }, error.status ? error.message : "The gateway cannot be reached."));
  }
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!content.parentElement.hidden && !document.hidden) showServices(content);
    else if (!content.parentElement.hidden) document.addEventListener("visibilitychange", () => showServices(content), { once: true });
  }, every);
}

function empty() {
  return el("div", { class: "card" }, el("p", {}, "There are no MCP servers that you may use. To add one, label its Service:"),
    command("kubectl label service NAME healing.cortex.dev/mcp-server=true", "Command to add a server"));
}

function card({ namespace, name, state, ready, tools, summary, heal }) {
  const facts = [
    ["Endpoints ready", state === "unknown" ? "?" : String(ready)],
    ["Tools", tools ? String(tools) : "not listed yet"],
    ["Heals in 7 days", summary.heals ? `${summary.heals}, ${summary.succeeded} succeeded` : "none"],
  ];
  if (summary.commonCause) facts.push(["Most often", `${summary.commonCause} (${summary.causeCount})`]);
  if (heal) facts.push(["Last heal", `${moment(heal.created)}: ${heal.outcome || heal.phase}`]);
  return el("li", { class: "card service" },
    el("h2", {}, name), el("p", { class: "note" }, namespace),
    el("p", { class: `badge ${state}` }, states[state] ?? state),
    el("dl", {}, facts.map(([term, fact]) => el("div", {}, el("dt", {}, term), el("dd", {}, fact)))),
    heal?.question ? question(heal, () => {
      announce("Looking again");
      showServices(document.getElementById("services-content"));
    }) : null);
}
