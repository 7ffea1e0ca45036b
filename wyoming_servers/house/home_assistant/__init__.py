"""Home Assistant as the house: its registries and states, its tools, its intents."""
