"""Conversations by satellite, language and time, over the pages of the repository."""

from __future__ import annotations

from dataclasses import dataclass

from avatar_appliance.store import MAX_PAGE_ROWS, Conversation, ConversationRepository, Page
from avatar_appliance.store.page import checked_limit, write_cursor

_MAX_SCANNED = 10 * MAX_PAGE_ROWS  # what one request may cost, however rare a match is


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFilter:
    """Conversations that meet every condition given; `since` and `until` bound the last turn in epoch seconds.

    `language` also matches its regions (zh: zh-TW).
    """

    satellite_id: str | None = None
    language: str | None = None
    since: float | None = None
    until: float | None = None

    def matches(self, conversation: Conversation) -> bool:
        """Return whether the conversation meets the conditions."""
        return (
            (self.satellite_id is None or conversation.satellite_id == self.satellite_id)
            and (self.language is None or _is_of(conversation.language, self.language))
            and (self.since is None or conversation.last_turn_at >= self.since)
            and (self.until is None or conversation.last_turn_at < self.until)
        )


async def find_conversations(
    conversations: ConversationRepository, wanted: ConversationFilter, *, limit: int, cursor: str | None
) -> Page[Conversation]:
    """Return a page of matching conversations, the one spoken in last first; raises BadRequest.

    A page may have fewer than `limit`, even none, and still a next one: so a rare match costs several short
    requests instead of a long one.
    """
    checked_limit(limit)
    found: list[Conversation] = []
    for _ in range(_MAX_SCANNED // MAX_PAGE_ROWS):
        page = await conversations.list(limit=MAX_PAGE_ROWS, cursor=cursor)
        for conversation in page.items:
            if wanted.since is not None and conversation.last_turn_at < wanted.since:
                return Page(tuple(found))  # the rest is older still
            if wanted.matches(conversation):
                if len(found) == limit:
                    return Page(tuple(found), write_cursor(found[-1].last_turn_at, found[-1].id))
                found.append(conversation)
        cursor = page.next_cursor
        if cursor is None:
            break
    return Page(tuple(found), cursor)


def _is_of(language: str | None, wanted: str) -> bool:
    tag, wish = (language or "").lower(), wanted.lower()
    return tag == wish or tag.startswith(f"{wish}-")
