"""The JavaScript that a browser gets: one text, small files, nothing from elsewhere."""

import re

import pytest

from workbench.widgets import assets

FILES = sorted(assets.FOLDER.glob("*.js"))
EXPLORERS = pytest.mark.parametrize("explorer", list(assets.MODULES))


@EXPLORERS
def test_the_text_is_one_module_without_imports(explorer):
    text = assets.module_text(explorer)
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default { render };"]
    assert len(text.encode()) < assets.LIMIT


@EXPLORERS
def test_every_import_names_a_module_that_stands_earlier(explorer):
    order = assets.MODULES[explorer]
    for place, name in enumerate(order):
        text = (assets.FOLDER / f"{name}.js").read_text()
        for names, source in re.findall(r"^import \{([^}]*)\} from \"\./([a-z]+)\.js\";$", text, re.MULTILINE):
            if source == "style":
                assert names.strip() == "STYLE"
                continue
            assert source in order[:place], f"{name}.js imports {source}.js, which is joined after it"
            found = (assets.FOLDER / f"{source}.js").read_text()
            for wanted in names.split(","):
                assert re.search(rf"^export (async )?(function|const|class) {wanted.strip()}\b", found, re.MULTILINE), (
                    name,
                    source,
                    wanted,
                )


@EXPLORERS
def test_no_two_modules_declare_the_same_name(explorer):
    text = assets.module_text(explorer)
    # Joined lines lose their indentation, so names are read from the files: what stands at the left margin shares one scope.
    declared = [
        name
        for module in (*assets.MODULES[explorer], *assets.OFFLINE[explorer])
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", (assets.FOLDER / f"{module}.js").read_text(), re.MULTILINE
        )
    ]
    assert len(declared) == len(set(declared))
    assert "STYLE" not in declared
    assert text.startswith("const STYLE = ")


def test_nothing_comes_from_elsewhere_and_no_text_becomes_html():
    for path in FILES:
        text = path.read_text()
        assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), path.name
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch(", "import("):
            assert forbidden not in text, f"{path.name} uses {forbidden}"
        assert len(text.splitlines()) < 400
