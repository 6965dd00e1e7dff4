"""A private key in the source is a text that rules can ask for, though it has white space."""

from pathlib import Path

from stopper.scan.source.read import read_source


def test_a_private_key_of_several_lines_is_a_text(tmp_path: Path) -> None:
    """Other long texts with white space stay out."""
    pem = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQ" * 4 + "\n-----END PRIVATE KEY-----\n"
    (tmp_path / "keys.py").write_text(
        f"import flask\nKEY = '''{pem}'''\nTEXT = '''{'a word and ' * 20}'''\n", encoding="utf-8"
    )
    facts = read_source([tmp_path], tmp_path).app.source
    assert facts is not None
    assert [text.value for text in facts.texts()] == [pem]
