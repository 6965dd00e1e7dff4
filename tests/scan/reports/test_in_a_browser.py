"""The HTML report in a real browser: its policy lets its own script run, and the filters filter."""

import base64
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stopper.scan.report import Report
from stopper.scan.reports import html

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def seen(page: str, folder: Path, fragment: str = "") -> str:
    """The document after the browser ran it."""
    program = next(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name)))
    file = folder / "report.html"
    file.write_text(page, "utf-8")
    command = [program, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", f"{file.as_uri()}{fragment}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def driven(page: str, steps: str) -> str:
    """The page with *steps* run after its own script, allowed by the same policy."""
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0]
    longer = f"{script}\n{steps}"

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return page.replace(script, longer).replace(digest(script), digest(longer))


def shown(dom: str) -> list[str]:
    """The severities of the findings that are not hidden."""
    cards = re.findall(r'<details class="finding (\w+)"([^>]*)>', dom)
    return [severity for severity, rest in cards if "hidden" not in rest]


@pytest.mark.browser
def test_the_script_runs_under_the_policy_and_hostile_texts_do_not(sample: Report, tmp_path: Path) -> None:
    dom = seen(html.render(sample), tmp_path)
    assert "4 of 4 shown" in dom
    assert '<form class="filters">' in dom
    assert shown(dom) == ["critical", "high", "medium", "low"]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("document.querySelector('input[value=critical]').click();", ["high", "medium", "low"]),
        (
            "const s=document.querySelector('select'); s.value='transport'; s.dispatchEvent(new Event('input',{bubbles:true}));",
            ["medium"],
        ),
        (
            "const q=document.querySelector('input[type=search]'); q.value='BOB own'; q.dispatchEvent(new Event('input',{bubbles:true}));",
            ["high"],
        ),
    ],
)
def test_filters_filter(sample: Report, tmp_path: Path, steps: str, expected: list[str]) -> None:
    dom = seen(driven(html.render(sample), steps), tmp_path)
    assert shown(dom) == expected
    assert f"{len(expected)} of 4 shown" in dom


@pytest.mark.browser
def test_a_link_to_a_finding_opens_it(sample: Report, tmp_path: Path) -> None:
    page = html.render(sample)
    last = re.findall(r'id="(f-[0-9a-f]+)"', page)[-1]
    assert re.search(rf'<details[^>]*id="{last}"[^>]*open', seen(page, tmp_path, f"#{last}"))
