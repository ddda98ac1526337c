"""Which names a workflow may have: one plain file name on every system."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from web_ui.store.errors import BadName
from web_ui.store.names import MAX_BYTES, MAX_CHARACTERS, checked, key

HOSTILE = [
    "", ".", "..", "...", "../up", "..\\up", "a/..", "a/b", "a\\b", "/etc/passwd", "//server/share", "\\\\server\\share", "C:", "C:x",
    "c:/x", "C:\\x", "\\\\?\\C:\\x", "\\\\.\\pipe\\x", "a\0", "a\0.json", "\n", "a\nb", "a\tb", "a\x1b[2J", "a\x7f", "%2e%2e%2fup",
    "%00", "&#46;&#46;", "~", "~root", "$HOME", "${HOME}", "`id`", "a;b", "a|b", "a*", "a?", 'a"b', "a'b", "<a>", "a:b",
    "a.json:stream", ".hidden", "dot.", " before", "after ", "con", "CON", "Con.txt", "nul", "aux.json", "prn ", "com0", "COM9",
    "lpt1.tar.gz", "con .x", "a\u202eb", "a\u200bb", "a\u200db", "\ufeffa", "a\u00a0b", "a\u2028b",
    "a\u2215b", "a\uff0fb", "a\u2044b", "\u2024\u2024",
    "\u0301a", "a\ufe0f", "\u3164", "a\u034fb", "😀", "a²", "\ud800", "a\udfff", "\ue000", "\uffff", "a" * 101, "x" * 5000, "字" * 70,
    "\U0001d49c" * 60,
]  # fmt: skip
FINE = [
    "a", "7", "Text to image", "portrait_v2.1 (final)", "a..b", "(1)", "-", "_", "Käse", "猫", "рисунок", "हिन्दी", "สวัสดี", "صورة", "한글",
    "console", "com", "com10", "null", "a" * 100, "x.json", "Straße", "ĳs",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_no_plain_file_name_everywhere_is_refused(name: str) -> None:
    with pytest.raises(BadName) as caught:
        checked(name)
    str(caught.value).encode()
    assert caught.value.cause.endswith(".")
    assert caught.value.action.endswith(".")
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", FINE)
def test_a_name_in_any_script_is_taken_as_it_is(name: str) -> None:
    assert checked(name) == name


def test_a_name_is_kept_in_its_composed_form() -> None:
    assert checked("Ka\u0308se") == "Käse"
    assert key("KA\u0308SE") == key("käse")


def test_the_message_says_which_sign_is_at_fault_and_what_is_allowed() -> None:
    with pytest.raises(BadName) as caught:
        checked("a/b")
    assert str(caught.value) == (
        "The name 'a/b' holds '/', which is no part of a name. "
        "Use letters, digits, spaces and _ . ( ) - in a name of at most 100 characters."
    )
    with pytest.raises(BadName, match=r"holds U\+202E, which is no part of a name"):
        checked("a\u202eb")
    with pytest.raises(BadName, match="'con' is the name of a device on Windows"):
        checked("con")
    with pytest.raises(BadName, match="has 101 characters"):
        checked("a" * 101)
    with pytest.raises(BadName, match="is longer than 200 bytes"):
        checked("字" * 70)


def test_names_that_differ_in_case_alone_are_the_same_to_a_folder() -> None:
    assert key("Portrait") == key("PORTRAIT") == key("portrait")
    assert key("Straße") == key("STRASSE")
    assert key("ΣΊΣΥΦΟΣ") == key("σίσυφος")
    assert key("a") != key("b")


TEXTS = st.one_of(
    st.text(max_size=120),
    st.text(alphabet="aB.. _-()é\u0301/\\:\0%", max_size=12),
    st.sampled_from(HOSTILE).flatmap(lambda one: st.text(max_size=3).map(lambda more: one + more)),
)


@given(TEXTS)
@example("İ" * 100)
@example("\u1fb3" * 66)
def test_what_is_taken_is_one_part_of_a_path_on_every_system_and_fits_into_it(name: str) -> None:
    try:
        found = checked(name)
    except BadName:
        return
    assert PurePosixPath(found).parts == PureWindowsPath(found).parts == (found,)
    assert not PureWindowsPath(found).is_reserved()
    assert Path("root", found).parent == Path("root")
    assert unicodedata.is_normalized("NFC", found)
    assert checked(found) == found
    assert len(found) <= MAX_CHARACTERS
    for text in (found, key(found)):
        assert len(text.encode()) <= MAX_BYTES
        assert text[0] not in ". "
        assert not set(text) & set('/\\:*?"<>|\0')


@given(TEXTS)
def test_the_key_of_a_name_does_not_depend_on_case_or_form(name: str) -> None:
    try:
        found = checked(name)
    except BadName:
        return
    assert key(key(found)) == key(found)
    assert key(unicodedata.normalize("NFD", found)) == key(found)
    assert key(found.casefold()) == key(found)
