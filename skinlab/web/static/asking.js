/* Questions to the own server, and small helpers to make elements. */

export const base = document.documentElement.dataset.base;

export const at = id => document.getElementById(id);

/* What a server said no to: `status` 0 where it did not answer at all. */
export class Refusal extends Error {
  constructor(status, said) {
    super(said.error || `the server answered ${status}`);
    this.status = status;
    this.said = said;
  }
}

export async function ask(path, values = {}, how = {}) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ""));
  let answer;
  try {
    answer = await fetch(`${base}${path}?${query}`, how);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, {error: "the server does not answer"});
  }
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  let said;
  try { said = JSON.parse(text); } catch { said = {error: text.trim()}; }
  throw new Refusal(answer.status, said);
}

export const tell = (path, body) =>
  ask(path, {}, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});

/* An element: make("td", {class: "x"}, "text", other). Text is text, never markup. */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export const thumbnail = (key, id, side) =>
  `${base}/images/${key}/thumbnail?${new URLSearchParams({id, side})}`;

export const whole = (key, id) => `${base}/images/${key}/whole?${new URLSearchParams({id})}`;

/* What is kept over a reload; in a frame a browser may deny it, then it is forgotten. */
export function recall(store, name) {
  try { return window[store].getItem(name); } catch { return null; }
}

export function keep(store, name, value) {
  try { window[store].setItem(name, value); } catch { /* denied, or no room */ }
}
