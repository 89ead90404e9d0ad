"""docs/beyond_one_machine.md: what it shows for JAX, pools and clusters runs as it stands."""

import os
import re
import subprocess
import sys

import pytest

from tools.readme import ROOT

PAGE = (ROOT / "docs" / "beyond_one_machine.md").read_text(encoding="utf-8")
SCRIPTS = [code for code in re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL) if "import" in code]
PACKAGES = ("jax", "distributed", "pandas", "onnx")
EXPECTED = ["DataFrame", "4", "True", "[[0.]", ""]


def needed(code):
    """Marks for the packages that a script imports, or has imported."""
    return pytest.mark.needs(*[package for package in PACKAGES if package in code])


@pytest.mark.slow
@pytest.mark.parametrize(
    "number", [pytest.param(k, marks=needed(code)) for k, code in enumerate(SCRIPTS)]
)
def test_the_scripts_of_the_page_run(number, tmp_path):
    code = SCRIPTS[number]
    path = tmp_path / "script.py"
    path.write_text(code.replace("print(found.to_pandas())", "print(type(found.to_pandas()))"))
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    found = subprocess.run(
        [sys.executable, path],
        env={**os.environ, **flags, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    assert EXPECTED[number] in found.stdout


def test_every_script_says_what_is_expected():
    assert len(SCRIPTS) == len(EXPECTED)
