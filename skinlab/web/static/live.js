"use strict";
/* A part of a page that is asked for again until what it shows has ended; a server that is away is waited for. */
(() => {
  const part = document.getElementById("live"), EVERY = 1500, SLOW = 15000;
  const status = () => part.firstElementChild?.dataset.status;
  let shown = part.innerHTML, held = false;

  async function look() {
    let wait = EVERY;
    try {
      const answer = await fetch(part.dataset.address, { headers: { accept: "text/html" } });
      if (answer.ok) {
        const text = await answer.text();
        if (text !== shown && !held && !part.contains(document.activeElement)) { shown = text; part.innerHTML = text; }
      } else wait = SLOW;
    } catch { wait = SLOW; }
    if (status() === "running") setTimeout(look, document.hidden ? SLOW : wait);
  }

  /* Nothing is exchanged under a pressed finger: the click would be lost. */
  part.addEventListener("pointerdown", () => { held = true; });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => { held = false; }));

  if (status() === "running") setTimeout(look, EVERY);
})();
