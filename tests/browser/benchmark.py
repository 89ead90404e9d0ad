"""How smooth the playground is: `python -m tests.browser.benchmark [seconds]`.

Prints the frames painted a second, training included, and the time from a click on Pause to the
last step of training, for a model of 2-16-16-1 with a boundary of 100 x 100.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.browser.lab import Lab, browser, missing, open_notebook

CODE = """
from nn.playground import Playground
p = Playground(state={"hidden": [16, 16], "n": 100, "batch": 100, "lr": 0.003})
p
"""
SPY = """
import time
last = [0.0]
step = p.session.step
def spied():
    step()
    last[0] = time.time()
p.session.step = spied
"""
PAINTED = "document.querySelector('.pg').playground.painted"


def main(seconds=10.0):
    """Print the measurements."""
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        lab = Lab(Path(folder))
        with lab.running(), browser(Path(folder) / "profile") as context:
            page = context.pages[0]
            lab.write("benchmark.ipynb", CODE)
            kernel = open_notebook(page, lab, "benchmark.ipynb")
            for speed in ("epoch", "fast"):
                measure_frames(page, kernel, speed, seconds)
            measure_stops(page, kernel)
            kernel.close()
    return 0


def measure_frames(page, kernel, speed, seconds):
    """Frames painted and steps made in a second of play."""
    page.select_option(".pg-speed", speed)
    page.click(".pg-play")
    page.wait_for_timeout(1500)
    frames, steps, start = page.evaluate(PAINTED), kernel.get("p.session.steps"), time.monotonic()
    page.wait_for_timeout(1000 * seconds)
    frames, steps = page.evaluate(PAINTED) - frames, kernel.get("p.session.steps") - steps
    taken = time.monotonic() - start
    page.click(".pg-play")
    page.wait_for_selector("text=Play")
    print(f"{speed}: {frames / taken:.1f} frames painted and {steps / taken:.0f} steps a second")


def measure_stops(page, kernel, times=12):
    """From the click in the page to the last step in Python; both read the same clock."""
    kernel.run(SPY)
    taken = []
    for _ in range(times):
        page.click(".pg-play")
        page.wait_for_timeout(700)
        clicked = page.evaluate(
            "() => { const t = Date.now(); document.querySelector('.pg-play').click(); return t; }"
        )
        page.wait_for_timeout(500)
        taken.append(max(0.0, kernel.get("last[0]") - clicked / 1000))
    print(f"click to stop: median {median(taken):.3f} s, longest {max(taken):.3f} s of {times}")


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
