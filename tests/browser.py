"""A page in headless Chromium: its DOM, the console, the hosts it asks, its width and smallest letters on a phone."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
PHONE = 360
FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking
--disable-component-update --disable-sync --enable-logging=stderr --v=0 --virtual-time-budget=3000
--allow-file-access-from-files --dump-dom""".split()
OWN_SERVICES = ("google.com", "googleapis.com", "gstatic.com", "google-analytics.com")
MEASURE = """<!doctype html><body style="margin:0"><iframe id="it" src="PAGE" style="border:0;width:360px;height:800px">
</iframe><pre id="widths"></pre><script>
document.getElementById("it").onload = event => {
  const page = event.target.contentDocument, sizes = [];
  for (const node of page.querySelectorAll("body *")) {
    if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
    if (!node.getClientRects().length) continue;
    const svg = node.closest("svg"), scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    sizes.push(scale * parseFloat(event.target.contentWindow.getComputedStyle(node).fontSize));
  }
  const widths = {width: page.documentElement.scrollWidth, smallest: Math.min(...sizes), texts: sizes.length};
  document.getElementById("widths").textContent = JSON.stringify(widths);
};</script>"""


def browse(page: Path, folder: Path, *flags: str) -> tuple[str, str, set[str]]:
    """The page's DOM, what the console said, and the hosts that were asked for something."""
    assert BROWSER is not None
    log = folder / f"{page.stem}-net.json"
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / f'{page.stem}-profile'}", f"--log-net-log={log}", *flags]
    done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    console = "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    asked = {urlsplit(url).hostname or "" for url in re.findall(r'"url":"(https?://[^"]+)"', log.read_text())}
    return done.stdout, console, {host for host in asked if not host.endswith(OWN_SERVICES)}


def measured(page: Path, folder: Path) -> dict[str, float]:
    """Width of the page and its smallest letters, in a frame as wide as a phone."""
    frame = folder / f"frame-{page.stem}.html"
    frame.write_text(MEASURE.replace("PAGE", page.as_uri()))
    dom = browse(frame, folder)[0]
    found = re.search(r'<pre id="widths">(\{.+?\})</pre>', dom)
    assert found, dom[-500:]
    return dict(json.loads(found[1]))
