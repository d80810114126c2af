"use strict";
// The controls of the charts: what they say is drawn. Whatever changes, all charts are drawn anew.

const ROWS = 200;
const controls = document.querySelector(".controls");
const {axis, smoothing, from, to, whole} = controls.elements;
const runBoxes = [...controls.querySelectorAll("[name=run]")];
const panels = [...document.querySelectorAll(".panel")];
let zoomed = null; // the range of the axis below; null for all of it
let charts = [];

function draw() {
  const scale = scales[axis.value];
  const placed = data.charts.map(({lines}) =>
    lines.map((line) => ({...line, x: line.iterations.map((n) => scale.place(data.runs[line.run], n))})),
  );
  const range = zoomed ?? [0, Math.max(...placed.flat().map(({x}) => x.at(-1))) || 1];
  const reached = () => data.runs.filter(({end}) => slider && chosenIteration() <= end);
  const marked = () => [...new Set(reached().map((run) => scale.place(run, chosenIteration())))];
  for (const chart of charts) chart.destroy();
  charts = panels.map((panel, k) => drawPanel(panel, data.charts[k], placed[k], {range, label: scale.label, marked}));
  [from.value, to.value] = range.map((bound) => Number(bound.toPrecision(6)));
  document.getElementById("unit").textContent = axis.value === "seconds" ? timeUnit : "";
}

function drawPanel(panel, {unit, isLoss, top}, lines, look) {
  const boxes = [...panel.querySelectorAll("[name=line]")];
  const isShown = ({run}, n) => boxes[n].checked && (runBoxes[run]?.checked ?? true);
  const drawn = lines.filter(isShown).flatMap(asDrawn);
  const values = [...panel.querySelectorAll(".value")];
  const readOut = (x) =>
    lines.forEach((line, n) => {
      values[n].textContent = isShown(line, n) ? valueAt(line, x, isLoss) : "";
    });
  readOut(null);
  const logarithmic = panel.querySelector("[name=logarithmic]").checked;
  return drawChart(panel.querySelector(".chart"), drawn, {...look, unit, top, logarithmic}, readOut, zoom);
}

// A line in its colour. Only solid ones vary from report to report; smoothed, they stand above what they are the mean of.
function asDrawn({run, style, x, values}) {
  const line = {x, values, style, colour: data.runs[run].colour};
  const points = Number(smoothing.value);
  if (points === 1 || style !== "solid") return [line];
  return [
    {...line, isFaint: true},
    {...line, values: smoothed(values, points)},
  ];
}

// The value of a line at its point that is nearest to a place, or the last.
function valueAt({x, iterations, values, style}, place, isLoss) {
  const n = place === null ? x.length - 1 : nearest(x, place);
  const [at, last] = [iterations[n], iterations.at(-1)].map((iteration) => iteration.toLocaleString("en"));
  const where = style === "dotted" ? "" : ` at ${at.padStart(last.length, "\u2007")}`;
  return shown(values[n], isLoss) + where;
}

function zoom(range) {
  zoomed = range;
  draw();
}

// Each row has the last values of a stretch of iterations, so that no line is left out where there are many.
function rowsOf(lines) {
  const all = [...new Set(lines.flatMap(({iterations}) => iterations))].sort((a, b) => a - b);
  const count = Math.min(ROWS, all.length);
  return Array.from({length: count}, (_, k) => {
    const first = all[Math.floor((k * all.length) / count)];
    const last = all[Math.floor(((k + 1) * all.length) / count) - 1];
    return [
      last,
      ...lines.map(({iterations, values}) => {
        const n = iterations.findLastIndex((iteration) => iteration <= last);
        return n >= 0 && iterations[n] >= first ? values[n] : null;
      }),
    ];
  });
}

function fillTable(panel, {unit, lines}) {
  const table = document.createElement("table");
  table.createCaption().textContent = `${panel.querySelector("h3").textContent} in ${unit}: the last values up to each iteration`;
  const head = table.createTHead().insertRow();
  for (const name of ["iteration", ...lines.map(({name}) => name)]) head.append(header("col", name));
  const body = table.createTBody();
  for (const [iteration, ...values] of rowsOf(lines)) {
    const row = body.insertRow();
    row.append(header("row", iteration.toLocaleString("en")));
    for (const value of values) row.insertCell().textContent = value === null ? "" : digits(value);
  }
  panel.querySelector(".table").replaceChildren(table);
}

function header(scope, text) {
  const cell = document.createElement("th");
  cell.scope = scope;
  cell.textContent = text;
  return cell;
}

controls.addEventListener("submit", (event) => event.preventDefault());
controls.addEventListener("change", ({target}) => {
  if (target === axis) zoomed = null;
  if (target === from || target === to) {
    const range = [from.valueAsNumber, to.valueAsNumber];
    if (range[0] < range[1]) zoomed = range;
  }
  draw();
});
whole.addEventListener("click", () => zoom(null));
panels.forEach((panel, k) => {
  panel.addEventListener("change", draw);
  panel.querySelector("details").addEventListener("toggle", () => fillTable(panel, data.charts[k]), {once: true});
});
slider?.addEventListener("input", () => redraw(false));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(true));

function redraw(paths) {
  for (const chart of charts) chart.redraw(paths);
}

draw();
new ResizeObserver(() => {
  charts.forEach((chart, k) => {
    const {clientWidth: width, clientHeight: height} = panels[k].querySelector(".chart");
    if (width !== chart.width || height !== chart.height) chart.setSize({width, height});
  });
}).observe(controls);
document.body.dataset.drawn = "yes";
