"""Markup is taken off the stream, words stay."""

from __future__ import annotations

import pytest

from wyoming_servers.text import MarkupStripper


def _strip(text: str) -> str:
    """Strip in one go and character by character; both must agree."""
    stripper = MarkupStripper(link_word="a link")
    at_once = stripper.feed(text) + stripper.flush()
    assert "".join(map(stripper.feed, text)) + stripper.flush() == at_once
    return at_once


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("**bold** and *italic* and __bold__ and _italic_", "bold and italic and bold and italic"),
        ("***both*** and ~~gone~~", "both and gone"),
        ("這是*重點*，**粗體**字", "這是重點，粗體字"),
        ("5 * 3 and 5*3 and a_b and 2 ** 3", "5 * 3 and 5*3 and a_b and 2 ** 3"),
        ("snake_case_name and __init__", "snake_case_name and init"),
        ("about ~5 or 10~20", "about ~5 or 10~20"),
        ("price* and more*", "price and more"),
        (r"\*not\* \_this\_ C:\new", r"*not* _this_ C:\new"),
        ("use `x_y` and ``a `b` c`` and `*args`", "use x_y and a b c and *args"),
        ("the `<b>` tag", "the <b> tag"),
        ("a lone ` tick\n**bold**", "a lone  tick\nbold"),
    ],
)
def test_emphasis_and_inline_code_lose_their_marks(markup: str, plain: str) -> None:
    """Signs that are spoken survive."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("# Title\ntext", "Title.\ntext"),
        ("###### Title?\ntext", "Title?\ntext"),
        ("#1 is not a title, #nor is this", "#1 is not a title, #nor is this"),
        ("####### seven", "####### seven"),
        ("- milk\n- eggs!\n* bread\n+ tea\n• cake", "milk.\neggs!\nbread.\ntea.\ncake."),
        ("- 牛奶\n- 蛋。\n", "牛奶。\n蛋。\n"),
        ("- **milk**\n- see [docs](http://x.y)", "milk.\nsee docs."),
        ("  - nested\n    1. deeper", "nested.\n1, deeper."),
        ("1. First\n2) Second\n10. Tenth", "1, First.\n2, Second.\n10, Tenth."),
        ("- [ ] open\n- [x] done\n- [link](http://x.y)", "open.\ndone.\nlink."),
        ("1.5 liters\n-5 degrees\n2026 was good", "1.5 liters\n-5 degrees\n2026 was good"),
        ("> quoted\n> > twice\n>= 5", "quoted\ntwice\n>= 5"),
        ("> # Title in a quote", "Title in a quote."),
        ("above\n---\n***\n- - -\n___\n===\nbelow", "above\n\n\n\n\n\nbelow"),
        ("-- dash", "-- dash"),
        ("– Yes\n— No\n–5", "Yes.\nNo.\n–5"),
    ],
)
def test_blocks_become_lines_with_a_pause(markup: str, plain: str) -> None:
    """Headings and list items end like sentences."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("| Room | Temp |\n|---|:--:|\n| Kitchen | 21 |\nafter", "Room, Temp.\nKitchen, 21.\nafter"),
        ("| 房間 | 溫度 |\n| --- | --- |\n| 客廳 | 21 |", "房間，溫度。\n客廳，21."),
        ("| a \\| b | **c** |", "a | b, c."),
        ("| | |\n|a|", "a."),
    ],
)
def test_tables_are_read_row_by_row(markup: str, plain: str) -> None:
    """Cells are separated by commas, rows by full stops; the ruler is dropped."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("a\n```python\nx = '`'\n```\nb", "a\n\nb"),
        ("a\n~~~\nx\n```\n~~~~\nb", "a\n\nb"),
        ("a\n````\n```\nx\n````\nb", "a\n\nb"),
        ("- item\n  ```sh\n  ls\n  ```\nb", "item.\n\nb"),
        ("a\n```\nnever closed", "a\n"),
        ("```inline``` code", "inline code"),
        ("```", ""),
    ],
)
def test_code_fences_are_dropped(markup: str, plain: str) -> None:
    """Nobody wants to hear source code."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("see [the docs](https://a.b/c_(d)) now", "see the docs now"),
        ('see [the **docs**](https://a.b "Title") now', "see the docs now"),
        ("![a cat](cat.png) sleeps", "a cat sleeps"),
        ("[![alt](src)](target) end", "alt end"),
        ("[text][ref] and [text] and [1] and a[0]", "text and [text] and [1] and a"),
        ("a fact[1][2], a note[^3] and [^4]", "a fact, a note and "),
        ("a fact【4†source】 and 【標題】", "a fact and 【標題】"),
        ("[https://a.io/b](https://a.io/b)", "a.io"),
        ("[open (bracket\nnext", "[open (bracket\nnext"),
        ("[a](b", "[a](b"),
        ("wow! [a", "wow! [a"),
        ("\\[no](link)", "[no](link)"),
    ],
)
def test_links_are_reduced_to_their_text(markup: str, plain: str) -> None:
    """Targets are never spoken."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("see https://www.example.com/a?b=1.", "see example.com."),
        ("(see http://example.com/a_(b))", "(see example.com)"),
        ("see www.example.com, please", "see example.com, please"),
        ("看https://example.com/a。好", "看example.com。好"),
        ("**https://example.com**", "example.com"),
        ("<https://example.com/x> <joe@example.com>", "example.com joe@example.com"),
        ("http://192.168.1.5:8123/x and http://localhost", "a link and a link"),
        ("https://user:pw@example.com:8123/", "example.com"),
        ("https://a." + "b" * 60 + ".com/", "a link"),
        ("http, https and www are words", "http, https and www are words"),
        ("ends with h", "ends with h"),
        ("xhttp://a.io", "xhttp://a.io"),
    ],
)
def test_bare_addresses_are_reduced_to_their_host(markup: str, plain: str) -> None:
    """A person reads out the name of the site, if it has one."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<b>bold</b> and <span class='x'>more</span>", "bold and more"),
        ("one<br/>two <p>three</p>", "one\ntwo \nthree\n"),
        ("a <!-- secret > --> b", "a  b"),
        ("a <script>if (a < b) x()</script> b <style>p{}</style>", "a  b "),
        ("<img src='x' alt='a cat'/> sleeps", "a cat sleeps"),
        ("這是<b>重點</b>，x<p and y>z", "這是重點，x<p and y>z"),
        ("wait <break time='1s'/>there", "wait , there"),
        ("a < b, x<y and y>z, <3, 5 <6> 7", "a < b, x<y and y>z, <3, 5 <6> 7"),
        ("<answer>yes</answer> <tool_call name='x'>no</tool_call>", "yes no"),
        ("Tom &amp; Jerry &lt;3 &#65;&nbsp;b AT&T &unknown; &", "Tom & Jerry <3 A\u00a0b AT&T &unknown; &"),
        ("done<|im_end|><|endoftext|>", "done"),
        ("<a href='" + "x" * 2000 + "'>", "<a href='" + "x" * 2000 + "'>"),
    ],
)
def test_tags_are_dropped_and_comparisons_stay(markup: str, plain: str) -> None:
    """A smaller-than sign is only a tag where it can be nothing else."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("<think>secret</think>Answer", "Answer"),
        ("<THINKING>\nsecret\n```\n</thinking>\nAnswer", "\nAnswer"),
        ("Before <think>secret</think> after", "Before  after"),
        ("<think>never closed <b>", ""),
        ("the opener was in the prompt</think>Answer", "the opener was in the promptAnswer"),
        ("[THINK]secret[/THINK]Answer", "Answer"),
        ("◁think▷secret◁/think▷Answer", "Answer"),
        ("<|channel|>analysis<|message|>secret<|end|><|start|>assistant<|channel|>final<|message|>Answer", "Answer"),
        ("the `<think>` tag of a model", "the <think> tag of a model"),
        ("<thinker> and <<think>x</think>", " and <"),
        ("<thin", "<thin"),
    ],
)
def test_reasoning_is_dropped(markup: str, plain: str) -> None:
    """Thoughts are not spoken, whichever way a model marks them."""
    assert _strip(markup) == plain


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("Great! 🎉🎉", "Great! "),
        ("👨\u200d👩\u200d👧\u200d👦 family", " family"),
        ("👋🏽 hi 🇹🇼 flag 🏴\U000e0067\U000e0062\U000e007f", " hi  flag "),
        ("1️⃣ one #️⃣ 2\u20e3", " one  "),
        ("❤️ ☀️ ✅ ⭐ ▶️ ↗ ©️ ‼️", "       "),
        ("cat🐱dog 好的👍我來", "cat dog 好的我來"),
        ("21 °C © 2025 ® ™ → ① ㎡ ○", "21 °C © 2025 ® ™ → ① ㎡ ○"),
        ("5 # * 1", "5 # * 1"),
        ("a\ufe0fb", "ab"),
        ("نمی\u200cخواهم क\u094d\u200dष", "نمی\u200cخواهم क\u094d\u200dष"),
    ],
)
def test_emoji_are_dropped_and_signs_stay(markup: str, plain: str) -> None:
    """Pictures go, whatever they are made of; joiners that letters need stay."""
    assert _strip(markup) == plain


def test_markup_across_chunks_is_recognised() -> None:
    """Each of these chunks cuts some markup in two."""
    stripper = MarkupStripper()
    chunks = [
        "<th",
        "ink>no</",
        "think>Turn *",
        "*on** the [li",
        "ght](htt",
        "p://x) at 21 ",
        "&de",
        "g;C 👨",
        "\u200d👩 no",
        "w",
    ]
    assert "".join(map(stripper.feed, chunks)) + stripper.flush() == "Turn on the light at 21 °C  now"


def test_plain_words_leave_at_once() -> None:
    """Nothing is held back without need: it would cost time before the first sound."""
    stripper = MarkupStripper()
    assert stripper.feed("The light is on, ") == "The light is on, "
    assert stripper.feed("and so is t") == "and so is t"


def test_flush_starts_anew() -> None:
    """An unclosed fence, bracket or thought does not reach into the next text."""
    stripper = MarkupStripper()
    for unclosed in ("```\ncode", "<think>hm", "[link", "<b", "`code", "https://x"):
        stripper.feed(unclosed)
        stripper.flush()
        assert stripper.feed("**Hello.** ") + stripper.flush() == "Hello. "
