"""Whatever is in a file, its reader reads it or raises an error of ours; `python -m tests.readers` tries many more."""

from __future__ import annotations

from random import Random

import pytest

from tests.readers.readers import READERS, readers
from tests.readers.trials import check

FEW, MANY = 6, 100


@pytest.mark.parametrize("name", READERS)
def test_files_as_they_are_are_read(name):
    """Else their changes would find the same mistake for ever."""
    readers()[name].read_forms(FEW)


@pytest.mark.parametrize("name", READERS)
def test_changed_files_are_read_or_refused(name):
    check(readers()[name], FEW)


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_all_forms_are_read(name):
    readers()[name].read_forms()


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_many_changed_files_are_read_or_refused(name):
    check(readers()[name], MANY)


def test_changes_reach_every_form():
    """A third of the changed files, at least, is none of the forms, and none is lost."""
    reader, random = readers()["KubeletConfiguration"], Random(1)
    drawn = [reader.drawn(random) for _ in range(60)]
    assert all(files.keys() == reader.forms[0].keys() for files in drawn)
    assert sum(files not in reader.forms for files in drawn) > 20
