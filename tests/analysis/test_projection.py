import sys

import numpy as np
import pytest

from workbench.analysis.projection import project
from workbench.errors import WorkbenchError


def epochs(count=3, points=24, width=6):
    """Two groups that move apart."""
    random = np.random.default_rng(0)
    group = np.arange(points) % 2
    away = np.eye(width)[0] * np.where(group, 1, -1)[:, None]
    noise = random.normal(size=(points, width)) * [1, 1, 0.5, 0.5, 0.2, 0.2]
    return [noise + step * away for step in range(count)], group


def test_pca_is_fitted_on_the_last_epoch_and_applied_to_all():
    from sklearn.decomposition import PCA

    values, _ = epochs()
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in values]
    fitted = PCA(2).fit(unit[-1])
    points = project(values)
    assert points.shape == (3, 24, 2)
    assert points.dtype == np.float32
    for part, expected in zip(points, unit, strict=True):
        np.testing.assert_allclose(np.abs(part), np.abs(fitted.transform(expected)), atol=1e-5)
    alone = project(values[-1:])
    np.testing.assert_allclose(points[-1], alone[0], atol=1e-6)


@pytest.mark.parametrize("method", ["pca", "tsne", pytest.param("umap", marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_points_and_groups_stay_groups(method):
    if method == "umap":
        pytest.importorskip("umap", reason="umap-learn is an optional extra")
    values, group = epochs(points=40)
    points = project(values, method, seed=3)
    np.testing.assert_array_equal(points, project(values, method, seed=3))
    assert points.shape == (3, 40, 2)
    assert np.isfinite(points).all()
    last = points[-1]
    means = np.stack([last[group == side].mean(0) for side in (0, 1)])
    nearest = np.linalg.norm(last[:, None] - means, axis=2).argmin(1)
    assert (nearest == group).mean() > 0.9


def test_epochs_that_are_the_same_lie_on_each_other():
    values, _ = epochs()
    points = project([values[0], values[2], values[2]], "pca")
    np.testing.assert_allclose(points[1], points[2], atol=1e-6)
    assert not np.allclose(points[0], points[1], atol=0.1)
    joint = project([values[2], values[2]], "tsne")
    spread = joint.reshape(-1, 2).std()
    assert np.linalg.norm(joint[0] - joint[1], axis=1).mean() < spread


def test_what_cannot_be_projected_is_refused_in_a_sentence(monkeypatch):
    values, _ = epochs()
    with pytest.raises(WorkbenchError, match='Did you mean "tsne"'):
        project(values, "t-sne")
    with pytest.raises(WorkbenchError, match=r"one \[P, D\] for all epochs"):
        project([values[0], values[1][:-1]])
    with pytest.raises(WorkbenchError, match="3 points are too few"):
        project([values[0][:3]])
    with pytest.raises(WorkbenchError, match="not finite"):
        project([np.full((8, 3), np.nan)])
    with pytest.raises(WorkbenchError, match="at most 20000"):
        project([np.ones((10_001, 2))] * 2, "tsne")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(WorkbenchError, match=r"workbench\[umap\]"):
        project(values, "umap")
