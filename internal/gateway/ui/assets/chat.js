// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

import { ask, resume } from "./api.js";
import { announce, el, unique } from "./dom.js";
import { HealCard } from "./heal.js";
import { begin, drop, forget, keep, kept } from "./kept.js";

const turns = document.getElementById("turns");
const composer = document.getElementById("composer");
const query = document.getElementById("query");
const anew = document.getElementById("anew");

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
  anew.addEventListener("click", () => {
    forget();
    location.reload();
  });
  kept.turns.forEach(again);
}

// put asks a question in a turn of its own.
function put(text) {
  const turn = show(begin(text));
  scrollTo(0, document.documentElement.scrollHeight);
  run(turn, (tell) => goOn(turn, tell));
}

// goOn asks the question of a turn in the conversation that there is. If the gateway does not know that any more, which it says before
// it does anything, the question begins another.
async function goOn(turn, tell) {
  const asked = { query: turn.record.question, streaming: true };
  try {
    await ask(kept.id ? { ...asked, conversation_id: kept.id } : asked, tell);
  } catch (error) {
    if (error.status !== 404 || !kept.id || turn.record.id) throw error;
    kept.id = null;
    turn.note("The gateway does not remember what was said before: this question begins a new conversation.");
    await ask(asked, tell);
  }
}

// again shows a question that was asked before the page was loaded again, and goes on with it.
function again(record) {
  const turn = show(record);
  if (record.id) run(turn, (tell) => resume(record.id, tell));
  else turn.broken(new Error("The page was left before the gateway had taken the question"));
}

function show(record) {
  document.getElementById("welcome").hidden = true;
  anew.hidden = false;
  const turn = new Turn(record);
  turns.append(turn.root);
  return turn;
}

async function run(turn, follow) {
  try {
    await follow((event, id) => turn.tell(event, id));
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

// Turn is a question and what comes of it. What was heard before a reload is shown again, and not said again.
class Turn {
  constructor(record) {
    const title = unique("question");
    this.record = record;
    this.quiet = false;
    // missed is the last event that happened before this page was loaded.
    this.missed = 0;
    this.state = el("p", { class: "state" }, "Asking…");
    this.events = el("div", { class: "events" });
    this.answer = el("div", { class: "answer" });
    this.streamed = "";
    this.calls = new Map();
    this.heals = new Map();
    // begun counts the heals: one server may need several during one question.
    this.begun = 0;
    this.root = el("article", { class: "turn", "aria-labelledby": title, "aria-busy": "true" },
      el("h2", { id: title, class: "question" }, record.question), this.state, this.events, this.answer);
  }

  // say tells those who do not see the page.
  say(text) {
    if (!this.quiet) announce(text);
  }

  // when tells the time of an event since the question: as it was told before, if it was. When the others were that happened before
  // the page was loaded nobody knows.
  when(id) {
    return this.record.times[id] ?? this.at(id, id && id <= this.missed ? "–" : `${((Date.now() - this.record.began) / 1000).toFixed(1)} s`);
  }

  at(id, text) {
    if (id) this.record.times[id] = text;
    return text;
  }

  // tell shows an event. Those that it does not know it leaves out: a newer gateway may tell more.
  tell(event, id) {
    const number = Number(id ?? 0), { record } = this;
    this.quiet = number > 0 && number <= record.seen;
    const show = {
      accepted: () => { record.id = event.id; },
      resumed: () => { this.missed = event.last; },
      conversation: () => { kept.id = event.conversation_id; },
      processing_start: () => this.now("Working…"),
      processing_delay: () => this.now(event.message),
      connection_lost: () => this.now("Connection lost. Connecting again…"),
      connected: () => this.now("Connected again."),
      events_lost: () => this.note(event.message),
      task_lost: () => this.lose(event.message),
      stream_end: () => this.now(event.message),
      text_delta: () => this.grow(event),
      tool_start: () => this.callBegan(event),
      tool_result: () => this.callEnded(event),
      healing_start: () => this.healBegan(event),
      healing_progress: () => this.heals.get(event.service)?.progress(event.message, number),
      healing_complete: () => this.healEnded(event),
      healing_failed: () => this.healEnded(event),
      processing_complete: () => this.complete(event, number),
    };
    if (Object.hasOwn(show, event.type)) keepingUp(show[event.type]);
    record.seen = Math.max(record.seen, number);
    // Words of an answer come by the hundred, and are read again anyway.
    if (event.type !== "text_delta") keep();
  }

  now(text) {
    this.state.textContent = text;
    this.say(text);
  }

  note(text) {
    this.events.append(el("p", { class: "note" }, text));
    this.say(text);
  }

  // lose: the gateway has the task no more. What it tells instead has ids of its own.
  lose(message) {
    this.lost = message;
    Object.assign(this.record, { seen: 0, times: {} });
    this.quiet = false;
    this.note(message);
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
    this.card(service, issue);
    this.now(`Investigating issue with ${service}…`);
  }

  card(service, issue) {
    const card = new HealCard(service, issue, this, ++this.begun, () => put(this.record.question));
    this.heals.set(service, card);
    this.events.append(card.root);
    return card;
  }

  healEnded(event) {
    // The end alone is told of a heal that failed, or waits for a person, since before the question.
    (this.heals.get(event.service) ?? this.card(event.service)).end(event);
    this.now(event.type === "healing_complete" ? "Asking again…" : "Not healed.");
  }

  complete({ status, result }, id) {
    const good = status === "completed", texts = (result?.content ?? []).map((block) => block.text ?? "").filter((text) => text !== this.lost);
    for (const card of this.heals.values()) card.retried(good);
    this.answer.replaceChildren(...texts.map(prose));
    this.answer.classList.toggle("bad", !good && !this.lost);
    if (this.lost) this.answer.append(this.askAgain());
    this.over(this.lost ? "The answer is not kept any more" : `${good ? "Answered" : "Ended without an answer"}${this.after(id)}`);
    this.say(`${good ? "Answer" : "No answer"}: ${texts.join("\n").slice(0, 500)}`);
  }

  broken(error) {
    const { record } = this;
    for (const card of this.heals.values()) card.retried(false);
    const message = error.status ? error.message
      : `${record.id || error instanceof TypeError ? "The gateway could not be reached, or did not answer" : error.message}. If you asked for a change, check first whether it was made.`;
    this.answer.replaceChildren(el("p", {}, message), this.askAgain());
    this.answer.classList.add("bad");
    this.over(record.id ? "No answer" : error.status ? "Not asked" : "Perhaps not asked");
    this.say(message);
    // It was refused and did not become a task: there is nothing to show again.
    if (!record.id && error.status) drop(record);
  }

  after(id) {
    const when = this.when(id);
    return when === "–" ? "" : ` after ${when}`;
  }

  askAgain() {
    return el("button", { type: "button", class: "quiet", click: () => put(this.record.question) }, "Ask again");
  }

  over(words) {
    this.state.textContent = words;
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
