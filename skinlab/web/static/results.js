"use strict";
/* The images of a run: filters without a new page, the matrix leads to its images, one image large. */
(() => {
  const find = (id) => document.getElementById(id);
  const base = document.documentElement.dataset.base;
  const form = find("filter"), list = find("list"), large = find("large"), title = find("images-title");
  const usual = { subset: "test", answers: "all", sort: "loss", look: "image", page: "1" };
  let page = new URLSearchParams(location.search).get("page") || "1";
  let latest = 0, waiting = null, opener = null;

  function words() {
    const found = new URLSearchParams();
    for (const [name, value] of [...new FormData(form), ["page", page]]) {
      if (value && value !== usual[name]) found.set(name, value);
    }
    return found;
  }

  /* What the server says of an address; of several that are asked for at once only the last counts. */
  async function asked(address) {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    const text = await answer.text();
    if (!answer.ok) throw new Error(new DOMParser().parseFromString(text, "text/html").querySelector(".warning")?.textContent || answer.status);
    return text;
  }

  async function refresh() {
    clearTimeout(waiting);
    const mine = ++latest, now = words();
    list.setAttribute("aria-busy", "true");
    try {
      const text = await asked(`${base}/results/images?${now}`);
      if (mine !== latest) return;
      list.innerHTML = text;
      history.replaceState(null, "", `${base}/results?${now}`);
    } catch (error) {
      if (mine !== latest) return;
      const said = document.createElement("p");
      said.className = "warning";
      said.textContent = `The images could not be shown: ${error.message}`;
      list.replaceChildren(said);
    }
    list.removeAttribute("aria-busy");
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 200);
  }

  function toImages() {
    title.focus({ preventScroll: true });
    find("images").scrollIntoView({ block: "start" });
  }

  form.addEventListener("input", (event) => {
    page = "1";
    if (event.target.name === "text") soon(); else refresh();
  });
  find("group")?.addEventListener("change", () => form.submit());  // it changes numbers and curves too
  form.addEventListener("submit", (event) => { event.preventDefault(); refresh(); });

  document.addEventListener("threshold", (event) => {
    const { threshold, isChosen } = event.detail, field = form.elements.threshold;
    const value = isChosen ? "" : String(threshold);
    if (field.value === value) return;
    field.value = value;
    page = "1";
    soon();
  });

  /* A cell of the matrix: its images, at the threshold that is shown. */
  document.querySelector(".decisions").addEventListener("click", (event) => {
    const cell = event.target.closest("table a");
    if (!cell) return;
    event.preventDefault();
    const meant = new URL(cell.href).searchParams;
    form.elements.truth.value = meant.get("truth") || "";
    form.elements.called.value = meant.get("called") || "";
    form.elements.answers.value = "all";
    form.elements.text.value = "";
    page = "1";
    refresh().then(toImages);
  });

  list.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link.matches(".open")) { open(link); return; }
    page = new URL(link.href).searchParams.get("page") || "1";
    refresh().then(toImages);
  });

  /* A picture that cannot be had leaves words, not a broken frame. */
  document.addEventListener("error", (event) => {
    if (!(event.target instanceof HTMLImageElement)) return;
    const said = document.createElement("span");
    said.className = "none";
    said.textContent = `no picture: ${event.target.alt}`;
    event.target.replaceWith(said);
  }, true);

  // --- one image, large -----------------------------------------------------------------------------------------

  async function open(link) {
    opener = link;
    const content = find("large-content");
    try {
      const whole = new DOMParser().parseFromString(await asked(link.href), "text/html");
      whole.querySelector("#one .back").remove();
      content.innerHTML = whole.getElementById("one").outerHTML;
    } catch (error) {
      content.textContent = `The image could not be shown: ${error.message}`;
    }
    find("before").disabled = !beside(-1);
    find("after").disabled = !beside(1);
    if (!large.open) large.showModal();
    large.scrollTop = 0;
  }

  function beside(step) {
    const all = [...list.querySelectorAll(".open")], row = opener && opener.dataset.row;
    const at = all.findIndex((link) => link.dataset.row === row);
    return at < 0 ? null : all[at + step] || null;
  }

  function go(step) {
    const next = beside(step);
    if (next) open(next);
  }

  find("before").addEventListener("click", () => go(-1));
  find("after").addEventListener("click", () => go(1));
  find("close").addEventListener("click", () => large.close());
  large.addEventListener("click", (event) => { if (event.target === large) large.close(); });
  large.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") go(-1);
    if (event.key === "ArrowRight") go(1);
  });
  large.addEventListener("close", () => opener && opener.focus());
})();
