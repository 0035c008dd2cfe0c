"""`/healthz`, `/readyz`, `/metrics`, and the request's ID on every answer."""

from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from celery.signals import heartbeat_sent
from django.test import Client

from affiliates.models import User
from config.monitoring import heartbeat, readiness
from config.monitoring.probes import THREADS, readyz
from config.monitoring.readiness import ERROR, OK
from tests.rest import client_of


class TestHealthz:
    def test_says_that_the_process_answers_and_its_version(self, client: Client, settings: Any) -> None:
        response = client.get("/healthz")
        assert (response.status_code, response.json()) == (200, {"status": "ok", "version": settings.VERSION})
        assert response["Cache-Control"] == "no-store"

    def test_needs_no_allowed_host_and_no_https(self, client: Client, settings: Any) -> None:
        settings.SECURE_SSL_REDIRECT = True
        assert client.get("/healthz", headers={"Host": "10.1.2.3:8000"}).status_code == 200

    def test_is_asked_only(self, client: Client) -> None:
        response = client.post("/healthz")
        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


class TestReadyz:
    def test_is_ready_when_every_part_is_there(self, db: None, client: Client) -> None:
        for part in (heartbeat.WORKER, heartbeat.BEAT):
            heartbeat.beat(part)
        response = client.get("/readyz")
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "ready"
        parts = response.json()["parts"]
        # The tests run with one database role, which is worth a warning and no more.
        assert parts.pop("roles")["state"] == "warning"
        assert {part["state"] for part in parts.values()} == {OK}
        assert set(response.json()["parts"]) == {
            "database", "migrations", "anchors", "redis", "worker", "beat", "clicks", "spool"
        }  # fmt: skip

    def test_says_which_part_is_missing_and_how_to_fix_it(self, db: None, client: Client) -> None:
        heartbeat.beat(heartbeat.BEAT)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "not ready")
        worker = response.json()["parts"]["worker"]
        assert worker["state"] == ERROR
        assert "celery -A config worker" in worker["message"]
        assert response.json()["parts"]["beat"]["state"] == OK

    def test_is_not_taken_in_by_an_old_sign_of_life(self, db: None, client: Client) -> None:
        for part, seconds in ((heartbeat.WORKER, 100), (heartbeat.BEAT, 2)):
            heartbeat.connection().set(heartbeat.key(part), "1", ex=heartbeat.KEPT - seconds)
        parts = client.get("/readyz").json()["parts"]
        assert parts["worker"]["state"] == ERROR
        assert "100 s" in parts["worker"]["message"] or "101 s" in parts["worker"]["message"]
        assert parts["beat"]["state"] == OK

    @pytest.mark.usefixtures("_redis_is_away")
    def test_reports_redis(self, db: None, client: Client) -> None:
        parts = client.get("/readyz").json()["parts"]
        assert {name for name, part in parts.items() if part["state"] == ERROR} == {"redis", "worker", "beat"}
        assert "REDIS_URL" in parts["redis"]["message"]

    @pytest.mark.usefixtures("_database_is_away")
    def test_reports_the_database_without_its_address(self, db: None, client: Client) -> None:
        response = client.get("/readyz")
        parts = response.json()["parts"]
        assert response.status_code == 503
        assert parts["database"]["state"] == parts["migrations"]["state"] == ERROR
        assert "DATABASE_URL" in parts["database"]["message"]
        assert "127.0.0.1" not in response.text

    def test_reports_a_database_older_than_the_code(
        self, db: None, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        newer = readiness.last_migrations() | {("payouts", "9999_next")}
        monkeypatch.setattr(readiness, "last_migrations", lambda: newer)
        part = client.get("/readyz").json()["parts"]["migrations"]
        assert part["state"] == ERROR
        assert "missing: payouts.9999_next. Run: python manage.py migrate" in part["message"]

    def test_reports_an_ended_thread_of_this_process(self, db: None, rf: Any) -> None:
        ended = Thread(target=lambda: None, name="clicks")
        ended.start()
        ended.join()
        request = rf.get("/readyz")
        request.scope = {THREADS: (ended,)}
        response = readyz(request)
        assert response.status_code == 503
        assert b"a thread has ended: clicks" in response.content


class TestSpool:
    def test_is_well_before_anything_went_there(self, tmp_path: Path) -> None:
        assert readiness.check_spool(tmp_path / "not" / "yet").state == OK

    def test_reports_clicks_that_no_one_drains(self, tmp_path: Path) -> None:
        (tmp_path / "01700000000000000000-17.spool").write_bytes(b"")
        part = readiness.check_spool(tmp_path)
        assert part.state == ERROR
        assert "wait on disk" in part.message

    def test_reports_quarantined_clicks_and_is_ready_all_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "quarantine").mkdir()
        (tmp_path / "quarantine" / "1.refused").write_text("# why\n")
        part = readiness.check_spool(tmp_path)
        assert part.state == OK
        assert "1 files" in part.message

    def test_reports_a_disk_that_is_nearly_full(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(readiness, "LEAST_FREE", 2**80)
        assert "Make room" in readiness.check_spool(tmp_path).message


class TestHeartbeat:
    def test_the_workers_own_heartbeat_is_its_sign_of_life(self) -> None:
        assert heartbeat.age(heartbeat.WORKER) is None
        heartbeat_sent.send(sender=None)
        age = heartbeat.age(heartbeat.WORKER)
        assert age is not None
        assert age < heartbeat.FRESH

    @pytest.mark.usefixtures("_redis_is_away")
    def test_does_not_stop_a_worker_that_has_lost_redis(self) -> None:
        heartbeat.beat(heartbeat.WORKER)


class TestMetricsAccess:
    def test_this_machine_reads_them(self, db: None, client: Client) -> None:
        response = client.get("/metrics")
        assert response.status_code == 200
        assert response["Content-Type"].startswith("text/plain")
        assert "affidavit_database_up 1.0" in response.text

    @pytest.mark.parametrize(
        "asked",
        [
            {"REMOTE_ADDR": "203.0.113.7"},
            {"REMOTE_ADDR": ""},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=127.0.0.1"},
        ],
    )
    def test_others_do_not(self, client: Client, asked: dict[str, str]) -> None:
        response = client.get("/metrics", **asked)
        assert response.status_code == 403
        assert "METRICS_TOKEN" in response.json()["message"]

    def test_a_proxy_on_this_machine_speaks_for_others(self, client: Client, settings: Any) -> None:
        settings.TRUSTED_PROXIES = ["127.0.0.0/8"]
        assert client.get("/metrics").status_code == 403

    def test_a_token_opens_them_from_anywhere(self, db: None, client: Client, settings: Any) -> None:
        settings.METRICS_TOKEN = "a-long-token"
        headers = {"Authorization": "Bearer a-long-token"}
        assert client.get("/metrics", headers=headers, REMOTE_ADDR="203.0.113.7").status_code == 200

    @pytest.mark.parametrize("sent", ["", "Bearer other", "Basic a-long-token", "Bearer \xe9"])
    def test_with_a_token_set_even_this_machine_needs_it(self, client: Client, settings: Any, sent: str) -> None:
        settings.METRICS_TOKEN = "a-long-token"
        response = client.get("/metrics", headers={"Authorization": sent})
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


class TestRequestId:
    def test_is_on_every_answer(self, client: Client, olga: User) -> None:
        for address in ("/healthz", "/accounts/login/", "/no-such-page/", "/api/docs/"):
            assert len(client.get(address)["X-Request-Id"]) == 24
        assert client_of(olga).get("/api/v1/me/", headers={"X-Request-Id": "mine_1-a"})["X-Request-Id"] == "mine_1-a"

    def test_leads_to_the_request_in_the_logs(self, client: Client, caplog: pytest.LogCaptureFixture) -> None:
        response = client.get("/no-such-page/")
        logged = {record.msg["request_id"] for record in caplog.records if isinstance(record.msg, dict)}
        assert logged == {response["X-Request-Id"]}

    @pytest.mark.parametrize("given", ["two words", "x" * 65, "a\tb", "ä", ""])
    def test_is_a_new_one_when_the_senders_is_no_sane_one(self, client: Client, given: str) -> None:
        answered = client.get("/healthz", headers={"X-Request-Id": given})["X-Request-Id"]
        assert answered != given
        assert answered.isalnum()
