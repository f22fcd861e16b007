// What a page does beyond being read: it stays current, shows windows of long
// logs, follows logs that grow, and asks for a token before it changes anything.
"use strict";

// --- The page stays current: parts marked data-live are taken from a new copy of it.

const said = document.getElementById("said");
const known = new Map(); // the parts as the server wrote them, by id

function remember(root) {
  for (const part of root.querySelectorAll("[data-live]")) known.set(part.id, part.outerHTML);
}

async function refresh() {
  const address = new URL(location.href);
  if (document.getElementById("steps")) address.searchParams.set("bare", "true");
  address.hash = "";
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  newSteps(fresh);
  for (const part of fresh.querySelectorAll("[data-live]")) take(part);
  if (!fresh.body.dataset.refresh) delete document.body.dataset.refresh;
}

function take(part) {
  const old = document.getElementById(part.id);
  if (!old || known.get(part.id) === part.outerHTML) return;
  known.set(part.id, part.outerHTML);
  const held = old.contains(document.activeElement) && document.activeElement;
  const scroll = old.querySelector(".wide")?.scrollLeft;
  old.replaceWith(part);
  if (scroll) part.querySelector(".wide").scrollLeft = scroll;
  if (held && held !== old) {
    const href = held.getAttribute("href");
    const again = href ? part.querySelector(`a[href="${CSS.escape(href)}"]`) : part.querySelector(held.tagName);
    again?.focus({ preventScroll: true });
  } else if (held) part.focus({ preventScroll: true });
  if (part.dataset.say) said.textContent = part.dataset.say;
  if (part.id === "actions") actions();
  if (part.dataset.total) logs.get(part.parentElement)?.grow(Number(part.dataset.total));
  localTimes(part);
}

function again() {
  const wait = Number(document.body.dataset.refresh);
  if (!wait) return;
  setTimeout(async () => {
    if (!document.hidden) await refresh().catch(() => {});
    again();
  }, wait);
}

// sometime calls f soon, once for all calls that come meanwhile.
function sometime(f, wait) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    setTimeout(() => { asked = false; f(); }, wait);
  };
}

function listen() {
  const address = document.body.dataset.events;
  if (!address) return;
  const stream = new EventSource(address);
  const soon = sometime(() => refresh().catch(() => {}), 100);
  for (const name of ["pipeline", "workflow", "job"]) stream.addEventListener(name, soon);
  stream.addEventListener("end", () => { stream.close(); soon(); });
}

// --- Times as the reader's clock has them.

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.title = new Date(time.dateTime).toLocaleString();
    time.textContent = ago(time.dateTime);
  }
}

function ago(instant) {
  const seconds = (Date.now() - new Date(instant)) / 1000;
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return new Intl.RelativeTimeFormat("en", { style: "short" }).format(-Math.floor(seconds / size), unit);
  }
  return "just now";
}

function length(seconds) {
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two((seconds / 60) % 60)} min`;
}

function tick() {
  for (const e of document.querySelectorAll("[data-since]")) e.textContent = length((Date.now() - new Date(e.dataset.since)) / 1000);
}

// --- Logs: of a step only the lines that can be seen are in the page.

const rowHeight = 20, blockRows = 200, overscan = 30;
const tallest = 8e6; // pixels: browsers bear no more than 17 million
const keptBlocks = 30;
const logs = new Map(); // by the details element of the step

class Log {
  constructor(details) {
    this.box = details.querySelector(".log");
    this.step = Number(details.dataset.step);
    this.job = details.parentElement.dataset.job;
    this.total = Number(details.querySelector("[data-total]").dataset.total);
    this.blocks = new Map();
    this.asked = new Set();
    this.space = document.createElement("div");
    this.rows = document.createElement("div");
    this.rows.className = "rows";
    this.box.replaceChildren(this.space, this.rows);
    details.querySelector(".parts")?.remove();
    this.box.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.box);
    this.resize();
  }

  // resize gives the box the height that all lines would take, or as much as a browser bears.
  resize() {
    this.height = Math.min(this.total * rowHeight, tallest);
    this.space.style.height = `${this.height}px`;
    this.box.style.height = `${this.height + 20}px`;
  }

  get scaled() { return this.total * rowHeight > tallest; }
  get seen() { return Math.ceil(this.box.clientHeight / rowHeight); }
  get room() { return Math.max(this.height - this.box.clientHeight, 1); }

  // first is the line, counted from 0, at the top of what is seen.
  get first() {
    const top = this.scaled ? Math.round((this.box.scrollTop / this.room) * (this.total - this.seen + 1)) : Math.floor(this.box.scrollTop / rowHeight);
    return Math.max(0, Math.min(top, this.total - 1));
  }

  draw() {
    const first = this.first, from = Math.max(0, first - overscan), to = Math.min(this.total, first + this.seen + overscan);
    const lines = [];
    for (let at = from; at < to; at++) lines.push(this.line(at));
    this.rows.replaceChildren(...lines);
    const shift = this.scaled ? this.box.scrollTop - (first - from) * rowHeight : from * rowHeight;
    this.rows.style.top = `${Math.min(shift, this.height - lines.length * rowHeight)}px`;
    if (this.here) document.getElementById(this.here)?.classList.add("here");
  }

  line(at) {
    const number = Math.floor(at / blockRows);
    const row = this.blocks.get(number)?.[at % blockRows];
    if (row) return row;
    this.load(number);
    const empty = document.createElement("div");
    empty.className = "l";
    return empty;
  }

  async load(number) {
    if (this.asked.has(number)) return;
    this.asked.add(number);
    try {
      const answer = await fetch(`/jobs/${this.job}/lines?step=${this.step}&line=${number * blockRows + 1}`);
      if (!answer.ok) return;
      const made = document.createElement("template");
      made.innerHTML = await answer.text(); // of our server, which escapes every character of a log
      const rows = [...made.content.children];
      this.blocks.set(number, rows);
      if (rows.length < blockRows && number * blockRows + rows.length < this.total) this.blocks.delete(number);
      if (this.blocks.size > keptBlocks) this.blocks.delete(this.blocks.keys().next().value);
    } finally {
      this.asked.delete(number);
    }
    this.draw();
  }

  // grow takes note of new lines; the last block that was shown has more of them now.
  grow(total) {
    const ends = this.atEnd();
    this.blocks.delete(Math.floor((this.total - 1) / blockRows));
    this.total = Math.max(total, this.total);
    this.resize();
    if (ends && following()) this.toEnd(); else this.draw();
  }

  atEnd() { return this.box.scrollTop >= this.box.scrollHeight - this.box.clientHeight - 2 * rowHeight; }
  toEnd() { this.box.scrollTop = this.box.scrollHeight; this.draw(); }

  show(line) {
    const top = Math.max(0, line - 1 - Math.floor(this.seen / 3));
    this.box.scrollTop = this.scaled ? (top / (this.total - this.seen + 1)) * this.room : top * rowHeight;
    this.here = `s${this.step}-L${line}`;
    this.draw();
  }
}

const following = () => document.getElementById("follow")?.checked;

// unfold shows the log of a step that was opened.
function unfold(details) {
  const total = Number(details.querySelector("[data-total]").dataset.total);
  if (!details.open || !total || logs.has(details)) return;
  const rows = details.querySelectorAll(".l").length;
  if (rows >= total && !document.body.dataset.refresh) return; // all of it is there
  const log = new Log(details);
  logs.set(details, log);
  if (rows) log.toEnd(); else log.draw();
}

// fold lets go of the lines of a step that was closed.
function fold(details) {
  if (details.open || !logs.has(details)) return;
  logs.get(details).rows.replaceChildren();
}

function watchSteps(root) {
  for (const details of root.querySelectorAll("details.step")) watchOne(details);
}

// newSteps adds the steps that have started since the page was made.
function newSteps(fresh) {
  const steps = document.getElementById("steps");
  if (!steps) return;
  for (const details of fresh.querySelectorAll("details.step")) {
    if (document.getElementById(details.id)) continue;
    document.getElementById("nosteps")?.remove();
    details.open = Boolean(following());
    steps.append(details);
    remember(details);
    watchOne(details);
  }
}

function watchOne(details) {
  details.addEventListener("toggle", () => { unfold(details); fold(details); logs.get(details)?.draw(); });
  unfold(details);
}

// follow hears of every new line, and shows them a few times a second.
function follow() {
  const steps = document.getElementById("steps");
  if (!steps || !document.body.dataset.refresh) return;
  document.getElementById("following").hidden = false;
  const newest = new Map();
  const soon = sometime(() => {
    for (const [step, line] of newest) {
      const details = document.getElementById(`s${step}`);
      if (!details) continue;
      const head = details.querySelector("[data-total]");
      if (line > Number(head.dataset.total)) head.dataset.total = line;
      if (logs.has(details)) logs.get(details).grow(line); else unfold(details);
    }
    newest.clear();
  }, 200);
  const place = steps.dataset.place;
  const stream = new EventSource(`/api/v1/jobs/${steps.dataset.job}/log?follow=true${place ? `&from=${place}` : ""}`);
  stream.addEventListener("line", (e) => {
    const line = JSON.parse(e.data);
    newest.set(line.step, line.line);
    soon();
  });
  stream.addEventListener("end", () => { stream.close(); soon(); });
}

// jump goes to the line that the address names: #s4-L120.
function jump() {
  const [, step, line] = /^#s(\d+)(?:-L(\d+))?$/.exec(location.hash) ?? [];
  const details = step && document.getElementById(`s${step}`);
  if (!details) return;
  details.open = true;
  unfold(details);
  for (const row of document.querySelectorAll(".l.here")) row.classList.remove("here");
  if (line && logs.has(details)) {
    details.scrollIntoView({ block: "nearest" });
    logs.get(details).show(Number(line));
  } else if (line) document.getElementById(`s${step}-L${line}`)?.scrollIntoView({ block: "center" });
}

function lineLinks() {
  document.getElementById("steps")?.addEventListener("click", (e) => {
    const link = e.target.closest(".l > a");
    if (!link || e.metaKey || e.ctrlKey || e.shiftKey) return;
    e.preventDefault();
    history.replaceState(null, "", link.getAttribute("href"));
    for (const row of document.querySelectorAll(".l.here")) row.classList.remove("here");
    link.parentElement.classList.add("here");
    const log = logs.get(link.closest("details.step"));
    if (log) log.here = link.parentElement.id;
  });
}

// --- What needs a token that may write. It is kept until the tab is closed.

function token() {
  const kept = sessionStorage.getItem("token");
  if (kept) return Promise.resolve(kept);
  const dialog = document.getElementById("token"), field = dialog.querySelector("input");
  field.value = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "go" ? field.value.trim() : ""), { once: true }));
}

async function act(button) {
  const secret = await token();
  if (!secret) return;
  const fields = new URLSearchParams({ token: secret });
  if (button.name) fields.set(button.name, button.value);
  const answer = await fetch(button.formAction, { method: "POST", body: fields, headers: { Accept: "application/json" } });
  const line = document.getElementById("answer");
  line.hidden = answer.ok;
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    if (answer.status === 401 || answer.status === 403) sessionStorage.removeItem("token");
    line.textContent = told.detail ?? told.title ?? `The server answered ${answer.status}.`;
    return;
  }
  sessionStorage.setItem("token", secret);
  if (new URL(answer.url).pathname !== location.pathname) location.href = answer.url;
  else refresh().catch(() => {});
}

// actions asks for the token in a dialog, once, in place of the field beside the buttons.
function actions() {
  const form = document.getElementById("actions");
  if (!form) return;
  form.querySelector("label")?.remove();
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    act(e.submitter).catch((error) => {
      const line = document.getElementById("answer");
      line.hidden = false;
      line.textContent = String(error);
    });
  });
}

// --- At the start.

remember(document);
localTimes(document.querySelector("main"));
for (const label of document.querySelectorAll(".script:not(#following)")) label.hidden = false;
document.getElementById("times")?.addEventListener("change", (e) => document.getElementById("steps").classList.toggle("times", e.target.checked));
watchSteps(document);
lineLinks();
jump();
addEventListener("hashchange", jump);
actions();
listen();
follow();
again();
setInterval(tick, 1000);
setInterval(() => localTimes(document.querySelector("main")), 20000);
