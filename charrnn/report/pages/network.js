"use strict";
// A network that reads one character after another.

// The number that each of the 65,536 half-precision floats stands for (IEEE 754, binary16).
const HALVES = Float32Array.from({length: 1 << 16}, (_, k) => {
  const sign = k >> 15 ? -1 : 1,
    exponent = (k >> 10) & 31,
    fraction = k & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
});

// An array of parameters: halves, or bytes with a scale for each row.
function decoded({halves, small, scales, columns}) {
  if (halves !== undefined) return Float32Array.from(new Uint16Array(bytes(halves)), (k) => HALVES[k]);
  const scale = new Float32Array(bytes(scales));
  return Float32Array.from(new Int8Array(bytes(small)), (w, k) => w * scale[Math.floor(k / columns)]);
}

// The parameters whose names begin so, by the rest of their names.
function partsOf(p, beginning) {
  const parts = Object.entries(p).filter(([name]) => name.startsWith(beginning));
  return Object.fromEntries(parts.map(([name, array]) => [name.slice(beginning.length), array]));
}

class Network {
  // What report/network_page.py writes of a network.
  constructor({cell, layers, hidden, carried, memory, mark, parameters}) {
    const p = Object.fromEntries(Object.entries(parameters).map(([name, array]) => [name, decoded(array)]));
    this.step_ = CELLS[cell];
    this.hidden = hidden;
    this.carried = carried; // the states of a layer
    this.memory = memory; // the one of them to look at
    this.mark = mark; // the character before which all states are zero
    this.embedding = p["embedding.W"];
    this.head = {W: p["head.W"], b: p["head.b"]};
    this.size = this.head.b.length;
    this.layers = Array.from({length: layers}, (_, l) => partsOf(p, `layer${l}.`));
    // Biases of a layer that depend on the character, by the names of those that they are added to.
    this.skips = this.layers.map((_, l) => partsOf(p, `skip${l}.`));
    this.blocks = this.layers.map(({b}) => [new Float32Array(b.length), new Float32Array(b.length)]);
    this.units = layers * hidden;
  }

  // Zero: layers, carried states, units.
  newState() {
    return new Float32Array(this.layers.length * this.carried * this.hidden);
  }

  statesOf(state, layer) {
    const H = this.hidden;
    return Array.from({length: this.carried}, (_, s) => {
      const start = (layer * this.carried + s) * H;
      return state.subarray(start, start + H);
    });
  }

  // Reads the character of an id; the state is overwritten with the one after it.
  step(state, id) {
    if (id === this.mark) state.fill(0);
    let x = id;
    if (this.embedding) {
      const E = this.embedding.length / this.size;
      x = this.embedding.subarray(id * E, (id + 1) * E);
    }
    this.layers.forEach((p, l) => {
      const states = this.statesOf(state, l),
        biases = Object.entries(this.skips[l]).map(([name, skip]) => [
          name,
          p[name].map((b, j) => b + skip[id * p[name].length + j]),
        ]);
      this.step_({...p, ...Object.fromEntries(biases)}, x, states, ...this.blocks[l]);
      x = states[0];
    });
  }

  // The logits of the character after a state.
  logits(state) {
    const logits = this.head.b.slice(),
      size = this.hidden * this.size,
      given = this.head.W.length / size; // the last layers, as many as the head has weights for
    for (let k = 0; k < given; k++) {
      const [h] = this.statesOf(state, this.layers.length - given + k);
      addProduct(logits, h, this.head.W.subarray(k * size, (k + 1) * size));
    }
    return logits;
  }

  // What each unit remembers, from -1 to 1, as it leaves the cell: layers, units.
  remembered(state) {
    const shown = new Float32Array(this.units);
    for (let l = 0; l < this.layers.length; l++)
      shown.set(this.statesOf(state, l)[this.memory].map(Math.tanh), l * this.hidden);
    return shown;
  }
}

// Probabilities; at temperature 0 all of it is the likeliest.
function softmax(logits, temperature = 1) {
  const p = new Float64Array(logits.length),
    most = logits.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  for (let v = 0; v < p.length; v++)
    sum += p[v] = temperature > 0 ? Math.exp((logits[v] - most) / temperature) : Number(logits[v] === most);
  for (let v = 0; v < p.length; v++) p[v] /= sum;
  return p;
}

// The ids of the k largest, the largest first.
function largest(p, k) {
  const found = [];
  for (let v = 0; v < p.length; v++) {
    if (found.length === k && !(p[v] > p[found[k - 1]])) continue;
    let at = found.length;
    while (at > 0 && p[v] > p[found[at - 1]]) at--;
    found.splice(at, 0, v);
    if (found.length > k) found.pop();
  }
  return found;
}
