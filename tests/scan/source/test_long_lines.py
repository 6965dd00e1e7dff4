"""Texts that took minutes: one line of a word repeated, or a document of thousands of paths, costs what another of that size does."""

from pathlib import Path

import pytest
import yaml

from stopper.core.app import App, Reader, Route
from stopper.rules.account import credentials_in_query_string
from stopper.rules.ci import credential_in_ci_config, credential_in_scan_output
from stopper.scan.merge import merged
from stopper.scan.plain_yaml import load_yaml
from stopper.scan.source.read import read_source
from stopper.scan.source.textfiles import read_text

_APP = "from flask import Flask\napp = Flask(__name__)\n"
_KEY = "      - run: echo ${{ secrets.DEPLOY_TOKEN }}\n"


@pytest.mark.parametrize(
    "line",
    [
        "AKIA" * 250_000,
        "echo " * 200_000 + "secret",
        "curl -u a:b " * 80_000,
        "curl -u a:b \\\n" * 40_000,
        "echo $TOKEN \\\n" * 20_000,
        "      - run: |\n" + "          echo $API_TOKEN\n" * 20_000,
        "zap" * 300_000,
    ],
)
def test_a_pipeline_of_long_lines(line: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    (tmp_path / ".gitlab-ci.yml").write_text(f"test:\n  script:\n{_KEY}    - {line}\n")
    app = read_source((tmp_path,), tmp_path).app
    assert 3 in {hit.span.line for hit in credential_in_ci_config.detect(app) if hit.span is not None}
    assert all(hit.span is not None for hit in credential_in_scan_output.detect(app))


@pytest.mark.parametrize("word", ["<form ", "<input ", '<form method=get action="/x"> <input '])
def test_a_page_of_one_long_line(word: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(_APP)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text(
        f'<form action="/login">\n{word * 150_000}\n<input type=password name=p>'
    )
    app = read_source((tmp_path,), tmp_path).app
    assert len(list(credentials_in_query_string.detect(app))) <= 1


def test_remarks_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "a.html"

    def shown(text: str) -> tuple[str, ...]:
        page.write_text(text)
        read = read_text(page, "a.html", "template")
        assert not isinstance(read, Exception)
        return getattr(read, "lines", ())

    assert shown("a{# b\nc #}d{{# if #}e{#}f#}g") == ("a", "d{{# if #}eg")
    assert shown("a#}{# x #}{# y") == ("a#}{# y",)
    assert shown("{#" * 1_000_000) == ("{#" * 1_000_000,)
    assert shown("{" * 1_000_000 + "{#") == ("{" * 1_000_001 + "#",)


def test_a_document_of_many_routes_is_joined() -> None:
    def app(reader: Reader, name: str) -> App:
        routes = [
            Route(f"/items/{number}/{{{name}}}", ("GET",), readers=frozenset({reader}), view=f"v{number}")
            for number in range(8_000)
        ]
        return App("", "x", tuple(routes), readers=frozenset({reader}))

    joined = merged(app("source", "a"), app("spec", "b"))
    assert len(joined.routes) == 8_000
    assert joined.routes[7].readers == {"source", "spec"}


@pytest.mark.parametrize("text", ["[" * 500_000, "{" * 500_000, "a: " + "[\n" * 200_000])
def test_yaml_of_too_many_brackets_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="too deeply"):
        load_yaml(text)


def test_yaml_of_a_few_brackets_and_dates_is_read() -> None:
    assert load_yaml("a: [[2020-02-30], {b: 2020-02-28}]\nc: ']]'") == {
        "a": [["2020-02-30"], {"b": "2020-02-28"}],
        "c": "]]",
    }


@pytest.mark.parametrize(
    "text", ["- " * 5_000, "? " * 50_000 + "x", "".join(" " * deep + "a:\n" for deep in range(6_000))]
)
def test_yaml_that_is_nested_too_deep_for_the_reader_in_c_is_left_to_the_other(text: str) -> None:
    with pytest.raises(RecursionError):
        load_yaml(text)


@pytest.mark.parametrize("text", ["a: [1", "a:\n\t- b", "&a *b", "a: b: c", "- a\nb", "'", "!!int x"])
def test_yaml_that_is_none_raises_what_the_library_says(text: str) -> None:
    with pytest.raises((yaml.YAMLError, ValueError)):
        load_yaml(text)
