"use strict";
// A text of any length, character by character: coloured, with the likeliest characters under each, and told about under the
// pointer or the cursor. Only the lines in view are drawn.
//
// The source of a pane has a length, and for the character at place i: character(i), colour(i) as [name, strength],
// guesses(i) as [[character, probability], ...], isTyped(i), and describe(i), a sentence.

const DRAWN_BEYOND = 4; // lines above and below those in view
const END = "\u001e"; // of an item that may hold line ends
const PRINTED = 20000; // characters of a text that is printed whole

// A character as it is shown in a cell of its own: what would be invisible, or move others, has a sign.
function sign(character) {
  const point = character.codePointAt(0);
  if (character === " ") return "\u2423";
  if (character === "\n") return "\u21b5";
  if (point < 0x20) return String.fromCodePoint(0x2400 + point);
  if (/^\p{M}/u.test(character)) return `\u25cc${character}`;
  return /^[\p{C}\p{Z}]/u.test(character) ? "\u25a1" : character;
}

// A character in words.
function named(character) {
  const names = {" ": "space", "\n": "line end", "\t": "tab", "\u001e": "end of an item", "\u001f": "end of a label"};
  if (names[character]) return names[character];
  const point = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return sign(character) === character ? character : `U+${point}`;
}

function percent(probability) {
  return `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)}%`;
}

// What is said of a character that came, in words.
function surprise(character, nats, guesses) {
  const expected = guesses.map(([guess, probability]) => `${named(guess)} ${percent(probability)}`).join(", ");
  const bits = (nats / Math.LN2).toFixed(2);
  return `${named(character)}: probability ${percent(Math.exp(-nats))}, ${bits} bits; expected ${expected}`;
}

// The colour of a surprisal: none below a bit, the strongest from 8 bits on.
function warmth(nats) {
  const bits = nats / Math.LN2;
  return ["warm", bits < 1 ? 0 : Math.min(1, bits / 8)];
}

// The colour of a unit's value, from -1 to 1.
function shade(value) {
  return [value < 0 ? "low" : "high", Math.abs(value)];
}

class TextPane {
  constructor(root, source) {
    this.root = root;
    this.source = source;
    this.cursor = -1;
    this.hasGuesses = false;
    this.follows = false; // whether the end stays in view while the text grows
    this.lines = document.createElement("div");
    this.said = document.createElement("p");
    this.said.className = "said";
    this.said.setAttribute("role", "status");
    this.said.textContent =
      "Point at a character, or go there with the arrow keys, to see what was expected in its place.";
    this.starts = [0]; // of the lines
    this.drawn = new Map(); // the elements of lines
    root.append(this.lines);
    root.after(this.said);
    root.tabIndex = 0;
    root.addEventListener("scroll", () => {
      this.follows = root.scrollTop + root.clientHeight >= root.scrollHeight - 2;
      this.draw();
    });
    root.addEventListener("keydown", (event) => this.pressed(event));
    for (const kind of ["pointerover", "click"])
      root.addEventListener(kind, (event) => {
        const cell = event.target.closest("[data-place]");
        if (cell) this.point(Number(cell.dataset.place), kind === "click");
      });
    new ResizeObserver(() => this.changed(0)).observe(root);
    addEventListener("beforeprint", () => this.draw(this.source.length <= PRINTED));
    addEventListener("afterprint", () => this.draw());
  }

  showGuesses(yes) {
    this.hasGuesses = yes;
    this.root.classList.toggle("deep", yes);
    this.changed(0);
  }

  // The characters from a place on are new, or gone.
  changed(from) {
    this.measure();
    const line = Math.max(0, this.lineOf(Math.min(from, this.source.length)) - 1); // its first word may fit before it now
    this.starts.length = line + 1;
    for (let start = this.starts[line]; ; ) {
      start = this.wrapped(start);
      if (start >= this.source.length && !this.endsLine(this.source.length - 1)) break;
      this.starts.push(start);
      if (start >= this.source.length) break;
    }
    this.lines.style.height = `${this.starts.length * this.height}px`;
    this.cursor = Math.min(this.cursor, this.source.length - 1);
    this.forget(line);
    if (this.follows) this.root.scrollTop = this.lines.offsetHeight;
    this.draw();
  }

  // Goes to the end of the text, and stays there while it grows.
  follow() {
    this.root.scrollTop = this.root.scrollHeight;
    this.follows = true;
  }

  repaint() {
    this.forget(0);
    this.draw();
  }

  // Tells of a character, and with a cursor on it.
  point(place, moves) {
    this.said.textContent = this.source.describe(place);
    if (!moves) return;
    const line = this.lineOf(place),
      before = this.cursor;
    this.cursor = place;
    const [top, bottom] = [line * this.height, (line + 1) * this.height];
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    if (bottom > this.root.scrollTop + this.root.clientHeight) this.root.scrollTop = bottom - this.root.clientHeight;
    if (before >= 0) this.forgetLine(this.lineOf(before));
    this.forgetLine(line);
    this.draw();
    this.root.dispatchEvent(new CustomEvent("point", {detail: place}));
  }

  pressed(event) {
    const last = this.source.length - 1,
      line = this.lineOf(Math.max(this.cursor, 0));
    const start = (k) => this.starts[Math.min(Math.max(k, 0), this.starts.length - 1)];
    const column = this.cursor - start(line);
    const inLine = (k) => Math.min(start(k) + column, k + 1 < this.starts.length ? start(k + 1) - 1 : last);
    const places = {
      ArrowLeft: () => this.cursor - 1,
      ArrowRight: () => this.cursor + 1,
      ArrowUp: () => (line ? inLine(line - 1) : this.cursor),
      ArrowDown: () => inLine(line + 1),
      Home: () => start(line),
      End: () => (line + 1 < this.starts.length ? start(line + 1) - 1 : last),
    };
    if (!places[event.key] || last < 0 || event.altKey || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    this.point(Math.min(Math.max(places[event.key](), 0), last), true);
  }

  // The width of a cell and the height of a line follow from the font.
  measure() {
    const style = getComputedStyle(this.root),
      probe = document.createElement("span");
    probe.className = "probe";
    probe.textContent = "0";
    this.root.append(probe);
    const box = probe.getBoundingClientRect();
    probe.remove();
    [this.width, this.height] = [box.width, box.height];
    const room = this.root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    this.columns = Math.max(1, Math.floor(room / this.width));
  }

  lineOf(place) {
    let [low, high] = [0, this.starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= place) low = middle;
      else high = middle;
    }
    return low;
  }

  // Where the line after the one that begins at a place begins: after a line end, or where no more fits, if possible after a space.
  wrapped(start) {
    let width = 0,
      space = 0;
    for (let i = start; i < this.source.length; i++) {
      if (this.endsLine(i)) return i + 1;
      width += isWide(this.source.character(i)) ? 2 : 1;
      if (width > this.columns) return space > start + this.columns / 2 ? space : Math.max(i, start + 1);
      if (this.source.character(i) === " ") space = i + 1;
    }
    return this.source.length;
  }

  endsLine(place) {
    return place >= 0 && ["\n", END].includes(this.source.character(place));
  }

  forget(line) {
    for (const drawn of [...this.drawn.keys()]) if (drawn >= line) this.forgetLine(drawn);
  }

  forgetLine(line) {
    this.drawn.get(line)?.remove();
    this.drawn.delete(line);
  }

  draw(whole = false) {
    const first = whole ? 0 : Math.max(0, Math.floor(this.root.scrollTop / this.height) - DRAWN_BEYOND);
    const seen = Math.ceil(this.root.clientHeight / this.height) + 2 * DRAWN_BEYOND;
    const end = whole ? this.starts.length : Math.min(this.starts.length, first + seen);
    this.root.classList.toggle("whole", whole);
    for (const line of [...this.drawn.keys()]) if (line < first || line >= end) this.forgetLine(line);
    for (let line = first; line < end; line++) if (!this.drawn.has(line)) this.drawLine(line);
  }

  drawLine(line) {
    const element = document.createElement("div");
    element.className = "line";
    element.dir = "auto";
    element.style.top = `${line * this.height}px`;
    const end = line + 1 < this.starts.length ? this.starts[line + 1] : this.source.length;
    for (let i = this.starts[line]; i < end; i++) element.append(this.cell(i));
    this.drawn.set(line, element);
    const after = [...this.drawn.keys()].filter((other) => other > line);
    if (after.length)
      this.drawn.get(Math.min(...after)).before(element); // in the order of the text, for readers and for copying
    else this.lines.append(element);
  }

  cell(i) {
    const character = this.source.character(i),
      cell = document.createElement("span");
    const [name, strength] = this.source.colour(i);
    cell.dataset.place = i;
    cell.className = this.source.isTyped(i) ? "typed" : "";
    if (i === this.cursor) cell.classList.add("cursor");
    const own = document.createElement("b");
    own.textContent = this.hasGuesses && /^\p{M}/u.test(character) ? sign(character) : visible(character);
    if (strength) own.className = name;
    if (strength) own.style.setProperty("--a", (0.8 * strength).toFixed(2));
    cell.append(own);
    if (!this.hasGuesses) return cell;
    if (isWide(character)) cell.classList.add("wide");
    for (const [guess, probability] of this.source.guesses(i)) {
      const under = document.createElement("i");
      under.textContent = sign(guess);
      under.style.setProperty("--a", (0.6 * probability).toFixed(2));
      cell.append(under);
    }
    return cell;
  }
}

// A character in the text itself: spaces are spaces there.
function visible(character) {
  return character === " " || /^\p{M}/u.test(character) ? character : sign(character);
}

// Characters twice as wide as others in a monospaced font.
function isWide(character) {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3001-\u303e\u30fb\u30fc\uff01-\uff60]/u.test(
    character,
  );
}

// A source of a text that was read when the page was made; see report/pane.py.
class ReadText {
  constructor({text, alphabet, nats, guesses, chances}) {
    this.characters = [...text];
    this.alphabet = alphabet.map((point) => String.fromCodePoint(point));
    this.nats = new Float32Array(bytes(nats));
    this.ids = new Uint16Array(bytes(guesses));
    this.chances = new Uint16Array(bytes(chances));
    this.each = this.ids.length / this.characters.length;
  }

  get length() {
    return this.characters.length;
  }

  character(i) {
    return this.characters[i];
  }

  isTyped() {
    return false;
  }

  guesses(i) {
    return Array.from({length: this.each}, (_, k) => {
      const at = i * this.each + k;
      return [this.alphabet[this.ids[at]], this.chances[at] / 65535];
    });
  }

  colour(i) {
    return warmth(this.nats[i]);
  }

  describe(i) {
    return surprise(this.character(i), this.nats[i], this.guesses(i));
  }
}
