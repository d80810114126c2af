"use strict";
// A chart, drawn by uPlot. Its legend is not used: the names of lines stand beside their boxes on the page.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dashes = {dashed: [8, 5], dotted: [2, 4]};
const font = "12px system-ui, sans-serif";

// Draws lines, {x, values, style, colour, isFaint}, and returns the chart. `look` has the range of x and its label, the
// unit of y, whether that is logarithmic, its top if it ends below the highest value, and a function that returns the
// places to mark. `onPointer` is told the x at the pointer, or null, and `onZoom` a new range, or null for the whole.
function drawChart(element, lines, look, onPointer, onZoom) {
  const tables = lines.map(({x, values}) => [x, values]);
  const grid = {stroke: () => colour("--line"), width: 1};
  const axis = {stroke: () => colour("--text"), font, labelFont: font, labelSize: 20, grid, ticks: {...grid, size: 5}};
  const logarithmic = look.logarithmic && {
    splits: (_chart, _k, low, high) => logarithmicTicks(low, high),
    filter: (_chart, splits) => splits,
  };
  const values = (_chart, splits) => splits.map(tick);
  const chart = new uPlot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      padding: [8, 24, 0, 0], // at the right, half of the last number below
      legend: {show: false},
      cursor: {y: false, points: {show: false}, drag: {x: false, y: false}, sync: {key: "charts"}},
      scales: {
        x: {time: false, range: () => look.range},
        y: {distr: look.logarithmic ? 3 : 1, range: () => heights(lines, look)},
      },
      axes: [
        {...axis, label: look.label, size: 32, space: 60, values},
        {...axis, label: look.unit, size: widthOf, space: 30, values, ...logarithmic},
      ],
      series: [{}, ...lines.map(seriesOf)],
      hooks: {
        setCursor: [(chart) => onPointer(chart.cursor.left < 0 ? null : chart.posToVal(chart.cursor.left, "x"))],
        draw: [(chart) => drawMarks(chart, look.marked())],
      },
    },
    uPlot.join([[look.range], ...tables]), // which needs one table at least
    element,
  );
  zoomByDragging(chart, onZoom);
  return chart;
}

function seriesOf({x, style, colour, isFaint}) {
  const series = {stroke: colour, width: 2, dash: dashes[style], alpha: isFaint ? 0.25 : 1};
  if (style === "crosses") return {...series, paths: () => null, points: {show: true, paths: crosses, width: 2}};
  return {...series, points: {show: style === "points" || x.length === 1, size: 8, fill: colour}};
}

// How wide the numbers at the left are, which uPlot asks before there are any.
const widthOf = (_chart, numbers) => 16 + 7 * Math.max(4, ...(numbers ?? []).map((number) => number.length));

// The values between two places, and those next to them, between which a line passes through.
function valuesWithin({x, values, style}, [from, to]) {
  const beside = style === "dotted" ? 0 : 1; // a level may well be out of sight
  const first = x.findIndex((place) => place >= from);
  const after = x.findLastIndex((place) => place <= to) + 1;
  return values.slice(Math.max((first < 0 ? x.length : first) - beside, 0), after + beside);
}

// What the axis at the left shows. Where all that is drawn lies above the top, as after a zoom, the top is no end.
function heights(lines, look) {
  const {range, logarithmic, top} = look;
  const values = lines.flatMap((line) => valuesWithin(line, range)).filter((value) => !logarithmic || value > 0);
  if (!values.length) return [1, 10];
  const low = Math.min(...values);
  let high = Math.max(...values);
  if (top !== null && low < top) high = Math.min(high, top);
  if (!logarithmic) {
    const room = 0.05 * (high - low || Math.abs(high) || 1);
    return [low - room, high + room];
  }
  const room = high > low ? (high / low) ** 0.05 : 2;
  return [low / room, high * room];
}

function crosses(chart, k, from, to) {
  const [path, clip, {left, top, width, height}] = [new Path2D(), new Path2D(), chart.bbox];
  const arm = 4 * devicePixelRatio;
  for (let n = from; n <= to; n++) {
    if (chart.data[k][n] == null) continue;
    const [x, y] = [chart.valToPos(chart.data[0][n], "x", true), chart.valToPos(chart.data[k][n], "y", true)];
    path.moveTo(x - arm, y - arm);
    path.lineTo(x + arm, y + arm);
    path.moveTo(x - arm, y + arm);
    path.lineTo(x + arm, y - arm);
  }
  clip.rect(left - arm, top - arm, width + 2 * arm, height + 2 * arm);
  return {stroke: path, fill: null, clip, flags: 0};
}

// A dotted line from top to bottom at each place.
function drawMarks(chart, places) {
  const {ctx, bbox} = chart;
  ctx.save();
  ctx.strokeStyle = colour("--text");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  for (const place of places) {
    const x = chart.valToPos(place, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

// With a mouse or a finger; a finger that moves up or down scrolls the page.
function zoomByDragging(chart, onZoom) {
  const area = chart.over;
  let start = null;
  const place = (event) => Math.min(Math.max(event.clientX - area.getBoundingClientRect().left, 0), area.clientWidth);
  const select = (left, width) => chart.setSelect({left, width, top: 0, height: area.clientHeight}, false);
  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    start = place(event);
    area.setPointerCapture(event.pointerId);
  });
  area.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const end = place(event);
    chart.setCursor({left: end, top: 0});
    select(Math.min(start, end), Math.abs(end - start));
  });
  area.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const [left, right] = [start, place(event)].sort((a, b) => a - b);
    start = null;
    select(0, 0);
    if (right - left > 8) onZoom([chart.posToVal(left, "x"), chart.posToVal(right, "x")]);
  });
  area.addEventListener("pointercancel", () => {
    start = null;
    select(0, 0);
  });
  area.addEventListener("dblclick", () => onZoom(null));
}
