"use strict";
// Numbers of the curves: where they stand on the axis below, smoothed, and as text.

const longest = Math.max(0, ...data.runs.map(({clock}) => clock.seconds.at(-1) ?? 0));
const [timeUnit, secondsOfUnit] = longest < 120 ? ["seconds", 1] : longest < 7200 ? ["minutes", 60] : ["hours", 3600];

// What the axis below may count: its label, and the place of an iteration of a run.
const scales = {
  iterations: {label: "iteration", place: (_run, iteration) => iteration},
  characters: {label: "characters read", place: (run, iteration) => iteration * run.characters},
  seconds: {label: `time in ${timeUnit}`, place: (run, iteration) => secondsAt(run.clock, iteration) / secondsOfUnit},
};

// Between two iterations with a known time, time passes evenly.
function secondsAt({iterations, seconds}, iteration) {
  const after = iterations.findIndex((known) => known >= iteration);
  if (after < 0) return seconds.at(-1) ?? 0;
  const [from, start] = after ? [iterations[after - 1], seconds[after - 1]] : [0, 0];
  return start + ((iteration - from) / (iterations[after] - from)) * (seconds[after] - start);
}

// The mean of each value and as many before as after it; fewer near the ends.
function smoothed(values, points) {
  return values.map((_, k) => {
    const reach = Math.min((points - 1) / 2, k, values.length - 1 - k);
    const around = values.slice(k - reach, k + reach + 1);
    return around.reduce((sum, value) => sum + value, 0) / around.length;
  });
}

// The index of the number that is nearest to another, of numbers in ascending order.
function nearest(numbers, wanted) {
  const after = numbers.findIndex((number) => number >= wanted);
  if (after < 0) return numbers.length - 1;
  return after && wanted - numbers[after - 1] < numbers[after] - wanted ? after - 1 : after;
}

// Always of the same width, so that nothing moves while the pointer does.
function digits(value) {
  if (value && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(3);
  return value.toLocaleString("en", {minimumSignificantDigits: 4, maximumSignificantDigits: 4});
}

const shown = (value, isLoss) => (isLoss ? `${digits(value)} nats (${digits(value / Math.LN2)} bits)` : digits(value));

// A number beside an axis, short.
function tick(value) {
  const size = Math.abs(value);
  if (size && (size < 1e-4 || size >= 1e15)) return value.toExponential().replace("e+", "e");
  return value.toLocaleString("en", {maximumSignificantDigits: 6, notation: size >= 1e6 ? "compact" : "standard"});
}

// Where a logarithmic axis has numbers: at powers of ten, or at 1, 2 and 5 times these where that makes more than two;
// within less than that an axis is all but even.
function logarithmicTicks(low, high) {
  for (const steps of [[1], [1, 2, 5]]) {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      ticks.push(...steps.map((step) => step * 10 ** power).filter((value) => value >= low && value <= high));
    if (ticks.length > 2) return ticks;
  }
  const unit = 10 ** Math.floor(Math.log10(high - low));
  const step = [1, 0.5, 0.2].map((part) => part * unit).find((step) => (high - low) / step > 3);
  const first = Math.ceil(low / step);
  return Array.from({length: Math.floor(high / step) - first + 1}, (_, k) => (first + k) * step);
}
