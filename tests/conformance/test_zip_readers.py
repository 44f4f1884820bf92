"""Every zip reader people have opens the bundle and finds the same in it: names, content, modes and links.

Info-ZIP, Python, the JDK's jar and 7-Zip have to be installed; one that is missing fails its test.
"""

from __future__ import annotations

import os
import random
import re
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

PROSE = "".join(f"line {number} of a text that compresses\n" for number in range(20_000))
LARGE = b"".join(b"%d squared is %d\n" % (number, number * number) for number in range(600_000))
NOISE = random.Random(1).randbytes(70_000)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project with everything that a zip can hold and that readers disagree on."""
    root = tmp_path / "tree"
    files: dict[str, str | bytes] = {
        "docker-compose.yml": "services:\n  web:\n    image: nginx:1.27\n    ports: ['80:80']\n",
        "beanship.yml": "app: shop\nregion: eu-west-1\nenvironments:\n  production: {}\n",
        ".ebextensions/01.config": "option_settings: {}\n",
        ".platform/hooks/predeploy/01-hook.sh": "#!/bin/sh\n",
        "run.sh": "#!/bin/sh\necho run\n",
        "empty-file": "",
        "prose.txt": PROSE,
        "large.txt": LARGE,
        "noise.png": NOISE,
        "with space/ünïcode-名.txt": "names\n",
    }
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(0o640)
    (root / "run.sh").chmod(0o700)
    (root / "empty-directory").mkdir()
    (root / "link").symlink_to("prose.txt")
    (root / "dangling").symlink_to("nowhere/at-all")
    return root


@pytest.fixture
def bundle(binary: Path, tree: Path, tmp_path: Path) -> Path:
    """The bundle of the tree."""
    made = tmp_path / "bundle.zip"
    run(binary, "bundle", "-C", tree, "-o", made)
    return made


def run(*command: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def modes_wanted(tree: Path) -> dict[str, int]:
    """What each member's mode has to be, by name."""
    wanted = {"empty-directory/": 0o040755, "link": 0o120777, "dangling": 0o120777}
    for place in tree.rglob("*"):
        name = place.relative_to(tree).as_posix()
        # What beanship keeps for itself stays out.
        own = name == "beanship.yml" or name.startswith(".beanship/")
        if place.is_file() and name not in wanted and not own:
            runs = name == "run.sh" or name.startswith(".platform/hooks/")
            wanted[name] = 0o100755 if runs else 0o100644
    return wanted


def assert_unpacked(tree: Path, place: Path) -> None:
    """Asserts that `place` holds what the tree does."""
    for name, mode in modes_wanted(tree).items():
        original, copy = tree / name, place / name
        if stat.S_ISLNK(mode):
            assert os.readlink(copy) == os.readlink(original), name
        elif stat.S_ISDIR(mode):
            assert copy.is_dir(), name
        else:
            assert copy.read_bytes() == original.read_bytes(), name


def test_python_reads_modes_links_and_content(tree: Path, bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        members = {member.filename: member for member in archive.infolist()}
        assert list(members) == sorted(members, key=str.encode)
        assert {name: member.external_attr >> 16 for name, member in members.items()} == modes_wanted(tree)
        assert {member.date_time for member in members.values()} == {(1980, 1, 1, 0, 0, 0)}
        assert not any(member.extra for member in members.values())
        assert archive.read("large.txt") == LARGE
        assert archive.read("link") == b"prose.txt"
        assert members["noise.png"].compress_type == zipfile.ZIP_STORED
        assert members["prose.txt"].compress_type == zipfile.ZIP_DEFLATED


def test_info_zip_unpacks_the_tree(tree: Path, bundle: Path, tmp_path: Path) -> None:
    assert "No errors detected" in run("unzip", "-t", bundle)
    unpacked = tmp_path / "unzip"
    run("unzip", "-q", bundle, "-d", unpacked)
    assert_unpacked(tree, unpacked)
    for name, mode in modes_wanted(tree).items():
        assert (unpacked / name).lstat().st_mode == mode, name
    listed = run("zipinfo", bundle)
    assert re.search(r"^lrwxrwxrwx .* dangling$", listed, re.MULTILINE)
    assert re.search(r"^-rwxr-xr-x .* run\.sh$", listed, re.MULTILINE)


def test_jar_unpacks_the_tree_from_a_file_and_from_a_stream(tree: Path, bundle: Path, tmp_path: Path) -> None:
    assert set(run("jar", "tf", bundle).splitlines()) == set(modes_wanted(tree))
    for way in ("file", "stream"):
        unpacked = tmp_path / way
        unpacked.mkdir()
        with bundle.open("rb") as stream:
            given = ["jar", "xf", bundle] if way == "file" else ["jar", "x"]
            subprocess.run(given, cwd=unpacked, stdin=stream, check=True, timeout=100)
        # jar knows no links: it unpacks their targets' names.
        for name, mode in modes_wanted(tree).items():
            if stat.S_ISREG(mode):
                assert (unpacked / name).read_bytes() == (tree / name).read_bytes(), (way, name)
        assert (unpacked / "link").read_text() == "prose.txt"


def test_7_zip_unpacks_the_tree(tree: Path, bundle: Path, tmp_path: Path) -> None:
    assert "Everything is Ok" in run("7z", "t", bundle)
    unpacked = tmp_path / "7z"
    run("7z", "x", bundle, f"-o{unpacked}", "-snld")
    assert_unpacked(tree, unpacked)


def test_the_bytes_are_the_same_from_another_place_with_other_times_and_modes(
    binary: Path, tree: Path, bundle: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    run("cp", "-R", tree, copy)
    for place in copy.rglob("*"):
        os.utime(place, (1, 1), follow_symlinks=False)
        if place.is_file() and not place.is_symlink():
            place.chmod(0o755 if place.stat().st_mode & 0o100 else 0o666)
    again = tmp_path / "again.zip"
    run(binary, "bundle", "-C", copy, "-o", again)
    assert again.read_bytes() == bundle.read_bytes()
    streamed = subprocess.run([binary, "bundle", "-C", tree, "-o", "-"], capture_output=True, check=True, timeout=100)
    assert streamed.stdout == bundle.read_bytes()
