"use strict";

const at = id => document.getElementById(id);

function cell(tag, child) {
  const made = document.createElement(tag);
  made.append(child);
  return made;
}

function row(name, probability) {
  const bar = document.createElement("meter");
  bar.value = probability;
  bar.ariaLabel = name;
  const made = document.createElement("tr");
  made.append(cell("th", name), cell("td", probability.toFixed(3)), cell("td", bar));
  return made;
}

async function ask(file, explain) {
  const headers = {"Content-Type": "application/octet-stream"};
  if (at("key").value) headers.Authorization = `Bearer ${at("key").value}`;
  const response = await fetch(`/score?explain=${explain}`, {method: "POST", headers, body: file});
  const said = await response.json();
  if (!response.ok) throw Object.assign(new Error(said.error), {status: response.status});
  return said;
}

async function asked(file) {
  try {
    return await ask(file, true);
  } catch (error) {
    if (error.status === 422 && error.message.includes("cannot explain")) return ask(file, false);
    throw error;
  }
}

function show(said, file) {
  const [result] = said.results;
  const other = result.label === result.decision ? "" : `, at its operating point; more probable is ${result.label}`;
  at("decision").textContent = `The model calls it: ${result.decision}${other}`;
  at("probabilities").replaceChildren(...Object.entries(result.probabilities).map(([name, value]) => row(name, value)));
  URL.revokeObjectURL(at("image").src);
  at("image").src = URL.createObjectURL(file);
  at("seen").hidden = !result.explanation;
  if (result.explanation) at("explanation").src = result.explanation;
  at("note").textContent = `${said.note}. Model ${said.model}, request ${said.request_id}.`;
  at("answer").hidden = false;
}

let keyless = null; // the image that was refused for want of a key

async function score(file) {
  keyless = null;
  at("answer").hidden = true;
  at("state").textContent = "Asking…";
  try {
    show(await asked(file), file);
    at("state").textContent = "Answered.";
  } catch (error) {
    if (error.status === 401) {
      keyless = file;
      at("key").focus();
    }
    at("state").textContent = `Not answered: ${error.message}`;
  }
}

at("key").addEventListener("change", () => keyless && score(keyless));

at("file").addEventListener("change", event => event.target.files.length && score(event.target.files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  at("drop").addEventListener(kind, event => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) score(event.dataTransfer.files[0]);
  });
}
