"""The doctor: finds what is missing, and asks nobody on the network unless told to."""

from pipelines.doctor import PACKAGES, examine
from pipelines.printing import show_findings


def words(*args) -> dict[str, bool]:
    return {finding.what: finding.fine for finding in examine(*args)}


def test_a_missing_key_is_a_note_and_not_fatal(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MP_API_KEY", raising=False)
    assert show_findings(examine(tmp_path)) == 0
    assert "note    MP_API_KEY" in capsys.readouterr().out


def test_a_missing_package_is_fatal_and_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("pipelines.doctor.PACKAGES", (*PACKAGES, "no_such_package"))
    assert show_findings(examine(tmp_path)) == 1
    assert "no_such_package" in capsys.readouterr().out


def test_nobody_is_asked_unless_told_to(tmp_path, monkeypatch):
    for slug in ("MP", "AFLOW", "OCP", "COD", "PCOD", "OQMD"):
        monkeypatch.setenv(f"CRYSTAL_LAKE_{slug}_URL", "http://127.0.0.1:9")
    assert not any("answer" in what for what in words(tmp_path))
    asked = {what: fine for what, fine in words(tmp_path, True).items() if "127.0.0.1" in what}
    assert len(asked) >= 1 and not any(asked.values())
