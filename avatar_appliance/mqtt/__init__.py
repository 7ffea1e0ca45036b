"""The MQTT bridge: state and events for automations, commands from them, and discovery by Home Assistant."""
