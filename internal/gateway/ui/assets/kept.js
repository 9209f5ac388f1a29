// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// What the tab remembers of its conversation, so that a reload shows it again: which questions became which tasks, and when each
// step was heard of. What was answered the gateway keeps, and for ten minutes: it is read from there again.

const key = "cortex-conversation";
// most bounds the questions that are shown again: each is a stream to read.
const most = 20;

// kept is the conversation: its id where the gateway remembers what was said, and its turns.
export const kept = read();
let forgotten = false;

function read() {
  try {
    const was = JSON.parse(sessionStorage.getItem(key));
    if (Array.isArray(was?.turns)) return was;
  } catch {
    // It is no conversation of this page: a new one begins.
  }
  return { id: null, turns: [] };
}

// keep writes down how the conversation stands.
export function keep() {
  if (forgotten) return;
  kept.turns.splice(0, kept.turns.length - most);
  try {
    sessionStorage.setItem(key, JSON.stringify(kept));
  } catch {
    // There is no room: a reload shows less.
  }
}

// begin adds a question.
export function begin(question) {
  const record = { question, began: Date.now(), id: null, seen: 0, times: {}, heals: {} };
  kept.turns.push(record);
  keep();
  return record;
}

// drop takes a question out that did not become a task.
export function drop(record) {
  const at = kept.turns.indexOf(record);
  if (at >= 0) kept.turns.splice(at, 1);
  keep();
}

// forget ends the conversation: the page begins anew with its next load.
export function forget() {
  forgotten = true;
  sessionStorage.removeItem(key);
}
