"""Our nets in scikit-learn: its own checks, pipelines, searches; and what its nets lack."""

import doctest

import numpy as np
import pytest

from nn import MLP, SGD, datasets, fit, losses


@pytest.fixture
def nets():
    """Our estimators; scikit-learn takes a second to import, and is where it is used."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    import nn.sklearn

    return nn.sklearn


def test_its_docstrings_are_true(nets):
    assert doctest.testmod(nets) == (0, 5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_scikit_learn_checks_an_estimator(nets, name):
    from sklearn.utils.estimator_checks import check_estimator

    checked = check_estimator(getattr(nets, name)(random_state=0), on_skip=None)
    assert len(checked) > 40
    assert {check["status"] for check in checked} <= {"passed", "skipped"}


SHUFFLED = np.random.default_rng(0).permutation(60)  # for folds are taken in order
X, Y = [np.array(column)[SHUFFLED] for column in datasets.moons(60)]


def test_it_is_the_net_that_fit_trains(nets):
    net = nets.MLPClassifier((5,), optimizer="sgd", epochs=20, batch_size=7, random_state=3).fit(
        X, Y
    )
    seed = int(np.random.RandomState(3).randint(2**31))
    model = MLP(2, [5, 1], seed=seed)
    loss = losses.binary_cross_entropy_with_logits
    fit(model, X, Y, loss=loss, optimizer=SGD(0.5), epochs=20, batch_size=7, seed=seed,
        progress=False)  # fmt: skip
    assert [p.data for p in net.model_.parameters()] == [p.data for p in model.parameters()]
    assert len(net.history_.loss) == 20


def test_it_works_in_a_pipeline_and_a_score(nets):
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), nets.MLPClassifier((8,), lr=0.1, random_state=0))
    assert cross_val_score(pipeline, X * 1000, Y, cv=3).mean() > 0.85


@pytest.mark.slow
def test_a_search_runs_in_two_processes(nets):
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    grid = {"mlpclassifier__hidden": [(4,), (8, 4)], "mlpclassifier__activation": ["relu", "tanh"]}
    pipeline = make_pipeline(StandardScaler(), nets.MLPClassifier(epochs=50, random_state=0))
    here, there = [
        GridSearchCV(pipeline, grid, n_jobs=jobs, cv=2).fit(X, Y).cv_results_["mean_test_score"]
        for jobs in (1, 2)
    ]
    assert here.tolist() == there.tolist()
    assert max(here) > 0.8


@pytest.mark.parametrize(
    ("loss", "output", "classes"),
    [
        (None, None, 2),
        ("hinge", None, 2),
        ("binary_cross_entropy", "sigmoid", 2),
        ("nll", None, 2),
        ("mse", "tanh", 2),
        (None, None, 3),
        ("nll", "softmax", 3),
        ("cross_entropy", None, 3),
    ],
)
def test_losses_and_outputs_that_fit_each_other(nets, loss, output, classes):
    points, labels = map(np.array, datasets.blobs(60, classes=classes, seed=1))
    names = np.array(["ant", "bee", "cat"])[labels]
    net = nets.MLPClassifier(
        (6, 4), activation=["relu", "tanh"], loss=loss, output=output, init="he", lr=0.05,
        random_state=0,
    )  # fmt: skip
    assert net.fit(points, names).score(points, names) > 0.9
    assert [layer.activation for layer in net.model_.layers[:2]] == ["relu", "tanh"]
    if loss in {"hinge", "mse"}:
        assert not hasattr(net, "predict_proba")
        return
    shares = net.predict_proba(points)
    np.testing.assert_allclose(shares.sum(1), 1.0, rtol=1e-12)
    assert (net.classes_[shares.argmax(1)] == net.predict(points)).all()


def test_weights_decide_between_labels_that_contradict_each_other(nets):
    points, labels = [[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1]
    net = nets.MLPClassifier((), lr=0.1, random_state=0)
    assert net.fit(points, labels, [9, 1, 1, 9]).predict([[0.0], [1.0]]).tolist() == [0, 1]
    assert net.fit(points, labels, [1, 9, 9, 1]).predict([[0.0], [1.0]]).tolist() == [1, 0]
    numbers = nets.MLPRegressor((), optimizer="sgd", lr=0.2, random_state=0)
    fitted = numbers.fit(points, [0.0, 1.0, 0.0, 1.0], [3, 1, 1, 3])
    np.testing.assert_allclose(fitted.predict([[0.0], [1.0]]), [0.25, 0.75], rtol=1e-6)


def test_several_numbers_for_an_example(nets):
    targets = np.column_stack([X[:, 0], X[:, 1] - 1])
    net = nets.MLPRegressor((), output="linear", lr=0.1, random_state=0).fit(X, targets)
    assert net.predict(X).shape == (60, 2)
    assert net.score(X, targets) > 0.99


def test_what_cannot_be_is_refused_by_name(nets):
    with pytest.raises(ValueError, match="the loss hinge tells two classes apart, and there are 3"):
        nets.MLPClassifier(loss="hinge").fit(np.eye(3), [0, 1, 2])
    with pytest.raises(ValueError, match="unknown optimizer 'sdg'"):
        nets.MLPClassifier(optimizer="sdg").fit(X, Y)
    with pytest.raises(TypeError, match="hidden must be a list or an array, got 5"):
        nets.MLPClassifier(hidden=5).fit(X, Y)
    with pytest.raises(ValueError, match="unknown loss 'rmse'"):
        nets.MLPRegressor(loss="rmse").fit(X, Y)
