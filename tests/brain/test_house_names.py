"""The recogniser is told the names of the house, those of the speaker's room first."""

from __future__ import annotations

from house_harness import FakeHomeAssistant
from house_harness.house_state import HOUSE_FILE
from wire_harness.engines import WatchedAsr
from wire_harness.house import House
from wire_harness.listening import hear
from wire_harness.waiting import until
from wyoming.asr import Transcribe

from avatar_appliance.config.home_assistant import HomeAssistantSettings
from wyoming_servers.asr.house_names import following

SECOND = bytes(32_000)
UNGATED = {"gate": False, "endpointing": "client"}


async def test_the_names_of_the_room_come_first_and_the_clients_before_them(planes: House) -> None:
    engine = WatchedAsr()
    await planes.asr_worker("whisper", engine)
    async with following(HomeAssistantSettings(household=HOUSE_FILE), 20) as names:
        server = await planes.asr(settings=UNGATED, names=names)
        wish = Transcribe(transcript_names=["Zoë"], context={"device_id": "device-bedroom"})
        await hear(server.uri, SECOND, wish=wish)
    told = engine.options[0].names
    assert told[:3] == ("Zoë", "Bedroom", "臥室")
    assert "Bedside lamp" in told
    assert len(told) == 21


async def test_what_is_renamed_in_home_assistant_is_expected_from_then_on(
    planes: House, home_assistant: FakeHomeAssistant
) -> None:
    engine = WatchedAsr()
    await planes.asr_worker("whisper", engine)
    settings = HomeAssistantSettings(url=f"http://127.0.0.1:{home_assistant.port}", token="good-token")  # type: ignore[arg-type]
    async with following(settings, 400) as names:
        server = await planes.asr(settings=UNGATED, names=names)
        await until(lambda: names.for_request(None))
        await hear(server.uri, SECOND)
    assert {"Kitchen lamp", "廚房燈", "Living Room"} <= set(engine.options[0].names)


async def test_a_home_assistant_that_is_away_holds_nothing_up(planes: House) -> None:
    engine = WatchedAsr()
    await planes.asr_worker("whisper", engine)
    settings = HomeAssistantSettings(url="http://127.0.0.1:9", token="good-token")  # type: ignore[arg-type]
    async with following(settings, 400) as names:
        server = await planes.asr(settings=UNGATED, names=names)
        await hear(server.uri, SECOND)
    assert engine.options[0].names == ()


async def test_without_a_house_nothing_is_told(planes: House) -> None:
    async with following(HomeAssistantSettings(), 60) as names:
        assert names.for_request({"device_id": "x"}) == ()
