"""The benchmarks run and measure what they say, at tiny sizes; times are not tested."""

import json

import numpy as np
import pytest

from tests.benchmarks import by_hand, eager, limit, measure, ours, peers, problems, processes
from tests.benchmarks.__main__ import main

pytestmark = pytest.mark.slow
ALL = sorted({package for package, _ in peers.PEERS.values()} - {"numpy"})
HEAVY = sorted(set(ALL) - {"micrograd"})  # they take seconds to import


def test_quick_run_prints_a_table_for_every_workload(capsys):
    main(["--quick", "--without", *HEAVY])
    printed = capsys.readouterr().out
    titles = [line for line in printed.splitlines() if line.startswith("## ")]
    starts = (
        "W1",
        "W2",
        "W3",
        "W4",
        "W5",
        "Eager",
        "Recording",
        "Import",
        "The same",
        "microgpt",
        "One op",
        "JAX",
        "Sweep",
        "Functions",
        "Training",
        "Machine code",
        "Summary",
    )
    for start in starts:
        assert any(title.startswith(f"## {start}") for title in titles)
    assert "torch absent" in printed.splitlines()[1]


def test_without_peers_ours_and_numpy_are_measured_and_the_absent_named(capsys):
    main(["w1", "eager", "--quick", "--without", *ALL])
    printed = capsys.readouterr().out
    for package in ALL:
        assert f"{package} absent" in printed.splitlines()[1]
    assert "| NumPy by hand " in printed
    assert "| autograd-core " in printed
    assert not any(line.startswith("| micrograd ") for line in printed.splitlines())


def test_unknown_workload_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        main(["w99"])
    assert "unknown: w99" in capsys.readouterr().err


def test_targets_are_printed_beside_the_ratios(capsys):
    main(["w1", "w2", "recording", "--quick", "--without", *ALL])
    lines = capsys.readouterr().out.splitlines()
    by_hand_rows = [line for line in lines if line.startswith("| NumPy by hand ")]
    assert len(by_hand_rows) == 2
    assert all("ours at most 1.3x" in row for row in by_hand_rows)
    assert any(line.endswith("under 0.1 s |") for line in lines)


PROBLEMS = {
    "hinge": problems.moons(measure.Size(examples=10, hidden=(3, 2))),
    "cross entropy": problems.digits(5, real=False),
}


@pytest.mark.parametrize("engine", [by_hand.by_hand, by_hand.in_buffers, ours.compiled, ours.Fit])
@pytest.mark.parametrize("loss", PROBLEMS)
def test_losses_are_those_of_eager_training(engine, loss):
    problem = PROBLEMS[loss]
    assert engine(problem).losses(20) == pytest.approx(ours.eager(problem).losses(20), abs=1e-10)


def test_whole_batch_as_micrograd_writes_it_trains_the_same():
    problem = PROBLEMS["hinge"]
    assert ours.whole_batch(problem).losses(5) == pytest.approx(
        ours.eager(problem).losses(5), abs=1e-12
    )


def test_losses_that_differ_are_an_error():
    measure.check_agreement({"a": [1.0, 2.0], "b": [1.0, 2.0 + 1e-12]})
    with pytest.raises(ValueError, match="a and b differ by"):
        measure.check_agreement({"a": [1.0, 2.0], "b": [1.0, 2.1]})
    with pytest.raises(ValueError, match="a and b differ by nan"):
        measure.check_agreement({"a": [1.0], "b": [float("nan")]})


def test_a_process_that_trained_another_model_is_an_error():
    layers = problems.moons(measure.QUICK).layers()
    one = json.dumps([(W.T.tolist(), b.tolist()) for W, b in layers])
    other = json.dumps([(W.T.tolist(), (b + 1).tolist()) for W, b in layers])
    problem = problems.moons(measure.QUICK)
    processes.check_results(problem, {"a": one, "b": one}, measure.QUICK)
    with pytest.raises(ValueError, match="b trained another model"):
        processes.check_results(problem, {"a": one, "b": other}, measure.QUICK)
    wrong = json.dumps([(np.zeros_like(W.T).tolist(), b.tolist()) for W, b in layers])
    with pytest.raises(ValueError, match="a did not reach"):
        processes.check_results(problem, {"a": wrong}, measure.FULL)


def test_first_round_is_not_counted():
    calls = []
    measure.alternate({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3


@pytest.mark.parametrize("graph", [eager.chain, eager.wide])
def test_a_node_of_a_big_graph_takes_at_most_260_bytes(graph):
    engine = eager.Ours()
    nodes = engine.nodes(graph(engine, 10_000))
    assert nodes == pytest.approx(10_000, rel=0.01)
    assert 80 < measure.bytes_a_node(lambda: graph(engine, 10_000), nodes) <= 260


def test_table_is_aligned_markdown():
    table = measure.Table("T", ["name", "ms"], [["long name", "1"]])
    assert str(table).splitlines()[2:] == [
        "| name      | ms |",
        "|-----------|---:|",
        "| long name |  1 |",
    ]


def test_summary_has_a_row_for_each_workload_that_was_timed():
    timed = measure.Table("W", [], [], seconds={"ours": 2e-5, "NumPy by hand": 1e-5, "else": 1.0})
    summary = measure.summary([timed, measure.Table("untimed", [], [])])
    assert [row[:3] for row in summary.rows] == [["W", "20.0 µs", "10.0 µs (0.500x)"]]


def test_jax_and_sweeps_print_their_ratios_and_targets(capsys):
    pytest.importorskip("jax", reason="JAX is not installed")
    main(["jax", "sweep", "--quick"])
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.endswith("at most 1.2 |") for line in lines) == 4
    assert any(line.endswith("at most 0.5 s |") for line in lines)


@pytest.mark.skipif(limit.compiler() is None, reason="no C compiler is installed")
def test_the_limit_leaves_the_smallest_numbers_what_they_are():
    limit.built((2, 1), 3, 4, hinge=True, adam=False)
    smallest = np.array([5e-324])
    assert (smallest > 0).all()
