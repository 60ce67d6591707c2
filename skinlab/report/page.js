"use strict";
(() => {
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("points").textContent);
  const slider = find("threshold");

  /* How many scores are at least the threshold: they fall. */
  function called(threshold) {
    let low = 0, high = data.thresholds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.thresholds[middle] >= threshold) low = middle + 1; else high = middle;
    }
    return low;
  }

  function ratio(part, whole) { return whole ? part / whole : null; }

  function move(id, x, y) {
    const marker = find(id);
    if (!marker) return;
    const known = x !== null && y !== null;
    marker.setAttribute("visibility", known ? "visible" : "hidden");
    if (!known) return;
    const plane = Object.fromEntries(Object.entries(marker.dataset).map(([name, value]) => [name, Number(value)]));
    marker.setAttribute("cx", plane.left + x * plane.width);
    marker.setAttribute("cy", plane.bottom - y * plane.height);
  }

  function show(threshold) {
    const index = called(threshold);
    const truePositives = index ? data.truePositives[index - 1] : 0;
    const falsePositives = index ? data.falsePositives[index - 1] : 0;
    const falseNegatives = data.positives - truePositives, trueNegatives = data.negatives - falsePositives;
    const counts = {
      "true-positives": truePositives, "false-positives": falsePositives,
      "false-negatives": falseNegatives, "true-negatives": trueNegatives,
    };
    for (const [id, count] of Object.entries(counts)) find(id).textContent = count;
    const rates = {
      sensitivity: ratio(truePositives, data.positives),
      specificity: ratio(trueNegatives, data.negatives),
      precision: ratio(truePositives, truePositives + falsePositives),
      npv: ratio(trueNegatives, trueNegatives + falseNegatives),
    };
    for (const [name, value] of Object.entries(rates)) {
      find("rate-" + name).textContent = value === null ? "undefined: " + data.why[name] : value.toFixed(3);
    }
    const told = threshold.toFixed(3);
    find("threshold-value").textContent = told;
    for (const place of document.querySelectorAll(".at")) place.textContent = told;
    move("roc-marker", rates.specificity === null ? null : 1 - rates.specificity, rates.sensitivity);
    move("precision-marker", rates.sensitivity, rates.precision);
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  find("reset").addEventListener("click", () => { slider.value = data.threshold; show(data.threshold); });
  find("panel").hidden = false;
  slider.value = data.threshold;
  show(data.threshold);
})();
