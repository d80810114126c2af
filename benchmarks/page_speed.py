"""How exact the page of a network is, how large, and how fast it reads, in Chromium.

    python3 benchmarks/page_speed.py TEXT [RUN|FILE]

Reads the last 6,000 characters of a text and writes as many from there, always the likeliest, on a page with two bytes
for a weight and on one with one, and compares both with the program. Prints Markdown.
"""

import argparse
import math
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, table
from playwright.sync_api import sync_playwright

from charrnn import load_checkpoint, write
from charrnn.analysis.scoring import score_text
from charrnn.report.network_page import network_page
from charrnn.resources import shipped_network

LENGTH = 6000
READ_AND_WRITE = """
([text, length]) => {
  const network = new Network(JSON.parse(networks[0].textContent));
  let state = network.newState(), nats = 0, written = "";
  network.step(state, data.start);
  const started = performance.now();
  for (const character of text) {
    nats -= Math.log(softmax(network.logits(state))[idOf.get(character)]);
    network.step(state, idOf.get(character));
  }
  const seconds = (performance.now() - started) / 1000;
  for (let k = 0; k < length; k++) {
    const [id] = largest(network.logits(state), 1);
    written += alphabet[id];
    network.step(state, id);
  }
  return [nats / text.length, written, text.length / seconds];
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("network", nargs="?", default=shipped_network())
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.network)
    text = args.text.read_text("utf-8")[-LENGTH:]
    loss = float(np.concatenate([piece.nats for piece in score_text(checkpoint.model, [text], exact=True)]).mean())
    written = write(checkpoint.model, LENGTH, prime=text, temperature=0)[len(text) :]
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for small in (False, True):
            page = Path(folder) / "page.html"
            page.write_text("".join(network_page([checkpoint], checkpoint, "", "", [], small)), "utf-8")
            rows.append(_measured(browser, page, small, text, loss, written))
        version = browser.version
    print(f"{machine()}; Chromium {version}. The program's loss is {loss:.5f} nats.\n")
    columns = ["bytes a weight", "the page, MB", "loss, nats more", "first other character", "characters/s"]
    print(table(columns, rows))


def _measured(browser: Any, file: Path, small: bool, text: str, loss: float, written: str) -> list[str]:
    page = browser.new_page()
    page.goto(file.as_uri())
    found, other, speed = page.evaluate(READ_AND_WRITE, [text, len(written)])
    same = next((k for k, (a, b) in enumerate(zip(other, written, strict=True)) if a != b), math.inf)
    first = "none" if same == math.inf else f"{same + 1:,}"
    return [str(2 - small), f"{file.stat().st_size / 1e6:.2f}", f"{found - loss:+.5f}", first, f"{speed:,.0f}"]


if __name__ == "__main__":
    main()
