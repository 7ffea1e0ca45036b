"""The cache is bounded by bytes and entries, and keeps what is used."""

from __future__ import annotations

from wyoming_servers.tts.speech_cache import MOST_CHARS, MOST_ENTRIES, PieceKey, SpeechCache


def key(text: str) -> PieceKey:
    return PieceKey(text, ("piper", "joe", None))


def test_the_longest_unused_goes_first() -> None:
    cache = SpeechCache(800)
    for number in range(8):
        cache.put(key(f"{number}"), bytes(100))
    assert cache.get(key("0")) is not None
    cache.put(key("new"), bytes(100))
    assert key("0") in cache
    assert key("1") not in cache
    assert (cache.figures.entries, cache.figures.size_bytes) == (8, 800)


def test_one_entry_never_takes_it_all_and_long_texts_are_not_kept() -> None:
    cache = SpeechCache(800)
    cache.put(key("large"), bytes(101))
    cache.put(key("x" * (MOST_CHARS + 1)), bytes(10))
    cache.put(key("nothing"), b"")
    assert cache.figures.entries == 0
    assert cache.get(key("x" * (MOST_CHARS + 1))) is None
    assert cache.figures.misses == 0, "what can never be kept is no miss"


def test_the_number_of_entries_is_bounded_and_a_replaced_one_counts_once() -> None:
    cache = SpeechCache(2**20)
    for number in range(MOST_ENTRIES + 10):
        cache.put(key(f"{number}"), bytes(2))
        cache.put(key(f"{number}"), bytes(2))
    assert (cache.figures.entries, cache.figures.size_bytes) == (MOST_ENTRIES, 2 * MOST_ENTRIES)
    cache.clear()
    assert (cache.figures.entries, cache.figures.size_bytes) == (0, 0)


def test_without_memory_nothing_is_kept_or_counted() -> None:
    cache = SpeechCache(0)
    cache.put(key("a"), bytes(2))
    assert cache.get(key("a")) is None
    assert (cache.figures.misses, cache.figures.entries) == (0, 0)
