// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Elements out of text alone. There is no way in here for markup: what servers and clusters say is shown as they say it.

// el makes an element. Attributes that are null or false are left out; those that are functions listen to the event of their name.
export function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// svg makes an element of a drawing.
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

let next = 0;

// unique gives an id that nothing else on the page has.
export function unique(what) {
  return `${what}-${++next}`;
}

// announce tells those who do not see the page what has happened.
export function announce(text) {
  document.getElementById("status").textContent = text;
}

// seconds tells a duration as exactly as a person wants to know it.
export function seconds(value) {
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 120) return `${Math.round(value)} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

// moment tells a time of this week.
export function moment(iso) {
  return new Date(iso).toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit" });
}

// command shows a command, and copies it when asked to.
export function command(text, label) {
  const code = el("code", { tabindex: "0", "aria-label": label }, text);
  const button = el("button", { type: "button", class: "quiet", click: copy }, "Copy");
  async function copy() {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS, or without permission, there is no clipboard: the text is selected, for Ctrl+C.
      getSelection().selectAllChildren(code);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    announce(done ? "The command was copied" : "The command is selected: press Ctrl+C");
  }
  return el("div", { class: "command" }, code, button);
}
