/* The review page: a grid of images whose labels are set by click or key, each change on the disk before it counts. */

import {Refusal, ask, at, keep, make, recall, thumbnail} from "./asking.js";
import {Detail, outdated} from "./detail.js";
import {Grid} from "./grid.js";
import {Saving} from "./saving.js";

const POLL_MS = 2000, TYPING_MS = 250, MANY = 200, AT_ONCE = 500, CAPTION = 64;
const facts = JSON.parse(at("facts").textContent);
const form = at("filter"), root = at("grid");
const names = facts.labels;
const colour = name => `chip k${names.indexOf(name) >= 0 ? names.indexOf(name) % 6 : "none"}`;

const pending = new Map();    // image id -> label that is on its way
const lastOf = new Map();     // image id -> number of its last entry, of what was heard since the page was opened
const shown = new Set();      // addresses of pictures that were shown before
const parts = new WeakMap();  // cell -> its picture and its three lines of text
let view = {query: {}, at: facts.entries, images: 0};
let heard = facts.entries;
const steps = JSON.parse(recall("sessionStorage", `steps-${facts.key}`) ?? '{"undo": [], "redo": []}');

/* --- what is shown --- */

function said(text) { at("said").textContent = text; }

function query() {
  const given = new FormData(form), found = {};
  for (const name of ["order", "label", "source", "subset", "finding", "text", "corrected"]) found[name] = given.get(name) ?? "";
  const [attribute, value] = given.get("facet") ? JSON.parse(given.get("facet")) : ["", ""];
  return {...found, attribute, value};
}

async function list(stay = false) {
  const asked = query();
  try {
    const {images, at: entries} = await ask("/review/count", asked);
    view = {query: asked, at: entries, images, ids: null};
  } catch (error) { return trouble("list", error.message); }
  calm("list");
  const given = Object.entries(asked).filter(([name, value]) => value && name !== "order");
  at("count").textContent = `${images(view.images)}${given.length ? ` of ${facts.images.toLocaleString("en")}` : ""}`;
  at("filtered").textContent = given.length ? `: ${given.length} set` : "";
  const kept = new URLSearchParams(Object.entries({...asked, facet: new FormData(form).get("facet") ?? ""})
    .filter(([name, value]) => value && name !== "attribute" && name !== "value"));
  history.replaceState(null, "", kept.size ? `?${kept}` : location.pathname);
  root.hidden = !view.images;
  at("none").hidden = Boolean(view.images);
  grid.show(view.images, stay);
}

const images = count => `${count.toLocaleString("en")} image${count === 1 ? "" : "s"}`;

function blank() {
  const image = make("img", {alt: "", decoding: "async", draggable: "false"});
  const cell = make("div", {class: "cell empty"},
    make("div", {class: "pic"}, image, make("span", {class: "pick", "aria-hidden": "true"})),
    make("div", {class: "cap"}, make("span", {class: "name"}), make("span", {class: "chip"}), make("span", {class: "mark"})));
  image.addEventListener("load", () => { shown.add(image.src); cell.classList.remove("empty", "broken"); });
  image.addEventListener("error", () => cell.classList.add("broken"));
  parts.set(cell, cell.querySelectorAll("img, .name, .chip, .mark"));
  return cell;
}

function draw(cell, item, index, fast) {
  const [image, name, chip, mark] = parts.get(cell);
  cell.classList.toggle("selected", grid.selected.has(index));
  if (!item) {
    if (!name.textContent) return; // as it was
    cell.classList.add("empty");
    image.removeAttribute("src");
    image.dataset.id = "";
    for (const part of [name, chip, mark]) part.textContent = "";
    chip.className = "chip";
    return;
  }
  if (image.dataset.id !== item.id) {
    const address = new URL(thumbnail(facts.key, item.id, side()), location.href).href;
    cell.classList.add("empty");
    cell.classList.remove("broken");
    if (fast && !shown.has(address)) { image.removeAttribute("src"); image.dataset.id = ""; }
    else { image.src = address; image.dataset.id = item.id; }
  }
  const label = pending.get(item.id) ?? item.label;
  name.textContent = item.id.slice(item.id.lastIndexOf("/") + 1);
  name.title = item.id;
  chip.textContent = label || "(no label)";
  chip.className = colour(label);
  mark.textContent = remark(item, label);
  cell.classList.toggle("changed", label !== item.source);
  cell.classList.toggle("waiting", pending.has(item.id));
}

function remark(item, label) {
  if (pending.has(item.id)) return "saving…";
  if (label !== item.source) return `was ${item.source || "(no label)"}`;
  if (item.conflict) return "≠ a copy of it";
  if (item.suggested && item.suggested !== label) return `rather ${item.suggested}?`;
  return item.loss === undefined ? "" : `loss ${item.loss.toFixed(2)}`;
}

function side() {
  const wanted = grid.side * devicePixelRatio;
  return wanted <= 128 ? 128 : wanted <= 300 ? 256 : 512;
}

const grid = new Grid(root, {
  load: async (start, count) => {
    try {
      const {rows} = await ask("/review/rows", {...view.query, at: view.at, start, count});
      calm("list");
      return rows;
    } catch (error) { trouble("list", error.message); throw error; }
  },
  draw, blank, caption: CAPTION, width: 176,
  moved: () => {},
  picked: () => { at("signature").textContent = signature(); tools(); },
});

/* --- troubles: what was not saved, what others did --- */

const troubles = new Map();

function trouble(kind, text, ...buttons) {
  const told = make("p", {class: "warning"}, text, ...buttons.map(([title, act]) => {
    const button = make("button", {type: "button"}, title);
    button.addEventListener("click", act);
    return button;
  }));
  if (troubles.get(kind)?.textContent === told.textContent) return;
  calm(kind);
  troubles.set(kind, told);
  at("trouble").append(told);
}

function calm(kind) {
  troubles.get(kind)?.remove();
  troubles.delete(kind);
}

/* --- changes --- */

/* One entry of the log, whoever made it. */
function heed(entries) {
  const by = new Map(entries.map(entry => [entry.id, entry]));
  for (const entry of by.values()) lastOf.set(entry.id, Math.max(entry.number, lastOf.get(entry.id) ?? 0));
  for (const item of grid.items()) {
    const entry = by.get(item.id);
    if (entry && entry.number > item.last) Object.assign(item, {label: entry.new, last: entry.number});
  }
  for (const {new: name} of by.values()) if (name && !names.includes(name)) { names.push(name); buttons(); }
  grid.redraw();
}

const saving = new Saving(`jobs-${facts.key}`, {
  state(waiting, error) {
    at("state").textContent = error ? "not saved" : waiting ? "saving…" : facts.log ? "all saved" : "";
    at("state").className = error ? "bad" : waiting ? "busy" : "";
    if (!error) return calm("saving");
    const which = error.includes("link") ? "the pages were started anew: open the link that skinlab ui has printed" : error;
    trouble("saving", `Not saved: ${which}. ${waiting} change${waiting === 1 ? " waits" : "s wait"} and will be tried again. `,
      ["Try now", () => saving.hurry()]);
  },
  done(job, entries) {
    const numbers = entries.map(entry => entry.number);
    for (const {body} of saving.jobs) {
      for (const change of body.changes ?? []) {
        const own = entries.find(entry => entry.id === change.id);
        if (own) change.seen = own.number;
      }
    }
    settle(job);
    if (job.kind === "set") {
      const before = new Map(job.body.changes.map(change => [change.id, change.seen]));
      const own = entries.filter(entry => entry.number > before.get(entry.id) && entry.who === job.body.who);
      stack("undo", own.map(entry => entry.number), job.group);
      if (job.fresh !== false) steps.redo = [];
    } else stack(job.kind === "undo" ? "redo" : "undo", numbers, job.group);
    heed(entries);
    said(entries.length === 1 ? `${entries[0].id}: ${entries[0].new}, saved` : `${images(entries.length)} saved`);
    tools();
    detail.refresh(entries);
  },
  conflict(job, entries) {
    settle(job);
    const held = new Set(entries.map(entry => entry.id));
    const others = (job.body.changes ?? []).filter(change => !held.has(change.id));
    heed(entries);
    if (others.length) push("set", {path: job.path, body: {...job.body, changes: others}, group: job.group});
    for (const entry of entries) conflicted(job, entry);
    tools();
  },
  failed(job, reason) {
    settle(job);
    grid.redraw();
    trouble(`failed ${Date.now()}`, `Not possible: ${reason} `);
  },
});

function conflicted(job, entry) {
  const wanted = job.body.changes?.find(change => change.id === entry.id)?.label;
  const kind = `conflict ${entry.id}`;
  const leave = ["Keep it", () => calm(kind)];
  const set = [`Set ${wanted} all the same`, () => {
    calm(kind);
    push("set", {path: job.path, body: {...job.body, changes: [{id: entry.id, label: wanted, seen: entry.number}]}});
  }];
  trouble(kind, `${entry.id} was set to ${entry.new} by ${entry.who} meanwhile (“${entry.why}”). `, ...(wanted ? [set, leave] : [leave]));
}

/* A job is over: its images show the label that they have. */
function settle(job) {
  for (const change of job.body.changes ?? []) {
    const later = saving.jobs.some(other => other.body.changes?.some(one => one.id === change.id));
    if (!later) pending.delete(change.id);
  }
}

function push(kind, job) {
  for (const change of job.body.changes ?? []) pending.set(change.id, change.label);
  saving.push({kind, ...job});
  grid.redraw();
}

function stack(which, numbers, group) {
  if (!numbers.length) return;
  const top = steps[which].at(-1);
  if (group && top?.group === group) top.numbers.push(...numbers);
  else steps[which].push({group, numbers});
  steps[which].splice(0, Math.max(0, steps[which].length - 500));
  keep("sessionStorage", `steps-${facts.key}`, JSON.stringify(steps));
}

async function back(which) {
  await saving.idle();
  const step = steps[which].pop();
  if (!step) return;
  const why = which === "undo" ? "undone in review" : "done again in review";
  const group = step.group ?? String(Math.random());
  for (let start = 0; start < step.numbers.length; start += AT_ONCE) {
    const entries = step.numbers.slice(start, start + AT_ONCE);
    push(which, {path: "/review/undo", body: {entries, who: at("who").value, why}, group});
  }
}

/* The images that a label is for: the selected ones, or the one under the cursor. */
async function chosen() {
  if (!grid.selected.size) return [grid.item(grid.cursor)].filter(Boolean);
  const items = [...grid.selected].map(index => grid.item(index) ?? index);
  if (items.every(item => typeof item !== "number")) return items;
  view.ids ??= await ask("/review/ids", {...view.query, at: view.at});
  return items.map(item => (typeof item === "number" ? {id: view.ids[item], last: view.at} : item));
}

async function label(name, only = null) {
  if (!facts.log || !name) return;
  if (!at("who").value.trim() || !at("why").value.trim()) {
    document.querySelector(".signed").open = true;
    trouble("signed", "Say who you are and why: both are kept with each change. ");
    return (at("who").value.trim() ? at("why") : at("who")).focus();
  }
  calm("signed");
  let items;
  try { items = only ? [only] : await chosen(); } catch (error) { return trouble("list", error.message); }
  const one = !only && !grid.selected.size;
  const wanted = items.filter(item => (pending.get(item.id) ?? item.label) !== name);
  if (wanted.length > MANY && !confirm(`Set ${images(wanted.length)} to ${name}?`)) return;
  const group = String(Math.random()), body = {who: at("who").value, why: at("why").value};
  for (let start = 0; start < wanted.length; start += AT_ONCE) {
    const changes = wanted.slice(start, start + AT_ONCE)
      .map(item => ({id: item.id, label: name, seen: Math.max(item.last, lastOf.get(item.id) ?? 0)}));
    push("set", {path: "/review/labels", body: {...body, changes}, group});
  }
  if (one) grid.moveTo(grid.cursor + 1);
}

async function news() {
  if (document.hidden) return;
  try {
    const told = await ask("/review/news", {since: heard});
    calm("news");
    if (told.entries < heard) { heard = told.entries; lastOf.clear(); return list(true); }
    heard += told.new.length;
    const others = told.new.filter(entry => entry.number > (lastOf.get(entry.id) ?? 0));
    if (others.length) {
      heed(others);
      said(others.length === 1 ? `${others[0].id}: ${others[0].new}, by ${others[0].who}` : `${images(others.length)} changed by others`);
      detail.refresh(others);
    }
  } catch (error) {
    if (error instanceof Refusal && error.status !== 0 && error.status !== 401) throw error;
    if (!saving.jobs.length) trouble("news", error.status ? "The pages were started anew: open the link that skinlab ui has printed. " : "The server does not answer; changes will be kept and tried again. ");
  }
}

/* --- the tools --- */

const signature = () => `${at("who").value || "nobody"}: ${at("why").value || "no reason"}`;

function tools() {
  at("undo").disabled = !steps.undo.length;
  at("redo").disabled = !steps.redo.length;
  const many = grid.selected.size;
  document.querySelector(".desk").classList.toggle("many", many > 0);
  at("labels").dataset.for = !facts.log ? "These labels cannot be corrected: name a log with dataset.label_log=PATH"
    : many ? `${images(many)} selected:` : "This image:";
}

function buttons() {
  const made = set => names.map((name, place) => {
    const button = make("button", {type: "button", class: colour(name), disabled: !facts.log}, place < 9 ? make("kbd", {}, place + 1) : "", name);
    button.addEventListener("click", () => set(name));
    return button;
  });
  at("labels").replaceChildren(...made(name => label(name)));
  at("detail-labels").replaceChildren(...made(name => detail.item && label(name, detail.item)));
}

function digit(event) {
  return /^[1-9]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey ? names[event.key - 1] : null;
}

const detail = new Detail({
  facts, colour, digit, label, undo: () => back("undo"), redo: () => back("redo"),
  pending, step: by => { grid.moveTo(grid.cursor + by); return [grid.item(grid.cursor), grid.cursor, view.images]; },
  takeBack: number => push("undo", {path: "/review/undo", body: {entries: [number], who: at("who").value, why: "taken back in review"}}),
  trouble,
});

function open() {
  const item = grid.item(grid.cursor);
  if (item) detail.open(item, grid.cursor, view.images);
}

root.addEventListener("keydown", event => {
  const name = digit(event), step = event.ctrlKey || event.metaKey || event.altKey ? null : grid.step(event.key);
  if (name) label(name);
  else if (step !== null) grid.moveTo(grid.cursor + step, event.shiftKey);
  else if (event.key === " ") grid.toggle(grid.cursor);
  else if (event.key === "Enter") open();
  else if (event.key === "Escape") grid.selectNone();
  else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) grid.selectAll();
  else if (event.key === "/") { at("filters").open = true; form.elements.text.focus(); }
  else if (event.key === "?") at("help").showModal();
  else return;
  event.preventDefault();
});

root.addEventListener("click", event => {
  const cell = event.target.closest(".cell");
  if (!cell) return;
  const index = Number(cell.dataset.index);
  if (event.target.closest(".pick") || event.ctrlKey || event.metaKey) { grid.toggle(index); grid.cursor = index; grid.redraw(); }
  else if (event.shiftKey) grid.moveTo(index, true);
  else { grid.selected.clear(); grid.picked(); grid.moveTo(index); }
});
root.addEventListener("dblclick", event => { if (event.target.closest(".cell") && !event.target.closest(".pick")) open(); });

document.addEventListener("keydown", event => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.matches("input, select, textarea")) return;
  const key = event.key.toLowerCase();
  if (key === "z") back(event.shiftKey ? "redo" : "undo");
  else if (key === "y") back("redo");
  else return;
  event.preventDefault();
});

let typing;
form.addEventListener("input", event => {
  clearTimeout(typing);
  typing = setTimeout(list, event.target.name === "text" ? TYPING_MS : 0);
});
form.addEventListener("submit", event => { event.preventDefault(); list(); root.focus(); });
form.addEventListener("reset", () => setTimeout(list));
at("clear").addEventListener("click", () => { form.reset(); root.focus(); });
at("refresh").addEventListener("click", () => list(true));
at("undo").addEventListener("click", () => back("undo"));
at("redo").addEventListener("click", () => back("redo"));
at("keys").addEventListener("click", () => at("help").showModal());
at("size").addEventListener("change", () => { grid.width = Number(at("size").value); grid.measure(); });
at("outdated").addEventListener("click", async () => {
  at("runs").showModal();
  at("runs-told").replaceChildren(make("p", {}, "Reading the runs…"));
  try { at("runs-told").replaceChildren(...outdated(await ask("/review/outdated"))); }
  catch (error) { at("runs-told").replaceChildren(make("p", {class: "warning"}, error.message)); }
});
for (const id of ["who", "why"]) {
  const kept = recall("localStorage", `skinlab-${id}`);
  at(id).value = kept ?? (id === "who" ? facts.user : at(id).value);
  at(id).addEventListener("input", () => { keep("localStorage", `skinlab-${id}`, at(id).value); at("signature").textContent = signature(); });
}

for (const job of saving.jobs) for (const change of job.body.changes ?? []) pending.set(change.id, change.label);
for (const [name, value] of new URLSearchParams(location.search)) {
  const field = form.elements[name];
  if (field?.type === "checkbox") field.checked = true;
  else if (field) field.value = value;
}
at("filters").open = matchMedia("(min-width: 60rem) and (min-height: 36rem)").matches;
buttons();
tools();
await list();
root.focus({preventScroll: true});
setInterval(news, POLL_MS);
document.addEventListener("visibilitychange", news);
