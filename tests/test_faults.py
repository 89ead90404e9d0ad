"""What a fault leaves behind: the whole step or nothing, the old file or the new one."""

import contextlib
import dis
import gc
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tqdm.auto import tqdm

import autograd_core.files
import nn.optim
from autograd_core import compile
from autograd_core.compiler.executors import numpy as numpy_executor
from autograd_core.engine import RECORDERS
from nn import MLP, SGD, Adam, fit, load, save
from nn.__main__ import main
from nn.losses import mse

# --- Ctrl-C at any moment of a training -------------------------------------------------------

FILES = ("fit", "loop", "slopes", "stacks", "examples")
MODULES = [nn.optim, contextlib, *[import_module(f"nn.train.{name}") for name in FILES]]
TRAINING = [module.__file__ for module in MODULES]
SOURCE = [str(Path(package).parent) for package in (autograd_core.__file__, nn.__file__)]
EPOCHS = 3
XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


class Moments:
    """The moments at which Python looks whether Ctrl-C was pressed, in code of these files.

    They are after a call, at the start of a function and at a jump back. Inside, moments are
    listed, and at the one of the given number, KeyboardInterrupt is raised.
    """

    def __init__(self, files, stop_at=None):
        self.files, self.stop_at, self.passed, self.latest = tuple(files), stop_at, [], {}

    def __enter__(self):
        self.tracer = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *raised):
        sys.settrace(self.tracer)

    def enter(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(self.files):
            return None
        frame.f_trace_opcodes = True
        return self.at

    def at(self, frame, event, argument):
        if event == "return":
            self.latest.pop(id(frame), None)
        elif event == "opcode":
            place = (frame.f_code, self.latest.get(id(frame)))
            self.latest[id(frame)] = frame.f_lasti
            if looks(*place):
                self.passed.append(place)
                if len(self.passed) - 1 == self.stop_at:
                    raise KeyboardInterrupt
        return self.at


@cache
def instructions(code):
    return {instruction.offset: instruction.opname for instruction in dis.get_instructions(code)}


def looks(code, offset):
    """Whether Python looks for signals after this instruction."""
    name = instructions(code).get(offset, "")
    return name.startswith(("CALL", "RESUME", "JUMP_BACKWARD"))


def moments(run, files):
    """The first and the last time of every place in the code of these files."""
    with Moments(files) as listed:
        run()
    first = {place: i for i, place in reversed(list(enumerate(listed.passed)))}
    last = {place: i for i, place in enumerate(listed.passed)}
    return sorted({*first.values(), *last.values()})


class Training:
    """A training, and what it must leave behind wherever it stops."""

    def __init__(self, compiled, watched, optimizer=Adam, *, progress=True):
        self.options = {"compile": compiled, "loss": mse, "epochs": EPOCHS, "progress": progress}
        self.watched, self.optimizer = watched, optimizer
        self.states, self.records = [], []
        self.new()
        self.states.append(self.state())
        self.run(callbacks=[lambda _: self.states.append(self.state())])

    def new(self):
        self.model, self.steps = MLP(2, [2, 1], activation="tanh", seed=0), self.optimizer(0.05)
        self.history = None

    def run(self, callbacks=()):
        self.new()
        callbacks = [*callbacks, self.watch] if self.watched else callbacks
        fit(self.model, *XOR, optimizer=self.steps, callbacks=callbacks, **self.options)

    def watch(self, history):
        self.history = history

    def state(self):
        """Bits of the parameters, and the optimiser's state of each, its steps counted there."""
        parameters = self.model.parameters()
        return [p.data.hex() for p in parameters], [self.steps.state_of(p) for p in parameters]

    def check(self):
        """The parameters, and all that belongs to them, are of the last finished step."""
        assert self.state() in self.states
        assert gc.isenabled()
        assert not RECORDERS
        assert not tqdm._instances  # noqa: SLF001  closed bars are no longer among them
        if self.history:
            assert len(self.history.loss) == len(self.history.accuracy) <= EPOCHS
            assert len(self.history.loss) >= self.states.index(self.state()) - 1

    def interrupted_at(self, moment, files):
        stopped = False
        try:
            with Moments(files, moment):
                self.run()
        except KeyboardInterrupt:
            stopped = True
        return stopped


compiled_or_not = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
watched_or_not = pytest.mark.parametrize("watched", [True, False], ids=["callback", "none"])


def interrupt(training, files, share, rng):
    """Interrupt a training at a share of its moments."""
    found = moments(training.run, files)
    chosen = sorted(rng.sample(found, max(1, round(share * len(found)))))
    for moment in chosen:
        assert training.interrupted_at(moment, files), "something has caught the interrupt"
        training.check()
    return len(chosen)


@compiled_or_not
@watched_or_not
def test_ctrl_c_leaves_the_last_finished_step(compiled, watched):
    assert interrupt(Training(compiled, watched), TRAINING, 0.04, random.Random(0)) > 5


@pytest.mark.slow
@compiled_or_not
@watched_or_not
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_ctrl_c_at_every_moment_leaves_the_last_finished_step(compiled, watched, optimizer):
    training = Training(compiled, watched, optimizer)
    assert interrupt(training, TRAINING, 1.0, random.Random(0)) > 100


@pytest.mark.slow
@compiled_or_not
def test_ctrl_c_inside_of_the_engine_leaves_the_last_finished_step(compiled):
    training = Training(compiled, watched=False)
    assert interrupt(training, [*SOURCE, contextlib.__file__], 0.15, random.Random(0)) > 50


def test_ctrl_c_in_a_program_leaves_all_that_later_calls_read():
    model = MLP(2, [3, 3, 1], activation="tanh", seed=0)  # whose biases are weights of ones
    program = compile(model, batched=True, executor="numpy")
    files = [numpy_executor.__file__]

    def run(n):
        value, slopes = program.value_and_gradient(np.arange(2.0 * n).reshape(n, 2))
        return value, slopes.tolist()

    expected = [run(3), run(5)]
    for moment in moments(lambda: run(3), files):
        run(5)
        with pytest.raises(KeyboardInterrupt), Moments(files, moment):
            run(3)
        assert [run(3), run(5)] == expected


@pytest.mark.slow
@compiled_or_not
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer sends a signal here")
# A signal may come inside of what Hypothesis does after each collection, where Python drops it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_at_any_time_leaves_the_last_finished_step(compiled):
    training = Training(compiled, watched=True, progress=False)  # tqdm may be cut anywhere, too
    start = time.perf_counter()
    training.run()
    whole = time.perf_counter() - start
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    stopped = 0
    try:
        for i in range(200):
            try:
                signal.setitimer(signal.ITIMER_REAL, whole * (i + 1) / 200)
                training.run()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                stopped += 1
            training.check()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stopped > 20


@compiled_or_not
def test_training_goes_on_after_ctrl_c_to_the_same_bits(compiled):
    training = Training(compiled, watched=True)
    files, final = TRAINING, training.states[-1]
    found = moments(training.run, files)
    assert training.interrupted_at(found[len(found) // 2], files)
    done = training.states.index(training.state())
    fit(
        training.model,
        *XOR,
        optimizer=training.steps,
        **training.options | {"epochs": EPOCHS - done},
    )
    assert training.state() == final


# --- A callback that raises ------------------------------------------------------------------


@compiled_or_not
def test_what_a_callback_changed_before_it_raised_stays(compiled):
    model = MLP(2, [2, 1], seed=0)

    def change(history):
        model.parameters()[0].data = 0.25
        raise RuntimeError("changed")

    with pytest.raises(RuntimeError, match="changed"):
        fit(
            model,
            *XOR,
            loss=mse,
            optimizer=SGD(0.1),
            epochs=2,
            progress=False,
            compile=compiled,
            callbacks=[change],
        )
    assert model.parameters()[0].data == 0.25


# --- Files -----------------------------------------------------------------------------------


def model_of(seed):
    return MLP(20, [20, 1], seed=seed)


@pytest.fixture
def saved(tmp_path):
    """A path to a model, and the files that are allowed there: the old one and a new one."""
    path, allowed = tmp_path / "model.json", []
    for seed in (1, 0):
        save(model_of(seed), path)
        allowed.append(path.read_bytes())
    return path, allowed


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # open() may be cut
def test_ctrl_c_at_every_moment_of_save_leaves_the_old_file_or_the_new_one(saved):
    path, allowed = saved
    files = [autograd_core.files.__file__]
    for moment in moments(lambda: save(model_of(0), path), files):
        save(model_of(0), path)
        with pytest.raises(KeyboardInterrupt), Moments(files, moment):
            save(model_of(1), path)
        assert path.read_bytes() in allowed
        assert list(path.parent.iterdir()) == [path]


KILLED = """
import os, signal, sys
from autograd_core import files
from nn import MLP, save

def trace(frame, event, argument):
    global left
    if frame.f_code is files.write_whole.__code__ and event == "line":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

path, left = sys.argv[1], int(sys.argv[2])
model = MLP(20, [20, 1], seed=1)
sys.settrace(trace)
save(model, path)
"""


def python(*command, **options):
    return subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False, **options
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process is killed here")
@pytest.mark.parametrize(
    "line", [6, *[pytest.param(n, marks=pytest.mark.slow) for n in range(1, 30)]]
)
def test_a_kill_during_save_leaves_the_old_file_or_the_new_one(saved, line):
    path, allowed = saved
    killed = python("-c", KILLED, path, line).returncode == -signal.SIGKILL
    assert path.read_bytes() in allowed
    assert killed or path.read_bytes() == allowed[0]
    save(model_of(1), path)  # and what it left in the folder is in nobody's way
    assert path.read_bytes() == allowed[0]
    hidden = [other for other in path.parent.iterdir() if other != path]
    assert len(hidden) <= 1
    assert all(other.name.startswith(".model.json.") for other in hidden)


def test_what_a_killed_process_of_the_same_number_left_is_in_nobodys_way(saved, monkeypatch):
    path, allowed = saved
    monkeypatch.setattr(os, "fsync", lambda _: os.link(temporary(path), path.parent / "kept"))
    save(model_of(0), path)
    monkeypatch.undo()
    (path.parent / "kept").rename(path.parent / NAME[0])
    save(model_of(1), path)
    assert path.read_bytes() == allowed[0]


NAME = []


def temporary(path):
    """The file that is being written beside a path."""
    (found,) = [other for other in path.parent.iterdir() if other != path]
    NAME[:] = [found.name]
    return found


OUT = ["boundary.png", "graph.svg", "loss.png", "model.json"]


def contents(out):
    return {name: (out / name).read_bytes() for name in OUT}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process is killed here")
def test_a_killed_command_leaves_every_old_file_whole_or_a_new_one(tmp_path):
    command = [sys.executable, "-m", "nn", "--data", "xor", "--epochs", "2", "--out", tmp_path]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*command, "--seed", "1"], check=True, **quiet)
    new = contents(tmp_path)
    start = time.perf_counter()
    subprocess.run([*command, "--seed", "0"], check=True, **quiet)
    whole = time.perf_counter() - start
    old = contents(tmp_path)
    assert len({*old.values(), *new.values()}) == 8  # any file tells which of the two it is
    mixed = 0
    for wait in [0.5 * whole, 0.8 * whole, None, None]:  # None: until the first file is there
        process = subprocess.Popen([*command, "--seed", "1"], **quiet)
        deadline = time.perf_counter() + (60 if wait is None else wait)
        while time.perf_counter() < deadline and process.poll() is None:
            if wait is None and (tmp_path / "model.json").read_bytes() != old["model.json"]:
                break
        process.kill()
        process.wait()
        found = contents(tmp_path)
        assert all(found[name] in (old[name], new[name]) for name in OUT)
        mixed += found != old
        for name, content in old.items():
            (tmp_path / name).write_bytes(content)
    assert mixed


# --- A disk that is full, a folder that is read-only ------------------------------------------


@contextlib.contextmanager
def tiny_disk():
    """A folder on a file system with room for a few kilobytes."""
    folder = Path(tempfile.mkdtemp())
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        if not mounted:
            pytest.skip("mounting a small file system needs Linux and the rights of its root")
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


@contextlib.contextmanager
def read_only():
    """A folder into which nobody may write; root, who may everywhere, is someone else inside."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        out.mkdir()
        save(model_of(0), out / "model.json")
        out.chmod(0o555)
        Path(folder).chmod(0o755)
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            if os.access(out, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
                pytest.skip("everybody may write everywhere here")
            yield out
        finally:
            if root:
                os.seteuid(0)
            out.chmod(0o755)


def test_a_full_disk_leaves_the_old_model(saved):
    with tiny_disk() as folder:
        path = folder / "model.json"
        save(MLP(8, [8, 1], seed=0), path)
        old = path.read_bytes()
        with pytest.raises(OSError, match="No space left"):
            save(MLP(40, [40, 1], seed=0), path)
        assert path.read_bytes() == old
        assert list(folder.iterdir()) == [path]


def test_a_read_only_folder_leaves_the_old_model():
    with read_only() as folder:
        path = folder / "model.json"
        with pytest.raises(PermissionError):
            save(model_of(1), path)
        assert list(folder.iterdir()) == [path]
        assert load(path).parameters()[0].data == model_of(0).parameters()[0].data


TRAIN = ["--data", "xor", "--hidden", "2", "--epochs", "1", "--out"]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """What the command trains and draws with: who cannot read the library later need not."""
    assert main([*TRAIN, str(tmp_path_factory.mktemp("out"))]) == 0


@pytest.fixture
def command(capsys, loaded):
    """The command: its exit code, and what it says of errors."""

    def run(out):
        code = main([*TRAIN, str(out)])
        errors = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
        return code, errors

    return run


@pytest.mark.slow
def test_the_command_says_that_the_disk_is_full(command):
    with tiny_disk() as folder:
        code, errors = command(folder)
        assert code == 1
        assert errors
        assert all("No space left" in error for error in errors)
        whole = {path.name for path in folder.iterdir()}
        assert whole <= set(OUT)
        load(folder / "model.json")


@pytest.mark.slow
def test_the_command_says_that_the_folder_is_read_only(command):
    with read_only() as folder:
        code, (error,) = command(folder)
        assert code == 1
        assert "Permission denied" in error
        assert [path.name for path in folder.iterdir()] == ["model.json"]


@pytest.mark.slow
def test_ctrl_c_while_the_files_are_written_says_which_are(monkeypatch, tmp_path, capsys):
    def interrupted(path, content):
        raise KeyboardInterrupt

    monkeypatch.setattr("nn.command.folder.write_whole", interrupted)
    assert main([*TRAIN, str(tmp_path)]) == 130
    assert "interrupted: only model.json was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # opens and reads at once, or not at all
    try:
        save(MLP(2, [1], seed=0), pipe)
        assert b'"format"' in os.read(reader, 1_000_000)
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_link_is_followed_and_stays_a_link(saved):
    path, allowed = saved
    link = path.with_name("latest.json")
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("no link can be made here")
    save(model_of(1), link)
    assert link.is_symlink()
    assert path.read_bytes() == allowed[0]
