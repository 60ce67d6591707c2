/* One image large, with everything that is known of it. */

import {ask, at, make, thumbnail, whole} from "./asking.js";
import {Viewer} from "./viewer.js";

export class Detail {
  constructor(page) {
    this.page = page;
    this.dialog = at("detail");
    this.viewer = new Viewer(at("stage"), at("whole"), at("factor"));
    this.item = null;
    at("previous").addEventListener("click", () => this.go(-1));
    at("next").addEventListener("click", () => this.go(1));
    at("close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => { this.item = null; at("grid").focus({preventScroll: true}); });
    this.dialog.addEventListener("keydown", event => this.key(event));
    const ways = {in: () => this.viewer.zoom(1.5), out: () => this.viewer.zoom(1 / 1.5), fit: () => this.viewer.fit(), pixels: () => this.viewer.pixels()};
    for (const button of this.dialog.querySelectorAll("[data-zoom]")) button.addEventListener("click", ways[button.dataset.zoom]);
  }

  /* item: of the grid or alike; index and count: where it stands there, if it does. */
  open(item, index = null, count = 0) {
    this.item = {...item};
    if (!this.dialog.open) { this.dialog.showModal(); at("stage").focus(); }
    at("detail-title").textContent = item.id;
    at("place").textContent = index === null ? "" : `${(index + 1).toLocaleString("en")} of ${count.toLocaleString("en")}`;
    this.viewer.show(whole(this.page.facts.key, item.id), `image ${item.id}`);
    at("told").replaceChildren(make("p", {class: "dim"}, "Reading…"));
    this.tell();
  }

  async tell() {
    const {id} = this.item;
    try {
      const told = await ask("/review/image", {id});
      if (this.item?.id !== id) return;
      Object.assign(this.item, {label: told.label, last: told.last, source: told.source});
      at("told").replaceChildren(...this.parts(told));
    } catch (error) {
      if (this.item?.id === id) at("told").replaceChildren(make("p", {class: "warning"}, error.message));
    }
  }

  /* Entries were made: of this image they are shown. */
  refresh(entries) { if (this.item && entries.some(entry => entry.id === this.item.id)) this.tell(); }

  go(by) {
    const [item, index, count] = this.page.step(by);
    if (item) this.open(item, index, count);
  }

  key(event) {
    const name = this.page.digit(event);
    if (name) this.page.label(name, this.item);
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (this.viewer.key(event)) { /* done */ }
    else if (event.key === "ArrowLeft" && !event.target.closest(".told")) this.go(-1);
    else if (event.key === "ArrowRight" && !event.target.closest(".told")) this.go(1);
    else return;
    event.preventDefault();
  }

  parts(told) {
    const chip = name => make("span", {class: this.page.colour(name)}, name || "(no label)");
    const found = [list([
      ["Label", chip(told.label)],
      ["Of the source", chip(told.source)],
      ["Subset of the run", told.subset],
      ["Group", told.group],
      ...Object.entries(told.attributes),
    ])];
    const chances = Object.entries(told.probabilities);
    if (chances.length) found.push(make("h3", {}, "What the run says"), ...judged(told, chances));
    if (told.findings.length) found.push(make("h3", {}, "Findings of the audit"), make("ul", {}, ...told.findings.map(text => make("li", {}, text))));
    if (told.copies.length) found.push(make("h3", {}, "Shows the same"), make("div", {class: "copies"}, ...told.copies.map(one => this.copy(one, chip))));
    found.push(make("h3", {}, "History"), ...this.history(told.history));
    found.push(make("h3", {}, "Runs that used it"), ...used(told.uses, told.label));
    return found;
  }

  copy(one, chip) {
    const button = make("button", {type: "button", "aria-label": `Open ${one.id}, ${one.label}`},
      make("img", {src: thumbnail(this.page.facts.key, one.id, 256), alt: ""}), make("span", {class: "name"}, one.id), chip(one.label));
    button.addEventListener("click", () => this.open(one));
    return button;
  }

  history(entries) {
    if (!entries.length) return [make("p", {class: "dim"}, "Nobody has changed it.")];
    const rows = entries.toReversed().map((entry, place) => {
      const button = make("button", {type: "button"}, "Take back");
      button.addEventListener("click", () => this.page.takeBack(entry.number));
      const when = new Date(entry.when).toLocaleString("en-GB", {dateStyle: "medium", timeStyle: "short"});
      return make("li", {}, make("b", {}, `${entry.old || "(no label)"} → ${entry.new || "(no label)"}`),
        ` by ${entry.who}, ${when}: ${entry.why} `, place === 0 ? button : "");
    });
    return [make("ol", {class: "history", reversed: true}, ...rows)];
  }
}

function list(pairs) {
  const known = pairs.filter(([, value]) => value);
  return make("dl", {class: "facts"}, ...known.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function judged(told, chances) {
  const rows = chances.map(([name, value]) => make("tr", {}, make("th", {scope: "row"}, name),
    make("td", {}, value.toFixed(3)), make("td", {}, make("meter", {value, "aria-label": `probability of ${name}`}))));
  const table = make("table", {}, make("caption", {}, "Probability, from a model that was not trained on it"), make("tbody", {}, ...rows));
  const doubt = told.suggested ? make("p", {}, `The model is confident that it is ${told.suggested}. A reason to look, not a reason to change it.`) : "";
  return [table, doubt];
}

function used(uses, label) {
  if (!uses.length) return [make("p", {class: "dim"}, "None of the runs in the output folder.")];
  const rows = uses.map(use => make("tr", {}, make("th", {scope: "row"}, use.experiment, make("small", {}, use.run)), make("td", {}, use.subset),
    make("td", {}, use.label ?? "not known", use.outdated ? make("small", {class: "bad"}, `now ${label}: outdated`) : "")));
  const head = make("tr", {}, ...["Run", "Subset", "Label then"].map(title => make("th", {scope: "col"}, title)));
  return [make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))];
}

/* The list of runs whose labels were changed since. */
export function outdated(runs) {
  if (!runs.length) return [make("p", {}, "None: no run in the output folder has used a label that was changed since.")];
  const subsets = ["train", "validation", "test"];
  const head = make("tr", {}, ...["Run", ...subsets].map(title => make("th", {scope: "col"}, title)));
  const rows = runs.map(run => make("tr", {}, make("th", {scope: "row"}, run.experiment, make("small", {}, run.run)),
    ...subsets.map(name => make("td", {}, run.images[name] ?? 0))));
  return [
    make("p", {}, "Images whose label is another one now than when the run read it. Train again to take the corrections in; numbers on the test subset do not compare with those before."),
    make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": "Runs"}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))),
  ];
}
