// Copyright 2026 The Cortex Authors.
// SPDX-License-Identifier: Apache-2.0

// Small drawings. Each has a title for those who do not see it, and a table with all that it shows.

import { el, svg, unique } from "./dom.js";

const height = 180;
const margin = { left: 44, right: 12, top: 10, bottom: 24 };

// figure joins a drawing and its table. draw gets the width that there is, so that letters keep their size.
export function figure(caption, told, draw, head, rows) {
  const place = el("div", { class: "plot" });
  const render = () => {
    const width = Math.max(260, Math.floor(place.clientWidth)), title = unique("plot");
    if (place.drawn === width) return;
    place.drawn = width;
    place.replaceChildren(draw(width, (tall, ...shapes) => svg("svg", {
      role: "img", "aria-labelledby": title, width, height: tall, viewBox: `0 0 ${width} ${tall}`,
    }, svg("title", { id: title }, `${caption}. ${told}`), ...shapes)));
  };
  new ResizeObserver(render).observe(place);
  return el("figure", { class: "card" }, el("figcaption", {}, el("strong", {}, caption), el("span", { class: "note" }, told)), place,
    el("details", {}, el("summary", {}, "As a table"), el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `${caption}, as a table` },
      el("table", {}, el("caption", { class: "unseen" }, caption),
        el("thead", {}, el("tr", {}, head.map((cell) => el("th", { scope: "col" }, cell)))),
        el("tbody", {}, rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), rest.map((cell) => el("td", {}, cell)))))))));
}

// bars draws a line for each row: [name, good, bad].
export function bars(rows) {
  return (width, frame) => {
    const most = Math.max(1, ...rows.map(([, good, bad]) => good + bad)), line = 40, room = width - 110;
    return frame(rows.length * line + 4, rows.map(([name, good, bad], i) => {
      const y = i * line, wide = (n) => (n / most) * room;
      return svg("g", {},
        svg("text", { x: 0, y: y + 14 }, name),
        svg("rect", { class: "good", x: 0, y: y + 20, width: wide(good), height: 12 }),
        svg("rect", { class: "bad", x: wide(good), y: y + 20, width: wide(bad), height: 12 }),
        svg("text", { x: wide(good + bad) + 6, y: y + 31 }, [good && `${good} healed`, bad && `${bad} not`].filter(Boolean).join(", ")));
    }));
  };
}

// columns draws a column for each row: [name, good, bad].
export function columns(rows) {
  return (width, frame) => {
    const most = Math.max(1, ...rows.map(([, good, bad]) => good + bad)), axis = scale(most, width, String);
    const step = (width - margin.left - margin.right) / rows.length, wide = Math.min(36, step * 0.7);
    return frame(height, axis.lines, rows.map(([name, good, bad], i) => {
      const x = margin.left + i * step + (step - wide) / 2;
      return svg("g", {},
        svg("rect", { class: "good", x, y: axis.y(good), width: wide, height: axis.y(0) - axis.y(good) }),
        svg("rect", { class: "bad", x, y: axis.y(good + bad), width: wide, height: axis.y(good) - axis.y(good + bad) }),
        svg("text", { x: x + wide / 2, y: height - 6, "text-anchor": "middle" }, short(name, width)));
    }));
  };
}

// dots draws a dot for each point: [when, seconds], between two moments.
export function dots(points, from, to, names) {
  return (width, frame) => {
    const axis = scale(Math.max(1, ...points.map(([, took]) => took)), width, (value) => `${Number(value.toPrecision(3))} s`), room = width - margin.left - margin.right;
    return frame(height, axis.lines,
      names.map((name, i) => svg("text", { x: margin.left + (room * (i + 0.5)) / names.length, y: height - 6, "text-anchor": "middle" }, short(name, width))),
      points.map(([when, took]) => svg("circle", { class: "dot", cx: margin.left + (room * (when - from)) / (to - from), cy: axis.y(took), r: 4 })));
  };
}

// short is the day of the week alone where there is no room for more.
function short(name, width) {
  return width < 440 ? name.replace(/[\d. ]/g, "") : name;
}

// scale is an axis from 0 with at most five lines.
function scale(most, width, name) {
  const size = 10 ** Math.floor(Math.log10(most)), step = Math.max(name === String ? 1 : 0, [0.25, 0.5, 1, 2, 5].map((n) => n * size).find((n) => most / n <= 4));
  const top = Math.ceil(most / step) * step, y = (value) => margin.top + (height - margin.top - margin.bottom) * (1 - value / top);
  const lines = [];
  for (let value = 0; value <= top + step / 2; value += step) {
    lines.push(svg("line", { x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
      svg("text", { x: margin.left - 6, y: y(value) + 4, "text-anchor": "end" }, name(value)));
  }
  return { y, lines };
}
