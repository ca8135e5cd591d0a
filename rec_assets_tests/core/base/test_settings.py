"""Without these, a wrong setting could be accepted in silence, or refused with words that do not help."""

from enum import Enum

import pytest

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.playlists.splits import SplitSettings
from rec_assets.core.recommender.settings import RecommenderSettings


class Way(Enum):
    here = "here"
    there = "there"


class Bounded(Settings):
    whole: int = setting(3, "How many.", ge=1, le=10_000)
    share: float = setting(0.5, "How much.", gt=0, lt=1)
    least: int = setting(0, "At least.", ge=0)
    above: float = setting(1.0, "Above.", gt=0)
    most: int = setting(0, "At most.", le=9)
    way: Way = setting(Way.here, "Where.")
    names: dict[str, str] = setting({}, "Which.")


class More(Bounded):
    further: int = setting(1, "Further.")


def test_descriptions_end_with_their_bounds() -> None:
    assert {name: field.description for name, field in Bounded.model_fields.items()} == {
        "whole": "How many. [1 to 10,000]",
        "share": "How much. [above 0, below 1]",
        "least": "At least. [0 or more]",
        "above": "Above. [above 0]",
        "most": "At most. [up to 9]",
        "way": "Where.",
        "names": "Which.",
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"whole": 0}, "Setting `whole` is 0; expected at least 1 and at most 10,000. Change it in the run config."),
        ({"whole": 10_001}, r"Setting `whole` is 10001; .* \(whole: How many\. \[1 to 10,000\]\)"),
        ({"share": 1.0}, "Setting `share` is 1; expected above 0 and below 1"),
        ({"share": float("nan")}, "Setting `share` is nan; expected above 0 and below 1"),
        (
            {"way": "their"},
            r"Setting `way` is 'their'; expected one of here, there\. Did you mean `there`\? Change",
        ),
        ({"most": "many"}, "Setting `most` is 'many'; expected a whole number, at most 9. Change it"),
        ({"most": [1]}, r"Setting `most` is \[1\]; expected a whole number, at most 9"),
        ({"most": None}, r"Setting `most` is empty \(null\); expected a whole number"),
        ({"above": True}, "Setting `above` is true; expected a number, above 0"),
        ({"names": {"here": 1}}, "Setting `names.here` is 1; expected text, in quotes. Change it"),
        ({"Hole": 1}, r"^There is no setting `Hole`\. Did you mean `whole`\?$"),
        ({"x": 1}, "There is no setting `x`; there are above, least, most, names, share, way, whole"),
        ({"whole": 0, "share": 2}, "(?s)Setting `whole`.*\nSetting `share`"),
    ],
)
def test_an_error_names_the_setting_its_value_and_what_was_expected(values: dict, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        Bounded(**values)
    assert "pydantic" not in str(caught.value)


def test_a_number_may_be_text_since_yaml_reads_some_as_text() -> None:
    assert Bounded(share="1e-3", whole="48").as_dict() == Bounded(share=0.001, whole=48).as_dict()


def test_a_rule_about_several_settings_names_them_all() -> None:
    with pytest.raises(
        SettingsError, match=r"Settings train_share=0\.8, validation_share=0\.2, test_share=0\.1: they add to 1\.1"
    ):
        SplitSettings(train_share=0.8)


def test_settings_are_json_and_give_those_that_another_class_has_too() -> None:
    assert Bounded(way=Way.there).as_dict()["way"] == "there"
    assert Bounded.among(More(whole=7, further=2)) == Bounded(whole=7).as_dict()
    assert Bounded(**Bounded(share=0.25).as_dict()) == Bounded(share=0.25)


def test_a_question_cannot_be_changed_after_it_was_asked() -> None:
    asked = RecommenderSettings(k=7)
    with pytest.raises(Exception, match="frozen"):
        asked.k = 8
