"""How the house is built: no circles of imports, no long lists of parameters in the model, no long files.

Which room may import which is said in pyproject.toml, and checked by ``lint-imports``.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).parents[1]
MODEL = ("kernel", "network", "hardware", "registry", "runtime", "kubelet", "cluster")
MOST_PARAMETERS = 7
MOST_LINES = 350


def module(path: Path) -> str:
    return path.relative_to(ROOT).as_posix().removesuffix(".py").removesuffix("/__init__").replace("/", ".")


PATHS = {module(path): path for path in sorted((ROOT / "pullsim").rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}


def imported(tree: ast.Module, known: set[str]) -> Iterator[str]:
    """Every module that a module imports, at its top, in a function or for types only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in known else node.module


def in_circles(edges: set[tuple[str, str]]) -> set[str]:
    """What is reached from itself."""
    names = sorted({end for edge in edges for end in edge})
    places = {name: place for place, name in enumerate(names)}
    ends = [[places[edge[side]] for edge in edges] for side in (0, 1)]
    graph = csr_array(([1] * len(edges), ends), shape=(len(names), len(names)))
    _, groups = connected_components(graph, connection="strong")
    members = groups.tolist()
    return {name for name, group in zip(names, members, strict=True) if members.count(group) > 1}


def edges_of(trees: dict[str, ast.Module]) -> set[tuple[str, str]]:
    known = set(trees)
    return {(name, other) for name, tree in trees.items() for other in imported(tree, known) if other != name}


def test_no_module_imports_itself_by_way_of_others():
    assert in_circles(edges_of(trees())) == set()


def test_no_room_imports_itself_by_way_of_others():
    def room(name):
        return ".".join(name.split(".")[:2])

    between = {(room(name), room(other)) for name, other in edges_of(trees())}
    assert in_circles({edge for edge in between if edge[0] != edge[1]}) == set()


@pytest.mark.parametrize(
    "sources, circular",
    [
        ({"a": "import b", "b": "import c", "c": ""}, set()),
        ({"a": "import b", "b": "import c", "c": "from a import x"}, {"a", "b", "c"}),
        ({"a": "import b", "b": "def f():\n  import a", "c": "import a"}, {"a", "b"}),
        ({"a": "import b", "b": "if TYPE_CHECKING:\n  from a import T"}, {"a", "b"}),
        ({"p": "", "p.a": "from p import b", "p.b": "from p import a"}, {"p.a", "p.b"}),
    ],
)
def test_circles_are_found_wherever_the_imports_stand(sources, circular):
    assert in_circles(edges_of({name: ast.parse(text) for name, text in sources.items()})) == circular


def parameters(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Every function with the number of its parameters, ``self`` and ``cls`` apart."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.ClassDef):
            yield from parameters(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.FunctionDef):
            given = [*child.args.posonlyargs, *child.args.args]
            bound = bool(given) and given[0].arg in ("self", "cls")
            yield f"{prefix}{child.name}", len(given) + len(child.args.kwonlyargs) - bound
            yield from parameters(child, f"{prefix}{child.name}.")
        else:
            yield from parameters(child, prefix)


def test_no_function_of_the_model_has_many_parameters():
    found = {
        f"{name.removeprefix('pullsim.')}: {function}"
        for name, tree in trees().items()
        if name.split(".")[1:2] and name.split(".")[1] in MODEL
        for function, count in parameters(tree)
        if count > MOST_PARAMETERS
    }
    assert found == set()


def test_no_file_is_long():
    tests = {module(path): path for path in (ROOT / "tests").rglob("*.py")}
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in (PATHS | tests).items()}
    assert {name for name, count in lines.items() if count > MOST_LINES} == set()


def test_test_files_have_names_of_their_own():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert [name for name in set(names) if names.count(name) > 1] == [], "pytest takes them for one module"
