"""What README.md and studies/README.md say of the studies in prose: each sentence is there, and the file behind it says the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from workbench.lessons import photo_study
from workbench.lessons.atlas import MEASURE, side

ROOT = Path(__file__).parent.parent.parent


def study(name: str) -> dict:
    return json.loads((ROOT / "studies" / f"{name}.json").read_text("utf-8"))


def page(name: str) -> str:
    return " ".join((ROOT / name).read_text("utf-8").split())


def says(sentence: str, name: str = "README.md") -> None:
    assert sentence in page(name), f'{name} does not say "{sentence}"'


def settings(relation: float, **wanted: str) -> list[dict]:
    return [row for row in study("atlas")["summary"] if row["relation"] == relation and all(row[key] == wanted[key] for key in wanted)]


def gain(row: dict, arm: str) -> dict:
    return row["srn_minus"][arm][MEASURE]


def test_where_a_rule_names_the_label_srn_is_above_the_baseline():
    gains = [gain(row, "pooled") for row in settings(1)]
    low, high = (100 * pick(found["mean"] for found in gains) for pick in (min, max))
    says(f"its AP is above the pooled baseline's by {low:.1f} to {high:.1f} points")
    assert [side(found) for found in gains].count(1) == 2
    assert len(gains) == 4
    says("beyond the interval in two of four settings")
    assert any(side(gain(row, "pooled")) > 0 for row in settings(1, images="few")), "with few pictures too, somebody finds the rule"
    assert "nobody finds" not in page("README.md")


def test_no_setting_shows_that_attention_does_it():
    assert not [row for row in settings(1) if side(gain(row, "control")) > 0]
    says("none is better than a matched control without attention")
    assert not [row for row in settings(1, images="many") if side(gain(row, "shuffled")) > 0]
    says("with many pictures none is better than SRN with its cells shuffled")


def test_few_and_many_pictures_differ_in_passes():
    seen = {run["images"]: run["images_through_backbone"] for run in study("atlas")["runs"]}
    assert seen["few"] != seen["many"]
    says(f"Few and many pictures also differ in passes ({seen['few']:,} and {seen['many']:,} images seen)")


def test_without_the_rule_srn_is_below_the_baseline():
    gains = [gain(row, "pooled") for row in settings(0)]
    assert all(found["mean"] < 0 for found in gains)
    assert [side(found) for found in gains].count(-1) == 1
    says("Without the rule SRN's mean is below the baseline's in all four settings, beyond the interval in one.")


@pytest.mark.parametrize("name", ["README.md"])
def test_what_finds_the_pairs_of_the_rule(name):
    found = {(row["relation"], row["arm"], row["readout"]): row for row in study("relations")["summary"]}
    pairs = found[1, "srn", "swapped"]["asked"]
    counts = {arm: found[1, arm, "swapped"]["found"] for arm in ("srn", "control", "pooled")}
    assert counts["srn"] == counts["control"] == pairs
    says(f'less that of "ball" follows all {pairs} in SRN and in the control, and {counts["pooled"]} in the baseline', name)
    assert (found[1, "srn", "gradient"]["found"], found[1, "srn", "weights"]["found"]) == (1, 0)
    says(f"Not from SRN's gradients, which show one of {pairs} true pairs, nor from its weights, which show none.", name)
    says(f"in our study they named none of {found[1, 'srn', 'weights']['asked']} true pairs", name)
    for arm in ("srn", "control", "pooled"):  # why the score of one name alone is not what counts
        assert found[0, arm, "moved"]["found"] == found[0, arm, "moved"]["asked"]


def test_msrn_has_no_gain_that_can_be_told_from_zero():
    gains = {(name, measure): figure for row in study("msrn_atlas")["summary"] for name, found in row["gains"].items()
             for measure, figure in found.items() if measure in ("mAP", "theme_AP", "theme_AP_small", "relational_AP")}  # fmt: skip
    assert gains
    assert not [name for name, figure in gains.items() if side(figure) > 0]
    says("label graph and groups: no gain that can be told from zero")
    share = {name: figure["mean"] / figure["half_width"] for (name, measure), figure in gains.items() if measure == "mAP"}
    assert max(share, key=share.get) == "three layers"
    says("Its three layers come nearest to a gain.")


def test_whom_the_discriminative_loss_pulls_apart():
    rows = study("disc_atlas")["summary"]
    by_host = {host: [row for row in rows if row["host"] == host] for host in ("disentangled", "srn", "msrn")}
    raised = {host: [side(row["on_minus_off"]["ratio"]) for row in found] for host, found in by_host.items()}
    assert raised["msrn"] == [1, 1]
    assert sorted(raised["srn"]) == [0, 1]
    assert raised["disentangled"] == [0, 0]
    times = [row["on"]["ratio"]["mean"] / row["off"]["ratio"]["mean"] for row in by_host["msrn"]]
    assert all(25 < value < 35 for value in times)
    says("pulls the classes of MSRN apart, thirty times, and those of SRN a little in one of two settings")
    says(
        "in the plain network with class features it does nothing that can be told from zero. It moves mAP beyond the interval in no host."
    )
    assert not [row for row in rows if side(row["on_minus_off"]["mAP"])]
    says("in the disentangled host the ratio is not told apart", "studies/README.md")


def test_what_the_table_on_photos_does_not_show():
    found = study("voc_study")
    taken_back = photo_study.taken_back(found)
    if not taken_back:  # measured anew: then the page must not go on saying it
        assert photo_study.ONCE not in page("README.md")
        return
    for sentence in taken_back:
        says(sentence)
        assert photo_study.ONCE in sentence
        assert sentence in photo_study.verdict(found).paragraphs
    assert not photo_study.taken_back({**found, "machine": {"commit": "another"}})


def test_the_host_of_the_loss_on_photos_is_below_the_baseline():
    gain_of = {entry["system"]: entry.get("gain") for entry in photo_study.entries(study("voc_study"))}
    assert gain_of["disc-off"]["against"] == "pooled"
    assert side(gain_of["disc-off"]["mAP"]) < 0
    says("`disc-off`, the host of the discriminative loss, is itself below the pooled baseline")
    assert "itself below the pooled baseline (-1.0 ± 0.5), a poor host" in " ".join(photo_study.verdict(study("voc_study")).paragraphs)


def test_no_map_is_insensitive_and_the_page_says_what_partly_means():
    verdicts = [entry["sanity"]["verdict"] for row in study("trust")["rows"] for entry in row["maps"].values() if entry.get("sanity")]
    assert "partly sensitive" in verdicts
    assert "insensitive" not in verdicts
    from workbench.analysis.sanity import INSENSITIVE_FROM

    says(f'"Insensitive" (none is): nearly the same map, a rank correlation of {INSENSITIVE_FROM} or more.', "studies/README.md")


def test_the_authors_of_the_third_system_are_never_named_without_what_we_lack():
    """Its equations were not available to us: whoever reads the name has to read that, within the same paragraph or cell of a table."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "studies" / "README.md", ROOT / "data" / "README.md"]
    code = [*(ROOT / "workbench").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    blocks = [(path, block) for path in pages for block in re.split(r"\n\s*\n|\n\| |\n- ", path.read_text("utf-8"))]
    blocks += [(path, block) for path in code for block in re.findall(r'""".*?"""', path.read_text("utf-8"), re.DOTALL)]
    named = [(path, " ".join(block.split())) for path, block in blocks if "Hassanin" in block]
    assert len(named) > 8
    for path, block in named:
        assert re.search(r"not available to us", block), f"{path.name}: {block[:160]}"
