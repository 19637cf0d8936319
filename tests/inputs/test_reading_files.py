import os
import socket
import subprocess
import sys

import pytest

from pullsim.errors import InputError, InputErrors, Location, shown
from pullsim.inputs import collecting, decoded, is_directory, is_file, list_directory, read_bytes, read_text, serving


def refusal(read, *arguments):
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return str(caught.value)


def test_a_file_is_read_to_its_limit_and_not_beyond(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    assert refusal(read_bytes, path, 4).startswith(f"{path}: the file is larger than 4e-06 MB")


def test_what_has_no_end_is_refused_before_it_is_opened(tmp_path):
    pipe, listening = tmp_path / "pipe", tmp_path / "s"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(listening))
        assert refusal(read_bytes, pipe) == f"{pipe}: this is a named pipe, which may have no end; a file is needed"
        assert "this is a socket; a file is needed" in refusal(read_bytes, listening)
    assert "this is a device, which may have no end" in refusal(read_bytes, "/dev/zero")
    assert "this is a directory; a file is needed" in refusal(read_text, tmp_path)


def test_a_pipe_that_the_shell_opened_is_read(tmp_path):
    script = "from pullsim.inputs import read_text; print(read_text('/dev/stdin'))"
    done = subprocess.run([sys.executable, "-c", script], input="héllo", capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "héllo\n"


@pytest.mark.parametrize("name", ["x" * 70_000, "a\0b", "/".join("ab" * 5_000)])
def test_names_that_no_file_can_have(name):
    message = refusal(read_bytes, name)
    assert "cannot be read" in message or "no such file" in message
    assert len(message) < 500
    assert message.isprintable()
    assert "cannot be read" in refusal(list_directory, name)
    assert not is_file(name)
    assert not is_directory(name)


def test_the_first_wrong_byte_has_a_place(tmp_path):
    path = tmp_path / "a"
    path.write_bytes("é: 1\nñb: ".encode() + b"\xff\xfe")
    assert refusal(read_text, path) == (
        f"{path}:2:5: this is no text in UTF-8: byte 0xff at offset 11 (a binary file?)"
    )
    after_mark = refusal(decoded, b"\xef\xbb\xbfa\xff", "f")
    assert after_mark.startswith("f:1:3: this is no text in UTF-8: byte 0xff at offset 4")
    assert refusal(decoded, "a".encode("utf-16"), "f").startswith("f: this is UTF-16, as PowerShell's > writes it")
    path.write_bytes(b"\xef\xbb\xbfa\r\n")
    assert read_text(path) == "a\r\n"


def test_a_collection_answers_before_the_disk(tmp_path):
    path = tmp_path / "d" / "a"
    path.parent.mkdir()
    path.write_text("1")
    with collecting() as files:
        read_text(path)
    path.write_text("2")
    with serving(files):
        assert read_text(path) == "1"
        assert is_file(path)
        assert list_directory(tmp_path / "d") == [path]
        assert "larger than" in refusal(read_bytes, path, 0)


@pytest.mark.parametrize(
    "value, text",
    [
        ("a\x1b[31m", r"'a\x1b[31m'"),
        ("x" * 70, f"'{'x' * 59}…"),
        (True, "true"),
        (None, "None"),
        ({"a": 1}, "a mapping"),
        ([1], "a list"),
        pytest.param(10**5000, "a number of about 4983 digits", id="digits"),
        ("\ud800\u202e", r"'\ud800\u202e'"),
    ],
)
def test_values_in_messages(value, text):
    assert shown(value) == text


def test_a_message_is_one_short_line_that_can_be_printed():
    error = InputError("\x1b]0;x\x07 and\nmore" + "x" * 50_000, Location("f" * 70_000, 1, 2))
    assert str(error).isprintable()
    assert len(str(error)) < 2_000
    assert r"\x1b]0;x\x07 and more" in str(error)
    assert ":1:2: " in str(error)


@pytest.mark.parametrize("count, length, lines", [(20, 10, 20), (21, 10, 20), (500, 10, 20), (9, 1_000, 2), (2, 10, 2)])
def test_many_mistakes_are_cut_to_what_can_be_read(count, length, lines):
    errors = InputErrors([InputError("x" * length, Location("f", n)) for n in range(count)])
    found = str(errors).split("\n")
    assert len(found) == lines
    assert len(str(errors)) < 2_000
    rest = count - lines + 1
    assert found[-1] == (f"and {rest} more" if rest > 1 else f"f:{count - 1}: {'x' * length}")
