"""The studies behind the notebook on trust in tables and words: what is said follows from the numbers, whatever rows are there."""

from __future__ import annotations

from workbench.lessons import shortcut_study, trust_study


def figure(mean: float, half: float | None = 0.01) -> dict:
    return {"mean": mean, "half_width": half, "n": 3, "values": [mean] * 3}


def pair(name: str, misled: float, twin: float) -> dict:
    return {"figure": name, "shortcut": figure(misled), "shortcut-off": figure(twin), "difference": figure(misled - twin)}


def shortcut(**changed: tuple[float, float]) -> dict:
    found = {
        "AP, together": (0.99, 0.98),
        "AP, apart": (0.5, 0.97),
        "pointing, attention": (0.1, 0.4),
        "energy, attention": (0.1, 0.3),
        "deletion, attention": (0.2, 0.2),
        "leakage within a theme": (0.2, 0.05),
        "leakage between the themes": (0.01, 0.01),
        "said, as drawn": (1.0, 0.95),
        "said, itself gone": (0.8, 0.1),
        "said, company gone": (0.4, 0.9),
    } | changed
    check = {"attention": {"verdict": "sensitive", "rank_correlation": 0.2, "baseline": 0.2}}
    rows = [{"rule": rule, "seed": seed, "sanity": check} for seed in (0, 1, 2) for rule in (True, False)]
    return {"hypothesis": "what was expected", "rows": rows, "summary": [pair(name, *values) for name, values in found.items()]}


def words(study: dict) -> list[str]:
    return shortcut_study.verdict(study, "attention").paragraphs


def test_absence_and_emptiness_are_said():
    for shown in (shortcut_study.hypothesis(None), shortcut_study.table(None), shortcut_study.verdict(None, "attention")):
        assert shortcut_study.ABSENT in repr(shown).replace("\n", " ")
    assert shortcut_study.EMPTY in repr(shortcut_study.table({"rows": []})).replace("\n", " ")
    for shown in (trust_study.table(None), trust_study.verdict(None)):
        assert trust_study.ABSENT in repr(shown).replace("\n", " ")
    assert trust_study.EMPTY in repr(trust_study.table({"rows": []})).replace("\n", " ")
    assert trust_study.below(None) == (0, 0)


def test_each_part_of_the_hypothesis_is_judged_by_its_numbers():
    said = words(shortcut())
    assert all("part holds" in part for part in said[:6])
    assert "3 seeds" in said[-1]
    changes = {
        0: {"AP, together": (0.99, 0.8)},
        1: {"deletion, attention": (0.3, 0.2)},
        2: {"leakage within a theme": (0.06, 0.05)},
        4: {"AP, apart": (0.9, 0.97)},
        5: {"said, itself gone": (0.4, 0.1)},
    }
    for place, change in changes.items():
        said = words(shortcut(**change))
        assert [part for part in range(6) if "does not hold" in said[part]] == [place]


def test_an_insensitive_map_in_one_seed_is_told():
    study = shortcut()
    study["rows"][0]["sanity"] = {"attention": {"verdict": "insensitive"}}
    assert "does not hold. Seed by seed, misled: insensitive, sensitive, sensitive; twin: sensitive" in words(study)[3]


def test_the_table_of_the_pair():
    table = shortcut_study.table(shortcut())
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["AP, each member on its own"] == ["0.500 ± 0.010", "0.970 ± 0.010", "-0.470 ± 0.010, lower"]
    assert rows["deletion ↓, attention"][2].endswith("not told apart")
    assert "3 seeds" in table.caption


def entry(title: str, reference: bool = False, verdict: str | None = None, **numbers: float) -> dict:
    check = {"verdict": verdict, "rank_correlation": 0.8, "baseline": 0.2} if verdict else None
    return {"title": title, "reference": reference, "sanity": check, **numbers}


def trust() -> dict:
    maps = {
        "centre blob": entry("centre blob", True, pointing=0.3, deletion=0.4),
        "own": entry("Own", verdict="insensitive", pointing=0.5, deletion=0.2, energy=0.1, insertion=0.9),
        "other": entry("Other", verdict="sensitive", pointing=0.3, deletion=0.6),
        "random map": entry("random map", True, pointing=0.0, deletion=0.5),
    }
    bare = {"only": entry("Only", pointing=0.9), "centre blob": entry("centre blob", True, pointing=0.2)}
    first = {"data": "scenes", "model": "m", "maps": maps, "leakage": {"other labels move": 0.0123}, "images": [40, 8]}
    return {"rows": [first, {"data": "voc", "model": "n", "maps": bare, "leakage": None, "images": [24, 4]}]}


def test_any_rows_become_a_table_with_the_references_in_brackets():
    table = trust_study.table(trust())
    assert [row[:3] for row in table.rows] == [
        ["scenes", "m", "Own"],
        ["", "", "Other"],
        ["", "", "(centre blob)"],
        ["", "", "(random map)"],
        ["VOC photos", "n", "Only"],
        ["", "", "(centre blob)"],
    ]
    assert table.rows[0][3:] == ["0.50", "0.10", "0.90", "0.20", "insensitive: 0.80, chance 0.20", "0.012"]
    assert table.rows[4][3:] == ["0.90", "–", "–", "–", "", "–"]


def test_maps_are_counted_against_the_references_of_their_own_row():
    assert trust_study.below(trust()) == (1, 3)
    assert trust_study.below(trust(), "deletion", "random map") == (1, 2)
    said = trust_study.verdict(trust()).paragraphs
    assert "Scenes, 1 model: 1 of 2 maps point no better" in said[0]
    assert "1 of 2 are insensitive" in said[0]
    assert "VOC photos, 1 model: 0 of 1 maps" in said[1]
    assert "measured on 40 scenes, 24 VOC photos; insertion" in said[-1]
    assert "on 8 scenes, 4 VOC photos: read" in said[-1]
