"""``rec-assets recommend`` and ``promote``, as their user calls them; without this a wrong name is taken in silence."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import rec_assets
from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.paths import storage_base
from rec_assets.serving.command import printable
from rec_assets.serving.main import main
from rec_assets.store.promoted_models import FOLDER, POINTER, PromotedModels
from rec_assets_tests.serving.serving_process import served

NOTE = "playlist_recommendations are still those of another version until they are materialized again (in the UI)."


def command(models: PromotedModels, *words: str) -> Result:
    return CliRunner().invoke(main, [words[0], "--storage", models.base, *words[1:]])


@pytest.mark.parametrize("words", [["recommend", "a", "b"], ["promote", "1"], ["summary"]], ids=lambda words: words[0])
def test_a_relative_store_is_named_by_its_absolute_path(words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REC_ASSETS_STORAGE", "mystore")

    assert f" {tmp_path / 'mystore'}" in CliRunner().invoke(main, words).stderr
    other = CliRunner().invoke(main, [words[0], "--storage", "./other", *words[1:]]).stderr
    assert f" {tmp_path / 'other'}" in other
    # So does whatever a run logs, raises and reports.
    assert storage_base() == str(tmp_path / "mystore")


def test_promote_lists_the_versions_and_goes_back_to_one(promoted: PromotedModels) -> None:
    listed = command(promoted, "promote").output
    assert "*       2" in listed
    assert " 0.1000 " in listed
    assert re.search(r"\* promoted \S+\+00:00$", listed.strip())
    pointer = (Path(promoted.base) / POINTER).read_bytes()
    again = command(promoted, "promote", "2")
    assert again.exit_code == 0
    assert again.output.startswith("version 2 is promoted already, since 20")
    assert (Path(promoted.base) / POINTER).read_bytes() == pointer

    done = command(promoted, "promote", "1")
    assert (done.exit_code, done.output) == (0, f"version 1 is promoted: hit rate@7 0.1000, item_knn\n{NOTE}\n")
    assert "*       1" in command(promoted, "promote").output
    refused = command(promoted, "promote", "5")
    assert refused.exit_code == 1
    assert "version 5 is not in" in refused.output


def test_what_cannot_be_used_does_not_hide_the_versions_and_the_way_back(promoted: PromotedModels) -> None:
    base = Path(promoted.base)
    (base / FOLDER / "v0001.safetensors").write_bytes(b"cut off")
    listed = command(promoted, "promote").output
    assert "1  cannot be used: " in listed
    assert "*       2" in listed

    (base / POINTER).write_text("{")
    assert "none of them is promoted: choose one with rec-assets promote VERSION" in command(promoted, "promote").output
    assert command(promoted, "promote", "1").exit_code == 1
    assert command(promoted, "promote", "2").exit_code == 0
    assert "*       2" in command(promoted, "promote").output


def test_recommend_prints_names_and_why(promoted: PromotedModels) -> None:
    done = command(promoted, "recommend", "Artist 3", "Track 12", "-k", "4", "--why")

    assert done.exit_code == 0, done.output
    heading, *lines = done.output.splitlines()
    assert heading == "rank  ranker score  artist – track"
    ranked = [line.split() for line in lines if "  Artist" in line and "with" not in line]
    assert [rank for rank, *_ in ranked] == list("1234")
    assert all(float(score) for _, score, *_ in ranked)
    assert "with Artist 3 – Track 12: " in done.output
    assert "playlists in common" in done.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["Artsit 3", "Trakc 12"], 0, "Artsit 3 – Trakc 12: taken for Artist 3 – Track 12"),
        (["Artist 3", "Some Else"], 1, "no track Artist 3 – Some Else. Did you mean\n    Artist 3 – Track"),
        (["qqq", "zzzzz"], 1, "Nothing is spelt like it"),
        ([], 2, "expected 1 to 10,000 tracks, found 0"),
        (["Artist 3"], 2, "found 1 names. Quote names with spaces; a track without artist is asked for by rec-assets"),
        (["Artist 3", "Track 12", "", " "], 2, "a pair has neither ARTIST nor TRACK"),
        (["Artist 3", "Track 12", "-k", "0"], 2, "0 is not in the range"),
    ],
)
def test_what_is_not_named_exactly_is_taken_for_the_nearest_or_refused(
    promoted: PromotedModels, words: list[str], code: int, said: str
) -> None:
    done = command(promoted, "recommend", *words)

    assert done.exit_code == code
    assert said in done.stderr


def test_a_playlist_file_asks_in_its_order_and_leaves_out_what_is_unknown(promoted: PromotedModels) -> None:
    file = Path(promoted.base) / "mine.csv"
    file.write_text('artist,track\nArtist 3,Track 12\n\nqqq,zzzzz\n"Artist 4",Track 17\n', encoding="utf-8-sig")

    done = command(promoted, "recommend", "--playlist", str(file), "-k", "3", "--json")

    document, expected = json.loads(done.stdout), recommend_after(promoted.open(2), [12, 17], k=3)
    assert document["version"] == 2
    assert [one["track"] for one in document["recommendations"]] == [one.track for one in expected]
    assert "left out: no track qqq – zzzzz" in done.stderr
    # What is named on the command line is meant.
    assert command(promoted, "recommend", "--playlist", str(file), "qqq", "zzzzz").exit_code == 1


def test_a_track_without_artist_is_asked_for_by_its_title_in_every_way(artistless: PromotedModels) -> None:
    advised = command(artistless, "recommend", "Track 12").stderr.partition("rec-assets ")[2].split()
    titles, pairs = Path(artistless.base) / "titles.csv", Path(artistless.base) / "pairs.csv"
    titles.write_text("Track\n\nTrack 12\n")
    pairs.write_text("unknown artist,Track 12\n")
    expected = recommend_after(artistless.open(1), [12], k=3)

    for words in (
        [{"TRACK": "Track 12", '""': ""}.get(word, word) for word in advised],
        ["recommend", "unknown artist", "Track 12"],
        ["recommend", "--playlist", str(titles)],
        ["recommend", "--playlist", str(pairs)],
    ):
        done = command(artistless, *words, "--json", "-k", "3")
        assert (done.exit_code, done.stderr) == (0, "")
        found = [(one["artist"], one["track"]) for one in json.loads(done.stdout)["recommendations"]]
        assert found == [(None, one.track) for one in expected]


def test_names_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[31m\tb \n c\x9b") == "a\ufffd[31m b c\ufffd"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Artist 3,Track 12\n\nArtist 3\n", "line 3: expected artist,track, found 1 fields"),
        (b"Track 12\nTrack 13\n", "A file of titles alone needs `track` as its first line."),
        (b"track\nCrosby, Nash\n", "line 2: expected track, found 2 fields"),
        (b"Artist 3,Track 12\n,\n", "line 2 names neither artist nor track"),
        (b"\xff\xfe", "Save it in UTF-8"),
        (b"Artist 3,Track 12\n\xff,Track 13\n", "Save it as CSV in UTF-8"),
        (b"", "is empty. Write a line artist,track for each track"),
        (b"artist,track\n", "holds a heading and no track"),
        (b"qqq,zzzzz\n", "no track qqq"),
    ],
)
def test_a_playlist_file_that_cannot_be_used_is_refused(promoted: PromotedModels, content: bytes, said: str) -> None:
    file = Path(promoted.base) / "mine.csv"
    file.write_bytes(content)

    done = command(promoted, "recommend", "--playlist", str(file))

    assert done.exit_code == 1
    assert said in done.output
    assert str(file) in done.output or "qqq" in said


def write_exports(folder: Path) -> dict[str, Path]:
    """The same playlist as several programs write it."""
    rows = [("Artist 3", "Track 12"), ("Artist 4", "Track 17")]
    files = {
        name: folder / name
        for name in ("exportify.csv", "semicolon.csv", "pairs.csv", "own.json", "rows.parquet", "zip.zip")
    }
    lines = [f'spotify:{title},"{title}","{artist}",2024-01-0{day}' for day, (artist, title) in enumerate(rows, 1)]
    files["exportify.csv"].write_text("\n".join(["Track URI,Track Name,Artist Name(s),Added At", *lines]))
    cut = [f"me;{artist};{title};mine" for artist, title in rows]
    files["semicolon.csv"].write_text("\n".join(["user;artist;title;playlist", *cut]))
    files["pairs.csv"].write_text("\n".join(["artist;track", *(";".join(row) for row in rows)]))
    tracks = [{"track": {"trackName": title, "artistName": artist}} for artist, title in rows]
    files["own.json"].write_text(json.dumps({"playlists": [{"name": "mine", "items": tracks}]}))
    named = pa.table({"artist": [artist for artist, _ in rows], "track": [title for _, title in rows]})
    pq.write_table(named, files["rows.parquet"])
    with zipfile.ZipFile(files["zip.zip"], "w") as archive:
        archive.write(files["semicolon.csv"], "semicolon.csv")
    return files


def test_an_export_that_training_reads_is_a_playlist_file(promoted: PromotedModels, tmp_path: Path) -> None:
    expected = [one.track for one in recommend_after(promoted.open(2), [12, 17], k=3)]
    for file in write_exports(tmp_path).values():
        done = command(promoted, "recommend", "--playlist", str(file), "-k", "3", "--json")
        assert done.exit_code == 0, done.output
        assert [one["track"] for one in json.loads(done.stdout)["recommendations"]] == expected, file.name


def test_of_a_file_with_several_playlists_one_is_chosen_by_its_name(promoted: PromotedModels, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    rows = ["u,Artist 3,Track 12,one", "u,Artist 4,Track 17,two", "v,Artist 3,Track 12,two", "v,,,three"]
    file.write_text("\n".join(["user,artist,title,playlist", *rows]))
    words = ["recommend", "--playlist", str(file), "-k", "3"]

    refused = command(promoted, *words)
    assert refused.exit_code == 1
    assert "1 rows cannot be read and are left out; the first: " in refused.stderr
    said = f"{file} holds 3 playlists. Choose one by --playlist-name:\n    one\n    two of u\n    two of v\n"
    assert said in refused.stderr
    chosen = command(promoted, *words, "--playlist-name", "two of u", "--json")
    assert [one["track"] for one in json.loads(chosen.stdout)["asked"]] == ["Track 17"]
    assert "None is called 'two'" in command(promoted, *words, "--playlist-name", "two").stderr
    assert command(promoted, "recommend", "a", "b", "--playlist-name", "two").exit_code == 2
    # A title that is the name of a column elsewhere is a title here.
    file.write_text("Artist 3,Name\nArtist 3,Track 12\n")
    assert "left out: no track Artist 3 – Name" in command(promoted, *words).stderr
    assert "names no playlists. Leave out" in command(promoted, *words, "--playlist-name", "two").stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--exclude-artist", "Artsit 3"], "Error: no artist Artsit 3. Did you mean\n    Artist "),
        (["--only-artist", "☃"], "Error: no artist ☃. Nobody's name is spelt like it."),
        (["--exclude", "Artist 3", "Trakc 12"], "no track Artist 3 – Trakc 12. Did you mean\n    Artist 3 – Track 12"),
    ],
)
def test_a_rule_takes_no_name_for_another(promoted: PromotedModels, words: list[str], said: str) -> None:
    refused = command(promoted, "recommend", "Artist 3", "Track 12", *words)

    assert refused.exit_code == 1
    assert said in refused.stderr
    near = [line.strip() for line in refused.stderr.splitlines()[1:]]
    advised = [words[0], *(near[0].split(" – ") if near else ["artist 3"])]
    assert command(promoted, "recommend", "Artist 3", "Track 12", *advised).exit_code == 0


def test_files_of_tracks_are_rules_and_what_is_unknown_of_them_is_counted(
    promoted: PromotedModels, tmp_path: Path
) -> None:
    own = tmp_path / "own.csv"
    rows = ["u,Artist 3,Track 12,one", "u,Artist 4,Track 17,two", "v,Artist 5,Track 20,two", "v,qqq,zzz,three"]
    own.write_text("\n".join(["user,artist,title,playlist", *rows]))
    words = ["recommend", "Artist 4", "Track 16", "-k", "40", "--json"]

    def tracks(*rules: str) -> list[str]:
        done = command(promoted, *words, *rules)
        assert done.exit_code == 0, done.output
        assert "1 tracks of --exclude-file and --only-file are not known" in done.stderr
        assert "the first: no track qqq – zzz. Nothing is spelt like it." in done.stderr
        return sorted(one["track"] for one in json.loads(done.stdout)["recommendations"])

    assert tracks("--only-file", str(own)) == ["Track 12", "Track 17", "Track 20"]
    only = tracks("--only-file", str(own), "--only-artist", "artist 5", "--exclude", "Artist 5", "Track 21")
    assert only == ["Track 12", "Track 17", "Track 20", "Track 22", "Track 23"]
    excluded = tracks("--exclude-file", str(own))
    assert len(excluded) == 40
    assert not set(excluded) & {"Track 12", "Track 17", "Track 20"}
    own.write_text("qqq,zzz\n")
    refused = command(promoted, *words, "--only-file", str(own))
    assert (refused.exit_code, f"{own}: the model knows none of its tracks" in refused.stderr) == (1, True)


def test_a_title_may_stand_alone_and_a_playlist_file_may_bring_one(promoted: PromotedModels, tmp_path: Path) -> None:
    alone = command(promoted, "recommend", "--title", " zzq ", "-k", "3")
    assert alone.stderr == "No word of the title is known. These are the most frequent tracks.\n"
    assert alone.stdout.startswith("rank  title score  artist")
    model = promoted.open(2)
    frequent = model.names.of(model.recommender.tracks.track_index[:3])
    lines = [line.split("  ")[-1] for line in alone.stdout.splitlines()[1:]]
    assert lines == [f"{artist} – {track}" for artist, track in frequent]
    assert alone.stdout.count("  popular  ") == 3

    file = write_exports(tmp_path)["semicolon.csv"]
    for words, title in (([], "mine"), (["--title", "zzq"], "zzq"), (["--title", ""], None)):
        done = command(promoted, "recommend", "--playlist", str(file), "--json", *words)
        asked = json.loads(done.stdout)["title"]
        assert (asked and asked["asked"]) == title
    assert command(promoted, "recommend", "--title", " ").exit_code == 2


def test_the_json_of_the_command_is_that_of_http(promoted: PromotedModels) -> None:
    pairs = [("Artsit 3", "Trakc 12"), ("Artist 4", "Track 17")]
    params = [*(pair for artist, track in pairs for pair in (("artist", artist), ("track", track))), ("k", "3")]
    with served(Path(promoted.base)) as client:
        for why, option in (("false", []), ("true", ["--why"])):
            by_http = client.get("/recommend", params=[*params, ("why", why)]).json()
            words = ["recommend", *sum(pairs, ()), "-k", "3", "--json", *option]
            assert json.loads(command(promoted, *words).stdout) == by_http


def test_help_is_whole_and_says_what_the_exit_codes_mean() -> None:
    text = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    assert "..." not in text.partition("Commands:")[2]
    assert "0 done; 1 what was asked cannot be done" in text
    assert max(map(len, text.splitlines())) <= 80
    assert CliRunner().invoke(main, ["--version"]).output == f"rec-assets, version {rec_assets.__version__}\n"


def test_recommend_without_a_model_says_how_to_get_one(tmp_path: Path) -> None:
    done = command(PromotedModels(str(tmp_path)), "recommend", "a", "b")

    assert done.exit_code == 1
    assert "no model is promoted" in done.output


def test_the_command_loads_nothing_that_takes_time_and_recommend_only_what_it_needs(promoted: PromotedModels) -> None:
    program = (
        "import sys\nfrom rec_assets.serving.main import main\n"
        "print({'numpy', 'fastapi', 'uvicorn', 'dagster', 'gensim'} & set(sys.modules))\n"
        f"main(['recommend', '--storage', {promoted.base!r}, 'Artist 3', 'Track 12'], standalone_mode=False)\n"
        "print({'dagster', 'duckdb', 'gensim', 'pandas', 'sklearn', 'matplotlib', 'lightgbm'} & set(sys.modules))"
    )

    lines = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert (lines.splitlines()[0], lines.splitlines()[-1]) == ("set()", "set()")
