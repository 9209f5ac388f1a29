// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

import { followHeal, healOf, post } from "./api.js";
import { announce, command, el, unique } from "./dom.js";

const stages = ["diagnose", "fix", "verify", "retry"];
const words = { todo: "not yet", now: "under way", done: "done", failed: "failed", left: "left out" };
const marks = { todo: "", now: "", done: "✓", failed: "✕", left: "–" };
// stageOf tells where a heal is by the phase of its request.
const stageOf = {
  Pending: "diagnose", Diagnosing: "diagnose", Blocked: "fix", AwaitingApproval: "fix", Remediating: "fix", Verifying: "verify",
};

// HealCard shows a heal as it happens.
export class HealCard {
  // turn is the question that waits for it, and number tells its heals apart, as often as they are told; again asks it again.
  constructor(service, issue, turn, number, again) {
    const title = unique("heal");
    this.service = service;
    this.key = `${number} ${service}`;
    this.turn = turn;
    this.again = again;
    this.messages = [];
    this.title = el("h3", { id: title }, `Investigating issue with ${service}…`);
    this.line = el("ol", { class: "stages", "aria-label": "How far it is" }, stages.map((name) => el("li", { "data-stage": name })));
    this.steps = el("ol", { class: "steps" });
    this.count = el("summary", {}, "Steps");
    this.details = el("details", { open: true, hidden: true }, this.count, this.steps);
    this.ending = el("div", { class: "ending" });
    this.root = el("section", { class: "card heal", "aria-labelledby": title },
      this.title, issue ? el("p", { class: "note" }, issue) : null, this.line, this.details, this.ending);
    this.at("diagnose");
  }

  // at shows a stage as under way and those before it as done.
  at(stage, state = "now") {
    this.stage = stage;
    const where = stages.indexOf(stage);
    [...this.line.children].forEach((item, i) => this.mark(item, i < where ? "done" : i === where ? state : state === "failed" ? "left" : "todo"));
  }

  mark(item, state) {
    item.className = state;
    item.replaceChildren(el("span", { class: "mark", "aria-hidden": "true" }, marks[state]), item.dataset.stage,
      el("span", { class: "unseen" }, `: ${words[state]}`));
    if (state === "now") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }

  // progress shows a step, of the event with an id.
  progress(message, id) {
    const time = el("time", {}, this.turn.when(id));
    this.messages.push({ message, time, id });
    this.details.hidden = false;
    this.steps.append(el("li", {}, time, el("span", {}, message)));
    if (this.ended) this.sum();
    this.turn.say(message);
    this.look();
  }

  // look asks how far the heal is: the events tell in words alone. Of any number of calls meanwhile, one is made.
  async look() {
    if (this.looking) {
      this.lookAgain = true;
      return;
    }
    this.looking = true;
    do {
      this.lookAgain = false;
      try {
        this.show(await healOf(this.service, this.turn.record.heals[this.key]));
      } catch {
        // The story is told without it.
      }
    } while (this.lookAgain);
    this.looking = false;
  }

  show(heal) {
    if (!heal) return;
    // From now on it is this one, whatever comes later. The newest may still be the one before, until it is seen under way.
    if (this.ended || stageOf[heal.phase]) this.turn.record.heals[this.key] = heal.name;
    if (!this.ended && stageOf[heal.phase] && stages.indexOf(stageOf[heal.phase]) >= stages.indexOf(this.stage)) this.at(stageOf[heal.phase]);
    // What was found could not be fixed: that is no failure to find it.
    if (this.ended === "healing_failed" && heal.cause && this.stage === "diagnose") this.at("fix", "failed");
    this.exact(heal.progress ?? []);
    if (heal.question) this.ask(heal);
    else if (this.asked) this.answered();
    if (this.ended === "healing_failed" && heal.suggestedPatch && !this.patch) {
      this.patch = command(heal.suggestedPatch, "Command to run");
      this.ending.append(this.patch);
    }
  }

  // exact replaces the times at which steps were heard of by those at which they were made.
  exact(progress) {
    const from = progress.length ? new Date(progress[0].time) : 0;
    for (const step of progress) {
      const heard = this.messages.find((m) => m.message === step.message && !m.exact);
      if (!heard) continue;
      heard.exact = true;
      heard.time.dateTime = step.time;
      heard.time.textContent = this.turn.at(heard.id, `${((new Date(step.time) - from) / 1000).toFixed(1)} s`);
      heard.time.title = new Date(step.time).toLocaleTimeString();
    }
  }

  sum() {
    this.count.textContent = this.messages.length === 1 ? "1 step" : `${this.messages.length} steps`;
  }

  end(event) {
    this.ended = event.type;
    const good = event.type === "healing_complete";
    this.at(good ? "retry" : this.stage, good ? "now" : "failed");
    this.root.classList.add(good ? "good" : "bad");
    this.title.textContent = good ? `Service restored: ${this.service}` : `Manual fix needed: ${this.service}`;
    this.sum();
    this.details.open = !good;
    this.ending.replaceChildren(el("p", { class: "prose" }, event.message));
    if (event.recommendation) this.ending.append(el("p", { class: "prose" }, el("strong", {}, "What to do: "), event.recommendation));
    this.turn.say(`${this.title.textContent}. ${event.message} ${event.recommendation ?? ""}`);
    this.look();
  }

  // retried shows what came of the call that was made again.
  retried(good) {
    if (this.ended === "healing_complete" && this.stage === "retry") this.at("retry", good ? "done" : "failed");
  }

  // ask puts the question of a heal that waits for a person.
  ask(heal) {
    if (this.asked === heal.question.version) return;
    this.asked = heal.question.version;
    this.at("fix");
    this.root.classList.remove("bad");
    this.root.classList.add("waits");
    this.title.textContent = `Waiting for ${heal.question.mayAnswer ? "you" : "a person"}: ${this.service}`;
    this.question?.remove();
    this.question = question(heal, () => this.look());
    this.root.append(this.question);
    announce(`${this.title.textContent}. ${heal.waits}`);
    // A stream whose query has ended tells no more of the heal.
    if (this.ended && !this.following) this.goOn(heal);
  }

  answered() {
    this.asked = null;
    this.question?.remove();
    this.root.classList.remove("waits");
  }

  // goOn follows a heal that outlived its query to its end.
  async goOn(heal) {
    this.following = true;
    let fresh = this.messages.length;
    const tell = {
      // What was heard is told again, in the same order.
      healing_progress: (event) => (fresh-- > 0 ? this.look() : this.progress(event.message)),
      healing_complete: (event) => this.goneOn(event),
      healing_failed: (event) => this.goneOn(event),
    };
    try {
      await followHeal(heal, (event) => tell[event.type]?.(event));
    } catch (error) {
      announce(error.message);
    }
  }

  goneOn(event) {
    this.answered();
    this.root.classList.remove("bad");
    this.end(event);
    if (event.type !== "healing_complete") return;
    this.at("verify", "done");
    this.ending.append(el("button", { type: "button", click: this.again }, "Ask again"));
  }
}

// question shows the plan that a heal waits with, and takes the answer where the gateway says that this person may give it.
export function question(heal, answered) {
  const problem = el("p", { class: "note", role: "alert" });
  const box = el("div", { class: "question-box" },
    el("p", { class: "prose" }, heal.waits),
    el("ol", { class: "plan" }, (heal.plan ?? []).map((move) => el("li", {},
      el("strong", {}, move.does), el("span", { class: "note" }, move.hazard),
      move.reason ? el("span", {}, move.reason) : null, move.patch ? el("code", {}, move.patch) : null))));
  if (!heal.question.mayAnswer) {
    box.append(el("p", {}, "To look at it and let it go on:"), command(heal.question.command, "Command to approve"));
    return box;
  }
  const give = (approval) => async () => {
    for (const button of buttons.children) button.disabled = true;
    try {
      await post(["api", "heals", heal.namespace, heal.name, "approval"].map(encodeURIComponent).join("/"),
        { approval, version: heal.question.version });
      announce(approval);
    } catch (error) {
      problem.textContent = error.message;
      for (const button of buttons.children) button.disabled = false;
    }
    answered();
  };
  const buttons = el("div", { class: "row" },
    el("button", { type: "button", click: give("Approved") }, "Approve"),
    el("button", { type: "button", class: "quiet", click: give("Denied") }, "Deny"));
  box.append(buttons, problem);
  return box;
}
