import gzip
import shutil

import pytest

from pullsim.importer.draft import Question
from pullsim.importer.importing import import_cluster
from tests.support.cluster_dumps import DUMPS


@pytest.fixture(scope="session")
def dumps(tmp_path_factory):
    """The dumps by name, unpacked and without what is expected of them."""
    where = tmp_path_factory.mktemp("dumps")
    for source in sorted(DUMPS.rglob("*")):
        target = where / source.relative_to(DUMPS)
        if source.is_dir() or source.name in ("expected.json", "README.md"):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".gz":
            target.with_suffix("").write_bytes(gzip.decompress(source.read_bytes()))
        else:
            shutil.copy(source, target)
    return where


@pytest.fixture(scope="session")
def imported(dumps):
    """The scenario and the lines for people of a dump, made once for all tests."""
    made = {}

    def of(case, question=Question.rollout):
        if (case, question) not in made:
            made[case, question] = import_cluster([str(dumps / case)], question)
        return made[case, question]

    return of
