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

  function planeOf(marker) {
    return Object.fromEntries(Object.entries(marker.dataset).map(([name, value]) => [name, Number(value)]));
  }

  function move(id, x, y) {
    const marker = find(id);
    if (!marker) return;
    const known = x !== null && y !== null;
    marker.setAttribute("visibility", known ? "visible" : "hidden");
    if (!known) return;
    const plane = planeOf(marker);
    marker.setAttribute("cx", plane.left + x * plane.width);
    marker.setAttribute("cy", plane.bottom - y * plane.height);
  }

  /* The shortest decimal that calls exactly so many: below the score of the last one, above that of the next. */
  function thresholdFor(index) {
    const last = data.thresholds[index - 1], next = index < data.thresholds.length ? data.thresholds[index] : 0;
    for (let digits = 3; digits < 16; digits++) {
      const found = Math.floor(last * 10 ** digits) / 10 ** digits;
      if (found > next && found <= last) return found;
    }
    return last;
  }

  /* Where a point of a curve lies, by how many scores are called. */
  const places = {
    "roc-marker": (index) => [
      ratio(data.falsePositives[index - 1], data.negatives), ratio(data.truePositives[index - 1], data.positives)],
    "precision-marker": (index) => [
      ratio(data.truePositives[index - 1], data.positives),
      ratio(data.truePositives[index - 1], data.truePositives[index - 1] + data.falsePositives[index - 1])],
  };

  /* A click on a curve takes the threshold of the point that is nearest to it. */
  function clickable(id) {
    const marker = find(id), chart = marker && marker.ownerSVGElement;
    if (!chart) return;
    chart.style.cursor = "crosshair";
    chart.addEventListener("click", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      const plane = planeOf(marker);
      const clicked = [(at.x - plane.left) / plane.width, (plane.bottom - at.y) / plane.height];
      let best = 0, least = Infinity;
      for (let index = 1; index <= data.thresholds.length; index++) {
        const [x, y] = places[id](index), distance = Math.hypot(x - clicked[0], y - clicked[1]);
        if (distance < least) { least = distance; best = index; }
      }
      if (best) set(thresholdFor(best));
    });
  }

  function set(threshold) { slider.value = threshold; show(threshold); }

  /* Three digits, or the few more that a threshold has which a click has found. */
  function told(threshold) {
    const exact = String(threshold), digits = exact.includes("e") ? Infinity : exact.length - 2;
    return digits > 3 && digits <= 6 ? exact : threshold.toFixed(3);
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
      const shown = find("rate-" + name);
      shown.textContent = value === null ? "undefined: " + data.why[name] : value.toFixed(3);
      shown.classList.toggle("undefined", value === null);
    }
    for (const place of [find("threshold-value"), ...document.querySelectorAll(".at")]) {
      place.textContent = told(threshold);
    }
    move("roc-marker", rates.specificity === null ? null : 1 - rates.specificity, rates.sensitivity);
    move("precision-marker", rates.sensitivity, rates.precision);
    document.dispatchEvent(new CustomEvent("threshold", { detail: { threshold, isChosen: threshold === data.threshold } }));
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  find("reset").addEventListener("click", () => set(data.threshold));
  find("panel").hidden = false;
  Object.keys(places).forEach(clickable);
  set(data.first);
})();
