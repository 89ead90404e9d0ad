"""The limit: the same training in plain C, `limit.c`, as far as a compiler gets with it."""

import ctypes
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

SOURCE = Path(__file__).with_name("limit.c")
FAST = [  # -ffast-math but for what it does to the process: subnormal numbers are no zeros
    "-fno-math-errno",
    "-ffinite-math-only",
    "-fno-signed-zeros",
    "-fno-trapping-math",
    "-fassociative-math",
    "-freciprocal-math",
]
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", *FAST, "-fPIC", "-shared"]


def compiler():
    """The C compiler, or None."""
    return shutil.which("gcc") or shutil.which("clang")


def trained(problem, batch, optimizer, rate):
    """`train(epochs)`, which goes on with the training: the mean loss of each epoch."""
    flat = [part.ravel() for W, b in problem.layers() for part in (W.T, b)]
    theta = np.concatenate(flat)
    sizes = (problem.X.shape[1], *problem.sizes)
    function = built(sizes, theta.size, batch, problem.loss == "hinge", optimizer.name == "adam")
    X, y, order = problem.X, problem.y.astype(float), np.arange(problem.n)
    state, made = np.zeros(2 * theta.size), np.zeros(1)

    def train(epochs):
        losses = np.empty(epochs)
        places = [array.ctypes.data for array in (theta, state, X, y, order, made, losses)]
        function(*places[:5], problem.n, epochs, rate, problem.decay, *places[5:])
        return losses.tolist()

    return train


@cache
def built(sizes, parameters, batch, hinge, adam):
    """The function of the C library that is compiled for one training."""
    facts = {
        "SIZES": ",".join(map(str, sizes)),
        "PARAMETERS": parameters,
        "BATCH": batch,
        "HINGE": int(hinge),
        "ADAM": int(adam),
    }
    defined = [f"-D{name}={fact}" for name, fact in facts.items()]
    with TemporaryDirectory() as folder:
        library = Path(folder, "limit.so")
        command = [compiler(), *FLAGS, *defined, SOURCE, "-o", library, "-lm"]
        subprocess.run(command, check=True)
        function = ctypes.CDLL(library).train
    places, whole, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    function.argtypes = [*[places] * 5, whole, whole, real, real, places, places]
    function.restype = None
    return function
