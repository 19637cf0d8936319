import pytest

from tests.support.command import pullsim
from tests.support.small_scenario import SCENARIO


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture
def inside():
    """Run the command line in this process."""
    return pullsim
