"""Colours of the scenes: soft tinted paper behind, clearer paper in front."""

from __future__ import annotations

Color = tuple[int, int, int]


def _colors(text: str) -> tuple[Color, ...]:
    return tuple((int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)) for code in text.split())


# Pairs of tints; the backdrop runs softly from one to the other in a random direction, so that it says nothing about up and down.
BACKDROPS = tuple(
    zip(
        _colors("FDF1E3 EDF5EE EFF1FB FFF7E0 FAECF1 EAF4F7 F5F0E8 F1ECF8"),
        _colors("F7DDCF D3E9E2 D9E0F4 F9E5BC F0D5E1 CDE5EE E6DCCB DDD2EE"),
        strict=True,
    )
)
# Discs, diamonds and puffs take any of these, whatever they are called: colour must not tell a sun from a ball.
PAPERS = _colors("EE7F6B F3B04F 4FABA2 9685CC 86B96B 5FA5DB E6799F F4D35E D96C4F 58BFA0")
WALLS = _colors("FFF6E6 CBE2EE F8CFC9 CDE8D2 DDD3EC FCE3A6 F7EDE0 F3C9A5")
ROOFS = _colors("C65B4B 54748A 86699F 5F9274 B26F3A 49597A A84F63 D58A3C")
CREAM: Color = (255, 247, 232)
INK: Color = (62, 58, 74)
PINK: Color = (246, 168, 170)

WATERS = _colors("7CC0E0 8ACBD8 74B1DA 93CFE6")
FEATHERS = _colors("F8D25C FBE38A F5BE4B FFF3C4")
BEAK: Color = (239, 138, 60)
STEMS = _colors("5F9A62 739F54 4F8E74")
CATTAIL: Color = (139, 90, 60)
NEEDLES = _colors("3F8F6B 5AA469 2F7F79 7A9E3E")
TRUNK: Color = (140, 98, 70)
PLANKS = _colors("B9794B A8673F C98C56 99623F")
IRON = _colors("4A5066 5A4F63 3F5963")
GLOW: Color = (255, 224, 120)

# Furs that all animals share at look_alike = 1, and the one of each at 0.
FURS = _colors("8E93A8 C98E5C 7A5648 F6EFE8 E8B98A B7A69A 5F6477 D9A0A0")
OWN_FURS = {"cat": _colors("8189A6")[0], "dog": _colors("D1935A")[0], "bear": _colors("7A5446")[0], "rabbit": _colors("F8F1EC")[0]}


def mixed(first: Color, second: Color, share: float) -> Color:
    """`first` with `share` (0 to 1) of `second` in it."""
    keep = 1 - share
    return (
        round(first[0] * keep + second[0] * share),
        round(first[1] * keep + second[1] * share),
        round(first[2] * keep + second[2] * share),
    )


def darker(color: Color, share: float = 0.18) -> Color:
    return mixed(color, (52, 40, 72), share)


def lighter(color: Color, share: float = 0.4) -> Color:
    return mixed(color, (255, 252, 244), share)
