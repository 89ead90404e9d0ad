"""How smooth the playground is: `python -m tests.browser.benchmark [seconds]`.

On the page alone, in Chromium, for a model of 2-16-16-1: frames painted and steps made a second,
the time from a click on Step to its number on screen, from a drag to its picture, from the command
to the first picture, and the memory.
"""

import gc
import re
import signal
import subprocess
import sys
import time
from statistics import median, quantiles

from tests.browser.driver import APP, driving

SETTINGS = {"hidden": [16, 16], "n": 100, "held_out": 0.0, "lr": 0.003}
CLICK = f"""async () => {{
    const app = {APP}, steps = app.frame.steps, from = performance.now();
    app.connection.send({{ do: 'step' }});
    while (!(app.seen[1].steps > steps)) await new Promise(requestAnimationFrame);
    return performance.now() - from;
}}"""
DRAG = f"""async (value) => {{
    const app = {APP}, q = app.weight, from = performance.now();
    app.setWeight(value);
    while (app.seen[1].theta[q] !== value) await new Promise(requestAnimationFrame);
    return performance.now() - from;
}}"""


def main(seconds=10.0):
    """Print the measurements."""
    with driving(SETTINGS) as driver:
        for speed in (3, 5):
            measure_frames(driver, speed, seconds)
        measure("click to screen", [driver.page.evaluate(CLICK) for _ in range(60)])
        values = [round(0.02 * k, 6) for k in range(100)]
        measure("drag to picture", [driver.page.evaluate(DRAG, v) for v in values])
        measure("command to picture", [1000 * started(driver.page.context) for _ in range(3)])


def started(context):
    """Seconds from the command until the page is painted."""
    start, page = time.monotonic(), context.new_page()
    command = [sys.executable, "-m", "nn", "playground", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        page.goto(re.search(r"http://\S+", process.stdout.readline())[0])
        page.wait_for_function(f"{APP}?.seen")
        return time.monotonic() - start
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        process.stdout.close()
        page.close()


def measure_frames(driver, speed, seconds):
    """Frames painted and steps made in a second of play, and how much memory they leave."""
    driver.page.locator(".pg-speed input").fill(str(speed))
    driver.click("play")
    driver.page.wait_for_timeout(1500)
    before, start = counts(driver), time.monotonic()
    driver.page.wait_for_timeout(1000 * seconds)
    after, taken = counts(driver), time.monotonic() - start
    driver.click("play")
    driver.wait_for("!frame.playing")
    frames, steps, heap, nodes = [b - a for a, b in zip(before, after, strict=True)]
    cost = median(driver.get("app.cost"))
    print(
        f"{driver.get(f'run.speeds[{speed} - 2]')}: {frames / taken:.1f} frames painted and "
        f"{steps / taken:.0f} steps a second; {cost:.1f} ms to paint one; "
        f"{heap / 1e6:+.1f} MB on the page, {nodes:+d} objects in Python"
    )


def counts(driver):
    """Frames painted, steps made, bytes on the page's heap, objects in Python."""
    client = driver.page.context.new_cdp_session(driver.page)
    client.send("HeapProfiler.collectGarbage")
    heap = client.send("Runtime.getHeapUsage")["usedSize"]
    client.detach()
    gc.collect()
    return [driver.get("app.painted"), driver.get("frame.steps"), heap, len(gc.get_objects())]


def measure(what, taken):
    """Median and the highest of 20."""
    print(f"{what}: median {median(taken):.0f} ms, p95 {quantiles(taken, n=20)[-1]:.0f} ms")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
