"""A service that cannot be announced is refused where it is described."""

from __future__ import annotations

import pytest

from avatar_appliance.discovery import AnnouncementInvalid, ServiceAnnouncement


def test_a_plain_service_is_accepted() -> None:
    service = ServiceAnnouncement("asr", 10300, "林家", {"model": "whisper-base"})
    assert (service.role, service.port, service.title) == ("asr", 10300, "林家")


@pytest.mark.parametrize("role", ["", "ASR", "asr.tts", "語音", "a" * 21, "1asr"])
def test_a_role_is_a_short_lower_case_word(role: str) -> None:
    with pytest.raises(AnnouncementInvalid, match="role"):
        ServiceAnnouncement(role, 10300, "House")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_a_tcp_port(port: int) -> None:
    with pytest.raises(AnnouncementInvalid, match="port"):
        ServiceAnnouncement("asr", port, "House")


@pytest.mark.parametrize("properties", [{"a=b": "c"}, {"": "c"}, {"鍵": "c"}, {"key": "語" * 90}])
def test_a_txt_property_that_dns_sd_has_no_room_for_is_refused(properties: dict[str, str]) -> None:
    with pytest.raises(AnnouncementInvalid, match="TXT"):
        ServiceAnnouncement("asr", 10300, "House", properties)


def test_txt_stays_small() -> None:
    with pytest.raises(AnnouncementInvalid, match="400"):
        ServiceAnnouncement("asr", 10300, "House", {f"key{n}": "x" * 90 for n in range(5)})
