"use strict";
// What all scripts of a report share: its data, and the slider over the progression.
const data = JSON.parse(document.getElementById("data").textContent);
const slider = document.getElementById("slider");
const samples = [...document.querySelectorAll(".sample")];

// The iteration that is chosen, which the charts mark; null where there are no snapshots.
const chosenIteration = () => (slider ? data.positions[slider.value] : null);

// Each run shows its latest snapshot at or before the iteration that is chosen.
function showSamples() {
  const iteration = chosenIteration();
  const chosen = `iteration ${iteration.toLocaleString("en")}`;
  document.getElementById("at").textContent = chosen;
  slider.setAttribute("aria-valuetext", chosen);
  samples.forEach((sample, run) => {
    const snapshot = data.snapshots[run].findLast((s) => s.iteration <= iteration);
    sample.querySelector(".facts").textContent = snapshot ? snapshot.facts : "no snapshot yet";
    sample.querySelector(".share").textContent = snapshot ? snapshot.words : "";
    sample.querySelector("meter").value = snapshot ? snapshot.share : 0;
    sample.querySelector("meter").hidden = !snapshot?.words;
    sample.querySelector("pre").textContent = snapshot ? snapshot.text : "";
  });
}

if (slider) {
  slider.addEventListener("input", showSamples);
  showSamples();
}
