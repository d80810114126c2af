"use strict";
// All units of a network as squares, a picture for each layer: blue below zero, red above. One of them is chosen, by a pointer or by
// arrow keys, by the field for its name, or by a button for one that has a name of its own.

const COLUMNS = 32; // squares in a row
const SIZE = 8; // of a square, in dots of the picture

class UnitSquares {
  // Calls onChoose with a unit that is chosen, and onPoint with one that is pointed at: layer * units + number.
  constructor(root, layers, units, {onChoose, onPoint}) {
    this.units = units;
    this.field = document.getElementById("unit");
    this.buttons = [...document.querySelectorAll(".unit")];
    this.field.addEventListener("change", () => onChoose(this.named(this.field.value) ?? this.chosen));
    for (const button of this.buttons) button.addEventListener("click", () => onChoose(Number(button.dataset.unit)));
    this.chosen = 0;
    this.values = new Float32Array(layers * units);
    this.layers = Array.from({length: layers}, (_, layer) => {
      const canvas = document.createElement("canvas");
      canvas.className = "squares";
      const rows = Math.ceil(units / COLUMNS);
      [canvas.width, canvas.height, canvas.tabIndex] = [COLUMNS * SIZE, rows * SIZE, 0];
      const facts = {
        role: "slider",
        "aria-label": `unit of layer ${layer} that colours the text`,
        "aria-valuemin": 0,
        "aria-valuemax": units - 1,
      };
      for (const [name, value] of Object.entries(facts)) canvas.setAttribute(name, value);
      const at = (event) => {
        const box = canvas.getBoundingClientRect();
        const column = Math.floor(((event.clientX - box.left) / box.width) * COLUMNS);
        const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
        return layer * units + Math.min(Math.max(row * COLUMNS + column, 0), units - 1);
      };
      canvas.addEventListener("click", (event) => onChoose(at(event)));
      canvas.addEventListener("pointermove", (event) => onPoint(at(event)));
      canvas.addEventListener("keydown", (event) => {
        const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS}[event.key];
        if (!step) return;
        event.preventDefault();
        const number = Math.floor(this.chosen / units) === layer ? this.chosen % units : 0;
        onChoose(layer * units + Math.min(Math.max(number + step, 0), units - 1));
      });
      root.append(canvas);
      return canvas;
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.show(this.values));
  }

  name(unit) {
    return `${Math.floor(unit / this.units)}:${unit % this.units}`;
  }

  // What a unit keeps track of, in words, where it has a name of its own.
  title(unit) {
    return this.buttons.find((button) => Number(button.dataset.unit) === unit)?.title;
  }

  // The unit that a text such as 1:81 names; null where there is none.
  named(text) {
    const [, layer, number] = /^(\d+):(\d+)$/.exec(text.trim()) ?? [];
    return layer < this.layers.length && number < this.units ? layer * this.units + Number(number) : null;
  }

  choose(unit) {
    this.chosen = unit;
    this.field.value = this.name(unit);
    for (const button of this.buttons) button.setAttribute("aria-pressed", Number(button.dataset.unit) === unit);
    this.layers.forEach((canvas, layer) => {
      const isHere = Math.floor(unit / this.units) === layer;
      canvas.setAttribute("aria-valuenow", isHere ? unit % this.units : 0);
      canvas.setAttribute("aria-valuetext", isHere ? `unit ${this.name(unit)}` : "none of this layer");
    });
    this.show(this.values);
  }

  // Values from -1 to 1: layers, units.
  show(values) {
    this.values = values;
    const style = getComputedStyle(document.documentElement);
    const [low, high] = [style.getPropertyValue("--low"), style.getPropertyValue("--high")];
    this.layers.forEach((canvas, layer) => {
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, canvas.width, canvas.height);
      for (let j = 0; j < this.units; j++) {
        const value = values[layer * this.units + j];
        context.fillStyle = `rgb(${value < 0 ? low : high} / ${Math.abs(value)})`;
        context.fillRect(...corner(j), SIZE, SIZE);
      }
      if (Math.floor(this.chosen / this.units) !== layer) return;
      context.strokeStyle = style.getPropertyValue("--text");
      context.lineWidth = 2;
      const [x, y] = corner(this.chosen % this.units);
      context.strokeRect(x + 1, y + 1, SIZE - 2, SIZE - 2);
    });
  }
}

// Where the square of a unit begins.
function corner(number) {
  return [(number % COLUMNS) * SIZE, Math.floor(number / COLUMNS) * SIZE];
}
