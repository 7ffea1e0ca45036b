"""What is said about the assistant's memory, in the asker's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from avatar_appliance.facts import Fact

from .prompt_texts import language_key

# Nobody listens to more in one go; the command line and the panel show all.
MOST_SPOKEN: Final = 5

_SENTENCES: Final = {
    "en": {
        "remembered": "I will remember that.",
        "forgotten-one": "I have forgotten it: {facts}.",
        "forgotten-some": "I have forgotten these {count} things: {facts}.",
        "forgotten-all": "I have forgotten everything you told me about yourself.",
        "nothing-known": "I have kept nothing about you.",
        "nothing-about": "I have kept nothing about that.",
        "nothing-here": "There is nothing from this conversation that I kept. Tell me what to forget.",
        "known": "You told me: {facts}.",
        "known-more": "You told me {count} things. The latest are: {facts}.",
        "unknown-speaker": "I do not know who is speaking, so I keep nothing about you.",
        "switched-off": "My memory is switched off, so I keep nothing and use nothing I kept.",
        "memory-away": "I cannot reach my memory right now, so I did not do that. Please try again in a moment.",
        "quote": "“{text}”",
        "comma": "; ",
    },
    "zh": {
        "remembered": "好，我記住了。",
        "forgotten-one": "我已經忘記了：{facts}。",
        "forgotten-some": "這{count}件事我都忘記了：{facts}。",
        "forgotten-all": "你跟我說過的關於你的事，我全都忘記了。",
        "nothing-known": "我沒有記下任何關於你的事。",
        "nothing-about": "關於這個，我什麼都沒有記下。",
        "nothing-here": "這次對話裡我沒有記下什麼。請告訴我要忘記哪件事。",
        "known": "你跟我說過：{facts}。",
        "known-more": "你跟我說過{count}件事，最近的是：{facts}。",
        "unknown-speaker": "我聽不出是誰在說話，所以不會記下關於你的事。",
        "switched-off": "我的記憶功能關掉了，所以什麼都不會記，也不會用之前記下的事。",
        "memory-away": "我現在連不上記憶，所以沒有做到。請稍後再試一次。",
        "quote": "「{text}」",
        "comma": "、",
    },
}


def memory_words(key: str, language: str) -> str:
    """Return a sentence without anything to fill in."""
    return _SENTENCES[language_key(language)][key]


def about_facts(key: str, language: str, facts: Sequence[Fact]) -> str:
    """Return a sentence that quotes facts in the words they were told in; MOST_SPOKEN of them."""
    words = _SENTENCES[language_key(language)]
    quotes = words["comma"].join(words["quote"].format(text=fact.text.rstrip(".。")) for fact in facts[:MOST_SPOKEN])
    return words[key].format(count=len(facts), facts=quotes)
