"""Settings come from the environment, and keep the one secret they hold."""

from __future__ import annotations

from lake.settings import SLUGS, Settings


def test_every_name_is_an_environment_variable(monkeypatch):
    monkeypatch.setenv("CRYSTAL_LAKE_ROOT", "/tmp/water")
    monkeypatch.setenv("CRYSTAL_LAKE_OQMD_URL", "https://mirror.example/oqmd/")
    monkeypatch.setenv("CRYSTAL_LAKE_COD_RATE", "0.5")
    settings = Settings()
    assert str(settings.root) == "/tmp/water"
    assert settings.url("oqmd") == "https://mirror.example/oqmd"
    assert settings.rate("cod") == 0.5


def test_the_key_has_its_clients_own_name_and_is_never_shown(monkeypatch):
    monkeypatch.setenv("MP_API_KEY", "k" * 32)
    settings = Settings()
    assert settings.mp_key.get_secret_value() == "k" * 32
    assert "k" * 32 not in repr(settings) + str(settings) + settings.model_dump_json()


def test_every_real_database_is_asked_by_https_and_with_a_rate():
    settings = Settings()
    assert all(settings.url(slug).startswith("https://") and 0 < settings.rate(slug) <= 2 for slug in SLUGS)


def test_a_mirror_stands_for_all_six_without_a_limit():
    settings = Settings.for_mirror("http://127.0.0.1:8000/", cod_rate=3.0)
    assert [settings.url(slug) for slug in SLUGS] == [f"http://127.0.0.1:8000/{slug}" for slug in SLUGS]
    assert settings.rate("mp") == 0.0 and settings.rate("cod") == 3.0
    assert len(settings.mp_key.get_secret_value()) == 32
