"use strict";
const data = JSON.parse(document.getElementById("data").textContent);

const slider = document.getElementById("slider");
const samples = [...document.querySelectorAll(".sample")];
let markers = [];

// Each run shows its latest snapshot at or before the iteration that is chosen.
function show() {
  const iteration = data.positions[slider.value];
  const chosen = `iteration ${iteration.toLocaleString("en")}`;
  document.getElementById("at").textContent = chosen;
  slider.setAttribute("aria-valuetext", chosen);
  samples.forEach((sample, run) => {
    const snapshot = data.snapshots[run].findLast((s) => s.iteration <= iteration);
    sample.querySelector(".facts").textContent = snapshot ? snapshot.facts : "no snapshot yet";
    sample.querySelector(".share").textContent = snapshot ? snapshot.words : "";
    sample.querySelector("meter").value = snapshot ? snapshot.share : 0;
    sample.querySelector("meter").hidden = !snapshot || !snapshot.words;
    sample.querySelector("pre").textContent = snapshot ? snapshot.text : "";
  });
  for (const marker of markers) marker.setv({location: iteration, visible: true});
}

// Always of the same width, so that nothing moves while the pointer does.
function digits(value) {
  if (value && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(3);
  return value.toLocaleString("en", {minimumSignificantDigits: 4, maximumSignificantDigits: 4});
}

function shown(value, isLoss) {
  return isLoss ? `${digits(value)} nats (${digits(value / Math.LN2)} bits)` : digits(value);
}

// The values of all lines of a chart, each at its point that is nearest to an iteration.
function readOut(chart, k, iteration) {
  const parts = chart.renderers.filter((renderer) => renderer.name).map((renderer) => {
    const {x, y} = renderer.data_source.data;
    let nearest = 0;
    for (let n = 0; n < x.length; n++) if (Math.abs(x[n] - iteration) < Math.abs(x[nearest] - iteration)) nearest = n;
    const [part, stroke] = [document.createElement("span"), document.createElement("span")];
    const style = renderer.tags[0];
    stroke.className = `stroke ${style}`;
    stroke.style.color = renderer.glyph.line_color.value;
    const [at, last] = [x[nearest], x[x.length - 1]].map((iteration) => iteration?.toLocaleString("en"));
    const where = style === "dotted" ? "" : ` at ${at?.padStart(last.length, "\u2007")}`;
    part.append(stroke, `${renderer.name}: ${x.length ? shown(y[nearest], data.losses[k]) + where : "none"}`);
    return part;
  });
  document.getElementById(`readout${k}`).replaceChildren(...parts);
}

// The charts are drawn on canvases, which no style sheet reaches.
function paint(charts) {
  const style = getComputedStyle(document.documentElement);
  const [text, line] = ["--text", "--line"].map((name) => style.getPropertyValue(name).trim());
  for (const chart of charts) {
    chart.outline_line_color = line;
    for (const axis of [...chart.below, ...chart.left])
      axis.setv({axis_label_text_color: text, major_label_text_color: text, axis_line_color: line,
                 major_tick_line_color: line, minor_tick_line_color: line});
    for (const grid of chart.center) if ("grid_line_color" in grid) grid.grid_line_color = line;
  }
  for (const marker of markers) marker.line_color = text;
}

async function draw() {
  await Bokeh.embed.embed_items({charts: data.charts}, [{docid: "charts", root_ids: Object.keys(data.roots), roots: data.roots}]);
  const charts = Bokeh.documents[0].roots();
  markers = charts.flatMap((chart) => chart.center.filter((part) => part.name === "marker"));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => paint(charts));
  paint(charts);
  // On a touch screen a finger on a chart scrolls the page, a zoom is chosen from the tools, and what a tap shows stays.
  const touch = matchMedia("(pointer: coarse)").matches;
  if (touch) for (const chart of charts) chart.toolbar.active_drag = null;
  charts.forEach((chart, k) => {
    for (const event of ["mousemove", "tap"]) chart.on_event(event, ({x}) => readOut(chart, k, x));
    if (!touch) chart.on_event("mouseleave", () => readOut(chart, k, Number.MAX_SAFE_INTEGER));
    readOut(chart, k, Number.MAX_SAFE_INTEGER);
  });
  if (slider) show();
  document.body.dataset.drawn = "yes";
}

if (slider) {
  slider.addEventListener("input", show);
  show();
}
draw();
