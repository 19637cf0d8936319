"""Runtime handlers of a config.toml, and their snapshotters."""

from __future__ import annotations

import pytest

from pullsim.errors import InputError
from tests.support.containerd_config import V2, V2_INNER, V2_RUNTIMES, V3, V3_RUNTIMES, read_text


@pytest.mark.parametrize(
    ("version", "text", "handlers"),
    [
        ((1, 7), V2, []),
        ((1, 7), V2 + V2_RUNTIMES + ".runc]", [("runc", "overlayfs")]),
        (
            (1, 7),
            V2 + V2_RUNTIMES + ".kata]\nsnapshotter = 'devmapper'",
            [("runc", "overlayfs"), ("kata", "devmapper")],
        ),
        (
            (1, 6),
            V2 + V2_RUNTIMES + ".kata]\nsnapshotter = 'devmapper'",
            [("runc", "overlayfs"), ("kata", "overlayfs")],
        ),
        (
            (2, 0),
            V2_INNER + "default_runtime_name = 'crun'\nsnapshotter = 'native'\n" + V2_RUNTIMES + ".crun]",
            [("crun", "native"), ("runc", "native")],
        ),
        ((2, 1), V3 + V3_RUNTIMES + ".kata]\nsnapshotter = 'nydus'", [("runc", "overlayfs"), ("kata", "nydus")]),
        (
            (2, 1),
            V3 + "[plugins.'io.containerd.cri.v1.images'.runtime_platforms.kata]\nsnapshotter = 'nydus'\n"
            f"{V3_RUNTIMES}.kata]",
            [("runc", "overlayfs"), ("kata", "nydus")],
        ),
    ],
)
def test_handlers_of_the_file(tmp_path, version, text, handlers):
    assert [(each.name, each.snapshotter) for each in read_text(tmp_path, text, version).spec.handlers] == handlers


def test_a_default_runtime_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"there is no runtime 'kata' in containerd\.runtimes"):
        read_text(tmp_path, V2_INNER + "default_runtime_name = 'kata'", (1, 7))
