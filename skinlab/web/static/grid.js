/* A grid of very many cells of which only those in sight are in the page. Knows no labels and no server: rows are
   loaded by range through `load`, and `draw` fills a cell. The focus stays on the grid; the cell under the cursor is told
   by aria-activedescendant, since a cell may leave the page at any time. */

const CHUNK = 120;
const KEPT_CHUNKS = 60;
const SPARE = 2;
const LEAST_WIDTH = 140;
const TALLEST = 12e6; // browsers draw no element that is much taller; beyond, scrolling is scaled
const SETTLED_MS = 70;
const SEEN_MS = 150; // what is in sight for a shorter time flies past
const ASKED_AT_ONCE = 2;

export class Grid {
  /* root: the element; load(start, count) -> promise of items; draw(cell, item or null, index);
     blank() -> a new cell; caption: height below the picture, in px; moved(), picked(): told after a change. */
  constructor(root, {load, draw, blank, caption, width, moved, picked}) {
    Object.assign(this, {root, load, draw, blank, caption, width, moved, picked});
    this.canvas = document.createElement("div");
    this.canvas.className = "canvas";
    root.replaceChildren(this.canvas);
    this.lines = new Map();
    this.count = 0;
    this.cursor = 0;
    this.anchor = 0;
    this.selected = new Set();
    this.chunks = new Map();
    this.asked = new Set();
    this.generation = 0;
    this.fast = false;
    this.before = {place: 0, time: 0};
    root.addEventListener("scroll", () => this.scrolled(), {passive: true});
    new ResizeObserver(() => this.measure()).observe(root);
  }

  /* Show so many items anew; `keep` leaves the cursor where it is. */
  show(count, keep = false) {
    this.count = count;
    this.generation += 1;
    this.chunks.clear();
    this.asked.clear();
    this.selected.clear();
    this.cursor = this.anchor = keep ? Math.min(this.cursor, Math.max(0, count - 1)) : 0;
    if (!keep) this.root.scrollTop = 0;
    this.measure();
    this.picked();
  }

  measure() {
    const inner = this.root.clientWidth;
    if (!inner) return;
    const first = this.columns ? this.firstInSight() : 0;
    const wanted = Math.min(this.width, Math.max(LEAST_WIDTH, Math.floor(inner / 2))); // two columns fit a phone
    this.columns = Math.max(1, Math.floor(inner / wanted));
    this.side = Math.floor(inner / this.columns);
    this.height = this.side + this.caption;
    this.rows = Math.ceil(this.count / this.columns);
    const tall = this.rows * this.height;
    this.scale = Math.max(1, (tall - this.root.clientHeight) / (TALLEST - this.root.clientHeight));
    this.canvas.style.height = `${Math.min(tall, TALLEST)}px`;
    this.root.style.setProperty("--side", `${this.side}px`);
    this.root.style.setProperty("--caption", `${this.caption}px`);
    this.root.setAttribute("aria-rowcount", this.rows);
    this.root.setAttribute("aria-colcount", this.columns);
    for (const line of this.lines.values()) line.remove();
    this.lines.clear();
    if (first) this.root.scrollTop = Math.floor(first / this.columns) * this.height / this.scale;
    this.render();
  }

  firstInSight() { return Math.round(this.root.scrollTop * this.scale / this.height) * this.columns; }

  scrolled() {
    const {place, time} = this.before, now = {place: this.root.scrollTop * this.scale, time: performance.now()};
    const fast = Math.abs(now.place - place) * SEEN_MS > (now.time - time) * this.root.clientHeight;
    this.slowed ||= this.fast && !fast;
    Object.assign(this, {fast, before: now});
    clearTimeout(this.settling);
    this.settling = setTimeout(() => { this.fast = false; this.render(true); }, SETTLED_MS);
    if (!this.due) this.due = requestAnimationFrame(() => { this.due = 0; this.render(this.slowed); });
  }

  /* Put the lines in sight where they belong; lines that left are used again where they are. */
  render(all = false) {
    if (!this.columns) return;
    const scrolled = this.root.scrollTop, top = scrolled * this.scale; // read before anything is moved: afterwards it costs a layout
    const first = Math.max(0, Math.floor(top / this.height) - SPARE);
    const last = Math.min(this.rows - 1, first + Math.ceil(this.root.clientHeight / this.height) + 2 * SPARE); // always as many
    const free = this.left(first, last);
    for (let number = first; number <= last; number += 1) {
      const isNew = !this.lines.has(number);
      if (isNew) this.lines.set(number, free.pop() ?? this.newLine());
      const line = this.lines.get(number);
      line.style.transform = `translateY(${number * this.height - top + scrolled}px)`;
      if (isNew || all) this.fill(line, number);
    }
    for (const line of free) line.remove();
    this.range = [first, last];
    this.slowed = false;
    if (!this.fast) this.arrange();
    this.ask();
    this.point();
  }

  /* The lines that are out of sight now, to be used again. */
  left(first, last) {
    const gone = [...this.lines].filter(([number]) => number < first || number > last);
    return gone.map(([number, line]) => { this.lines.delete(number); return line; });
  }

  /* In order, for who reads the page from top to bottom; nobody does while it flies past. */
  arrange() {
    const [first, last] = this.range;
    for (let number = last, below = null; number >= first; number -= 1) {
      const line = this.lines.get(number);
      if (line.nextSibling !== below) this.canvas.insertBefore(line, below);
      below = line;
    }
  }

  newLine() {
    const line = document.createElement("div");
    line.setAttribute("role", "row");
    line.className = "line";
    line.append(...Array.from({length: this.columns}, () => {
      const cell = this.blank();
      cell.setAttribute("role", "gridcell");
      return cell;
    }));
    this.canvas.append(line);
    return line;
  }

  fill(line, number) {
    line.setAttribute("aria-rowindex", number + 1);
    for (let column = 0; column < this.columns; column += 1) {
      const index = number * this.columns + column, cell = line.children[column];
      cell.hidden = index >= this.count;
      if (cell.hidden) continue;
      cell.id = `cell-${index}`;
      cell.dataset.index = index;
      cell.setAttribute("aria-colindex", column + 1);
      cell.setAttribute("aria-selected", this.selected.has(index));
      cell.classList.toggle("cursor", index === this.cursor);
      this.draw(cell, this.item(index), index, this.fast);
    }
  }

  /* Draw again what is in sight. */
  redraw() { this.render(true); }

  item(index) {
    const chunk = this.chunks.get(Math.floor(index / CHUNK));
    return chunk ? chunk[index % CHUNK] ?? null : null;
  }

  *items() { for (const chunk of this.chunks.values()) yield* chunk; }

  /* Ask for what is in sight and not there; of what flies past, nothing. */
  ask() {
    if (this.fast || !this.count || this.asked.size >= ASKED_AT_ONCE) return;
    const [first, last] = this.range;
    const from = Math.floor(first * this.columns / CHUNK);
    const to = Math.floor(Math.min(this.count - 1, (last + 1) * this.columns) / CHUNK);
    for (let chunk = from; chunk <= to && this.asked.size < ASKED_AT_ONCE; chunk += 1) {
      if (!this.chunks.has(chunk) && !this.asked.has(chunk)) this.fetch(chunk);
    }
  }

  async fetch(chunk) {
    const generation = this.generation;
    this.asked.add(chunk);
    try {
      const items = await this.load(chunk * CHUNK, Math.min(CHUNK, this.count - chunk * CHUNK));
      if (generation !== this.generation) return;
      this.chunks.set(chunk, items);
      this.forget();
    } catch {
      await new Promise(done => setTimeout(done, 1000)); // whoever loads has said what went wrong
    } finally {
      if (generation === this.generation) { this.asked.delete(chunk); this.render(true); }
    }
  }

  forget() {
    const [first, last] = this.range.map(row => row * this.columns / CHUNK);
    for (const chunk of this.chunks.keys()) {
      if (this.chunks.size <= KEPT_CHUNKS) return;
      if (chunk < first - 2 || chunk > last + 2) this.chunks.delete(chunk);
    }
  }

  /* --- the cursor and what is selected --- */

  point() {
    const cell = document.getElementById(`cell-${this.cursor}`);
    if (cell && this.count) this.root.setAttribute("aria-activedescendant", cell.id);
    else this.root.removeAttribute("aria-activedescendant");
  }

  moveTo(index, extend = false) {
    if (!this.count) return;
    this.cursor = Math.max(0, Math.min(this.count - 1, index));
    if (extend) this.selectRange(this.anchor, this.cursor);
    else this.anchor = this.cursor;
    this.reveal(this.cursor);
    this.redraw();
    this.moved();
  }

  reveal(index) {
    const top = Math.floor(index / this.columns) * this.height, seen = this.root.scrollTop * this.scale;
    const below = top + this.height - this.root.clientHeight;
    if (top < seen) this.root.scrollTop = top / this.scale;
    else if (below > seen) this.root.scrollTop = below / this.scale;
  }

  selectRange(one, other) {
    this.selected.clear();
    for (let index = Math.min(one, other); index <= Math.max(one, other); index += 1) this.selected.add(index);
    this.picked();
  }

  selectAll() { this.selectRange(0, this.count - 1); this.redraw(); }

  selectNone() { this.selected.clear(); this.anchor = this.cursor; this.picked(); this.redraw(); }

  toggle(index) {
    if (!this.selected.delete(index)) this.selected.add(index);
    this.anchor = index;
    this.picked();
    this.redraw();
  }

  /* By how much a key moves the cursor; null: not at all. */
  step(key) {
    const page = Math.max(1, Math.floor(this.root.clientHeight / this.height)) * this.columns;
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns,
      PageUp: -page, PageDown: page, Home: -this.cursor, End: this.count,
    };
    return Object.hasOwn(steps, key) ? steps[key] : null;
  }
}
