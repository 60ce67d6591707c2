"use strict";
/* How many runs are chosen; with fewer than two there is nothing to compare. */
(() => {
  const form = document.getElementById("chosen");
  if (!form) return;
  const button = document.getElementById("compare"), said = document.getElementById("how-many");

  function count() {
    const chosen = form.querySelectorAll("input:checked").length;
    button.disabled = chosen < 2;
    said.textContent = chosen < 2 ? "Choose two runs or more." : `${chosen} runs are chosen.`;
  }

  form.addEventListener("change", count);
  window.addEventListener("pageshow", count);
  count();
})();
