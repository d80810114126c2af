"use strict";
// The recurrent cells, one step of each, with the equations of charrnn/nn/cells.
//
// x is a Float32Array, or the id of a character, which stands for a one-hot vector. The states (H) of a layer, the hidden state
// h first, are overwritten with those after the step. A matrix W (K, N) lies row after row. p are the parameters of a layer; a
// and u (nH) are memory for its blocks of columns.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// a += x W, for a vector x; or, where W has more columns than a, a += x W[:, from : from + a.length].
function addProduct(a, x, W, from = 0) {
  const K = x.length,
    N = W.length / K,
    n = a.length;
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    // four rows at a time: a is read and written a quarter as often
    const x0 = x[k],
      x1 = x[k + 1],
      x2 = x[k + 2],
      x3 = x[k + 3];
    const w0 = k * N + from,
      w1 = w0 + N,
      w2 = w1 + N,
      w3 = w2 + N;
    for (let j = 0; j < n; j++) a[j] += x0 * W[w0 + j] + x1 * W[w1 + j] + x2 * W[w2 + j] + x3 * W[w3 + j];
  }
  for (; k < K; k++) for (let j = 0; j < n; j++) a[j] += x[k] * W[k * N + from + j];
}

// a = x W + b
function affine(a, x, W, b) {
  a.set(b);
  if (typeof x !== "number") return addProduct(a, x, W);
  for (let j = 0, w = x * a.length; j < a.length; j++) a[j] += W[w + j];
}

function rnn(p, x, [h], a, activate) {
  affine(a, x, p.Wx, p.b);
  addProduct(a, h, p.Wh);
  for (let j = 0; j < h.length; j++) h[j] = activate(a[j]);
}

function lstm(p, x, [h, c], a) {
  const H = h.length;
  affine(a, x, p.Wx, p.b);
  addProduct(a, h, p.Wh);
  for (let j = 0; j < H; j++) {
    const i = sigmoid(a[j]),
      f = sigmoid(a[H + j]),
      g = Math.tanh(a[2 * H + j]),
      o = sigmoid(a[3 * H + j]);
    c[j] = f * c[j] + i * g;
    h[j] = o * Math.tanh(c[j]);
  }
}

function coupledLstm(p, x, [h, c], a) {
  const H = h.length;
  affine(a, x, p.Wx, p.b);
  addProduct(a, h, p.Wh);
  for (let j = 0; j < H; j++) {
    const f = sigmoid(a[j]),
      g = Math.tanh(a[H + j]),
      o = sigmoid(a[2 * H + j]);
    c[j] = f * c[j] + (1 - f) * g;
    h[j] = o * Math.tanh(c[j]);
  }
}

function mogrifier(p, x, [h, c], a, u) {
  const m = u.subarray(0, h.length);
  affine(m, x, p.Wm, p.bm);
  for (let j = 0; j < h.length; j++) h[j] *= 2 * sigmoid(m[j]);
  coupledLstm(p, x, [h, c], a);
}

function gru(p, x, [h], a, u) {
  const H = h.length;
  affine(a, x, p.Wx, p.b);
  u.fill(0);
  addProduct(u, h, p.Wh);
  for (let j = 0; j < H; j++) {
    const r = sigmoid(a[j] + u[j]),
      z = sigmoid(a[H + j] + u[H + j]);
    const n = Math.tanh(a[2 * H + j] + r * (u[2 * H + j] + p.bhn[j]));
    h[j] = (1 - z) * n + z * h[j];
  }
}

function gruResetBefore(p, x, [h], a, u) {
  const H = h.length,
    rh = u.subarray(0, H);
  affine(a, x, p.Wx, p.b);
  addProduct(a.subarray(0, 2 * H), h, p.Wh);
  for (let j = 0; j < H; j++) rh[j] = sigmoid(a[j]) * h[j];
  addProduct(a.subarray(2 * H), rh, p.Wh, 2 * H);
  for (let j = 0; j < H; j++) {
    const z = sigmoid(a[H + j]),
      n = Math.tanh(a[2 * H + j]);
    h[j] = (1 - z) * n + z * h[j];
  }
}

// By their names in model.cell.
const CELLS = {
  lstm: lstm,
  "lstm-coupled": coupledLstm,
  mogrifier: mogrifier,
  gru: gru,
  "gru-reset-before": gruResetBefore,
  rnn: (p, x, states, a) => rnn(p, x, states, a, Math.tanh),
  "rnn-relu": (p, x, states, a) => rnn(p, x, states, a, (y) => Math.max(0, y)),
};
