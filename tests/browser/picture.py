"""`python -m tests.browser.picture`: take the pictures of the playground, in light and in dark."""

from pathlib import Path

from tests.browser.driver import APP, driving

ROOT = Path(__file__).parents[2]
PICTURES = {  # of the README, and of the site in the dark
    False: ROOT / "notebooks" / "images" / "playground.png",
    True: ROOT / "docs" / "_static" / "playground_dark.png",
}
SETTINGS = {"hidden": [5, 4], "seed": 0}
STEPS, WEIGHT = 350, 3  # after so many steps, this weight's paths


def main():
    """Train a little, light up the paths of a weight, and take a picture in each theme."""
    with driving(SETTINGS) as driver:
        driver.ask(lambda desk: desk.step(STEPS))
        driver.wait_for(f"frame.steps === {STEPS}")
        driver.page.evaluate(f"{APP}.choose({WEIGHT}, true)")
        for dark, path in PICTURES.items():
            driver.page.evaluate(f"{APP}.setTheme({str(dark).lower()}, true)")
            driver.settle()
            driver.page.screenshot(path=path)
            print(path)


if __name__ == "__main__":
    main()
