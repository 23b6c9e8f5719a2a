"""The rooms of the package: each imports only from the floors below, and from its own."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "gan_tutorial"
FLOORS = ["ground", "game", "truth", "clothes", "lesson", "commands"]  # from below
# Imports inside a function, of what takes long and is seldom needed, or must not be needed: module -> what and why
INSIDE = {
    "clothes/files.py": {"torchvision": "takes a second to import, and is needed only to download"},
    "truth/divergences.py": {"scipy": "takes half a second to import, and only distances of samples need it"},
    "lesson/figures/__init__.py": {"torch": "curves do not need it, and it takes a second to import"},
    "lesson/live.py": {"IPython": "a picture that follows its sliders can be made without a notebook"},
    "lesson/profile.py": {"torch": "`gan-tutorial run` needs its names only", "IPython": "so does `train`"},
    "lesson/exercises/__init__.py": {"IPython": "an exercise can be judged without a notebook"},
    "truth/critics.py": {"gan_tutorial.truth.transport": "its POT takes a second, and only `potential` needs it"},
    "machine.py": {"psutil": "the package is imported where only its commands' help is asked for"},
    "commands": {"": "a command imports what it needs when it is chosen: so `--help` is quick, `doctor` lacks nothing"},
}


def floor(module: str) -> str:
    """The floor on which `gan_tutorial.module` lies."""
    room = module.partition(".")[0]
    return room if room in FLOORS else "ground"


def imports(tree: ast.AST) -> list[tuple[str, bool]]:
    """What is imported, and whether inside a function."""
    found = []

    def walk(node: ast.AST, inside: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend((alias.name, inside) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert not child.level, "the package imports by full names"
                found.extend((f"{child.module}.{alias.name}", inside) for alias in child.names)
            walk(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))

    walk(tree, False)
    return found


def faults(path: Path, source: str) -> list[str]:
    """Each import of the module at `path`, relative to the package, that its place does not allow."""
    mine, wrong = floor(".".join(path.with_suffix("").parts)), []
    allowed = INSIDE.get("commands" if mine == "commands" else path.as_posix(), {})
    for name, inside in imports(ast.parse(source)):
        if name.startswith("gan_tutorial.") and FLOORS.index(floor(name.partition(".")[2])) > FLOORS.index(mine):
            wrong.append(f"{path} imports {name} from a floor above")
        if inside and not any(name.startswith(known) for known in allowed):
            wrong.append(f"{path} imports {name} inside a function")
    return wrong


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_the_floors_below(path):
    if path.name != "__main__.py":
        assert faults(path.relative_to(PACKAGE), path.read_text()) == []


def test_the_rule_of_floors_sees_what_it_should():
    above = "from gan_tutorial.lesson import figures"
    assert faults(Path("truth/densities.py"), above) and not faults(Path("commands/train.py"), above)
    assert faults(Path("disk.py"), "import gan_tutorial.game.loop")
    assert faults(Path("game/loop.py"), "def f():\n    from gan_tutorial.game import networks")
    assert not faults(Path("game/loop.py"), "from gan_tutorial.game import networks\nfrom gan_tutorial import machine")
    rooms = "from gan_tutorial.game import objectives\nfrom gan_tutorial.truth import densities\n"
    drawing = Path("lesson/figures/nb06.py")  # the pictures of one notebook
    assert not faults(drawing, f"{rooms}from gan_tutorial.clothes import score\n{above}")
    assert faults(drawing, "from gan_tutorial.commands import train")


def test_no_two_modules_of_the_package_wait_for_each_other():
    """Each module can be the first that is imported."""
    names = [
        ".".join(["gan_tutorial", *path.relative_to(PACKAGE).with_suffix("").parts])
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name not in ("__init__.py", "__main__.py")
    ]
    graph = {name: set() for name in names}
    for name in names:
        source = PACKAGE.parent / (name.replace(".", "/") + ".py")
        for used, _ in imports(ast.parse(source.read_text())):
            graph[name] |= {other for other in names if used == other or used.startswith(other + ".")}

    def reach(start: str) -> set[str]:
        seen, todo = set(), list(graph[start])
        while todo:
            if (name := todo.pop()) not in seen:
                seen.add(name)
                todo.extend(graph[name])
        return seen

    assert [name for name in names if name in reach(name)] == []


def test_the_heart_of_the_package_comes_quickly():
    """`import gan_tutorial.game` adds little to torch: nothing of what only a notebook needs."""
    code = (
        "import sys, torch, torch.optim, torch.distributed; before = set(sys.modules); import gan_tutorial.game; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert not {"matplotlib", "scipy", "IPython", "ipywidgets", "torchvision", "anywidget"} & set(found.stdout.split())


def test_names_from_before_there_were_rooms():
    for room, name in (("game", "networks"), ("lesson", "laboratory.truth"), ("lesson", "exercises.nb02")):
        here = importlib.import_module(f"gan_tutorial.{room}.{name}")
        assert importlib.import_module(f"gan_tutorial.{name}") is here
    from gan_tutorial import objectives
    from gan_tutorial.game import objectives as here

    assert objectives is here
    with pytest.raises(ModuleNotFoundError, match="gan_tutorial.nothing"):
        importlib.import_module("gan_tutorial.nothing")
