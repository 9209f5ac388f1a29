// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

import { ask } from "./api.js";
import { announce, el, unique } from "./dom.js";
import { HealCard } from "./heal.js";

const turns = document.getElementById("turns");
const composer = document.getElementById("composer");
const query = document.getElementById("query");
// conversation goes on where the gateway remembers what was said.
let conversation = null;

export function startChat() {
  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = query.value.trim();
    if (text === "") return;
    query.value = "";
    put(text);
  });
  query.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  const example = document.getElementById("example");
  example.addEventListener("click", () => {
    query.focus();
    put(example.textContent);
  });
}

// put asks a question in a turn of its own.
async function put(text) {
  document.getElementById("welcome").hidden = true;
  const turn = new Turn(text);
  turns.append(turn.root);
  scrollTo(0, document.documentElement.scrollHeight);
  try {
    await ask({ query: text, streaming: true, ...(conversation && { conversation_id: conversation }) }, (event) => turn.tell(event));
  } catch (error) {
    turn.broken(error);
  }
}

// keepingUp stays at the end of the page, if that is where the reader is.
function keepingUp(change) {
  const page = document.documentElement, atEnd = page.scrollHeight - scrollY - innerHeight < 80;
  change();
  if (atEnd) scrollTo(0, page.scrollHeight);
}

// Turn is a question and what comes of it.
class Turn {
  constructor(question) {
    const title = unique("question");
    this.question = question;
    this.began = performance.now();
    this.state = el("p", { class: "state" }, "Asking…");
    this.events = el("div", { class: "events" });
    this.answer = el("div", { class: "answer" });
    this.streamed = "";
    this.calls = new Map();
    this.heals = new Map();
    this.root = el("article", { class: "turn", "aria-labelledby": title, "aria-busy": "true" },
      el("h2", { id: title, class: "question" }, question), this.state, this.events, this.answer);
  }

  // tell shows an event. Those that it does not know it leaves out: a newer gateway may tell more.
  tell(event) {
    const show = {
      processing_start: () => this.now("Working…"),
      processing_delay: () => this.now(event.message),
      connection_lost: () => this.now("Connection lost. Connecting again…"),
      connected: () => this.now("Connected again."),
      events_lost: () => this.note(event.message),
      task_lost: () => this.note(event.message),
      stream_end: () => this.now(event.message),
      text_delta: () => this.grow(event),
      tool_start: () => this.callBegan(event),
      tool_result: () => this.callEnded(event),
      healing_start: () => this.healBegan(event),
      healing_progress: () => this.heals.get(event.service)?.progress(event.message),
      healing_complete: () => this.healEnded(event),
      healing_failed: () => this.healEnded(event),
      processing_complete: () => this.complete(event),
    };
    if (Object.hasOwn(show, event.type)) keepingUp(show[event.type]);
  }

  now(text) {
    this.state.textContent = text;
    announce(text);
  }

  note(text) {
    this.events.append(el("p", { class: "note" }, text));
    announce(text);
  }

  grow({ text, reset }) {
    this.streamed = reset ? text : this.streamed + text;
    this.answer.replaceChildren(prose(this.streamed));
  }

  callBegan({ id, service, tool }) {
    const result = el("span", { class: "note" }, "…");
    const line = el("p", { class: "call" }, el("code", {}, tool), ` on ${service} `, result);
    this.calls.set(id, { line, result });
    this.events.append(line);
    this.now(`Calling ${tool} on ${service}…`);
  }

  callEnded({ id, success, message }) {
    const call = this.calls.get(id);
    if (!call) return;
    call.line.classList.add(success ? "good" : "bad");
    call.result.textContent = success ? message : `failed: ${message}`;
    for (const card of this.heals.values()) card.retried(success);
  }

  healBegan({ service, issue }) {
    const card = new HealCard(service, issue, { began: this.began, again: () => put(this.question) });
    this.heals.set(service, card);
    this.events.append(card.root);
    this.now(`Investigating issue with ${service}…`);
  }

  healEnded(event) {
    this.heals.get(event.service)?.end(event);
    this.now(event.type === "healing_complete" ? "Asking again…" : "Not healed.");
  }

  complete({ status, result, conversation_id: id }) {
    conversation = id || conversation;
    const good = status === "completed", texts = (result?.content ?? []).map((block) => block.text ?? "");
    for (const card of this.heals.values()) card.retried(good);
    this.answer.replaceChildren(...texts.map(prose));
    this.answer.classList.toggle("bad", !good);
    this.over(good ? "Answered" : "Not answered");
    announce(`${good ? "Answer" : "No answer"}: ${texts.join("\n").slice(0, 500)}`);
  }

  broken(error) {
    for (const card of this.heals.values()) card.retried(false);
    const message = error.status ? error.message
      : "The gateway could not be reached, or did not answer. If you asked for a change, check first whether it was made.";
    this.answer.replaceChildren(el("p", {}, message), el("button", { type: "button", class: "quiet", click: () => put(this.question) }, "Ask again"));
    this.answer.classList.add("bad");
    this.over("Not answered");
    announce(message);
  }

  over(word) {
    this.state.textContent = `${word} after ${((performance.now() - this.began) / 1000).toFixed(1)} s`;
    this.root.removeAttribute("aria-busy");
  }
}

// prose shows an answer: JSON, which is what many tools answer with, in lines; all else as it is.
function prose(text) {
  if (/^\s*[[{]/.test(text)) {
    try {
      return el("pre", { tabindex: "0" }, JSON.stringify(JSON.parse(text), null, 2));
    } catch {
      // It only began like JSON.
    }
  }
  return el("p", { class: "prose" }, text);
}
