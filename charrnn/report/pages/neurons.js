"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const shades = Int8Array.from(atob(data.shades), (c) => c.charCodeAt(0)); // layers, units, characters
const spans = [...document.querySelectorAll("pre span")];
const [layer, unit, value] = ["layer", "unit", "value"].map((id) => document.getElementById(id));
const buttons = [...document.querySelectorAll("[data-unit]")];
const last = data.largest.length - 1;
let place = data.unit[0] * data.units + data.unit[1];

function show(chosen) {
  place = Math.min(Math.max(chosen, 0), last);
  layer.value = Math.floor(place / data.units);
  unit.value = place % data.units;
  spans.forEach((span, i) => {
    const shade = shades[place * spans.length + i] / 127;
    span.className = shade < 0 ? "low" : "high";
    span.style.setProperty("--a", Math.abs(shade));
  });
  for (const button of buttons)
    button.setAttribute("aria-pressed", button.dataset.unit === `${layer.value}:${unit.value}`);
  value.textContent = data.gate ? "0 to 1" : `${(-data.largest[place]).toPrecision(3)} to ${data.largest[place].toPrecision(3)}`;
}

// The number at the character that is pointed at or touched.
function read(event) {
  const i = spans.indexOf(event.target);
  if (i < 0) return;
  const shade = shades[place * spans.length + i] / 127;
  value.textContent = (data.gate ? (shade + 1) / 2 : shade * data.largest[place]).toFixed(2);
}

const picked = () =>
  show(Number(layer.value) * data.units + Math.min(Math.max(Math.round(unit.value), 0), data.units - 1));
layer.addEventListener("change", picked);
unit.addEventListener("change", picked);
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("previous").addEventListener("click", () => show(place - 1));
document.getElementById("next").addEventListener("click", () => show(place + 1));
for (const button of buttons) {
  const [l, u] = button.dataset.unit.split(":").map(Number);
  button.addEventListener("click", () => show(l * data.units + u));
}
document.querySelector("pre").addEventListener("pointerover", read);
document.querySelector("pre").addEventListener("click", read);
show(place);
