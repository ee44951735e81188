"""A finished film, made once."""

import pytest

from media.film import Film
from tests.media.finished import finished


@pytest.fixture(scope="session")
async def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """Nine seconds in three variants, four audio tracks, captions, I-frames and chapters."""
    return await finished(tmp_path_factory.mktemp("finished"))
