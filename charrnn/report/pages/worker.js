"use strict";
// Reads and writes in a thread of its own, so that the page never waits. It is sent commands, and sends back what it read: a
// message for each stretch of characters, with the version of the text that they belong to.

const KEEP = 64; // characters between two states that are kept, from which an edited text is read on
const SLICE = 20; // milliseconds of work between two messages
const GUESSES = 5;
const SEED = 2463534242; // of Marsaglia 2003: the first draws from a small seed are near 0
const BLOCK = 4096; // characters whose memories lie in one array

let network, start; // start: what is read before a text
let ahead = null; // the logits of the character after the text, once they are asked for
let state, ids, kept, memories; // after the text so far; its characters; states along it; what units remembered after each
let version = 0,
  unit = 0,
  waiting = [],
  writing = null,
  seed,
  isDue = false; // waiting: the next one last

// Xorshift (Marsaglia 2003, "Xorshift RNGs"), from 0 to 1: the same seed writes the same.
function random() {
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) / 2 ** 32;
}

function logits() {
  ahead ??= network.logits(state);
  return ahead;
}

function drawn(temperature) {
  const p = softmax(logits(), temperature);
  let rest = random();
  for (let v = 0; v < p.length; v++) {
    rest -= p[v];
    if (rest < 0) return v;
  }
  return largest(p, 1)[0];
}

function read(id) {
  if (ids.length % KEEP === 0) kept[ids.length / KEEP] = state.slice();
  network.step(state, id);
  ahead = null;
  const n = ids.push(id) - 1;
  if (n % BLOCK === 0) memories[n / BLOCK] = new Int8Array(BLOCK * network.units);
  const values = network.remembered(state),
    at = (n % BLOCK) * network.units;
  for (let u = 0; u < values.length; u++) memories[Math.floor(n / BLOCK)][at + u] = Math.round(127 * values[u]);
}

function forget() {
  state = network.newState();
  network.step(state, start);
  [ids, kept, memories, ahead] = [[], [], [], null];
}

// Goes back to the first n characters.
function backTo(n) {
  if (n === ids.length) return;
  const from = Math.floor(n / KEEP),
    again = ids.slice(from * KEEP, n);
  state = kept[from].slice();
  ahead = null;
  ids.length = from * KEEP;
  again.forEach(read);
}

function remembered(from) {
  return Int8Array.from({length: ids.length - from}, (_, k) => {
    const n = from + k;
    return memories[Math.floor(n / BLOCK)][(n % BLOCK) * network.units + unit];
  });
}

// Reads what waits, or writes, for the length of a slice; then tells, and goes on when it is its turn again.
function work() {
  isDue = false;
  const from = ids.length,
    end = performance.now() + SLICE,
    nats = [],
    guesses = [],
    chances = [];
  while (performance.now() < end) {
    const id = next();
    if (id === undefined) break;
    const p = softmax(logits()),
      best = largest(p, GUESSES);
    nats.push(-Math.log(p[id]));
    guesses.push(best);
    chances.push(best.map((v) => p[v]));
    read(id);
  }
  postMessage({
    version,
    from,
    ids: ids.slice(from),
    nats,
    guesses,
    chances,
    remembered: remembered(from),
    logits: logits(),
    memory: network.remembered(state),
    waiting: waiting.length,
    isWriting: writing !== null,
  });
  if (waiting.length) due(0);
  else if (writing) due(Math.min(100, 1000 / writing.speed));
}

// The next character to read: one that waits, or one that is due to be written.
function next() {
  if (waiting.length) return waiting.pop();
  if (!writing) return undefined;
  const now = performance.now();
  writing.owed += ((now - writing.since) * writing.speed) / 1000;
  writing.owed = Math.min(writing.owed, Math.max(1, writing.speed / 4)); // what was not managed is not caught up on
  writing.since = now;
  if (writing.owed < 1) return undefined;
  writing.owed--;
  const id = drawn(writing.temperature);
  if (--writing.left === 0) writing = null;
  return id;
}

function due(milliseconds) {
  if (!isDue) setTimeout(work, milliseconds);
  isDue = true;
}

const COMMANDS = {
  // Another network; all that was read is forgotten, and the same is drawn again.
  network(it) {
    network = new Network(it.network);
    start = it.start;
    writing = null;
    seed = SEED;
    forget();
  },
  // The text is another one. What it has in common with the one before is not read again.
  text(it) {
    [version, writing] = [it.version, null];
    const same = ids.findIndex((id, n) => id !== it.ids[n]);
    const n = Math.min(same < 0 ? ids.length : same, it.held); // the page drops what it is told of an older version
    backTo(n);
    waiting = Array.from(it.ids.subarray(n)).reverse();
  },
  // Another unit is shown.
  unit(it) {
    unit = it.unit;
    postMessage({version, from: 0, remembered: remembered(0)});
  },
  // Writes so many characters a second, and so many in all.
  write({speed, temperature, left = Infinity}) {
    writing = {owed: 1, since: performance.now(), speed, temperature, left};
  },
  // Writes on at another temperature or speed.
  pace({name, ...changed}) {
    if (writing) Object.assign(writing, changed);
  },
  stop() {
    writing = null;
  },
  // One character more: the one that is given.
  read(it) {
    waiting.unshift(it.id);
  },
};

function command(it) {
  COMMANDS[it.name](it);
  if (network) due(0);
}

addEventListener("message", (event) => command(event.data));
