// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

import { get } from "./api.js";
import { el, moment, seconds } from "./dom.js";
import { bars, columns, dots, figure } from "./plot.js";

const day = 86_400_000;
// What a person has stopped is no failure, and a dry run is no heal (kubectl cortex history counts the same).
const uncounted = ["", "DryRun", "Denied", "Canceled"];
const worked = (heal) => heal.phase === "Succeeded";

// showHistory shows what failed most, how often it was mended and how long that took.
export async function showHistory(content) {
  let answer;
  try {
    answer = await get("api/heals");
  } catch (error) {
    content.replaceChildren(el("p", { class: "bad" }, error.status ? error.message : "The gateway cannot be reached."));
    return;
  }
  const { heals, older } = answer, counted = heals.filter((heal) => !uncounted.includes(heal.outcome));
  if (!heals.length) {
    content.replaceChildren(el("p", { class: "card" }, "Nothing was healed in the last seven days."));
    return;
  }
  content.replaceChildren(
    totals(counted),
    ...(counted.length ? [el("p", { class: "note" }, "In the drawings:", el("span", { class: "key" }, "healed"), el("span", { class: "key no" }, "not healed")),
      el("div", { class: "figures" }, causes(counted), days(counted), durations(counted, Date.parse(answer.now)))] : []),
    list(heals, older));
}

function totals(heals) {
  const good = heals.filter(worked).length, took = healed(heals).map((heal) => heal.seconds).sort((a, b) => a - b);
  const median = took.length ? seconds((took[(took.length - 1) >> 1] + took[took.length >> 1]) / 2) : "–";
  return el("dl", { class: "totals" }, [
    ["Heals", String(heals.length)],
    ["Succeeded", heals.length ? `${Math.floor((good * 100) / heals.length)} %` : "–"],
    ["Median time to heal", median],
  ].map(([term, fact]) => el("div", { class: "card" }, el("dt", {}, term), el("dd", {}, fact))));
}

// healed are those that have changed something and proven it.
function healed(heals) {
  return heals.filter((heal) => heal.outcome === "Healed");
}

// split counts those that worked and those that did not by a key, in the order in which the keys come.
function split(heals, keyOf, keys = []) {
  const counts = new Map(keys.map((key) => [key, [key, 0, 0]]));
  for (const heal of heals) {
    const key = keyOf(heal);
    if (!counts.has(key)) counts.set(key, [key, 0, 0]);
    counts.get(key)[worked(heal) ? 1 : 2]++;
  }
  return [...counts.values()];
}

function causes(heals) {
  const rows = split(heals, (heal) => `${heal.service}: ${heal.cause || "no cause was found"}`).sort((a, b) => b[1] + b[2] - a[1] - a[2]);
  return figure("What failed most", `${rows[0][0]}, ${times(rows[0][1] + rows[0][2])}.`, bars(rows.slice(0, 6)),
    ["Service and cause", "Healed", "Not healed"], rows);
}

const times = (n) => (n === 1 ? "once" : n === 2 ? "twice" : `${n} times`);
const dayOf = (time) => new Date(time).toLocaleDateString([], { weekday: "short", day: "numeric" });

function lastDays(now) {
  return Array.from({ length: 7 }, (_, i) => dayOf(now - (6 - i) * day));
}

function days(heals) {
  const rows = split(heals, (heal) => dayOf(heal.completed), lastDays(Date.now())).slice(-7);
  const good = heals.filter(worked).length;
  return figure("Success by day", `${good} of ${heals.length} heals succeeded.`, columns(rows), ["Day", "Healed", "Not healed"], rows.map((row) => row.map(String)));
}

function durations(heals, now) {
  const done = healed(heals), midnight = new Date(now).setHours(24, 0, 0, 0);
  const longest = Math.max(0, ...done.map((heal) => heal.seconds));
  return figure("Time to heal", done.length ? `The longest took ${seconds(longest)}.` : "Nothing was changed and proven.",
    dots(done.map((heal) => [Date.parse(heal.completed), heal.seconds]), midnight - 7 * day, midnight, lastDays(now)),
    ["When", "Service", "Took"], done.map((heal) => [moment(heal.completed), heal.service, seconds(heal.seconds)]));
}

function badge(heal) {
  if (!heal.outcome) return "healing";
  return uncounted.includes(heal.outcome) ? "" : worked(heal) ? "up" : "down";
}

function list(heals, older) {
  return el("section", { class: "card", "aria-labelledby": "heals-title" }, el("h2", { id: "heals-title" }, "All of them, the newest first"),
    el("div", { class: "wide", tabindex: "0", role: "region", "aria-labelledby": "heals-title" }, el("table", {},
      el("thead", {}, el("tr", {}, ["When", "Service", "Outcome", "Cause", "What was done"].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, heals.slice(0, 100).map((heal) => el("tr", {},
        el("td", {}, el("time", { datetime: heal.created, title: heal.created }, moment(heal.created))),
        el("th", { scope: "row" }, heal.service),
        el("td", {}, el("span", { class: `badge ${badge(heal)}` }, heal.outcome || heal.phase)),
        el("td", {}, heal.cause), el("td", {}, heal.fixApplied || heal.recommendation || heal.waits)))))),
    older || heals.length > 100 ? el("p", { class: "note" }, `${older + Math.max(0, heals.length - 100)} more: kubectl cortex history`) : null);
}
