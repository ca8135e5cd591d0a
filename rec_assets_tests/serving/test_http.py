"""The endpoint; without this bad questions could end it, and a promotion or a damaged file interrupt it."""

import contextlib
import re
import shutil
import socket
import threading
from collections.abc import Iterable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.serving.http import answering as answering_module
from rec_assets.serving.http import app as app_module
from rec_assets.serving.http import current as current_module
from rec_assets.serving.http.current import CurrentModel
from rec_assets.serving.http.server import LONGEST_HEAD, ServingSettings
from rec_assets.serving.main import main
from rec_assets.store.promoted_models import FOLDER, POINTER, PromotedModels
from rec_assets_tests.core.promoted.small_promoted import add_version
from rec_assets_tests.serving.serving_process import served, until
from rec_assets_tests.store.stored_values import flip_bit

ONE = [("artist", "Artist 3"), ("track", "Track 12")]


@pytest.fixture(scope="module")
def client(promoted_store: Path) -> Iterable[httpx.Client]:
    """An endpoint whose store no test changes."""
    with served(promoted_store) as client:
        yield client


def test_the_answer_is_that_of_the_model_with_what_each_pair_was_taken_for(client, promoted_store) -> None:
    model = PromotedModels(str(promoted_store)).open_current()
    pairs = [("ARTIST 2", "Trák 9"), ("Artist 3", "Track 12")]
    found = [model.names.find(*pair) for pair in pairs]

    response = client.get("/recommend", params=[*zip(("artist", "track"), pairs[0], strict=True), *ONE, ("k", "7")])

    answer = response.json()
    expected = recommend_after(model, [one.track for one in found if one.track is not None], k=7)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert answer["version"] == 2
    assert answer["asked"] == [
        {
            **{"artist": "ARTIST 2", "track": "Trák 9", "is_exact": False},
            "taken_for": {"artist": "Artist 2", "track": "Track 9"},
        },
        {
            **{"artist": "Artist 3", "track": "Track 12", "is_exact": True},
            "taken_for": {"artist": "Artist 3", "track": "Track 12"},
        },
    ]
    assert answer["recommendations"] == [
        {"rank": one.rank, "artist": one.artist, "track": one.track, "score": one.score} for one in expected
    ]


def test_ten_tracks_come_unless_k_says_otherwise_and_why_says_which_tracks_speak_for_each(client) -> None:
    answers = client.get("/recommend", params=[*ONE, ("why", "true")]).json()["recommendations"]

    assert len(answers) == 10
    assert {"artist", "track", "similarity", "playlists"} == set(answers[0]["because"][0])
    assert answers[0]["because"][0]["track"] == "Track 12"


def test_unknown_tracks_are_404_with_those_near_them(client) -> None:
    params = [*ONE, ("artist", "Artist 3"), ("track", "Trxxk 12 zz"), ("artist", "qqqq"), ("track", "\x00☃")]
    response = client.get("/recommend", params=params)

    document = response.json()
    assert response.status_code == 404
    assert [one["track"] for one in document["unknown"]] == ["Trxxk 12 zz", "\x00☃"]
    assert "Artist 3" in {one["artist"] for one in document["unknown"][0]["did_you_mean"]}
    assert document["unknown"][1] == {"artist": "qqqq", "track": "\x00☃", "did_you_mean": []}
    assert document["detail"].startswith("2 of the tracks are not known")


@pytest.mark.parametrize(
    ("params", "parameter", "detail"),
    [
        ([], "artist", "artist, track and title are missing; expected at least one of them."),
        ([("title", " ")], "artist", "artist, track and title are missing; expected at least one of them."),
        ([*ONE, ("per_artist", "0")], "per_artist", "per_artist is '0'; expected a whole number from 1 to 1000."),
        (
            [*ONE, ("track", "a")],
            "artist",
            "artist occurs 1 times and track 2 times; expected pairs, with `artist=` for a track without artist.",
        ),
        (ONE * 101, "artist", "artist occurs too often; expected at most 100 of it."),
        ([("artist", ""), ("track", "")] * 2_000, "artist", "artist occurs too often; expected at most 100 of it."),
        (
            [*ONE, ("artist", ""), ("track", " ")],
            "artist",
            "pair number 2 has neither artist nor track; expected at least one of both.",
        ),
        ([*ONE, ("k", "0")], "k", "k is '0'; expected a whole number from 1 to 1000."),
        ([*ONE, ("k", "1001")], "k", "k is '1001'; expected a whole number from 1 to 1000."),
        ([*ONE, ("k", "9" * 5_000)], "k", f"k is '{'9' * 39}…; expected a whole number from 1 to 1000."),
        ([*ONE, ("why", "perhaps")], "why", "why is 'perhaps'; expected true or false."),
        (
            [*ONE, ("count", "5")],
            "count",
            "count is no parameter; there are artist, track, title, k, why, per_artist, exclude_artist, only_artist.",
        ),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(client, params, parameter, detail) -> None:
    response = client.get("/recommend", params=params)

    assert response.status_code == 422, response.text
    assert response.json() == {"parameter": parameter, "detail": detail}


def test_a_long_list_is_posted_and_answered_alike(client) -> None:
    pairs = [("ARTIST 2", "Trák 9"), ("Artist 3", "Track 12")] * 50
    params = [item for pair in pairs for item in zip(("artist", "track"), pair, strict=True)]
    document = {"tracks": [{"artist": artist, "track": track} for artist, track in pairs], "k": 7, "why": True}

    posted = client.post("/recommend", json=document)

    assert posted.json() == client.get("/recommend", params=[*params, ("k", "7"), ("why", "true")]).json()
    assert client.post("/recommend", json={"tracks": document["tracks"] * 10}).status_code == 200


@pytest.mark.parametrize(
    ("body", "parameter", "detail"),
    [
        (b"{", "body", "the body is no question; expected JSON such as {"),
        (b"[]", "body", "the body is no question; expected JSON such as {"),
        (b'{"tracks": [{"artist": "\\ud800"}]}', "body", "the body is no question; expected JSON such as {"),
        (b"{}", "tracks", "tracks and title are missing; expected at least one of them."),
        (b'{"tracks": [], "title": ""}', "tracks", "tracks and title are missing; expected at least one of them."),
        (b'{"tracks": 1}', "tracks", "tracks is 1; expected a list of at most 1,000 pairs such as {"),
        (b'{"title": "a", "exclude": [{}]}', "exclude", "exclude number 1 has neither artist nor track; expected"),
        (b'{"title": "a", "only_artists": "b"}', "only_artists", "only_artists is 'b'; expected a list of at most"),
        (b'{"tracks": ["a"]}', "tracks", "tracks number 1 is 'a'; expected a pair such as {"),
        (b'{"tracks": [{"artist": 3}]}', "tracks", "artist of tracks number 1 is 3; expected text."),
        (b'{"tracks": [{"artist": "a"}, {}]}', "tracks", "tracks number 2 has neither artist nor track; expected"),
        (
            b'{"tracks": [{"title": "a"}]}',
            "tracks",
            "title of tracks number 1 is no parameter; there are artist, track.",
        ),
        (b'{"tracks": [{"artist": "a"}], "k": "5"}', "k", "k is '5'; expected a whole number from 1 to 1000."),
        (
            b'{"tracks": [{"artist": "a"}], "count": 5}',
            "count",
            "count is no parameter; there are tracks, title, k, why,",
        ),
        (b'{"tracks": [%s{}]}' % (b"{}," * 1000), "tracks", "tracks occurs too often; expected at most 1000 of it."),
    ],
)
def test_a_posted_question_out_of_bounds_is_refused_by_name(client, body, parameter, detail) -> None:
    response = client.post("/recommend", content=body)

    assert response.status_code == 422, response.text
    assert response.json()["parameter"] == parameter
    assert response.json()["detail"].startswith(detail)


def test_names_of_rules_that_are_unknown_are_404_with_those_near_them(client) -> None:
    document = {
        "tracks": [{"artist": "Artist 3", "track": "Track 12"}],
        "exclude": [{"artist": "Artist 4", "track": "Track 16"}, {"artist": "Artist 4", "track": "Trakc 17"}],
        "exclude_artists": ["☃", "ARTIST 4"],
        "only_artists": ["Artist 44"],
    }
    response = client.post("/recommend", json=document)

    assert response.status_code == 404
    detail, (track, nobody, near) = response.json()["detail"], response.json()["unknown"]
    assert detail == "1 of the tracks and 2 of the artists are not known. See did_you_mean, or leave them out."
    assert (track["track"], track["did_you_mean"][0]["track"]) == ("Trakc 17", "Track 17")
    assert nobody == {"artist": "☃", "did_you_mean": []}
    assert {"artist": "Artist 4"} in near["did_you_mean"]
    document |= {"exclude": [track["did_you_mean"][0] | {"likeness": 1}]}
    assert client.post("/recommend", json=document).json()["parameter"] == "exclude"
    document |= {"exclude": [], "exclude_artists": [None], "only_artists": ["artist 4"]}
    assert client.post("/recommend", json=document).json()["detail"].startswith("1 of the artists")
    found = client.post("/recommend", json=document | {"exclude_artists": []}).json()["recommendations"]
    assert {one["artist"] for one in found} == {"Artist 4"}
    assert len(found) == 4


def test_a_title_alone_is_a_question(client, promoted_store) -> None:
    by_address = client.get("/recommend", params={"title": " zzq ", "k": "3", "why": "true"})
    posted = client.post("/recommend", json={"title": "zzq", "k": 3, "why": True})

    assert by_address.json() == posted.json()
    note = "No word of the title is known. These are the most frequent tracks."
    assert posted.json()["title"] == {"asked": "zzq", "known_words": [], "note": note}
    assert [one["because"] for one in posted.json()["recommendations"]] == [[], [], []]
    assert client.get("/recommend", params=ONE).json()["title"] is None


def test_a_body_that_is_too_long_is_refused_before_it_is_read(client) -> None:
    response = client.post("/recommend", content=b" " * (app_module.LONGEST_BODY + 1))

    assert response.status_code == 413
    assert response.json()["detail"] == "the body is longer than 262,144 bytes. Ask for fewer."


def test_tracks_are_found_by_letters_of_their_names_and_can_be_asked_for_as_they_are_shown(client, artistless) -> None:
    found = client.get("/tracks", params={"query": "trakc 12 artist"}).json()

    assert found["version"] == 2
    assert found["tracks"][0] == {"artist": "Artist 3", "track": "Track 12"}
    assert client.get("/tracks", params={"query": "☃"}).json()["tracks"] == []
    for params, parameter in (({}, "query"), ({"query": " "}, "query"), ({"query": "a", "k": 3}, "k")):
        refused = client.get("/tracks", params=params)
        assert (refused.status_code, refused.json()["parameter"]) == (422, parameter)
    with served(Path(artistless.base)) as other:
        (shown, *_) = other.get("/tracks", params={"query": "track 12"}).json()["tracks"]
        assert shown == {"artist": None, "track": "Track 12"}
        assert other.post("/recommend", json={"tracks": [shown]}).status_code == 200


def test_a_list_of_unknown_names_takes_the_time_of_few_and_says_so(client, monkeypatch) -> None:
    monkeypatch.setattr(answering_module, "SEARCH_SECONDS", 0.0)
    unknown = {"tracks": [{"artist": "Artist 3", "track": f"Trxxk 12 z{letter}"} for letter in "abcdef"]}
    known = {"tracks": [{"artist": "Artist 3", "track": "Track 12"}] * 5}

    response = client.post("/recommend", json=unknown)

    near = [bool(one["did_you_mean"]) for one in response.json()["unknown"]]
    assert response.status_code == 404
    assert near == [True, False, False, False, False, False]
    assert "5 of them were looked for as they are written alone" in response.json()["detail"]
    assert client.post("/recommend", json=known).status_code == 200
    rules = client.post("/recommend", json=known | {"exclude": unknown["tracks"], "only_artists": ["Artsit 3"]})
    assert [bool(one["did_you_mean"]) for one in rules.json()["unknown"]] == [True, *[False] * 6]
    few = client.post("/recommend", json={"tracks": unknown["tracks"][:2]})
    assert (few.status_code, few.headers["Retry-After"]) == (503, "1")
    assert few.json()["detail"] == "Too many misspelt names are looked for at once. Ask again in a second."


def test_the_page_is_one_file_that_a_browser_lets_ask_nobody_else(client) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert re.findall(r"https?://", page.text) == []
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert (client.head("/").status_code, client.head("/").content) == (200, b"")


def test_health_answers_head_without_a_body(client) -> None:
    response = client.head("/health")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(client.get("/health").content))


def test_metrics_count_requests_by_path_and_status_and_tell_the_version(promoted_store) -> None:
    with served(promoted_store) as client:
        for path in ("/health", "/health", "/recommend", "/invented", "/invented/too"):
            client.get(path)
        text = client.get("/metrics").text

    assert 'rec_assets_requests_total{path="/health",status="200"} 2.0' in text
    assert 'rec_assets_requests_total{path="/recommend",status="422"} 1.0' in text
    assert 'rec_assets_requests_total{path="other",status="404"} 2.0' in text
    assert 'rec_assets_request_seconds_bucket{le="+Inf",path="/health"} 2.0' in text
    assert "rec_assets_questions_waiting 0.0" in text
    assert "rec_assets_model_version 2.0" in text
    assert "rec_assets_model_hit_rate 0.2" in text
    assert re.search(r"^rec_assets_seconds_since_promotion \d", text, re.MULTILINE)


def test_a_browser_may_ask_from_the_pages_that_are_named_alone(promoted_store) -> None:
    with served(promoted_store, cors_origins=("https://mine.example",)) as client:
        mine, other = (
            client.get("/health", headers={"Origin": f"https://{name}.example"}).headers for name in ("mine", "other")
        )
        asked = client.options(
            "/recommend",
            headers={
                "Origin": "https://mine.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )

    assert mine["access-control-allow-origin"] == "https://mine.example"
    assert "access-control-allow-origin" not in other
    assert asked.status_code == 200


@pytest.mark.parametrize("origin", ["mine.example", "https://mine.example/", "https://mine.example/page", ""])
def test_what_is_no_origin_is_refused(origin) -> None:
    result = CliRunner().invoke(main, ["serve", "--cors-origin", origin])

    assert result.exit_code == 2
    assert "is no origin; expected scheme, host and port alone: https://example.org:8443" in result.output


def test_the_bounds_themselves_are_fine(client) -> None:
    assert client.get("/recommend", params=[*ONE * 100, ("k", "1000")]).status_code == 200
    assert client.get("/recommend", params=[*ONE, ("k", "1")]).json()["recommendations"][0]["rank"] == 1
    assert client.get("/recommend", params=[("artist", "a" * 3_000), ("track", "ö" * 3_000)]).status_code == 404
    assert client.request("GET", "/recommend", params=ONE, content=b"x" * 1_000_000).status_code == 200


@pytest.mark.parametrize(
    "params",
    [
        [("track", "Track 7"), ("track", "Track 12")],
        [("artist", ""), ("track", "Track 7"), ("artist", "unknown artist"), ("track", "Track 12")],
    ],
)
def test_tracks_without_artist_are_asked_for_by_title(artistless, params) -> None:
    with served(Path(artistless.base)) as client:
        answer = client.get("/recommend", params=params).json()

    assert [asked["taken_for"] for asked in answer["asked"]] == [
        {"artist": None, "track": title} for title in ("Track 7", "Track 12")
    ]
    assert all(asked["is_exact"] for asked in answer["asked"])
    assert len(answer["recommendations"]) == 10


def test_what_is_meant_perhaps_can_be_asked_as_it_is_shown(artistless) -> None:
    with served(Path(artistless.base)) as client:
        unknown = client.get("/recommend", params={"artist": "Rihanna", "track": "Track 12"})
        near = unknown.json()["unknown"][0]["did_you_mean"][0]
        shown = {"artist": near["artist"], "track": near["track"]}

        assert unknown.status_code == 404
        assert shown == {"artist": None, "track": "Track 12"}
        assert client.get("/recommend", params=shown).json()["asked"][0]["taken_for"] == shown


def test_other_paths_and_methods_are_refused_and_no_page_loads_from_elsewhere(client) -> None:
    assert [client.get(path).status_code for path in ("/docs", "/redoc", "/recommend/")] == [404] * 3
    for method in ("PUT", "DELETE", "HEAD", "OPTIONS"):
        assert client.request(method, "/recommend", params=ONE).status_code == 405
    assert client.post("/health", content=b"x" * 10_000_000).status_code == 405
    document = client.get("/openapi.json")
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', document.text))
    assert referred <= set(document.json()["components"]["schemas"])
    assert "$defs" not in document.text
    described = document.json()["paths"]
    assert set(described) == {"/recommend", "/tracks", "/health", "/metrics"}
    assert "access-control-allow-origin" not in client.get("/health", headers={"Origin": "http://x"}).headers


@pytest.mark.parametrize(
    "head",
    [
        b"GET /recommend?artist=" + b"a" * 4 * LONGEST_HEAD,
        b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 4 * LONGEST_HEAD,
        b"GET /health HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * LONGEST_HEAD,
        b"\x00\xff nonsense\r\n\r\n",
    ],
)
def test_what_is_no_request_or_an_endless_one_is_refused_and_the_server_goes_on(client, head) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=30) as connection:
        with contextlib.suppress(ConnectionError):  # it need not read to the end
            connection.sendall(head)
        answer = connection.recv(100)

    assert answer.startswith(b"HTTP/1.1 4")
    assert client.get("/health").status_code == 200


def test_health_has_the_version_and_its_age(client, promoted_store) -> None:
    facts = PromotedModels(str(promoted_store)).current()
    health = client.get("/health").json()

    assert facts is not None
    assert (health["status"], health["problem"], health["version"]) == ("ok", None, 2)
    assert (health["hit_rate"], health["vocabulary"]) == (facts["hit_rate"], facts["counts"]["vocabulary"])
    assert health["promoted_at"] == facts["promoted_at"]
    assert 0 <= health["seconds_since_promotion"] < 600


def test_the_server_starts_without_a_model_and_serves_the_first_one(promoted: PromotedModels, caplog) -> None:
    pointer = Path(promoted.base) / POINTER
    hidden = pointer.rename(pointer.with_name("hidden"))
    with served(Path(promoted.base)) as client:
        health, answer = client.get("/health"), client.get("/recommend", params=ONE)
        hidden.rename(pointer)
        until(lambda: client.get("/health").status_code == 200)
        assert client.get("/recommend", params=ONE).status_code == 200

    assert health.status_code == answer.status_code == 503
    assert health.json() == {
        "status": "no model",
        "problem": f"no model is promoted in {promoted.base}. Run training_job (make run) first.",
    }
    assert answer.json()["detail"] == health.json()["problem"]


def test_a_promotion_is_served_and_the_old_file_may_go(promoted: PromotedModels) -> None:
    with served(Path(promoted.base)) as client:
        before = client.get("/recommend", params=ONE).json()
        assert before["version"] == 2
        promoted.point_to(1, by="test")
        until(lambda: client.get("/health").json()["version"] == 1)
        promoted.remove_all_but([1])

        after = client.get("/recommend", params=ONE).json()
        assert after["version"] == 1
        assert after["recommendations"] != before["recommendations"]
        shutil.rmtree(Path(promoted.base) / FOLDER)
        assert client.get("/recommend", params=ONE).json() == after


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: flip_bit(path, 4 * path.stat().st_size), "is damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "has no checksum"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (Path.unlink, "is not in"),
    ],
)
def test_a_damaged_new_version_is_reported_once_and_the_old_one_goes_on(promoted, damage, problem, caplog) -> None:
    path = add_version(promoted, 3)
    current = CurrentModel(promoted)
    current.look()
    promoted.point_to(3, by="test")
    damage(path)

    current.look()
    current.look()

    assert current.served is not None
    assert current.served.facts["version"] == 2
    assert current.problem is not None
    assert "version 3 cannot be served: " in current.problem
    assert problem in current.problem
    assert "version 2 goes on." in caplog.text
    assert caplog.text.count("cannot be served") == 1
    promoted.point_to(2, by="hand")
    current.look()
    assert current.problem is None


def test_health_reports_that_a_damaged_version_is_not_served_and_a_good_one_ends_it(promoted: PromotedModels) -> None:
    with served(Path(promoted.base)) as client:
        flip_bit(Path(promoted.base) / POINTER, 80)
        health = until(lambda: (found := client.get("/health").json())["problem"] and found)
        assert (health["status"], health["version"]) == ("old model", 2)
        assert f"{POINTER} is damaged" in health["problem"]
        promoted.point_to(1, by="test")
        assert until(lambda: (found := client.get("/health").json())["status"] == "ok" and found)["version"] == 1


def test_what_was_found_is_remembered_by_the_version_that_found_it(promoted: PromotedModels) -> None:
    current = CurrentModel(promoted)
    current.look()
    first = current.served
    assert first is not None
    assert first.find("Artist 3", "Trak 12") is first.find("Artist 3", "Trak 12")
    promoted.point_to(1, by="test")
    current.look()
    assert current.served is not None
    assert current.served.find("Artist 3", "Trak 12") is not first.find("Artist 3", "Trak 12")


def test_a_version_that_failed_is_tried_again_after_a_while_only(promoted: PromotedModels, monkeypatch) -> None:
    opened, good, folder = [], promoted.open, Path(promoted.base) / FOLDER

    def counted(version: int, **settings: bool):
        opened.append(version)
        return good(version, **settings)

    monkeypatch.setattr(promoted, "open", counted)
    hidden = folder.rename(folder.with_name("hidden"))
    current = CurrentModel(promoted)
    for _ in range(3):
        current.look()
    assert opened == [2]
    hidden.rename(folder)
    monkeypatch.setattr(current_module.time, "monotonic", lambda: float("inf"))
    current.look()

    assert opened == [2, 2]
    assert current.served is not None


def test_the_same_file_promoted_again_is_not_opened_again(promoted: PromotedModels) -> None:
    current = CurrentModel(promoted)
    current.look()
    before = current.served
    facts = promoted.point_to(2, by="hand")
    current.look()

    assert before is not None and current.served is not None  # noqa: PT018 - for the type checker
    assert current.served.model is before.model
    assert current.served.facts["promoted_by"] == facts["promoted_by"] == "hand"


def test_too_many_questions_are_refused_at_once_and_health_still_answers(promoted_store, monkeypatch) -> None:
    go_on, begun = threading.Event(), threading.Semaphore(0)

    def slow(_, questions) -> list[str]:
        begun.release()
        go_on.wait(30)
        return ["{}"] * len(questions)

    monkeypatch.setattr(app_module, "answer_each", slow)
    monkeypatch.setattr(app_module, "MOST_WAITING", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    codes: list[int] = []
    with served(promoted_store) as client:
        threads = [
            threading.Thread(target=lambda: codes.append(client.get("/recommend", params=ONE).status_code))
            for _ in range(6)
        ]
        threads[0].start()
        assert begun.acquire(timeout=30)
        for thread in threads[1:]:
            thread.start()
        until(lambda: len(codes) == 3)
        assert codes == [503] * 3
        assert client.get("/health").status_code == 200
        go_on.set()
        for thread in threads:
            thread.join()
    assert sorted(codes) == [200] * 3 + [503] * 3


def test_names_are_logged_only_if_that_is_asked(promoted_store, capfd) -> None:
    with served(promoted_store) as client:
        client.get("/recommend", params=ONE)
    assert "Artist" not in "".join(capfd.readouterr())
    with served(promoted_store, access_log=True) as client:
        client.get("/recommend", params=ONE)
    assert "artist=Artist" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_only_loopback_is_local(host, is_local) -> None:
    assert ServingSettings("s", host).is_local == is_local


def test_without_the_extra_the_command_says_what_installs_it(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(main, ["serve"])

    assert result.exit_code == 1
    assert "serve needs fastapi, uvicorn, prometheus_client. Install: .venv/bin/pip install -c constraints.txt -e" in (
        result.output
    )
