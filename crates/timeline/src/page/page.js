"use strict";
// The timeline. All text comes from the data block and is set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const canvas = document.querySelector("canvas");
const pen = canvas.getContext("2d", { alpha: false });
const search = document.getElementById("search");
const found = document.getElementById("found");
const range = document.getElementById("range");
const panel = document.getElementById("panel");

const STATES = ["running", "runnable", "waiting", "syscall", "gc"];
const COLORS = ["#2e9e5b", "#e0a52c", "#b9c2cc", "#7b61c9", "#d65745"];
// What little of a state is enough to be seen among others in one pixel.
const WEIGHT = [8, 4, 1, 2, 8];
const ROW = 20, BAR = 14, GUTTER = 220, AXIS = 24, FIELDS = 6;
const SHORTEST = 50;
const length = Math.max(1, data.to - data.from);

const rows = data.rows;
for (const row of rows) row.lower = `${row.label} ${row.name}`.toLowerCase();
let shown = rows;
const view = { from: 0, to: length, top: 0 };
let chosen = null; // { row, slice }: slice is an index into row.s, or -1
let queued = false;
let width = 1, height = 1, ratio = 1;

function time(ns) {
  const size = Math.abs(ns);
  if (size < 1e3) return `${Math.round(ns)} ns`;
  if (size < 1e6) return `${(ns / 1e3).toPrecision(4)} µs`;
  if (size < 1e9) return `${(ns / 1e6).toPrecision(4)} ms`;
  return `${(ns / 1e9).toPrecision(6)} s`;
}

function moment(at) {
  return `${((data.from + at) / 1e9).toFixed(6)} s`;
}

function queue() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    paint();
  });
}

// Draws now, and says how often and how long that was.
function paint() {
  const begun = performance.now();
  draw();
  canvas.dataset.drawn = String(Number(canvas.dataset.drawn || 0) + 1);
  canvas.dataset.took = (performance.now() - begun).toFixed(3);
}

function clamp() {
  const span = Math.min(length, Math.max(SHORTEST, view.to - view.from));
  const from = Math.min(length - span, Math.max(0, view.from));
  view.from = from;
  view.to = from + span;
  const most = Math.max(0, shown.length * ROW - (height - AXIS));
  view.top = Math.min(most, Math.max(0, view.top));
}

// The first slice of a row that ends after a time.
function first(s, at) {
  let low = 0, high = s.length / FIELDS;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (s[middle * FIELDS] + s[middle * FIELDS + 1] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function draw() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const [text, dim, back, line, mark] = ["--text", "--dim", "--back", "--line", "--mark"].map(color);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.fillStyle = back;
  pen.fillRect(0, 0, width, height);
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const lanes = width - GUTTER;
  const scale = lanes / (view.to - view.from);
  const last = Math.min(shown.length, Math.ceil((view.top + height - AXIS) / ROW));
  for (let i = Math.floor(view.top / ROW); i < last; i++) {
    const row = shown[i];
    const y = AXIS + i * ROW - view.top;
    if (chosen && chosen.row === row) {
      pen.fillStyle = mark;
      pen.fillRect(0, y, width, ROW);
    }
    lane(row, y + (ROW - BAR) / 2, lanes, scale);
    if (chosen && chosen.row === row && chosen.slice >= 0) {
      const at = chosen.slice * FIELDS;
      const x = GUTTER + (row.s[at] - view.from) * scale;
      pen.strokeStyle = text;
      pen.lineWidth = 2;
      pen.strokeRect(Math.max(GUTTER, x), y + 2, Math.min(lanes, Math.max(2, row.s[at + 1] * scale)), ROW - 4);
    }
    pen.fillStyle = back;
    if (chosen && chosen.row === row) pen.fillStyle = mark;
    pen.fillRect(0, y, GUTTER - 4, ROW);
    pen.fillStyle = row.role ? COLORS[4] : text;
    pen.fillText(row.label, 6, y + ROW / 2);
    const used = 12 + pen.measureText(row.label).width;
    pen.save();
    pen.beginPath();
    pen.rect(used, y, GUTTER - 8 - used, ROW);
    pen.clip();
    pen.fillStyle = dim;
    pen.fillText(row.name, used, y + ROW / 2);
    pen.restore();
  }
  axis(text, back, line, lanes, scale);
}

// Above the slices of a lane lie levels of summaries, each of FAN entries of the level below: start,
// end, and the weight of each state. A view of any width looks at about as many entries as pixels.
const FAN = 8, SUMMARY = 7;
function levels(row) {
  if (row.levels) return row.levels;
  row.levels = [];
  let below = row.s, size = FIELDS;
  while (below.length / size > 64) {
    const count = below.length / size;
    const level = new Float64Array(Math.ceil(count / FAN) * SUMMARY);
    for (let i = 0; i < count; i++) {
      const to = Math.floor(i / FAN) * SUMMARY, at = i * size;
      if (i % FAN === 0) level[to] = below[at];
      if (size === FIELDS) {
        level[to + 1] = below[at] + below[at + 1];
        level[to + 2 + below[at + 2]] += below[at + 1] * WEIGHT[below[at + 2]];
      } else {
        level[to + 1] = below[at + 1];
        for (let k = 2; k < SUMMARY; k++) level[to + k] += below[at + k];
      }
    }
    row.levels.push(level);
    below = level;
    size = SUMMARY;
  }
  return row.levels;
}

// What is narrower than a pixel is merged: a pixel shows the state that weighs most in it. Pixels of
// one state are drawn as one.
function lane(row, y, lanes, scale) {
  const { s } = row;
  const tree = levels(row);
  const weights = [0, 0, 0, 0, 0];
  let pixel = -1, style = -1;
  let runs = -1, from = 0, to = 0;
  const draw = () => {
    if (runs < 0) return;
    if (style !== runs) pen.fillStyle = COLORS[style = runs];
    pen.fillRect(GUTTER + from, y, to - from, BAR);
  };
  const fill = (state, x0, x1) => {
    if (state === runs && x0 - to < 0.01) {
      to = x1;
      return;
    }
    draw();
    [runs, from, to] = [state, x0, x1];
  };
  const flush = () => {
    if (pixel < 0) return;
    let best = 0;
    for (let k = 1; k < 5; k++) if (weights[k] > weights[best]) best = k;
    fill(best, pixel, pixel + 1);
    weights.fill(0);
    pixel = -1;
  };
  const column = (x) => {
    const at = Math.floor(x);
    if (at === pixel) return;
    flush();
    pixel = at;
  };
  const slice = (i) => {
    const at = i * FIELDS, state = s[at + 2];
    const x0 = Math.max(0, (s[at] - view.from) * scale);
    const x1 = Math.min(lanes, (s[at] + s[at + 1] - view.from) * scale);
    if (x1 <= 0 || x0 >= lanes) return;
    if (x1 - x0 < 1) {
      column(x0);
      weights[state] += s[at + 1] * WEIGHT[state] + 1e-3;
    } else {
      flush();
      fill(state, x0, x1);
    }
  };
  const visit = (depth, i) => {
    if (depth < 0) return slice(i);
    const level = tree[depth], at = i * SUMMARY;
    const x0 = (level[at] - view.from) * scale, x1 = (level[at + 1] - view.from) * scale;
    if (x1 <= 0 || x0 >= lanes) return;
    if (x1 - x0 < 1) {
      column(Math.max(0, x0));
      for (let k = 0; k < 5; k++) weights[k] += level[at + 2 + k];
      return;
    }
    const count = depth > 0 ? tree[depth - 1].length / SUMMARY : s.length / FIELDS;
    for (let j = i * FAN; j < Math.min(count, (i + 1) * FAN); j++) visit(depth - 1, j);
  };
  const top = tree.length - 1;
  const count = top >= 0 ? tree[top].length / SUMMARY : s.length / FIELDS;
  for (let i = 0; i < count; i++) visit(top, i);
  flush();
  draw();
}

function axis(text, back, line, lanes, scale) {
  pen.fillStyle = back;
  pen.fillRect(0, 0, width, AXIS);
  const rough = (view.to - view.from) / Math.max(1, lanes / 130);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const start = Math.ceil((data.from + view.from) / step) * step - data.from;
  pen.fillStyle = text;
  for (let at = start; at < view.to; at += step) {
    const x = GUTTER + (at - view.from) * scale;
    pen.fillText(moment(at), x + 3, AXIS / 2);
    pen.fillRect(x, 0, 1, AXIS);
  }
  pen.fillStyle = line;
  pen.fillRect(0, AXIS - 1, width, 1);
  pen.fillRect(GUTTER - 2, 0, 1, height);
  range.textContent = `${moment(view.from)} + ${time(view.to - view.from)}`;
}

function zoom(factor, at) {
  const middle = at === undefined ? (view.from + view.to) / 2 : at;
  const share = (middle - view.from) / (view.to - view.from);
  const span = Math.min(length, Math.max(SHORTEST, (view.to - view.from) * factor));
  view.from = middle - share * span;
  view.to = view.from + span;
  moved();
}

function pan(share) {
  const by = (view.to - view.from) * share;
  view.from += by;
  view.to += by;
  moved();
}

function moved() {
  clamp();
  remember();
  queue();
}

function filter() {
  const words = search.value.trim().toLowerCase();
  const id = words.match(/^[gp]?\d+$/);
  shown = rows.filter((row) => {
    if (!words) return true;
    if (id) return row.label === words || (row.kind === "g" && row.label === `g${words}`);
    return row.lower.includes(words) || row.seen.some((name) => data.names[name].toLowerCase().includes(words));
  });
  found.textContent = words ? `${shown.length} of ${rows.length} lanes` : `${rows.length} lanes`;
  view.top = 0;
  moved();
}

function put(parent, tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  parent.append(node);
  return node;
}

function choose(row, slice) {
  chosen = { row, slice };
  panel.replaceChildren();
  put(panel, "h3", row.kind === "g" ? `goroutine ${row.id}` : row.label);
  if (row.name) put(panel, "p", row.name);
  if (row.role) put(panel, "p", row.role);
  const list = put(panel, "dl", "");
  const fact = (name, value) => {
    put(list, "dt", name);
    put(list, "dd", value);
  };
  let stack = row.stack, title = "last stack in the trace";
  if (slice >= 0) {
    const [start, long, state, reason, of, other] = row.s.slice(slice * FIELDS, slice * FIELDS + FIELDS);
    fact("state", STATES[state]);
    if (data.names[reason]) fact(state === 0 ? "ended with" : "reason", data.names[reason]);
    fact("from", moment(start));
    fact("to", moment(start + long));
    fact("for", time(long));
    if (state === 0 && other >= 0) fact(row.kind === "p" ? "goroutine" : "processor", String(other));
    if (state === 1 && other >= 0) fact("woken by goroutine", String(other));
    if (of > 0) [stack, title] = [of, state === 0 ? "stack when it stopped" : "stack"];
  }
  const frames = row.dump && row.dump.length ? [["stack in the crash", row.dump]] : [];
  if (stack > 0) frames.unshift([title, data.stacks[stack].map((f) => [data.names[f[0]], `${data.names[f[1]]}:${f[2]}`])]);
  for (const [name, calls] of frames) {
    put(panel, "p", name).className = "dim";
    const calledBy = put(panel, "ol", "");
    for (const [callee, place] of calls) put(put(calledBy, "li", callee), "span", place);
  }
  if (!frames.length && row.kind === "g") put(panel, "p", "no stack of it was written").className = "dim";
  const at = shown.indexOf(row);
  const y = at * ROW - view.top;
  if (at >= 0 && (y < 0 || y + ROW > height - AXIS)) view.top = at * ROW - (height - AXIS) / 2;
  moved();
}

function hit(event) {
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const row = y < AXIS ? undefined : shown[Math.floor((y - AXIS + view.top) / ROW)];
  const at = view.from + ((x - GUTTER) / (width - GUTTER)) * (view.to - view.from);
  return { x, row, at };
}

// The slice at a time, or of those that are narrower than a pixel the longest beside it.
function pick(row, at) {
  const s = row.s;
  const slack = ((view.to - view.from) / (width - GUTTER)) * 1.5;
  let best = -1, long = -1;
  for (let i = first(s, at - slack); i * FIELDS < s.length && s[i * FIELDS] <= at + slack; i++) {
    const [start, wide, state] = s.slice(i * FIELDS, i * FIELDS + 3);
    const inside = start <= at && at < start + wide ? 1e3 : 1;
    const weight = wide * inside * WEIGHT[state];
    if (weight > long) [best, long] = [i, weight];
  }
  return best;
}

let drag = null;
canvas.addEventListener("pointerdown", (event) => {
  canvas.focus();
  drag = { x: event.clientX, y: event.clientY, from: view.from, to: view.to, top: view.top, moved: false };
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (!drag) return;
  const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
  if (Math.abs(dx) + Math.abs(dy) > 4) drag.moved = true;
  if (!drag.moved) return;
  const by = (dx / (width - GUTTER)) * (drag.to - drag.from);
  view.from = drag.from - by;
  view.to = drag.to - by;
  view.top = drag.top - dy;
  moved();
});
canvas.addEventListener("pointerup", (event) => {
  const was = drag;
  drag = null;
  if (!was || was.moved) return;
  const { x, row, at } = hit(event);
  if (row) choose(row, x < GUTTER ? -1 : pick(row, at));
});
canvas.addEventListener("pointercancel", () => { drag = null; });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { x, at } = hit(event);
  if (x < GUTTER || event.altKey) {
    view.top += event.deltaY;
    moved();
  } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    pan((event.deltaX || event.deltaY) / 1000);
  } else {
    zoom(Math.exp(Math.max(-200, Math.min(200, event.deltaY)) / 300), at);
  }
}, { passive: false });

const KEYS = {
  "+": () => zoom(0.5), "=": () => zoom(0.5), w: () => zoom(0.5), "-": () => zoom(2), s: () => zoom(2),
  a: () => pan(-0.2), ArrowLeft: () => pan(-0.2), d: () => pan(0.2), ArrowRight: () => pan(0.2),
  ArrowUp: () => { view.top -= 3 * ROW; moved(); }, ArrowDown: () => { view.top += 3 * ROW; moved(); },
  PageUp: () => { view.top -= height; moved(); }, PageDown: () => { view.top += height; moved(); },
  0: fit, "/": () => search.focus(), n: () => step(1), p: () => step(-1),
};

function fit() {
  [view.from, view.to] = [0, length];
  moved();
}

// The next slice of the chosen lane, or the one before.
function step(by) {
  if (!chosen) return;
  const count = chosen.row.s.length / FIELDS;
  const slice = Math.max(0, Math.min(count - 1, chosen.slice + by));
  const start = chosen.row.s[slice * FIELDS];
  if (start < view.from || start > view.to) {
    const half = (view.to - view.from) / 2;
    [view.from, view.to] = [start - half, start + half];
  }
  choose(chosen.row, slice);
}

document.addEventListener("keydown", (event) => {
  if (event.target === search) {
    if (event.key === "Escape") {
      search.value = "";
      filter();
    }
    if (event.key === "Escape" || event.key === "Enter") canvas.focus();
    return;
  }
  const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : KEYS[event.key];
  if (action && !(event.target instanceof HTMLButtonElement)) {
    event.preventDefault();
    action();
  }
});
search.addEventListener("input", filter);
document.getElementById("in").addEventListener("click", () => zoom(0.5));
document.getElementById("out").addEventListener("click", () => zoom(2));
document.getElementById("fit").addEventListener("click", fit);
for (const button of document.querySelectorAll("[data-goroutine]")) {
  button.addEventListener("click", () => goto(button.dataset.goroutine));
}

function goto(id) {
  const row = rows.find((row) => row.kind === "g" && String(row.id) === id);
  if (!row) return;
  if (!shown.includes(row)) {
    search.value = "";
    filter();
  }
  choose(row, row.s.length / FIELDS - 1);
}

// The address remembers the view: #t=from-to (ns since the page's start), g=goroutine, q=search.
let remembering = 0;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const parts = new URLSearchParams({ t: `${Math.round(view.from)}-${Math.round(view.to)}` });
    if (chosen && chosen.row.kind === "g") parts.set("g", chosen.row.id);
    if (search.value) parts.set("q", search.value);
    history.replaceState(null, "", `#${parts}`);
  }, 200);
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  search.value = parts.get("q") || "";
  filter();
  const times = /^(\d+)-(\d+)$/.exec(parts.get("t") || "");
  if (times) [view.from, view.to] = [Number(times[1]), Number(times[2])];
  if (parts.get("g")) goto(parts.get("g"));
  moved();
}
window.addEventListener("hashchange", recall);

new ResizeObserver(() => {
  const box = canvas.getBoundingClientRect();
  ratio = window.devicePixelRatio || 1;
  [width, height] = [Math.max(GUTTER + 50, box.width), Math.max(AXIS + ROW, box.height)];
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  clamp();
  // A canvas that gets a size is empty until it is drawn.
  paint();
}).observe(canvas.parentElement);
recall();
