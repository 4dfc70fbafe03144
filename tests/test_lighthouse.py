"""What `make lighthouse` serves, and how it tells pages that fall short."""

import gzip
import urllib.request
from pathlib import Path

import pytest

from tools import browser, lighthouse

TIMES = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time")


def report(performance: float, *, contrast: float = 1.0) -> dict:
    """A report of Lighthouse, as far as it is read."""
    audits = {name: {"numericValue": 1500.0} for name in TIMES} | {
        "cumulative-layout-shift": {"numericValue": 0.01},
        "total-byte-weight": {"numericValue": 102400.0},
        "network-requests": {"details": {"items": [{}] * 20}},
        "color-contrast": {
            "title": "Contrast is low",
            "score": contrast,
            "scoreDisplayMode": "binary",
        },
    }
    scores = {"performance": performance, "accessibility": contrast, "best-practices": 1, "seo": 1}
    refs = {"accessibility": [{"id": "color-contrast", "weight": 7}]}
    return {
        "audits": audits,
        "environment": {"benchmarkIndex": 1200.0},
        "categories": {
            name: {"score": score, "auditRefs": refs.get(name, [])}
            for name, score in scores.items()
        },
    }


def judged(monkeypatch: pytest.MonkeyPatch, kind: str, *reports: dict) -> bool:
    waiting = list(reports)
    monkeypatch.setattr(lighthouse, "score", lambda *_: waiting.pop(0))
    return lighthouse.judge(["npx"], "http://localhost/", "index", kind, len(reports))


def test_the_median_counts(monkeypatch, capsys):
    assert judged(monkeypatch, "mobile", report(0.6), report(0.97), report(0.95))
    told = capsys.readouterr().out
    assert "performance 95 (60 to 97)" in told
    assert "20 requests, 100 KiB" in told


@pytest.mark.parametrize(
    ("kind", "one", "complaint"),
    [
        ("mobile", report(0.94), "performance 94 BELOW 95"),
        ("desktop", report(0.99), "performance 99 BELOW 100"),
        ("mobile", report(1, contrast=0.9), "accessibility: Contrast is low"),
    ],
)
def test_a_page_that_falls_short_is_told(monkeypatch, capsys, kind: str, one: dict, complaint: str):
    assert not judged(monkeypatch, kind, one)
    assert complaint in capsys.readouterr().out


def test_text_is_served_compressed_and_pictures_as_they_are(tmp_path: Path):
    text, picture = b"<p>word</p>" * 100, bytes(range(256))
    (tmp_path / "a.html").write_bytes(text)
    (tmp_path / "a.png").write_bytes(picture)
    with browser.served(tmp_path, lighthouse.Host) as address:
        for name, content in (("a.html?v=1", text), ("a.png", picture)):
            asked = urllib.request.Request(address + name, headers={"Accept-Encoding": "gzip"})
            with urllib.request.urlopen(asked) as answer:
                body = answer.read()
                packed = answer.headers.get("Content-Encoding") == "gzip"
                assert answer.headers["Cache-Control"]
            assert packed == ("html" in name)
            assert (gzip.decompress(body) if packed else body) == content


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(lighthouse.shutil, "which", lambda name: None)
    with pytest.raises(lighthouse.UnavailableError, match="no npx"):
        lighthouse.command()
