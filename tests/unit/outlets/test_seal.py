"""What only tracker's own processes can read again."""

from base64 import urlsafe_b64encode

import pytest

from tracker.outlets.seal import SECRET_BYTES, Seal


def test_what_is_closed_is_opened_by_who_has_the_secret() -> None:
    """By another process as well; every time it looks different, and it hides all."""
    text = '{"after":"hidden/ü"}' * 100
    sealed = Seal(b"s" * SECRET_BYTES).close(text)
    assert Seal(b"s" * SECRET_BYTES).open(sealed) == text
    assert Seal(b"s" * SECRET_BYTES).close(text) != sealed
    assert "hidden" not in sealed


@pytest.mark.parametrize("wrong", ["", ".", "a.b.c.d.e", "é", "{sealed}a", "x{sealed}"])
def test_what_somebody_made_up_is_not_opened(wrong: str) -> None:
    """Nor what another process's secret has closed, or what was changed."""
    seal = Seal()
    for closed in (seal.close("text"), Seal().close("text")):
        with pytest.raises(ValueError, match=r".*"):
            seal.open(wrong.replace("{sealed}", closed))
    with pytest.raises(ValueError, match="none of ours"):
        seal.open(Seal().close("text"))


@pytest.mark.parametrize(
    "header", ['{"alg":"dir","enc":["x"]}', '{"alg":[],"enc":1}', "[]", "1", "null"]
)
def test_another_header_is_not_read(header: str) -> None:
    """It cannot say how it wants to be opened."""
    head = urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    with pytest.raises(ValueError, match="none of ours"):
        Seal().open(f"{head}....")
