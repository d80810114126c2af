"use strict";
// What the units of a network did along a text.
const data = JSON.parse(document.getElementById("data").textContent);
const shades = new Int8Array(bytes(data.shades)); // layers, units, characters
const element = (id) => document.getElementById(id);
const last = data.layers * data.units - 1;
let unit = data.unit,
  place = 0, // the character after which all units are shown
  told = data.unit; // the unit about which something is told

class UnitText extends ReadText {
  shade(i, u = unit) {
    return shades[u * this.length + i] / 127;
  }

  colour(i) {
    return shade(this.shade(i));
  }

  // The number itself, of a unit after a character.
  value(i, u = unit) {
    return (data.gate ? (this.shade(i, u) + 1) / 2 : this.shade(i, u) * data.largest[u]).toFixed(2);
  }

  describe(i) {
    return `${super.describe(i)}; unit ${squares.name(unit)} ${this.value(i)}`;
  }
}

const source = new UnitText(data);
const squares = new UnitSquares(element("squares"), data.layers, data.units, {onChoose: choose, onPoint: tell});
const pane = new TextPane(element("pane"), source);

function choose(u) {
  unit = Math.min(Math.max(u, 0), last);
  const range = data.gate
    ? "0 to 1"
    : `${(-data.largest[unit]).toPrecision(3)} to ${data.largest[unit].toPrecision(3)}`;
  element("about").textContent = [squares.title(unit), range].filter(Boolean).join("; ");
  squares.choose(unit);
  tell(unit);
  pane.repaint();
}

function tell(u) {
  told = u;
  element("pointed").textContent =
    `Unit ${squares.name(u)} is at ${source.value(place, u)}. Choose one, and it colours the text.`;
}

// All units after a character.
function showAll(i) {
  place = i;
  element("where").textContent = `after character ${(i + 1).toLocaleString("en")}`;
  tell(told);
  squares.show(Float32Array.from({length: last + 1}, (_, u) => source.shade(i, u)));
}

document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
element("previous").addEventListener("click", () => choose(unit - 1));
element("next").addEventListener("click", () => choose(unit + 1));
element("deep").addEventListener("change", () => pane.showGuesses(element("deep").checked));
element("pane").addEventListener("point", (event) => showAll(event.detail));
pane.showGuesses(true);
showAll(0);
choose(unit);
