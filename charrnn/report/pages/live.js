"use strict";
// The page of a network: what is typed is read, and what is written is shown. The network itself computes in a worker.

const [data, ...networks] = [...document.querySelectorAll("script[type='application/json']")].map((element) =>
  element.id === "data" ? JSON.parse(element.textContent) : element,
);
const alphabet = data.alphabet.map((point) => String.fromCodePoint(point));
const idOf = new Map(alphabet.map((character, id) => [character, id]));
const element = (id) => document.getElementById(id);
const worker = new Worker(URL.createObjectURL(new Blob([element("worker").textContent], {type: "text/javascript"})));

const SHOWN_NEXT = 9;
const CONTINUED = 300; // characters that a network writes at first

const text = {ids: [], nats: [], guesses: [], chances: [], remembered: []}; // what was read; remembered: -127 to 127
let strongest = 1, // of what the unit remembers
  typed = 0,
  version = 0,
  unit = data.unit,
  latest = null,
  isWriting = false,
  told = data.unit, // the unit about which something is told
  soon = null, // the timer after which what was typed is read
  unknown = new Set();

const source = {
  get length() {
    return text.ids.length;
  },
  character: (i) => alphabet[text.ids[i]],
  isTyped: (i) => i < typed,
  guesses: (i) => text.guesses[i].map((id, k) => [alphabet[id], text.chances[i][k]]),
  colour(i) {
    const by = element("by").value;
    return by === "unit" ? shade(text.remembered[i] / strongest) : by === "surprisal" ? warmth(text.nats[i]) : ["", 0];
  },
  describe: (i) =>
    `${surprise(source.character(i), text.nats[i], source.guesses(i))}; unit ${squares.name(unit)} ${(text.remembered[i] / 127).toFixed(2)}`,
};
const pane = new TextPane(element("pane"), source);

const send = (name, more = {}) => worker.postMessage({name, ...more});
// A command about the text as it stands in the page, which what was just typed may not have reached.
const command = (name, more) => {
  if (soon) readBeginning();
  send(name, more);
};
const write = (speed, left) => command("write", {speed, left, temperature: temperature()});
const temperature = () => Number(element("temperature").value);
const speed = () => Math.round(10 ** Number(element("speed").value));

// What the worker read, or, without ids, what another unit remembers of it: the texts agree up to its first character.
worker.onmessage = ({data: it}) => {
  if (it.version !== version) return;
  const lists = it.ids ? Object.keys(text) : ["remembered"];
  for (const name of lists) {
    text[name].length = it.from;
    for (const value of it[name]) text[name].push(value);
  }
  const before = strongest;
  strongest = text.remembered.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  if (it.ids) {
    latest = it;
    if (it.isWriting !== isWriting) showWriting(it.isWriting);
    pane.changed(it.from);
    showNext();
    squares.show(it.memory);
    tellUnit(told);
    showFacts();
  }
  if (!it.ids || strongest !== before) pane.repaint();
};

// Reads the beginning; what was written after it is gone.
function readBeginning() {
  clearTimeout(soon);
  soon = null;
  pane.follows = false;
  const characters = [
    ...(data.form === "none" ? element("beginning").value : element("beginning").value.normalize(data.form)),
  ].map((character) => (idOf.has(character) ? character : controlOf(character)));
  unknown = new Set(characters.filter((character) => !idOf.has(character)));
  const ids = Int32Array.from(
    characters.filter((character) => idOf.has(character)),
    (character) => idOf.get(character),
  );
  typed = ids.length;
  const other = text.ids.findIndex((id, n) => id !== ids[n]);
  send("text", {ids, held: other < 0 ? text.ids.length : other, version: ++version});
}

// The control character that a sign such as U+241E stands for: it cannot be typed.
function controlOf(character) {
  const point = character.codePointAt(0);
  return point >= 0x2400 && point < 0x2420 ? String.fromCodePoint(point - 0x2400) : character;
}

function showWriting(yes) {
  isWriting = yes;
  element("write").setAttribute("aria-pressed", yes);
  element("write").textContent = yes ? "Stop" : "Write on";
}

function showFacts() {
  const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const parts = [`${source.length.toLocaleString("en")} character${source.length === 1 ? "" : "s"}`];
  if (latest.waiting) parts.push(`${latest.waiting.toLocaleString("en")} still to be read`);
  if (typed && !latest.waiting) {
    const nats = mean(text.nats.slice(0, typed));
    parts.push(`the beginning took ${nats.toFixed(3)} nats (${(nats / Math.LN2).toFixed(3)} bits) a character`);
  }
  if (unknown.size) parts.push(`it does not know ${[...unknown].slice(0, 10).map(named).join(" ")}, left out`);
  element("facts").textContent = `${parts.join("; ")}.`;
}

function showNext() {
  const p = softmax(latest.logits, temperature()),
    list = element("next");
  const best = largest(p, SHOWN_NEXT);
  while (list.children.length < best.length) list.append(nextButton());
  best.forEach((v, k) => {
    const button = list.children[k].firstChild,
      [name, bar, share] = button.children;
    button.dataset.id = v;
    name.textContent = named(alphabet[v]);
    bar.style.width = `${100 * p[v]}%`;
    share.textContent = percent(p[v]);
  });
}

function nextButton() {
  const item = document.createElement("li"),
    button = document.createElement("button");
  button.type = "button";
  button.title = "Go on with this character";
  button.append(
    ...["name", "bar", "share"].map((kind) => {
      const part = document.createElement("span");
      part.className = kind;
      return part;
    }),
  );
  button.addEventListener("click", () => {
    command("read", {id: Number(button.dataset.id)});
    pane.follow();
  });
  item.append(button);
  return item;
}

const squares = new UnitSquares(element("memory"), data.layers, data.hidden, {onChoose: choose, onPoint: tellUnit});

function tellUnit(u) {
  told = u;
  const title = squares.title(u);
  const at = latest ? ` is at ${latest.memory[u].toFixed(2)}` : "";
  element("told").textContent = `Unit ${squares.name(u)}${at}${title ? `: ${title}` : ""}.`;
}

function choose(u) {
  unit = u;
  element("by").value = "unit";
  squares.choose(u);
  tellUnit(u);
  send("unit", {unit: u});
}

// One of the networks: it reads the beginning and writes on, each with the same random numbers.
function use(k) {
  send("network", {network: JSON.parse(networks[k].textContent), start: data.start});
  readBeginning();
  write(1e6, CONTINUED);
  showIteration(k);
}

function showIteration(k) {
  if (networks.length === 1) return;
  const {iteration, loss} = data.iterations[k];
  const many = iteration === 1 ? "" : "s";
  element("at").textContent = `${iteration.toLocaleString("en")} iteration${many}, training loss ${loss}`;
  element("slider").setAttribute("aria-valuetext", element("at").textContent);
}

element("beginning").addEventListener("input", () => {
  clearTimeout(soon);
  soon = setTimeout(readBeginning, 150);
});
element("write").addEventListener("click", () => {
  if (isWriting) return send("stop");
  write(speed());
  pane.follow();
});
element("one").addEventListener("click", () => {
  write(1e6, 1);
  pane.follow();
});
element("again").addEventListener("click", readBeginning);
element("temperature").addEventListener("input", () => {
  showControls();
  send("pace", {temperature: temperature()});
  if (latest) showNext();
});
element("speed").addEventListener("input", () => {
  showControls();
  send("pace", {speed: speed()});
});
element("by").addEventListener("change", () => pane.repaint());
element("deep").addEventListener("change", () => pane.showGuesses(element("deep").checked));
element("slider")?.addEventListener("change", () => use(Number(element("slider").value)));
element("slider")?.addEventListener("input", () => showIteration(Number(element("slider").value)));

function showControls() {
  const shown = {temperature: temperature().toFixed(2), speed: `${speed().toLocaleString("en")} a second`};
  for (const [name, text] of Object.entries(shown)) {
    element(`${name}_is`).textContent = text;
    element(name).setAttribute("aria-valuetext", text);
  }
}

showControls();
element("deep").checked = true;
element("beginning").value = data.beginning;
pane.showGuesses(true);
use(data.shown);
choose(unit);
