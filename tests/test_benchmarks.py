"""The benchmarks run and measure what they say, at tiny sizes; times are not tested."""

import pytest

from tests.benchmarks import engines, workloads
from tests.benchmarks.__main__ import main
from tests.benchmarks.measure import Table, alternate, bytes_a_node


def test_quick_run_prints_a_table_for_every_workload(capsys):
    main(["--quick"])
    printed = capsys.readouterr().out
    for title in ("W1: ", "W3: ", "W4: ", "Import, "):
        assert f"## {title}" in printed
    assert printed.count("autograd-core ") >= 5
    assert "micrograd" in printed.splitlines()[0]


def test_without_peers_ours_are_measured_and_the_absent_named(capsys, monkeypatch):
    monkeypatch.setattr(engines, "find_spec", lambda package: None)
    main(["--quick", "w3"])
    printed = capsys.readouterr().out
    assert "micrograd absent" in printed
    assert "| autograd-core |" in printed
    assert "| micrograd" not in printed


def test_unknown_workload_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        main(["w99"])
    assert "unknown: w99" in capsys.readouterr().err


def test_losses_that_differ_are_an_error():
    workloads.check_agreement({"a": [1.0, 2.0], "b": [1.0, 2.0 + 1e-12]})
    with pytest.raises(ValueError, match="a and b differ by"):
        workloads.check_agreement({"a": [1.0, 2.0], "b": [1.0, 2.1]})
    with pytest.raises(ValueError, match="a and b differ by nan"):
        workloads.check_agreement({"a": [1.0], "b": [float("nan")]})


def test_first_round_is_not_counted():
    calls = []
    alternate({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3


@pytest.mark.parametrize("graph", [workloads.chain, workloads.wide])
def test_a_node_of_a_big_graph_takes_at_most_260_bytes(graph):
    ours = engines.Ours()
    nodes = ours.nodes(graph(ours, 10_000))
    assert nodes == pytest.approx(10_000, rel=0.01)
    assert 80 < bytes_a_node(lambda: graph(ours, 10_000), nodes) <= 260


def test_table_is_aligned_markdown():
    table = Table("T", ["name", "ms"], [["long name", "1"]])
    assert str(table).splitlines()[2:] == [
        "| name      | ms |",
        "|-----------|---:|",
        "| long name |  1 |",
    ]
