"""The small tables of the notebooks."""

from __future__ import annotations

from tests.support.archives import make_contents
from workbench import Inspection
from workbench.lessons import measurements_table


def test_a_map_that_survives_random_weights_is_called_insensitive():
    contents = make_contents(4, 3)
    contents.measurements["sanity"]["attention"] = {"rank_correlation": 0.9, "baseline": 0.3, "verdict": "insensitive"}
    table = measurements_table(Inspection.of(contents))
    verdicts = {row[0]: row[-1] for row in table.rows}
    assert verdicts["Attention A"] == "0.90, chance 0.30: insensitive"
    assert verdicts["Confidence σ(S)"].endswith(": sensitive")
    assert verdicts["(random map)"] == "–"
    assert "insensitive" in table._repr_html_()
