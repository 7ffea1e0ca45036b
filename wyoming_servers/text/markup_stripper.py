"""From what a language model writes to what a person would say: everything that is not words is taken off."""

from __future__ import annotations

from wyoming_servers.text.bare_urls import BareUrls
from wyoming_servers.text.emoji import EmojiFilter
from wyoming_servers.text.html_tags import HtmlTags
from wyoming_servers.text.markdown_blocks import MarkdownBlocks
from wyoming_servers.text.markdown_emphasis import MarkdownEmphasis
from wyoming_servers.text.markdown_links import MarkdownLinks
from wyoming_servers.text.reasoning import ReasoningFilter
from wyoming_servers.text.stream_filter import FilterChain


class MarkupStripper:
    """Remove reasoning, markdown, tags, web addresses and emoji from a stream of text.

    `feed` returns what is decided so far, `flush` the rest; the result does not depend on how the text was cut into
    chunks. Lines stay lines: list items, headings and table rows get a full stop if they have none.
    """

    def __init__(self, *, link_word: str = "") -> None:
        """Say `link_word` for web addresses whose host has no name a person could say."""
        self._filters = FilterChain(
            (
                ReasoningFilter(),
                MarkdownBlocks(),
                HtmlTags(),
                MarkdownLinks(),
                BareUrls(link_word),
                MarkdownEmphasis(),
                EmojiFilter(),
            )
        )

    def feed(self, text: str) -> str:
        """Take a chunk and return the plain text that is certain by now."""
        return self._filters.feed(text)

    def flush(self) -> str:
        """Return what was held back and start anew."""
        return self._filters.flush()
