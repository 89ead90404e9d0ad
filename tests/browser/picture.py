"""`python -m tests.browser.picture`: take the pictures of the playground, in light and in dark."""

import sys
import tempfile
from pathlib import Path

from tests.browser.alone import Alone
from tests.browser.driver import APP, Driver
from tests.browser.lab import browser, missing

ROOT = Path(__file__).parents[2]
PICTURES = {  # of the README, and of the site in the dark
    False: ROOT / "notebooks" / "images" / "playground.png",
    True: ROOT / "docs" / "_static" / "playground_dark.png",
}
SETTINGS = {"hidden": [5, 4], "seed": 0}
STEPS, WEIGHT = 350, 3  # after so many steps, this weight's paths


def main():
    """Train a little, light up the paths of a weight, and take a picture in each theme."""
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with folder as name, Alone(SETTINGS).running() as alone, browser(Path(name)) as context:
        driver = Driver(context.pages[0], alone)
        driver.page.goto(alone.address)
        driver.begin(SETTINGS)
        driver.ask(lambda desk: desk.step(STEPS))
        driver.wait_for(f"frame.steps === {STEPS}")
        driver.page.evaluate(f"{APP}.choose({WEIGHT}, true)")
        for dark, path in PICTURES.items():
            driver.page.evaluate(f"{APP}.setTheme({str(dark).lower()}, true)")
            driver.settle()
            driver.page.screenshot(path=path)
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
