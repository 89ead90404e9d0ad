"""How many tests each layer has, and how long it takes."""

import re
import subprocess
import sys
import time

from tests.benchmarks.measure import Table, shown
from tools.readme import ROOT

LAYERS = {"quick": ["-m", "not slow"], "long": ["-m", "slow", "-n", "0"]}


def tables():
    rows = [[name, *run(chosen)] for name, chosen in LAYERS.items()]
    yield Table("Layers", ["layer", "passed", "skipped", "failed", "time"], rows)


def run(chosen):
    """What a layer's tests came to: how many passed, were skipped, failed; and the time."""
    start = time.perf_counter()
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    said = subprocess.run(pytest, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    seconds = time.perf_counter() - start
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", said.splitlines()[-1])}
    passed, skipped = counts.get("passed", 0), counts.get("skipped", 0)
    failed = sum(counts.get(word, 0) for word in ("failed", "error", "errors"))
    return [str(passed), str(skipped), str(failed), shown(seconds)]
