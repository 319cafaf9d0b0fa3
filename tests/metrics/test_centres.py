"""Distances to class centres: the definition in a loop, and what degenerate classes give."""

import numpy as np
import pytest

from workbench.errors import WorkbenchError
from workbench.metrics.centres import centre_distances


def cosine_distance(u, v):
    return 1 - float(u @ v) / (np.linalg.norm(u) * np.linalg.norm(v))


def test_it_is_the_definition_in_a_loop():
    random = np.random.default_rng(0)
    classes = random.integers(0, 5, 60)
    classes[classes == 3] = 4  # a class without features
    features = random.normal(0, 1, (60, 7)) + 2 * random.normal(0, 1, (5, 7))[classes]
    found = centre_distances(features, classes, 5)
    units = [vector / np.linalg.norm(vector) for vector in features]
    centres = {label: sum(units[i] for i in range(60) if classes[i] == label) for label in (0, 1, 2, 4)}
    for i in range(60):
        away = {label: cosine_distance(units[i], centre) for label, centre in centres.items()}
        own = away.pop(int(classes[i]))
        assert found.own[i] == pytest.approx(own, abs=1e-5)
        assert found.nearest[i] == pytest.approx(min(away.values()), abs=1e-5)
        assert found.nearest_class[i] == min(away, key=away.get)
        assert found.others[i] == pytest.approx(np.mean(list(away.values())), abs=1e-5)
    assert found.between[0, 4] == pytest.approx(cosine_distance(centres[0], centres[4]), abs=1e-5)
    assert np.isnan(found.between[3]).all()
    assert np.isnan(found.between[:, 3]).all()


def test_half_precision_is_promoted_and_length_does_not_count():
    random = np.random.default_rng(1)
    classes = np.arange(40) % 4
    features = (random.normal(0, 1, (40, 6)) * 50).astype(np.float16)
    found = centre_distances(features, classes, 4)
    scaled = centre_distances(features.astype(np.float64) * random.uniform(0.1, 10, (40, 1)), classes, 4)
    np.testing.assert_allclose(found.own, scaled.own, atol=1e-5)
    assert found.own.dtype == np.float32


def test_one_class_has_no_other_and_zero_features_are_numbers():
    found = centre_distances(np.eye(3), np.zeros(3, dtype=int), 2)
    assert np.isfinite(found.own).all()
    assert np.isnan(found.nearest).all()
    assert found.nearest_class.tolist() == [-1, -1, -1]
    assert np.isfinite(centre_distances(np.zeros((4, 3)), np.arange(4) % 2, 2).nearest).all()
    with pytest.raises(WorkbenchError, match=r"\[3, 3\] and classes \[2\]"):
        centre_distances(np.eye(3), np.zeros(2, dtype=int), 2)
