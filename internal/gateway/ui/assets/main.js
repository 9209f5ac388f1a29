// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

import { onSignIn, token } from "./api.js";
import { startChat } from "./chat.js";
import { showHistory } from "./history.js";
import { forget as forgetConversation } from "./kept.js";
import { showServices } from "./services.js";

const views = { ask: () => {}, services: showServices, history: showHistory };
const names = { ask: "Ask", services: "Services", history: "History" };
const forget = document.getElementById("forget");

// show shows the view that the address names. What a view has to know it reads anew each time.
function show(moved) {
  const view = location.hash.slice(1) in views ? location.hash.slice(1) : "ask";
  for (const name of Object.keys(views)) document.getElementById(name).hidden = name !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${names[view]} · Cortex`;
  forget.hidden = !token.get();
  if (moved) {
    document.getElementById(`${view}-title`).focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  views[view](document.getElementById(`${view}-content`));
}

// One form for however many requests wait for it.
let asking = null;
onSignIn((why) => {
  asking ??= new Promise((resolve) => {
    const form = document.getElementById("token"), value = document.getElementById("token-value"), before = document.activeElement;
    document.getElementById("token-why").textContent = `The gateway asks who you are: ${why}`;
    form.hidden = false;
    value.focus();
    form.onsubmit = (event) => {
      event.preventDefault();
      token.set(value.value.trim());
      value.value = "";
      form.hidden = true;
      forget.hidden = false;
      before?.focus();
      asking = null;
      resolve();
    };
  });
  return asking;
});

forget.addEventListener("click", () => {
  token.forget();
  forgetConversation();
  location.reload();
});
addEventListener("hashchange", (event) => {
  if (location.hash !== "#main") show(true);
});
startChat();
show(false);
