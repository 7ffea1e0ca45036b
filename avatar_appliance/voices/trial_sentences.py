"""What a new voice says first: plain words, no numbers, all sounds of the language that fit in one breath."""

from __future__ import annotations

from .cloners import bare

_SENTENCES = {
    "en": "Good evening, the kitchen light is on and the front door is closed.",
    "zh": "晚安，廚房的燈開著，大門已經關好了。",
    "de": "Guten Abend, das Licht in der Küche ist an, und die Haustür ist geschlossen.",
    "fr": "Bonsoir, la lumière de la cuisine est allumée et la porte est fermée.",
    "es": "Buenas noches, la luz de la cocina está encendida y la puerta está cerrada.",
    "it": "Buonasera, la luce della cucina è accesa e la porta è chiusa.",
    "pt": "Boa noite, a luz da cozinha está acesa e a porta está fechada.",
    "ja": "こんばんは。台所の電気がついていて、玄関のドアは閉まっています。",
}


def trial_sentence(language: str, transcript: str) -> str:
    """Return a sentence of `language`; where there is none, the words of the recording itself."""
    return _SENTENCES.get(bare(language), transcript)
