"""What a tag and what a script say about the language, and what the layer costs to load."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from wyoming_servers.text import detect_language, normaliser_for, script_of, speakable, to_traditional
from wyoming_servers.text.chinese_script import _without_segmentation, is_simplified_only, is_traditional_only
from wyoming_servers.text.language import LanguageTag, parse_language


@pytest.mark.parametrize(
    ("tag", "parsed"),
    [
        ("en", LanguageTag("en")),
        ("en_US", LanguageTag("en", "", "US")),
        ("EN-gb", LanguageTag("en", "", "GB")),
        ("zh-Hant-TW", LanguageTag("zh", "Hant", "TW")),
        ("zh_hans", LanguageTag("zh", "Hans")),
        ("cmn-CN", LanguageTag("zh", "", "CN")),
        ("", LanguageTag("")),
        ("x-y-z", LanguageTag("x")),
    ],
)
def test_tags_are_read_in_the_ways_people_write_them(tag: str, parsed: LanguageTag) -> None:
    """Hyphen or underscore, any case."""
    assert parse_language(tag) == parsed


@pytest.mark.parametrize(
    ("tag", "known"),
    [("en", True), ("en-GB", True), ("zh", True), ("zh_TW", True), ("fr", False), ("", False), ("../en", False)],
)
def test_a_language_has_a_normaliser_if_there_is_a_module_for_it(tag: str, known: bool) -> None:
    """Strange tags find nothing, and raise nothing."""
    assert (normaliser_for(tag) is not None) is known


def test_a_new_language_is_one_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with the right name and a `create` is all it takes."""

    class Klingon:
        link_word = "Qej"

        def normalise(self, text: str) -> str:
            return text.replace("1", "wa'")

    name = "wyoming_servers.text.normalise_tlh"
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    module.create = lambda language: Klingon()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    assert speakable("**1** http://10.0.0.1/", "tlh") == "wa' Qej"
    normaliser_for.cache_clear()


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello", "latin"),
        ("naïve Ångström", "latin"),
        ("你好", "han"),
        ("打開 living 的燈", "han"),
        ("please open 客廳 now", "latin"),
        ("Привет", "other"),
        ("こんにちは世界", "other"),
        ("안녕", "other"),
        ("123 !?", "other"),
        ("", "other"),
    ],
)
def test_the_script_is_that_of_most_words(text: str, script: str) -> None:
    """Kana make Japanese of Han."""
    assert script_of(text) == script


@pytest.mark.parametrize(
    ("text", "candidates", "language"),
    [
        ("Turn on the light", ["zh-TW", "en"], "en"),
        ("請打開電燈", ["en", "zh-CN", "zh-TW"], "zh-TW"),
        ("请打开电灯", ["en", "zh-TW", "zh-CN"], "zh-CN"),
        ("请打开电灯", ["en", "zh-TW"], "zh-TW"),
        ("你好", ["en", "zh-TW", "zh-CN"], "zh-TW"),
        ("你好", ["en", "zh-CN", "zh-TW"], "zh-CN"),
        ("今日は天気がいい", ["zh-TW", "ja", "en"], "ja"),
        ("Guten Tag", ["zh-TW", "de", "en"], "de"),
        ("Привет", ["en", "ru"], "ru"),
        ("Привет", ["en", "zh"], None),
        ("42", ["en", "zh"], None),
        ("Hello", [], None),
    ],
)
def test_the_language_is_detected_by_script(text: str, candidates: list[str], language: str | None) -> None:
    """Among candidates of the same script the earlier one is preferred."""
    assert detect_language(text, candidates) == language


@pytest.mark.parametrize(
    "text",
    [
        "台灣",
        "裡面",
        "台灣裡面的文件，程序很複雜。",
        "臺北市",
        "皇后大道後面的里長",
        "她叫張斌，我姓范，住在台中。",
        "乾淨的幹部吃餅乾",
        "Turn on the light at 21.5 °C.",
        "日本の国会、電車は速い",
        "",
        "😀",
    ],
)
def test_what_is_traditional_already_stays(text: str) -> None:
    """Neither 台 nor 裡 nor a document is touched; nor English, nor Japanese."""
    assert to_traditional(text) == text


@pytest.mark.parametrize(
    ("simplified", "traditional"),
    [
        ("有什么我可以幫助你的嗎？", "有什麼我可以幫助你的嗎？"),  # a model that mixes both
        ("请打开客厅的灯", "請開啟客廳的燈"),
        ("软件里面有台湾鼠标", "軟體裡面有台灣滑鼠"),
        ("头发和发现", "頭髮和發現"),
        ("台风来了", "颱風來了"),
        ("打开 Living Room 的灯, please", "開啟 Living Room 的燈, please"),
        ("這個文件，那个软件", "這個文件，那個軟體"),
        ("臺北的软件", "臺北的軟體"),
    ],
)
def test_simplified_becomes_what_taiwan_writes(simplified: str, traditional: str) -> None:
    """Characters by context and words by region, clause by clause."""
    assert to_traditional(simplified) == traditional


def test_the_words_may_stay_while_the_characters_change() -> None:
    """Without the phrases only the script is converted."""
    assert to_traditional("软件和鼠标", taiwan_phrases=False) == "軟件和鼠標"


@pytest.mark.parametrize(
    "text",
    [
        "头发干了，后来皇后在里面只喝了几杯干红",
        "明天早上七点叫我起床，台湾的天气如何？",
        "把客厅的温度调到二十六度，关掉厨房的灯",
        "系统计划放松一下，钟表方面有一只猫和面条",
    ],
)
def test_the_script_alone_is_what_the_larger_conversion_gives(text: str) -> None:
    """As OpenCC ships it, s2tw takes 16 MB more for the same."""
    opencc = pytest.importorskip("opencc")
    assert to_traditional(text, taiwan_phrases=False) == opencc.OpenCC("s2tw").convert(text).replace("臺", "台")


def test_the_lean_conversion_is_the_one_in_use() -> None:
    """Another layout of the package would quietly bring back the larger one, and the memory it takes."""
    pytest.importorskip("opencc")
    assert all(_without_segmentation(config) for config in ("s2tw", "s2twp"))


def test_conversion_is_safe_in_threads() -> None:
    """All threads get the right result, also while the dictionaries are being loaded."""
    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(to_traditional, ["软件里面有台湾鼠标"] * 200))
    assert results == {"軟體裡面有台灣滑鼠"}


def test_telling_characters_agree_with_opencc() -> None:
    """What counts as Simplified only is changed by the converter, what counts as Traditional only is not."""
    opencc = pytest.importorskip("opencc")
    convert = opencc.OpenCC("s2tw").convert
    han = [chr(code) for code in range(0x4E00, 0xA000)]
    simplified = [char for char in han if is_simplified_only(char)]
    traditional = [char for char in han if is_traditional_only(char)]
    assert len(simplified) > 1000
    assert len(traditional) > 1800
    assert [char for char in simplified if convert(char) == char] == []
    changed = [char for char in traditional if convert(char) != char]
    assert len(changed) < len(traditional) / 100


@pytest.mark.parametrize("large", ["torch", "numpy", "opencc", "num2words", "onnxruntime", "markdown_it"])
def test_importing_the_layer_loads_nothing_large(large: str) -> None:
    """The data plane stays small: what is large is loaded with the first text that needs it."""
    program = f"import sys, wyoming_servers.text; sys.exit({large!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0
