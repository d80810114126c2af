"use strict";
// Texts coloured by surprisal.
const panes = [...document.querySelectorAll(".pane")].map((root) => {
  const data = JSON.parse(root.nextElementSibling.textContent); // before the pane puts its status line there
  return new TextPane(root, new ReadText(data));
});
const deep = document.getElementById("deep");
function show() {
  for (const pane of panes) pane.showGuesses(deep.checked);
}
deep.addEventListener("change", show);
show();
